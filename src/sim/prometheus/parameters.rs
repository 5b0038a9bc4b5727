//! A request's parameters, from the query string and a form body, and how times and durations are written in them.

use chrono::{DateTime, Utc};

use super::answer::Refusal;

/// Name and value pairs; a name may stand more than once.
#[derive(Debug, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The form body comes first, as in Go's `FormValue`.
    pub fn of(query: Option<&str>, form: &[u8]) -> Self {
        let owned = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| (name.into_owned(), value.into_owned());
        let body = url::form_urlencoded::parse(form).map(owned);
        let address = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).map(owned);
        Self(body.chain(address).collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub fn time_or(&self, name: &str, default_ms: i64) -> Result<i64, Refusal> {
        match self.get(name) {
            None | Some("") => Ok(default_ms),
            Some(_) => self.time(name),
        }
    }

    /// Milliseconds since the epoch, from seconds (with fraction) or RFC 3339.
    pub fn time(&self, name: &str) -> Result<i64, Refusal> {
        let text = self.get(name).unwrap_or_default();
        parse_time(text).ok_or_else(|| Refusal::parameter(name, format!("cannot parse {text:?} to a valid timestamp")))
    }

    /// Milliseconds, from seconds or a Prometheus duration like `1h30m`.
    pub fn duration(&self, name: &str) -> Result<i64, Refusal> {
        let text = self.get(name).unwrap_or_default();
        parse_duration(text).ok_or_else(|| Refusal::parameter(name, format!("cannot parse {text:?} to a valid duration")))
    }

    /// Answers come at once, so that a time-out only has to be one.
    pub fn check_timeout(&self) -> Result<(), Refusal> {
        match self.get("timeout") {
            None | Some("") => Ok(()),
            Some(_) => self.duration("timeout").map(drop),
        }
    }

    pub fn limit(&self) -> Result<Option<usize>, Refusal> {
        match self.get("limit") {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| Refusal::parameter("limit", "limit must be a non-negative number")),
        }
    }
}

fn parse_time(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return milliseconds(seconds);
    }
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc).timestamp_millis())
}

/// Of a duration as in rules and parameters.
pub fn parse_duration(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return milliseconds(seconds);
    }
    let (negative, mut rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let mut total = 0_i64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let letters = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |length| digits + length);
        total = total.checked_add(number.checked_mul(unit(&rest[digits..letters])?)?)?;
        rest = &rest[letters..];
    }
    Some(if negative { -total } else { total })
}

fn unit(name: &str) -> Option<i64> {
    Some(match name {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        "y" => 31_536_000_000,
        _ => return None,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "bounded before")]
fn milliseconds(seconds: f64) -> Option<i64> {
    let ms = (seconds * 1000.0).round();
    (ms.is_finite() && ms.abs() < 9e15).then_some(ms as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_read_in_both_spellings() {
        assert_eq!(parse_time("1435781430.781"), Some(1_435_781_430_781));
        assert_eq!(parse_time("2015-07-01T20:10:30.781Z"), Some(1_435_781_430_781));
        assert_eq!(parse_time("2015-07-01T22:10:30+02:00"), Some(1_435_781_430_000));
        assert_eq!((parse_time(""), parse_time("soon"), parse_time("NaN")), (None, None, None));
        assert_eq!(parse_duration("15"), Some(15_000));
        assert_eq!(parse_duration("1h30m"), Some(5_400_000));
        assert_eq!(parse_duration("250ms"), Some(250));
        assert_eq!((parse_duration("x"), parse_duration(""), parse_duration("5q")), (None, None, None));
    }

    #[test]
    fn a_form_comes_before_the_address() {
        let parameters = Parameters::of(Some("query=a&match%5B%5D=1"), b"query=b+c&match[]=2");
        assert_eq!(parameters.get("query"), Some("b c"));
        assert_eq!(parameters.all("match[]").collect::<Vec<_>>(), ["2", "1"]);
    }
}
