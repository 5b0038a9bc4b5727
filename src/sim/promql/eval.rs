//! Evaluation of an expression at one moment.

use std::borrow::Cow;
use std::cell::Cell;

use promql_parser::parser::{Expr, MatrixSelector, SubqueryExpr, VectorSelector};

use super::selection::{self, Bounds, Loaded, millis, shifted, subquery_window};
use super::value::Element;
use super::{DEFAULT_SUBQUERY_STEP_MS, Error, LOOKBACK_MS, MAX_EVALUATIONS, aggregate, binary, functions, labels};
use crate::sim::tsdb::{Labels, Sample, Tsdb, is_stale};

/// A series' samples in a window, open on the left: `after_ms < t <= until_ms`.
#[derive(Debug, Clone)]
pub struct Window<'a> {
    pub labels: Labels,
    pub samples: Cow<'a, [Sample]>,
    pub after_ms: i64,
    pub until_ms: i64,
}

/// What an expression is at one moment.
#[derive(Debug)]
pub enum Result<'a> {
    Scalar(f64),
    String(String),
    Vector(Vec<Element>),
    Matrix(Vec<Window<'a>>),
}

/// The samples of a query, and its bounds.
#[derive(Debug)]
pub struct Context {
    loaded: Loaded,
    bounds: Bounds,
    evaluations: Cell<usize>,
}

impl Context {
    /// Reads what `expr` needs between two moments from the store.
    pub fn load(expr: &Expr, store: &Tsdb, start_ms: i64, end_ms: i64) -> Self {
        let bounds = Bounds { start_ms, end_ms };
        let mut loaded = Loaded::new();
        selection::load(expr, &store.read(), start_ms, end_ms, bounds, &mut loaded);
        Self { loaded, bounds, evaluations: Cell::new(0) }
    }

