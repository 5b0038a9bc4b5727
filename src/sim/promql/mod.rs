//! A small `PromQL` evaluator over the simulated series store, with Prometheus 3's semantics (windows open on the left).
//!
//! Parsing is `promql-parser`'s. An expression is evaluated step by step: a range query is an instant query at every step,
//! its results joined by their labels. All samples are read from the store once, before the first step.

mod aggregate;
mod binary;
mod eval;
mod functions;
mod histogram;
mod labels;
mod selection;
#[cfg(test)]
mod tests;
mod value;
mod windows;

use std::collections::HashMap;

use promql_parser::parser::Expr;
use promql_parser::parser::value::ValueType;

use super::tsdb::{Labels, Sample, Tsdb};
pub use selection::{matches, metric_name};
pub use value::{Element, Series, Value, exponential, format_plain, format_value};

/// How far an instant selector looks back for a sample, in ms (Prometheus' default).
pub const LOOKBACK_MS: i64 = 5 * 60 * 1000;

/// Step of a subquery that names none, in ms: the evaluation interval of the rules.
pub const DEFAULT_SUBQUERY_STEP_MS: i64 = 15_000;

/// Longest expression taken.
const MAX_EXPRESSION: usize = 16 * 1024;

/// Deepest nesting of brackets taken.
const MAX_NESTING: usize = 100;

/// Most evaluations one query may ask for (its steps times those of its subqueries).
const MAX_EVALUATIONS: usize = 200_000;

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The expression is not `PromQL`, or cannot be asked this way: the API's `bad_data`, 400.
    #[error("{0}")]
    BadData(String),
    /// It could not be evaluated over these series: the API's `execution`, 422.
    #[error("{0}")]
    Execution(String),
}

/// A parsed expression, ready to be evaluated any number of times.
#[derive(Debug, Clone)]
pub struct Query(Expr);

impl Query {
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_EXPRESSION || nesting(text) > MAX_NESTING {
            return Err(Error::BadData(format!("parse error: expression longer than {MAX_EXPRESSION} bytes or nested deeper than {MAX_NESTING}")));
        }
        let expr = promql_parser::parser::parse(text).map_err(|why| Error::BadData(format!("parse error: {why}")))?;
        Ok(Self(expr))
    }

    /// The selectors' matchers, when the expression is one selector (what `match[]` takes).
    pub fn as_selector(&self) -> Option<&promql_parser::parser::VectorSelector> {
        match &self.0 {
            Expr::VectorSelector(selector) => Some(selector),
            _ => None,
        }
    }

    /// The answer at one moment.
    pub fn instant(&self, store: &Tsdb, t_ms: i64) -> Result<Value, Error> {
        if let Expr::StringLiteral(text) = &self.0 {
            return Ok(Value::String { t_ms, text: text.val.clone() });
        }
        let context = eval::Context::load(&self.0, store, t_ms, t_ms);
        Ok(match context.eval(&self.0, t_ms)? {
            eval::Result::Scalar(value) => Value::Scalar { t_ms, value },
            eval::Result::String(text) => Value::String { t_ms, text },
            eval::Result::Vector(elements) => Value::Vector { t_ms, elements },
            eval::Result::Matrix(windows) => {
                let mut series: Vec<Series> = windows
                    .into_iter()
                    .filter(|window| !window.samples.is_empty())
                    .map(|window| Series { labels: window.labels, samples: window.samples.into_owned() })
                    .collect();
                series.sort_by(|a, b| a.labels.cmp(&b.labels));
                Value::Matrix(series)
            }
        })
    }

    /// The answers at `start`, `start + step`, … up to `end`, one series per label set.
    pub fn range(&self, store: &Tsdb, start_ms: i64, end_ms: i64, step_ms: i64) -> Result<Value, Error> {
        if !matches!(self.0.value_type(), ValueType::Vector | ValueType::Scalar) {
            let kind = if self.0.value_type() == ValueType::Matrix { "range vector" } else { "string" };
            return Err(Error::BadData(format!("invalid expression type \"{kind}\" for range query, must be Scalar or instant Vector")));
        }
        let context = eval::Context::load(&self.0, store, start_ms, end_ms);
        let mut joined: HashMap<Labels, Vec<Sample>> = HashMap::new();
        let mut t_ms = start_ms;
        while t_ms <= end_ms {
            match context.eval(&self.0, t_ms)? {
                eval::Result::Scalar(value) => joined.entry(Labels::default()).or_default().push(Sample { t_ms, value }),
                eval::Result::Vector(elements) => {
                    for element in elements {
                        joined.entry(element.labels).or_default().push(Sample { t_ms, value: element.value });
                    }
                }
                eval::Result::String(_) | eval::Result::Matrix(_) => {}
            }
            t_ms += step_ms.max(1);
        }
        let mut series: Vec<Series> = joined.into_iter().map(|(labels, samples)| Series { labels, samples }).collect();
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(Value::Matrix(series))
    }
}

/// The expression in Prometheus' own spelling.
impl std::fmt::Display for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Deepest nesting of round brackets (those in strings count too: it is a limit, not a parser).
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}
