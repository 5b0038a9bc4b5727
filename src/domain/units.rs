//! How numbers and durations are written, the same everywhere.

use std::{borrow::Cow, fmt::Display, time::Duration};

use super::kpi::Unit;

/// From here on a number is written as `1.8e19`: no tile or sentence has room for its digits.
const TOO_LONG: f64 = 1e12;

/// Groups thousands: `4210` is `4,210`.
pub fn thousands(number: u64) -> String {
    if number as f64 >= TOO_LONG {
        return format!("{:.1e}", number as f64);
    }
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The word for so many: `restart` of one, else `restarts`.
pub fn plural(number: u64, one: &str) -> Cow<'_, str> {
    if number == 1 { Cow::Borrowed(one) } else { Cow::Owned(format!("{one}s")) }
}

/// What so many do: of one `runs`, `takes`, `is`; else `run`, `take`, `are`, which is how it is asked for.
pub fn verb(number: u64, many: &str) -> Cow<'_, str> {
    match (number, many) {
        (1, "are") => Cow::Borrowed("is"),
        (1, _) => Cow::Owned(format!("{many}s")),
        _ => Cow::Borrowed(many),
    }
}

/// So many of something: `1 restart`, `0 restarts`, `4,210 restarts`.
pub fn counted(number: u64, one: &str) -> String {
    format!("{} {}", thousands(number), plural(number, one))
}

/// `a, b`, and of more than `shown` the first and how many others there are: `a, b and 3 more`.
pub fn first_few(names: impl IntoIterator<Item = impl Display>, shown: usize) -> String {
    let mut names = names.into_iter();
    let first: Vec<String> = names.by_ref().take(shown).map(|name| name.to_string()).collect();
    let more = names.count();
    let more = if more > 0 { format!(" and {} more", thousands(more as u64)) } else { String::new() };
    first.join(", ") + &more
}

