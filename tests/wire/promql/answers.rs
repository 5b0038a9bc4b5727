//! An evaluator's answer in one form: what the two are compared by, and what is recorded.

use serde_json::{Map, Value as Json, json};
use sev1::sim::promql::{Error, Query, Value, format_value};
use sev1::sim::tsdb::Tsdb;

/// Largest relative difference of two numbers that count as the same.
const TOLERANCE: f64 = 1e-9;

/// When an expression is evaluated, in ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Moment {
    Instant(i64),
    Range { start: i64, end: i64, step: i64 },
}

impl Moment {
    pub fn to_json(self) -> Json {
        match self {
            Self::Instant(t) => json!([t]),
            Self::Range { start, end, step } => json!([start, end, step]),
        }
    }

    /// Path and parameters at the HTTP API.
    pub fn asked(self) -> (&'static str, Vec<(&'static str, String)>) {
        let seconds = |ms: i64| format!("{}.{:03}", ms / 1000, ms % 1000);
        match self {
            Self::Instant(t) => ("/api/v1/query", vec![("time", seconds(t))]),
            Self::Range { start, end, step } => {
                ("/api/v1/query_range", vec![("start", seconds(start)), ("end", seconds(end)), ("step", seconds(step))])
            }
        }
    }
}

/// Type of the result and its series by their labels, or type of the error.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Error(String),
    Result { kind: String, series: Vec<(String, Vec<(i64, f64)>)> },
}

impl Answer {
    /// What the simulated evaluator says.
    pub fn simulated(store: &Tsdb, query: &str, moment: Moment) -> Self {
        let evaluated = Query::parse(query).and_then(|query| match moment {
            Moment::Instant(t) => query.instant(store, t),
            Moment::Range { start, end, step } => query.range(store, start, end, step),
        });
        let (kind, series) = match evaluated {
            Err(Error::BadData(_)) => return Self::Error("bad_data".into()),
            Err(Error::Execution(_)) => return Self::Error("execution".into()),
            Ok(Value::Scalar { t_ms, value }) => ("scalar", vec![(String::new(), vec![(t_ms, value)])]),
            Ok(Value::String { .. }) => ("string", Vec::new()),
            Ok(Value::Vector { t_ms, elements }) => {
                ("vector", elements.into_iter().map(|element| (element.labels.to_string(), vec![(t_ms, element.value)])).collect())
            }
            Ok(Value::Matrix(list)) => {
                let samples = |series: &sev1::sim::promql::Series| series.samples.iter().map(|sample| (sample.t_ms, sample.value)).collect();
                ("matrix", list.iter().map(|series| (series.labels.to_string(), samples(series))).collect())
            }
        };
        Self::sorted(kind, series)
    }

    /// From the body of the HTTP API.
    pub fn of_api(body: &Json) -> Self {
        if body["status"] == "error" {
            return Self::Error(body["errorType"].as_str().unwrap().to_owned());
        }
        let (kind, result) = (body["data"]["resultType"].as_str().unwrap(), &body["data"]["result"]);
        if kind == "scalar" {
            return Self::sorted(kind, vec![(String::new(), vec![sample(result)])]);
        }
        let one = |series: &Json| {
            let samples = match series.get("value") {
                Some(value) => vec![sample(value)],
                None => series["values"].as_array().unwrap().iter().map(sample).collect(),
            };
            (labels(series["metric"].as_object().unwrap()), samples)
        };
        Self::sorted(kind, result.as_array().unwrap().iter().map(one).collect())
    }

    fn sorted(kind: &str, mut series: Vec<(String, Vec<(i64, f64)>)>) -> Self {
        series.sort_by(|a, b| a.0.cmp(&b.0));
        Self::Result { kind: kind.to_owned(), series }
    }

    /// For the recording: times as ms, numbers as the API writes them.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Error(kind) => json!(kind),
            Self::Result { kind, series } => {
                let samples = |samples: &[(i64, f64)]| samples.iter().map(|(t, value)| json!([t, format_value(*value)])).collect::<Json>();
                json!({ kind.as_str(): series.iter().map(|(labels, values)| (labels.clone(), samples(values))).collect::<Map<_, _>>() })
            }
        }
    }

    pub fn from_json(json: &Json) -> Self {
        if let Some(kind) = json.as_str() {
            return Self::Error(kind.to_owned());
        }
        let (kind, series) = json.as_object().unwrap().iter().next().unwrap();
        let samples = |list: &Json| list.as_array().unwrap().iter().map(|pair| (pair[0].as_i64().unwrap(), number(&pair[1]))).collect();
        Self::sorted(kind, series.as_object().unwrap().iter().map(|(labels, values)| (labels.clone(), samples(values))).collect())
    }

    /// How they differ, if they do; `self` is the truth.
    pub fn differs(&self, other: &Self) -> Option<String> {
        let (Self::Result { kind, series }, Self::Result { kind: other_kind, series: others }) = (self, other) else {
            return (self != other).then(|| format!("real {}, simulated {}", self.brief(), other.brief()));
        };
        if kind != other_kind {
            return Some(format!("real {kind}, simulated {other_kind}"));
        }
        let names = |list: &[(String, Vec<(i64, f64)>)]| list.iter().map(|(labels, _)| labels.clone()).collect::<Vec<_>>();
        let (real, simulated) = (names(series), names(others));
        if real != simulated {
            let lacks: Vec<_> = real.iter().filter(|labels| !simulated.contains(labels)).take(3).collect();
            let invents: Vec<_> = simulated.iter().filter(|labels| !real.contains(labels)).take(3).collect();
            return Some(format!("{} series, simulated {}: lacks {lacks:?}, invents {invents:?}", real.len(), simulated.len()));
        }
        for ((labels, real), (_, simulated)) in series.iter().zip(others) {
            if real.len() != simulated.len() {
                return Some(format!("{labels}: {} samples, simulated {}", real.len(), simulated.len()));
            }
            let pair = real.iter().zip(simulated).find(|(real, simulated)| real.0 != simulated.0 || !same(real.1, simulated.1));
            if let Some((real, simulated)) = pair {
                return Some(format!("{labels}: real {real:?}, simulated {simulated:?}"));
            }
        }
        None
    }

    fn brief(&self) -> String {
        match self {
            Self::Error(kind) => format!("error {kind}"),
            Self::Result { kind, series } => format!("{kind} of {}", series.len()),
        }
    }

    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Result { series, .. } if series.is_empty())
    }
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()) || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs())
}

#[expect(clippy::cast_possible_truncation, reason = "a time of our days in ms")]
fn sample(pair: &Json) -> (i64, f64) {
    ((pair[0].as_f64().unwrap() * 1000.0).round() as i64, number(&pair[1]))
}

fn number(text: &Json) -> f64 {
    text.as_str().unwrap().replace("Inf", "inf").parse().unwrap()
}

/// As [`Labels`](sev1::sim::tsdb::Labels) prints itself.
fn labels(metric: &Map<String, Json>) -> String {
    sev1::sim::tsdb::Labels::new(metric.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap()))).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_differ_by_series_by_number_and_by_error() {
        let answer = |json: Json| Answer::from_json(&json);
        let one = answer(json!({"vector": {"a": [[5, "1"]]}}));
        assert_eq!(one.differs(&answer(json!({"vector": {"a": [[5, "1.0000000001"]]}}))), None);
        for other in [json!({"vector": {"a": [[5, "1.00000001"]]}}), json!({"vector": {"b": [[5, "1"]]}}), json!({"scalar": {}}), json!("execution")]
        {
            assert!(one.differs(&answer(other.clone())).is_some(), "{other}");
        }
    }
}
