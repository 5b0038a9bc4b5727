//! What is a secret by its letters: nobody would have thought of it.

/// Shortest that is taken for a secret by its letters alone.
const LEAST_RANDOM: usize = 20;

/// Whether nobody would have thought of such a word: long, of letters and digits that change all the time. A UUID is a name.
pub fn is_random(word: &str) -> bool {
    let letters: Vec<u8> = word.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let is_uuid = word.len() == 36 && word.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    if letters.len() < LEAST_RANDOM || is_uuid {
        return false;
    }
    let class = |byte: u8| (byte.is_ascii_digit(), byte.is_ascii_uppercase());
    let changes = letters.windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count();
    letters.iter().any(u8::is_ascii_digit) && letters.iter().any(u8::is_ascii_alphabetic) && changes * 4 >= letters.len()
}

/// A value with `mark` in the place of each random word in it. What says itself that it is a digest is none.
pub fn random_words(text: &str, mark: &mut impl FnMut(&str) -> String) -> String {
    let is_of_word = |character: char| character.is_ascii_alphanumeric() || "+/=_-".contains(character);
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find(is_of_word) {
        let (before, after) = rest.split_at(start);
        let word = &after[..after.find(|character| !is_of_word(character)).unwrap_or(after.len())];
        done.push_str(before);
        let is_digest = ["sha256:", "sha512:", "sha1:", "md5:"].iter().any(|name| done.ends_with(name));
        let is_path = word.starts_with('/') || done.ends_with(['.', '@']);
        let segments = || word.split(['/', '-', '_', '+', '=']);
        let is_key = !is_digest && (segments().any(is_random) || (!is_path && !word.contains("//") && is_random(word) && is_mixed(word)));
        done += &if is_key { mark(word) } else { word.to_owned() };
        rest = &after[word.len()..];
    }
    done + rest
}

/// Small and large letters: no name of an object has both.
pub(super) fn is_mixed(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_uppercase()) && word.bytes().any(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("q9W8e7R6t5Y4u3I2o1P0", true)]
    #[case("5f4dcc3b5aa765d61d8327deb882cf99", true)]
    #[case("KafkaConsumerConfiguration2", false)]
    #[case("123e4567-e89b-12d3-a456-426614174000", false)]
    #[case("ip-10-0-0-1.eu-west-1.compute.internal", false)]
    #[case("2026-11-23T02:00:00.000Z", false)]
    #[case("12345678901234567890123", false)]
    fn a_word_that_nobody_thought_of_is_random(#[case] word: &str, #[case] is: bool) {
        assert_eq!(is_random(word), is);
    }
}