/// A number of which nothing is known: three digits that matter, or all of a large one: `0.162`, `96`, `1,204`.
pub fn number(number: f64) -> String {
    let size = number.abs();
    if !number.is_finite() || size >= TOO_LONG || size > 0.0 && size < 1e-3 {
        return if number.is_finite() { format!("{number:.2e}") } else { number.to_string() };
    }
    let places = match size {
        1_000.0.. => return count(number),
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    let text = format!("{number:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A value with its unit and the one precision of that unit: `11.8 %`, `2.84 s`, `4,210`, `38/s`.
pub fn value(number: f64, unit: Unit) -> String {
    match unit {
        Unit::Ratio => format!("{} %", decimals(number * 100.0, 1)),
        Unit::Seconds => format!("{} s", decimals(number, 2)),
        Unit::Count => count(number),
        Unit::PerSecond => format!("{}/s", count(number)),
        Unit::Bytes => bytes(number),
    }
}

/// Of a number that is no measurement of what it is meant to be, as the server wrote it: `cannot be: -1`.
pub fn cannot_be(number: f64) -> String {
    if number.abs() >= TOO_LONG { format!("cannot be: {number:.1e}") } else { format!("cannot be: {}", (number * 1e3).round() / 1e3) }
}

/// What became of a value, the unit said once: `11.9 → 5.9 %`, `1,635 → 12,161`, `2.84 s → no data`.
pub fn change(before: Option<f64>, after: Option<f64>, unit: Unit) -> String {
    let written = |number: Option<f64>| number.filter(|number| number.is_finite()).map_or_else(|| "no data".to_owned(), |number| value(number, unit));
    let (before, after) = (written(before), written(after));
    let common = match unit {
        Unit::Ratio => " %",
        Unit::Seconds => " s",
        Unit::PerSecond => "/s",
        Unit::Count | Unit::Bytes => "",
    };
    let bare = before.strip_suffix(common).filter(|_| after.ends_with(common)).unwrap_or(&before);
    format!("{bare} → {after}")
}

/// A threshold, without needless decimals: `5 %`, `2 s`, `1,000`.
pub fn threshold(number: f64, unit: Unit) -> String {
    let trim = |number: f64| {
        let text = decimals(number, 2);
        if text.contains('e') { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
    };
    match unit {
        Unit::Ratio => format!("{} %", trim(number * 100.0)),
        Unit::Seconds => format!("{} s", trim(number)),
        _ => value(number, unit),
    }
}

/// Age as kubectl writes it, coarse so that a table does not change every second: `41s`, `12m`, `3h`, `5d`.
pub fn age(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..=59 => format!("{}s", seconds / 10 * 10),
        60..=5_999 => format!("{}m", seconds / 60),
        6_000..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// The same in words: `40 s`, `12 min`, `3 h`, `5 d`.
pub fn age_in_words(duration: Duration) -> String {
    let short = age(duration);
    let (number, unit) = short.split_at(short.len().saturating_sub(1));
    format!("{number} {}", if unit == "m" { "min" } else { unit })
}

/// The same, to the minute within the first day: `98m`, `1h38m`, `2d`.
pub fn age_to_the_minute(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 6_000..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => age(duration),
    }
}

/// Time until [`age`] reads differently: when a screen that shows it has to be drawn again.
pub fn age_holds(duration: Duration) -> Duration {
    let grain = Duration::from_secs(match duration.as_secs() {
        0..=59 => 10,
        60..=5_999 => 60,
        6_000..=172_799 => 3_600,
        _ => 86_400,
    });
    let steps = duration.as_nanos() / grain.as_nanos() + 1;
    let next = grain.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX));
    // Between 60 and 100 minutes the unit changes at 6,000 s, which is a whole number of minutes: no step is missed.
    next.saturating_sub(duration).max(Duration::from_millis(1))
}

/// A length of time in a sentence: `40 s`, `2 min`, `3 h`, `2 d`.
pub fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..=89 => format!("{seconds} s"),
        90..=5_399 => format!("{} min", (seconds + 30) / 60),
        5_400..=172_799 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A limit as it was set, not rounded to whole seconds: `10 s`, `1.5 s`, `250 ms`; `less than 1 ms`.
pub fn limit(duration: Duration) -> String {
    match (duration.as_secs(), duration.subsec_millis()) {
        (0, 0) => "less than 1 ms".to_owned(),
        (0, millis) => format!("{millis} ms"),
        (seconds, 0) => format!("{seconds} s"),
        (seconds, millis) => format!("{} s", format!("{seconds}.{millis:03}").trim_end_matches('0')),
    }
}

/// A running countdown or stop-watch: `06:48`, `1:02:03`.
pub fn countdown(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds >= 3_600 {
        format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
    } else {
        format!("{:02}:{:02}", seconds / 60, seconds % 60)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, finite and not negative here")]
fn count(number: f64) -> String {
    let sign = if number < 0.0 { "-" } else { "" };
    let size = number.abs();
    if !size.is_finite() {
        return "no data".to_owned();
    }
    if size >= TOO_LONG {
        return decimals(number, 0);
    }
    if size > 0.0 && size < 10.0 && size.fract() != 0.0 {
        return format!("{sign}{size:.1}");
    }
    format!("{sign}{}", thousands(size.round() as u64))
}

fn bytes(number: f64) -> String {
    let mut size = number;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if size.abs() < 1024.0 {
            return format!("{size:.1} {unit}");
        }
        size /= 1024.0;
    }
    format!("{} TiB", decimals(size, 1))
}

fn decimals(number: f64, places: usize) -> String {
    if number.abs() >= TOO_LONG { format!("{number:.1e}") } else { format!("{number:.places$}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_without_a_unit_has_the_digits_that_matter() {
        let written = [96.0, 0.161_967_366, 1_204.4, -3.25, 0.0, 12.0, 123.4, 1e-9, 2.5e19, f64::NAN].map(number);
        assert_eq!(written, ["96", "0.162", "1,204", "-3.25", "0", "12", "123", "1.00e-9", "2.50e19", "NaN"]);
    }

    #[test]
    fn a_limit_below_a_second_is_not_none() {
        let millis = [0, 1, 250, 1_000, 1_500, 10_000, 60_020].map(|millis| limit(Duration::from_millis(millis)));
        assert_eq!(millis, ["less than 1 ms", "1 ms", "250 ms", "1 s", "1.5 s", "10 s", "60.02 s"]);
    }

    #[test]
    fn what_cannot_be_is_written_bare_and_short() {
        assert_eq!([-1.0, -0.25, -12.345_678].map(cannot_be), ["cannot be: -1", "cannot be: -0.25", "cannot be: -12.346"]);
        assert_eq!(cannot_be(-1e300), "cannot be: -1.0e300");
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2, 4_210].map(|count| counted(count, "more line")), ["0 more lines", "1 more line", "2 more lines", "4,210 more lines"]);
        assert_eq!([0, 1, 2].map(|count| [verb(count, "take"), verb(count, "are")]), [["take", "are"], ["takes", "is"], ["take", "are"]]);
    }

    #[test]
    fn speaks_of_time() {
        assert_eq!(spoken(Duration::from_secs(89)), "89 s");
        assert_eq!(spoken(Duration::from_mins(2)), "2 min");
        assert_eq!(spoken(Duration::from_hours(3)), "3 h");
    }

    #[test]
    fn an_age_to_the_minute_has_no_jump_at_100_minutes() {
        let written = |minutes| age_to_the_minute(Duration::from_mins(minutes));
        assert_eq!([99, 100, 101, 185, 1_439, 1_440].map(written), ["99m", "1h40m", "1h41m", "3h05m", "23h59m", "24h"]);
    }

    #[test]
    fn of_many_names_the_first_are_said_and_the_rest_counted() {
        assert_eq!([0, 1, 2, 3].map(|count| first_few(["a", "b", "c"].into_iter().take(count), 2)), ["", "a", "a, b", "a, b and 1 more"]);
        assert_eq!(first_few(0..5_002, 2), "0, 1 and 5,000 more");
    }

    #[test]
    fn a_change_says_its_unit_once() {
        assert_eq!(change(Some(0.119), Some(0.059), Unit::Ratio), "11.9 → 5.9 %");
        assert_eq!(change(Some(1_635.0), Some(12_161.0), Unit::Count), "1,635 → 12,161");
        assert_eq!(change(Some(2.84), None, Unit::Seconds), "2.84 s → no data");
        assert_eq!(change(Some(f64::NAN), Some(3.0), Unit::PerSecond), "no data → 3/s");
        assert_eq!(change(Some(1_048_576.0), Some(2_048.0), Unit::Bytes), "1.0 MiB → 2.0 KiB");
    }

    #[test]
    fn a_very_large_number_is_short() {
        let overflown = 18_446_744_073_709_551_616.0;
        assert_eq!([value(overflown, Unit::Count), value(1e300, Unit::PerSecond)], ["1.8e19", "1.0e300/s"]);
        assert_eq!([value(-overflown, Unit::Seconds), value(1e300, Unit::Ratio)], ["-1.8e19 s", "1.0e302 %"]);
        assert_eq!([value(overflown, Unit::Bytes), value(1e300, Unit::Bytes)], ["16777216.0 TiB", "9.1e287 TiB"]);
        assert_eq!([threshold(1e300, Unit::Seconds), threshold(1e300, Unit::Ratio)], ["1.0e300 s", "1.0e302 %"]);
        assert_eq!([thousands(u64::MAX), thousands(999_999_999_999)], ["1.8e19", "999,999,999,999"]);
    }

    proptest! {
        #[test]
        fn no_value_is_long(number in proptest::num::f64::NORMAL) {
            for unit in [Unit::Ratio, Unit::Seconds, Unit::Count, Unit::PerSecond, Unit::Bytes] {
                prop_assert!(value(number, unit).len() <= 18 && threshold(number, unit).len() <= 18, "{}", value(number, unit));
            }
        }

        #[test]
        fn an_age_holds_exactly_as_long_as_said(millis in 0u64..300_000_000) {
            let now = Duration::from_millis(millis);
            let holds = age_holds(now);
            let just_before = (now + holds).saturating_sub(Duration::from_nanos(1));
            prop_assert_eq!(age(now), age(just_before));
            prop_assert_ne!(age(now), age(now + holds));
        }
    }
}
