//! The natural order of names: `db-2` before `db-10`.

use std::cmp::Ordering;

/// Compares names as people count: a run of digits stands in the order of its number, of whatever length, and all else in
/// that of its bytes. Names of equal numbers, `node-1` and `node-01`, stand in the order of their bytes, so that only what
/// is equal compares so.
pub fn compare(one: &str, other: &str) -> Ordering {
    by_numbers(one.as_bytes(), other.as_bytes()).then_with(|| one.cmp(other))
}

fn by_numbers(mut one: &[u8], mut other: &[u8]) -> Ordering {
    loop {
        // One that ends is the beginning of the other, and of its numbers.
        let Some(differs) = difference(one, other) else { return one.len().cmp(&other.len()) };
        let (digits, other_digits) = (digits(&one[differs..]), digits(&other[differs..]));
        // Numbers of equal length stand in the order of their bytes, and so does what is no number: that is nearly always so.
        if digits == other_digits {
            return one[differs].cmp(&other[differs]);
        }
        let in_common = one[..differs].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, other_digits) = (in_common + digits, in_common + other_digits);
        if digits == 0 || other_digits == 0 {
            return one[differs].cmp(&other[differs]);
        }
        (one, other) = (&one[differs - in_common..], &other[differs - in_common..]);
        let numbers = number(&one[..digits], &other[..other_digits]);
        if numbers.is_ne() {
            return numbers;
        }
        (one, other) = (&one[digits..], &other[other_digits..]);
    }
}

/// Where they first differ, as far as both go: eight bytes at once, since names have long beginnings in common.
fn difference(one: &[u8], other: &[u8]) -> Option<usize> {
    let (words, other_words) = (one.as_chunks::<8>().0, other.as_chunks::<8>().0);
    let pairs = words.iter().zip(other_words).map(|(one, other)| u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other));
    for (word, differing) in pairs.enumerate() {
        if differing != 0 {
            return Some(word * 8 + differing.trailing_zeros() as usize / 8);
        }
    }
    let passed = words.len().min(other_words.len()) * 8;
    one[passed..].iter().zip(&other[passed..]).position(|(one, other)| one != other).map(|at| passed + at)
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn number(one: &[u8], other: &[u8]) -> Ordering {
    let zeros = |digits: &[u8]| digits.iter().take_while(|digit| **digit == b'0').count();
    let (one, other) = (&one[zeros(one)..], &other[zeros(other)..]);
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(names: &[&str]) -> Vec<String> {
        let mut names: Vec<String> = names.iter().map(ToString::to_string).collect();
        names.sort_by(|one, other| compare(one, other));
        names
    }

    #[test]
    fn numbers_within_names_count() {
        assert_eq!(sorted(&["node-10", "node-2", "node-1", "node"]), ["node", "node-1", "node-2", "node-10"]);
        assert_eq!(sorted(&["10.0.0.9", "9.1.1.1", "10.0.0.10"]), ["9.1.1.1", "10.0.0.9", "10.0.0.10"]);
        assert_eq!(sorted(&["a-2-x", "a-02-b", "a-2-b", "a-10"]), ["a-02-b", "a-2-b", "a-2-x", "a-10"]);
        assert_eq!(sorted(&["n100000000000000000000000", "n99999999999999999999999"]), ["n99999999999999999999999", "n100000000000000000000000"]);
    }

    #[test]
    fn all_else_stands_in_the_order_of_its_bytes() {
        assert_eq!(sorted(&["b", "a", "a-", "a1", "A", "ä"]), ["A", "a", "a-", "a1", "b", "ä"]);
    }

    /// Short alphabet, so that runs of digits meet each other.
    fn name() -> impl Strategy<Value = String> {
        "[-a019]{0,6}"
    }

    proptest! {
        #[test]
        fn it_is_a_total_order(a in name(), b in name(), c in name()) {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            prop_assert_eq!(compare(&a, &b).is_eq(), a == b);
            if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
                prop_assert!(compare(&a, &c).is_le(), "{} {} {}", a, b, c);
            }
        }

        #[test]
        fn numbers_stand_in_their_order(one in any::<u64>(), other in any::<u64>(), after in name()) {
            prop_assume!(one != other && !after.starts_with(|first: char| first.is_ascii_digit()));
            prop_assert_eq!(compare(&format!("db-{one}{after}"), &format!("db-{other}{after}")), one.cmp(&other));
        }

        #[test]
        fn a_beginning_in_common_changes_nothing(before in "[a-z-]{0,20}", one in name(), other in name()) {
            prop_assert_eq!(compare(&format!("{before}{one}"), &format!("{before}{other}")), compare(&one, &other));
        }
    }
}
