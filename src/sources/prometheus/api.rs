//! Prometheus' HTTP API, `/api/v1/query` and `/api/v1/query_range`: answers as plain numbers.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::{
    connect::{ConnectError, HttpAnswer, HttpReader},
    domain::{text::Text, time::of_millis},
};

const ANSWER_LIMIT: usize = 4 << 20;
/// Asked of Prometheus itself, and waited for a little longer.
const QUERY_WITHIN: &str = "8s";
const WITHIN: Duration = Duration::from_secs(10);

/// Why a query gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    /// Prometheus understood the request and refuses or fails this query.
    Query(Text),
    /// The server as such.
    Server(ConnectError),
}

impl QueryError {
    pub fn text(&self) -> Text {
        Text::line(&self.to_string())
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query(words) => formatter.write_str(words),
            Self::Server(error) => error.fmt(formatter),
        }
    }
}

impl From<ConnectError> for QueryError {
    fn from(error: ConnectError) -> Self {
        Self::Server(error)
    }
}

pub struct Reply<T> {
    pub found: T,
    /// What to say beside it: Prometheus' own warnings, or that the answer is no single number.
    pub warning: Option<Text>,
    pub date: Option<DateTime<Utc>>,
}

/// One number; none for an empty answer, several series, NaN and infinities.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sample {
    pub value: Option<f64>,
    pub at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Envelope {
    status: Option<String>,
    data: Option<Data>,
    error: Option<String>,
    warnings: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Vector(Vec<VectorSeries>),
    Matrix(Vec<MatrixSeries>),
    Scalar(Point),
    String(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct VectorSeries {
    /// Absent for a native histogram, which is no number.
    value: Option<Point>,
}

#[derive(Deserialize)]
struct MatrixSeries {
    values: Option<Vec<Point>>,
}

#[derive(Deserialize)]
struct Point(f64, String);

impl Point {
    fn number(&self) -> Option<f64> {
        self.1.parse::<f64>().ok().filter(|number| number.is_finite())
    }

    /// Why it is no number that could be judged; none where it is one.
    fn oddity(&self, query: &str) -> Option<String> {
        match self.1.parse::<f64>() {
            Ok(number) if number.is_finite() => None,
            Ok(number) if number.is_nan() => Some(match range_of(query) {
                Some(range) => format!("0/0: no requests in {range}?"),
                None => "NaN, as 0/0 gives: nothing was counted?".to_owned(),
            }),
            Ok(_) => Some("infinite, as a division by 0 gives".to_owned()),
            Err(_) => Some("not a number".to_owned()),
        }
    }

    fn at(&self) -> Option<DateTime<Utc>> {
        of_millis(millis(self.0))
    }
}

/// The time that a query looks back, in words: `5 min` of `rate(x[5m])`.
fn range_of(query: &str) -> Option<String> {
    let (_, after) = query.split_once('[')?;
    let range = after.split([']', ':']).next()?.trim();
    let (number, unit) = range.split_at(range.find(|character: char| !character.is_ascii_digit())?);
    let unit = match unit {
        "s" => "s",
        "m" => "min",
        "h" => "h",
        "d" => "d",
        _ => return None,
    };
    (!number.is_empty()).then(|| format!("{number} {unit}"))
}

#[expect(clippy::cast_possible_truncation, reason = "Unix time in milliseconds; out of range saturates")]
fn millis(seconds: f64) -> i64 {
    (seconds * 1_000.0).round() as i64
}

/// The value of a query at the server's present.
pub async fn instant(server: &HttpReader, query: &str) -> Result<Reply<Sample>, QueryError> {
    let answer = server.get("/api/v1/query", &[("query", query), ("timeout", QUERY_WITHIN)], ANSWER_LIMIT, WITHIN).await?;
    let (data, warning) = open(&answer)?;
    let (found, several) = match data {
        Data::Scalar(point) => (Sample { value: point.number(), at: point.at() }, point.oddity(query)),
        Data::Vector(series) => match series.as_slice() {
            [] => (Sample::default(), None),
            [one] => match &one.value {
                Some(point) => (Sample { value: point.number(), at: point.at() }, point.oddity(query)),
                None => (Sample::default(), Some("a histogram, not a number".to_owned())),
            },
            many => (Sample::default(), Some(several(many.len()))),
        },
        Data::Matrix(_) => (Sample::default(), Some("a range, not a number: drop the [range] of the query".to_owned())),
        Data::String(_) => (Sample::default(), Some("a text, not a number".to_owned())),
    };
    Ok(Reply { found, warning: several.map(|words| Text::line(&words)).or(warning), date: answer.date })
}

/// The values of a query at each step from `start` to `end` (Unix seconds), a gap where there is none.
pub async fn range(server: &HttpReader, query: &str, start: i64, end: i64, step: Duration) -> Result<Reply<Vec<Option<f64>>>, QueryError> {
    let seconds = i64::try_from(step.as_secs()).unwrap_or(60).max(1);
    let [from, to, by] = [start, end, seconds].map(|number| number.to_string());
    let parameters = [("query", query), ("start", from.as_str()), ("end", to.as_str()), ("step", by.as_str()), ("timeout", QUERY_WITHIN)];
    let answer = server.get("/api/v1/query_range", &parameters, ANSWER_LIMIT, WITHIN).await?;
    let (data, warning) = open(&answer)?;
    let length = usize::try_from((end - start) / seconds + 1).unwrap_or(0);
    let mut values = vec![None; length];
    let mut words = None;
    match data {
        Data::Matrix(series) if series.len() > 1 => words = Some(several(series.len())),
        Data::Matrix(series) => {
            for point in series.iter().flat_map(|series| series.values.iter().flatten()) {
                let index = (millis(point.0) / 1_000 - start).div_euclid(seconds);
                if let Some(slot) = usize::try_from(index).ok().and_then(|index| values.get_mut(index)) {
                    *slot = point.number();
                }
            }
        }
        _ => words = Some("its history is not a range of numbers".to_owned()),
    }
    Ok(Reply { found: values, warning: words.map(|words| Text::line(&words)).or(warning), date: answer.date })
}

fn several(count: usize) -> String {
    format!("{count} series in place of one: put sum() or max() around the query")
}

/// The data of a success; Prometheus' own words when it refuses the query.
fn open(answer: &HttpAnswer) -> Result<(Data, Option<Text>), QueryError> {
    // 400 and 422 are about the query; 503 says that the server is too busy for it, or gave it up.
    if matches!(answer.status, 400 | 422)
        && let Ok(envelope) = serde_json::from_slice::<Envelope>(&answer.body)
        && envelope.status.as_deref() == Some("error")
    {
        return Err(QueryError::Query(Text::of_error(&envelope.error.unwrap_or_else(|| "query refused".to_owned()), 240)));
    }
    let envelope: Envelope = answer.json()?;
    match (envelope.status.as_deref(), envelope.data) {
        (Some("success"), Some(data)) => {
            let warning = envelope.warnings.and_then(|warnings| warnings.into_iter().next());
            Ok((data, warning.map(|words| Text::of_error(&words, 240))))
        }
        (Some("error"), _) => Err(QueryError::Query(Text::of_error(&envelope.error.unwrap_or_else(|| "query refused".to_owned()), 240))),
        (_, _) => Err(answer.misshapen("no status and data of a query").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::{
        Endpoint, Reader,
        scripted::{Scripted, Step, answer, json},
    };

    async fn ask(steps: Vec<Step>) -> Result<Reply<Sample>, QueryError> {
        let server = Scripted::start(move |_, _| steps.clone()).await;
        let endpoint: Endpoint = server.url.parse().unwrap();
        instant(&HttpReader::found(&endpoint, &Reader::new(&server.target())).unwrap(), "up").await
    }

    fn success(data: &str) -> Vec<Step> {
        json(200, &format!(r#"{{"status":"success","data":{data}}}"#))
    }

    #[tokio::test]
    async fn one_number_is_a_value_and_everything_else_is_none() {
        let one = |value: &str| success(&format!(r#"{{"resultType":"vector","result":[{{"metric":{{}},"value":[1700000000.5,"{value}"]}}]}}"#));
        let sample = ask(one("0.118")).await.unwrap().found;
        assert_eq!((sample.value, sample.at.unwrap().timestamp_millis()), (Some(0.118), 1_700_000_000_500));
        for nothing in ["NaN", "+Inf", "-Inf", "rubbish"] {
            assert_eq!(ask(one(nothing)).await.unwrap().found.value, None, "{nothing}");
        }
        assert_eq!(ask(success(r#"{"resultType":"vector","result":[]}"#)).await.unwrap().found, Sample::default());
        assert_eq!(ask(success(r#"{"resultType":"scalar","result":[1,"3"]}"#)).await.unwrap().found.value, Some(3.0));
        let two = ask(success(r#"{"resultType":"vector","result":[{"value":[1,"1"]},{"value":[1,"2"]}]}"#)).await.unwrap();
        assert_eq!(two.found.value, None);
        assert!(two.warning.unwrap().contains("2 series in place of one"));
    }

    #[tokio::test]
    async fn what_is_no_number_says_why() {
        let why = async |query: &str, value: &str| {
            let steps = success(&format!(r#"{{"resultType":"vector","result":[{{"value":[1,"{value}"]}}]}}"#));
            let server = Scripted::start(move |_, _| steps.clone()).await;
            let endpoint: Endpoint = server.url.parse().unwrap();
            let reader = HttpReader::found(&endpoint, &Reader::new(&server.target())).unwrap();
            instant(&reader, query).await.unwrap().warning.map(|warning| warning.to_string())
        };
        assert_eq!(why("sum(rate(x[5m])) / sum(rate(y[5m]))", "NaN").await.unwrap(), "0/0: no requests in 5 min?");
        assert_eq!(why("x / y", "NaN").await.unwrap(), "NaN, as 0/0 gives: nothing was counted?");
        assert_eq!(why("x / y", "+Inf").await.unwrap(), "infinite, as a division by 0 gives");
        assert_eq!(why("x / y", "1").await, None);
    }

    #[tokio::test]
    async fn a_refused_query_is_not_a_failed_server() {
        let refused = ask(json(400, r#"{"status":"error","errorType":"bad_data","error":"parse error\u001b[31m"}"#)).await;
        assert!(matches!(&refused, Err(QueryError::Query(words)) if words.contains("parse error<U+001B>")), "{:?}", refused.err());
        for steps in [
            json(500, "{}"),
            json(200, "{}"),
            json(200, r#"{"status":"success"}"#),
            answer(200, "Content-Type: text/html\r\n", "<html>"),
            answer(503, "", "no endpoints"),
            json(503, r#"{"status":"error","errorType":"unavailable","error":"TSDB not ready"}"#),
            vec![Step::Close],
        ] {
            let failed = ask(steps.clone()).await;
            assert!(matches!(failed, Err(QueryError::Server(_))), "{steps:?}");
        }
    }

    #[tokio::test]
    async fn our_password_is_hidden_in_the_words_of_a_refused_query_however_it_is_altered() {
        const OURS: &str = "WM3-PrometheusPassword-of-ours-42";
        crate::domain::secrecy::ours_for_good(OURS);
        let spaced: String = OURS.chars().flat_map(|letter| [letter, ' ']).collect();
        for altered in [OURS.to_uppercase(), OURS.to_lowercase(), spaced.trim_end().to_owned()] {
            for status in [200, 400, 422, 503] {
                let body = format!(r#"{{"status":"error","errorType":"bad_data","error":"no up {altered}, sorry"}}"#);
                let refused = ask(json(status, &body)).await.err().map(|error| error.to_string());
                assert!(refused.as_deref().is_some_and(|refused| refused.ends_with("no up ***, sorry")), "{status}: {refused:?}");
            }
            let warned = format!(r#"{{"status":"success","warnings":["no up {altered}, sorry"],"data":{{"resultType":"scalar","result":[1,"3"]}}}}"#);
            assert_eq!(ask(json(200, &warned)).await.unwrap().warning.as_deref(), Some("no up ***, sorry"));
        }
    }

    #[tokio::test]
    async fn a_range_has_a_place_for_every_step() {
        let server = Scripted::start(|request, _| {
            assert!(request.contains("start=600") && request.contains("end=720") && request.contains("step=30"), "{request}");
            success(r#"{"resultType":"matrix","result":[{"values":[[600,"1"],[660,"NaN"],[690,"4"],[99999,"9"]]}]}"#)
        })
        .await;
        let endpoint: Endpoint = server.url.parse().unwrap();
        let http = HttpReader::found(&endpoint, &Reader::new(&server.target())).unwrap();
        let range = range(&http, "up", 600, 720, Duration::from_secs(30)).await.unwrap();
        assert_eq!(range.found, [Some(1.0), None, None, Some(4.0), None]);
    }
}
