//! Alertmanager's regular expressions: Go's, rewritten for the engine that stands in for it.
//!
//! Go takes a brace that counts nothing, `[` within a class and `\Q…\E` as the characters they are, and refuses repetitions of
//! repetitions, back references and looking around.

use regex::bytes::Regex;

/// Compiles an expression that has to fit a whole value.
pub fn compile(expression: &str) -> Option<Regex> {
    let alone = rewrite(expression)?;
    Regex::new(&alone).ok()?;
    Regex::new(&format!("^(?:{alone})$")).ok()
}

fn rewrite(expression: &str) -> Option<String> {
    let text: Vec<char> = expression.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    let mut in_class = false;
    let mut is_repetition = false;
    while let Some(&character) = text.get(at) {
        let was_repetition = std::mem::take(&mut is_repetition);
        let next = text.get(at + 1).copied();
        match character {
            '\\' => at = escape(&text, at, in_class, &mut out)?,
            '[' if in_class && next == Some(':') => {
                let end = (at..text.len()).find(|&end| text[end] == ':' && end > at + 1 && text.get(end + 1) == Some(&']'))?;
                out.extend(&text[at..end + 2]);
                at = end + 2;
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
                at += 1;
            }
            '-' if in_class => {
                // A range keeps its sign; doubled it would mean a difference.
                out.push_str(if next == Some('-') || out.ends_with('-') { r"\-" } else { "-" });
                at += 1;
            }
            sign if in_class => {
                push(&mut out, sign);
                at += 1;
            }
            '[' => {
                in_class = true;
                out.push('[');
                at += 1;
                if text.get(at) == Some(&'^') {
                    out.push('^');
                    at += 1;
                }
                if text.get(at) == Some(&']') {
                    out.push_str(r"\]");
                    at += 1;
                }
            }
            '{' => {
                if let Some(end) = counted(&text, at) {
                    out.extend(&text[at..end]);
                    (at, is_repetition) = lazily(&text, end, was_repetition, &mut out)?;
                } else {
                    out.push_str(r"\{");
                    at += 1;
                }
            }
            '*' | '+' | '?' => {
                out.push(character);
                (at, is_repetition) = lazily(&text, at + 1, was_repetition, &mut out)?;
            }
            '(' if next == Some('?') => at = group(&text, at, &mut out)?,
            '(' | ')' | '|' | '^' | '$' | '.' => {
                out.push(character);
                at += 1;
            }
            plain => {
                push(&mut out, plain);
                at += 1;
            }
        }
    }
    (!in_class).then_some(out)
}

fn push(out: &mut String, character: char) {
    if character.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(character);
}

/// After a repetition: whether it may stand there, and its question mark.
fn lazily(text: &[char], at: usize, was_repetition: bool, out: &mut String) -> Option<(usize, bool)> {
    if was_repetition {
        return None;
    }
    if text.get(at) == Some(&'?') {
        out.push('?');
        return Some((at + 1, true));
    }
    Some((at, true))
}

/// Where `{n}`, `{n,}` or `{n,m}` ends.
fn counted(text: &[char], at: usize) -> Option<usize> {
    let end = (at..text.len()).find(|&end| text[end] == '}')?;
    let inner: String = text[at + 1..end].iter().collect();
    let is_number = |part: &str| part.parse::<u32>().is_ok_and(|number| number.to_string() == part);
    let (least, most) = inner.split_once(',').unwrap_or((&inner, &inner));
    (is_number(least) && (most.is_empty() || is_number(most))).then_some(end + 1)
}

/// A group with a question mark: flags, or a name, which is left out.
fn group(text: &[char], at: usize, out: &mut String) -> Option<usize> {
    let rest: String = text[at..].iter().collect();
    let named = rest.strip_prefix("(?P<").or_else(|| rest.strip_prefix("(?<"));
    if let Some(named) = named {
        let (name, after) = named.split_once('>')?;
        let is_name = !name.is_empty() && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
        out.push('(');
        return is_name.then(|| text.len() - after.chars().count());
    }
    let end = rest.find([':', ')'])?;
    let flags = &rest[2..end];
    if !flags.chars().all(|flag| "imsU-".contains(flag)) {
        return None;
    }
    if !flags.is_empty() || rest[end..].starts_with(':') {
        out.push_str(&rest[..=end]);
    }
    Some(at + end + 1)
}

fn escape(text: &[char], at: usize, in_class: bool, out: &mut String) -> Option<usize> {
    let escaped = *text.get(at + 1)?;
    match escaped {
        'Q' if !in_class => {
            let end = (at + 2..text.len()).find(|&end| text[end] == '\\' && text.get(end + 1) == Some(&'E'));
            text[at + 2..end.unwrap_or(text.len())].iter().for_each(|character| push(out, *character));
            return Some(end.map_or(text.len(), |end| end + 2));
        }
        'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
            let name = match escaped.to_ascii_lowercase() {
                'd' => "[:digit:]",
                's' => r"\t\n\x0c\r\x20",
                _ => "[:word:]",
            };
            out.push_str(if escaped.is_ascii_uppercase() { "[^" } else { "[" });
            out.push_str(name);
            out.push(']');
        }
        'b' | 'B' if !in_class => {
            out.push_str(r"(?-u:\");
            out.extend([escaped, ')']);
        }
        'A' | 'z' if !in_class => out.extend(['\\', escaped]),
        'x' | 'p' | 'P' | 'a' | 'f' | 'n' | 'r' | 't' | 'v' => {
            out.extend(['\\', escaped]);
            // What belongs to it stands as it is.
            if text.get(at + 2) == Some(&'{') {
                let end = (at..text.len()).find(|&end| text[end] == '}')?;
                out.extend(&text[at + 2..=end]);
                return Some(end + 1);
            }
        }
        sign if sign.is_ascii_punctuation() => out.extend(['\\', sign]),
        ' ' => out.push(' '),
        _ => return None,
    }
    Some(at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_taken_and_refused_as_go_does() {
        for (expression, accepted, refused) in [
            ("/v1/users/{id}/.*", "/v1/users/{id}/x", "/v1/users/7/x"),
            (r"\Q/v1/{x}\E.*", "/v1/{x}/y", "/v1/x"),
            ("[[]::1[]]:9100", "[::1]:9100", "::1:9100"),
            ("node_(a|b){", "node_a{", "node_a"),
            ("api-{{ .svc }}", "api-{{ .svc }}", "api"),
            (r"[\d-]+", "1-2", "a"),
            (r"\d+\.\d+", "1.2", "1x2"),
            ("(?P<a>x)(?i)y", "xY", "X"),
            ("a{2}", "aa", "a"),
            ("", "", "x"),
        ] {
            let regex = compile(expression).unwrap_or_else(|| panic!("{expression}"));
            assert!(regex.is_match(accepted.as_bytes()) && !regex.is_match(refused.as_bytes()), "{expression}");
        }
        for refused in ["(", "a**", "[a", r"\1", "(?=a)", "*", r"a\", "a{2}{3}", "a)|(?:b"] {
            assert!(compile(refused).is_none(), "{refused}");
        }
    }
}
