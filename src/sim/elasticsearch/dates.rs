//! Dates as queries write them: `now-1h`, `now/d`, `2026-11-23||+1d`, ISO 8601 in part or whole, epoch milliseconds.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::Value as Json;

use super::error::Error;

/// Milliseconds of a date given as text or number. `round_up` says which end of a rounded or partial date is meant.
pub fn parse(value: &Json, format: Option<&str>, now: DateTime<Utc>, round_up: bool) -> Result<i64, Error> {
    let factor = if format == Some("epoch_second") { 1000 } else { 1 };
    match value {
        Json::Number(number) => {
            number.as_i64().or_else(|| whole(number.as_f64()?)).map(|number| number * factor).ok_or_else(|| unreadable(&number.to_string()))
        }
        Json::String(text) => match text.parse::<i64>() {
            Ok(number) if factor == 1000 => Ok(number * factor),
            Ok(number) if text.len() > 4 => Ok(number),
            _ => from_text(text, now, round_up),
        },
        other => Err(unreadable(&other.to_string())),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "bounded before")]
fn whole(number: f64) -> Option<i64> {
    (number.abs() < 9e15).then_some(number as i64)
}

/// As `_source` and `key_as_string` write a date.
pub fn format(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn unreadable(text: &str) -> Error {
    let why = format!("failed to parse date field [{text}] with format [strict_date_optional_time||epoch_millis]");
    Error::date(format!("{why}: [{why}]"))
}

fn from_text(text: &str, now: DateTime<Utc>, round_up: bool) -> Result<i64, Error> {
    if let Some(calculation) = text.strip_prefix("now") {
        return calculate(now, calculation, round_up).map(|time| time.timestamp_millis());
    }
    let (anchor, calculation) = text.split_once("||").unwrap_or((text, ""));
    let (start, end) = absolute(anchor).ok_or_else(|| unreadable(anchor))?;
    let time = if round_up && calculation.is_empty() { end } else { start };
    calculate(time, calculation, round_up).map(|time| time.timestamp_millis())
}

/// First and last millisecond that a whole or partial date means.
fn absolute(text: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        let time = time.with_timezone(&Utc);
        return Some((time, time));
    }
    let millisecond = TimeDelta::milliseconds(1);
    let from = |start: NaiveDateTime, length: TimeDelta| Some((start.and_utc(), start.and_utc() + length - millisecond));
    let bare = text.strip_suffix('Z').unwrap_or(text);
    for (shape, length) in [("%Y-%m-%dT%H:%M:%S%.f", millisecond), ("%Y-%m-%dT%H:%M", TimeDelta::minutes(1))] {
        if let Ok(start) = NaiveDateTime::parse_from_str(bare, shape) {
            return from(start, length);
        }
    }
    let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0));
    if let Some(start) = day(bare) {
        return from(start, TimeDelta::days(1));
    }
    match bare.len() {
        7 => day(&format!("{bare}-01")).and_then(|start| from(start, start.checked_add_months(Months::new(1))? - start)),
        4 => day(&format!("{bare}-01-01")).and_then(|start| from(start, start.checked_add_months(Months::new(12))? - start)),
        _ => None,
    }
}

/// `+1h`, `-2d`, `/d`, one after the other.
fn calculate(mut time: DateTime<Utc>, calculation: &str, round_up: bool) -> Result<DateTime<Utc>, Error> {
    let wrong = |why: String| Error::date(format!("{why} [{calculation}]"));
    let mut rest = calculation;
    while let Some(operator) = rest.chars().next() {
        rest = &rest[operator.len_utf8()..];
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let count: i64 = if digits == 0 { 1 } else { rest[..digits].parse().map_err(|_| wrong("number too large for date math".into()))? };
        rest = &rest[digits..];
        let unit = rest.chars().next().ok_or_else(|| wrong("truncated date math".into()))?;
        rest = &rest[unit.len_utf8()..];
        let moved = match operator {
            '+' => shift(time, count, unit),
            '-' => shift(time, -count, unit),
            '/' if digits == 0 => {
                let start = floor(time, unit);
                if round_up { start.and_then(|start| shift(start, 1, unit)).map(|next| next - TimeDelta::milliseconds(1)) } else { start }
            }
            _ => return Err(wrong("operator not supported for date math".into())),
        };
        time = moved.ok_or_else(|| wrong(format!("unit [{unit}] not supported for date math")))?;
    }
    Ok(time)
}

fn shift(time: DateTime<Utc>, count: i64, unit: char) -> Option<DateTime<Utc>> {
    let months = |each: i64| {
        let months = Months::new(u32::try_from((count * each).abs()).ok()?);
        if count < 0 { time.checked_sub_months(months) } else { time.checked_add_months(months) }
    };
    let seconds = match unit {
        'y' => return months(12),
        'M' => return months(1),
        'w' => 604_800,
        'd' => 86_400,
        'h' | 'H' => 3_600,
        'm' => 60,
        's' => 1,
        _ => return None,
    };
    time.checked_add_signed(TimeDelta::try_seconds(count.checked_mul(seconds)?)?)
}

fn floor(time: DateTime<Utc>, unit: char) -> Option<DateTime<Utc>> {
    let day = time.date_naive();
    let date = |date: NaiveDate| date.and_hms_opt(0, 0, 0).map(|start| start.and_utc());
    let multiple = |seconds: i64| DateTime::from_timestamp(time.timestamp().div_euclid(seconds) * seconds, 0);
    match unit {
        'y' => date(day.with_day(1)?.with_month(1)?),
        'M' => date(day.with_day(1)?),
        'w' => date(day - TimeDelta::days(i64::from(day.weekday().num_days_from_monday()))),
        'd' => date(day),
        'h' | 'H' => multiple(3_600),
        'm' => multiple(60),
        's' => multiple(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: impl Into<Json>, round_up: bool) -> String {
        let now = "2026-11-23T08:19:16.500Z".parse().unwrap();
        parse(&value.into(), None, now, round_up).map_or_else(|error| error.json()["error"]["root_cause"][0]["reason"].to_string(), format)
    }

    #[test]
    fn dates_are_read_as_elasticsearch_reads_them() {
        assert_eq!(read("now", false), "2026-11-23T08:19:16.500Z");
        assert_eq!(read("now-1h", false), "2026-11-23T07:19:16.500Z");
        assert_eq!(read("now-1d/d", false), "2026-11-22T00:00:00.000Z");
        assert_eq!(read("now/d", true), "2026-11-23T23:59:59.999Z");
        assert_eq!(read("now/w", false), "2026-11-23T00:00:00.000Z");
        assert_eq!(read("2026-11-23", false), "2026-11-23T00:00:00.000Z");
        assert_eq!(read("2026-11-23", true), "2026-11-23T23:59:59.999Z");
        assert_eq!(read("2026-02", true), "2026-02-28T23:59:59.999Z");
        assert_eq!(read("2026-11-23||+1d", false), "2026-11-24T00:00:00.000Z");
        assert_eq!(read("2026-11-23T09:00:00+01:00", false), "2026-11-23T08:00:00.000Z");
        assert_eq!(read(1_000, false), "1970-01-01T00:00:01.000Z");
        assert_eq!(read("1795421956103", false), format(1_795_421_956_103));
        assert_eq!(parse(&json!(5), Some("epoch_second"), DateTime::default(), false), Ok(5_000));
        assert_eq!(read("now-1x", false), "\"unit [x] not supported for date math [-1x]\"");
        assert!(read("foo", false).contains("failed to parse date field [foo]"));
    }
}