    pub fn eval(&self, expr: &Expr, t_ms: i64) -> std::result::Result<Result<'_>, Error> {
        Ok(match expr {
            Expr::NumberLiteral(number) => Result::Scalar(number.val),
            Expr::StringLiteral(text) => Result::String(text.val.clone()),
            Expr::Paren(paren) => self.eval(&paren.expr, t_ms)?,
            Expr::VectorSelector(selector) => {
                Result::Vector(self.newest(selector, t_ms).map(|(labels, sample)| Element { labels: labels.clone(), value: sample.value }).collect())
            }
            Expr::MatrixSelector(matrix) => Result::Matrix(self.windows(matrix, t_ms)),
            Expr::Subquery(subquery) => Result::Matrix(self.subquery(subquery, t_ms)?),
            Expr::Unary(unary) => match self.eval(&unary.expr, t_ms)? {
                Result::Scalar(value) => Result::Scalar(-value),
                other => Result::Vector(unique(renamed(vector(other)?, |value| -value))?),
            },
            Expr::Binary(operation) => {
                let (left, right) = (self.eval(&operation.lhs, t_ms)?, self.eval(&operation.rhs, t_ms)?);
                binary::apply(operation, left, right)?
            }
            Expr::Aggregate(operation) => {
                let parameter = operation.param.as_ref().map(|parameter| self.eval(parameter, t_ms)).transpose()?;
                Result::Vector(aggregate::apply(operation, vector(self.eval(&operation.expr, t_ms)?)?, parameter)?)
            }
            Expr::Call(call) => functions::apply(self, call, t_ms)?,
            Expr::Extension(_) => return Err(Error::Execution("extension nodes cannot be evaluated".into())),
        })
    }

    /// Each series of a selector with its newest sample within the look-back, unless it ended.
    pub fn newest(&self, selector: &VectorSelector, t_ms: i64) -> impl Iterator<Item = (&Labels, Sample)> {
        let until = shifted(t_ms, selector.at.as_ref(), selector.offset.as_ref(), self.bounds);
        self.series(selector).iter().filter_map(move |(labels, samples)| {
            let end = samples.partition_point(|sample| sample.t_ms <= until);
            let sample = *samples.get(end.checked_sub(1)?)?;
            (sample.t_ms > until - LOOKBACK_MS && !is_stale(sample.value)).then_some((labels, sample))
        })
    }

    fn windows(&self, matrix: &MatrixSelector, t_ms: i64) -> Vec<Window<'_>> {
        let until_ms = shifted(t_ms, matrix.vs.at.as_ref(), matrix.vs.offset.as_ref(), self.bounds);
        let after_ms = until_ms.saturating_sub(millis(matrix.range));
        self.series(&matrix.vs)
            .iter()
            .map(|(labels, samples)| {
                let first = samples.partition_point(|sample| sample.t_ms <= after_ms);
                let end = samples.partition_point(|sample| sample.t_ms <= until_ms).max(first);
                Window { labels: labels.clone(), samples: without_markers(&samples[first..end]), after_ms, until_ms }
            })
            .collect()
    }

    /// The inner expression at every multiple of the step within the window.
    fn subquery(&self, subquery: &SubqueryExpr, t_ms: i64) -> std::result::Result<Vec<Window<'_>>, Error> {
        let (after_ms, until_ms) = subquery_window(subquery, t_ms, self.bounds);
        let step = subquery.step.map_or(DEFAULT_SUBQUERY_STEP_MS, millis).max(1);
        let mut series: Vec<(Labels, Vec<Sample>)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        let mut at = (after_ms.div_euclid(step) + 1) * step;
        while at <= until_ms {
            self.count_evaluation()?;
            let elements = match self.eval(&subquery.expr, at)? {
                Result::Scalar(value) => vec![Element { labels: Labels::default(), value }],
                other => vector(other)?,
            };
            for Element { labels, value } in elements {
                let place = *places.entry(labels.clone()).or_insert_with(|| {
                    series.push((labels, Vec::new()));
                    series.len() - 1
                });
                series[place].1.push(Sample { t_ms: at, value });
            }
            at += step;
        }
        Ok(series.into_iter().map(|(labels, samples)| Window { labels, samples: Cow::Owned(samples), after_ms, until_ms }).collect())
    }

    fn count_evaluation(&self) -> std::result::Result<(), Error> {
        self.evaluations.set(self.evaluations.get() + 1);
        if self.evaluations.get() > MAX_EVALUATIONS {
            return Err(Error::Execution("query processing would load too many samples into memory in query execution".into()));
        }
        Ok(())
    }

    fn series(&self, selector: &VectorSelector) -> &[(Labels, Vec<Sample>)] {
        self.loaded.get(&selection::key(selector)).map_or(&[], Vec::as_slice)
    }
}

fn without_markers(samples: &[Sample]) -> Cow<'_, [Sample]> {
    if samples.iter().any(|sample| is_stale(sample.value)) {
        Cow::Owned(samples.iter().copied().filter(|sample| !is_stale(sample.value)).collect())
    } else {
        Cow::Borrowed(samples)
    }
}

/// The elements of an instant vector; other types were refused by the parser.
pub fn vector(result: Result<'_>) -> std::result::Result<Vec<Element>, Error> {
    match result {
        Result::Vector(elements) => Ok(elements),
        Result::Scalar(_) | Result::String(_) | Result::Matrix(_) => Err(Error::Execution("expected an instant vector".into())),
    }
}

/// Every value changed and the metric's name dropped.
pub fn renamed(elements: Vec<Element>, change: impl Fn(f64) -> f64) -> Vec<Element> {
    elements.into_iter().map(|element| Element { labels: element.labels.without_name(), value: change(element.value) }).collect()
}

/// Refuses two elements with the same labels, which can arise when names are dropped.
pub fn unique(elements: Vec<Element>) -> std::result::Result<Vec<Element>, Error> {
    if labels::has_duplicates(elements.iter().map(|element| &element.labels)) {
        return Err(Error::Execution("vector cannot contain metrics with the same labelset".into()));
    }
    Ok(elements)
}
