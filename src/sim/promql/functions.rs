//! Functions of vectors, scalars, labels and time; those of windows are taken from `windows`.

use std::cmp::Ordering;

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use promql_parser::label::MatchOp;
use promql_parser::parser::{Call, Expr, VectorSelector};
use regex::Regex;

use super::aggregate::is_label_name;
use super::eval::{Context, Result as Evaluated, Window, renamed, unique, vector};
use super::histogram::histogram_quantile;
use super::value::Element;
use super::{Error, windows};
use crate::sim::tsdb::{Labels, METRIC_NAME};

/// Calls a function at one moment.
pub fn apply<'a>(context: &'a Context, call: &Call, t_ms: i64) -> Result<Evaluated<'a>, Error> {
    let arguments = Arguments { context, call, t_ms };
    if let Some(function) = windows::by_name(call.func.name) {
        let keeps_name = windows::keeps_name(call.func.name);
        return over_windows(arguments.matrix(0)?, keeps_name, function);
    }
    if let Some(function) = math(call.func.name) {
        return Ok(Evaluated::Vector(unique(renamed(arguments.vector(0)?, function))?));
    }
    if let Some(function) = calendar(call.func.name) {
        let elements = match call.args.args.len() {
            0 => vec![Element { labels: Labels::default(), value: seconds(t_ms) }],
            _ => arguments.vector(0)?,
        };
        return Ok(Evaluated::Vector(unique(renamed(elements, |value| at(value).map_or(f64::NAN, function)))?));
    }
    Ok(Evaluated::Vector(match call.func.name {
        "time" => return Ok(Evaluated::Scalar(seconds(t_ms))),
        "pi" => return Ok(Evaluated::Scalar(std::f64::consts::PI)),
        "scalar" => {
            let elements = arguments.vector(0)?;
            return Ok(Evaluated::Scalar(if let [only] = elements.as_slice() { only.value } else { f64::NAN }));
        }
        "vector" => vec![Element { labels: Labels::default(), value: arguments.scalar(0)? }],
        "timestamp" => arguments.timestamps()?,
        "quantile_over_time" => {
            let q = arguments.scalar(0)?;
            return over_windows(arguments.matrix(1)?, false, |window| windows::quantile_over_time(q, window));
        }
        "predict_linear" => {
            let ahead = arguments.scalar(1)?;
            return over_windows(arguments.matrix(0)?, false, |window| windows::predict_linear(window, t_ms, ahead));
        }
        "absent" => absent(arguments.vector(0)?.is_empty(), call),
        "absent_over_time" => absent(arguments.matrix(0)?.iter().all(|window| window.samples.is_empty()), call),
        "histogram_quantile" => unique(histogram_quantile(arguments.scalar(0)?, &arguments.vector(1)?))?,
        "round" => {
            let nearest = 1.0 / arguments.optional_scalar(1)?.unwrap_or(1.0);
            unique(renamed(arguments.vector(0)?, |value| (value * nearest + 0.5).floor() / nearest))?
        }
        "clamp" => clamp(arguments.vector(0)?, arguments.scalar(1)?, arguments.scalar(2)?)?,
        "clamp_min" => clamp(arguments.vector(0)?, arguments.scalar(1)?, f64::INFINITY)?,
        "clamp_max" => clamp(arguments.vector(0)?, f64::NEG_INFINITY, arguments.scalar(1)?)?,
        "sort" => sorted(arguments.vector(0)?, false),
        "sort_desc" => sorted(arguments.vector(0)?, true),
        "label_replace" => {
            let text = |place| arguments.string(place);
            label_replace(arguments.vector(0)?, &text(1)?, &text(2)?, &text(3)?, &text(4)?)?
        }
        "label_join" => {
            let sources = (3..call.args.args.len()).map(|place| arguments.string(place)).collect::<Result<Vec<_>, _>>()?;
            label_join(arguments.vector(0)?, &arguments.string(1)?, &arguments.string(2)?, &sources)?
        }
        // Native histograms do not occur here; of plain samples these functions make nothing.
        "histogram_avg" | "histogram_count" | "histogram_sum" | "histogram_fraction" | "histogram_stddev" | "histogram_stdvar" => Vec::new(),
        name => {
            let why = format!("function \"{name}\" is not enabled, or unknown to this server");
            return Err(Error::BadData(format!("parse error: {why}")));
        }
    }))
}

/// A call's arguments, evaluated when asked for.
struct Arguments<'a, 'c> {
    context: &'a Context,
    call: &'c Call,
    t_ms: i64,
}

impl<'a> Arguments<'a, '_> {
    fn get(&self, place: usize) -> Result<Evaluated<'a>, Error> {
        let argument = self.call.args.args.get(place);
        let argument = argument.ok_or_else(|| Error::BadData(format!("parse error: too few arguments in call to \"{}\"", self.call.func.name)))?;
        self.context.eval(argument, self.t_ms)
    }

    fn vector(&self, place: usize) -> Result<Vec<Element>, Error> {
        vector(self.get(place)?)
    }

    fn matrix(&self, place: usize) -> Result<Vec<Window<'a>>, Error> {
        match self.get(place)? {
            Evaluated::Matrix(windows) => Ok(windows),
            _ => Err(Error::Execution("expected a range vector".into())),
        }
    }

    fn scalar(&self, place: usize) -> Result<f64, Error> {
        match self.get(place)? {
            Evaluated::Scalar(value) => Ok(value),
            _ => Err(Error::Execution("expected a scalar".into())),
        }
    }

    fn optional_scalar(&self, place: usize) -> Result<Option<f64>, Error> {
        if place < self.call.args.args.len() { self.scalar(place).map(Some) } else { Ok(None) }
    }

    fn string(&self, place: usize) -> Result<String, Error> {
        match self.get(place)? {
            Evaluated::String(text) => Ok(text),
            _ => Err(Error::Execution("expected a string".into())),
        }
    }

    /// Of a plain selector the samples' own times, of anything else the moment of evaluation.
    fn timestamps(&self) -> Result<Vec<Element>, Error> {
        if let Some(selector) = self.call.args.args.first().and_then(|argument| plain_selector(argument)) {
            let newest = self.context.newest(selector, self.t_ms);
            return unique(newest.map(|(labels, sample)| Element { labels: labels.without_name(), value: seconds(sample.t_ms) }).collect());
        }
        unique(renamed(self.vector(0)?, |_| seconds(self.t_ms)))
    }
}

fn plain_selector(expr: &Expr) -> Option<&VectorSelector> {
    match expr {
        Expr::VectorSelector(selector) => Some(selector),
        Expr::Paren(paren) => plain_selector(&paren.expr),
        _ => None,
    }
}

fn over_windows<'a>(windows: Vec<Window<'_>>, keeps_name: bool, function: impl Fn(&Window<'_>) -> Option<f64>) -> Result<Evaluated<'a>, Error> {
    let elements = windows.into_iter().filter_map(|window| {
        let value = function(&window)?;
        Some(Element { labels: if keeps_name { window.labels } else { window.labels.without_name() }, value })
    });
    unique(elements.collect()).map(Evaluated::Vector)
}

fn math(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "exp" => f64::exp,
        "sqrt" => f64::sqrt,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sgn" => |value| if value == 0.0 || value.is_nan() { value } else { value.signum() },
        "deg" => f64::to_degrees,
        "rad" => f64::to_radians,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "sinh" => f64::sinh,
        "cosh" => f64::cosh,
        "tanh" => f64::tanh,
        "asinh" => f64::asinh,
        "acosh" => f64::acosh,
        "atanh" => f64::atanh,
        _ => return None,
    })
}

fn calendar(name: &str) -> Option<fn(DateTime<Utc>) -> f64> {
    Some(match name {
        "minute" => |time| f64::from(time.minute()),
        "hour" => |time| f64::from(time.hour()),
        "day_of_week" => |time| f64::from(time.weekday().num_days_from_sunday()),
        "day_of_month" => |time| f64::from(time.day()),
        "day_of_year" => |time| f64::from(time.ordinal()),
        "days_in_month" => |time| {
            let (year, month) = if time.month() == 12 { (time.year() + 1, 1) } else { (time.year(), time.month() + 1) };
            NaiveDate::from_ymd_opt(year, month, 1).and_then(|next| next.pred_opt()).map_or(f64::NAN, |last| f64::from(last.day()))
        },
        "month" => |time| f64::from(time.month()),
        "year" => |time| f64::from(time.year()),
        _ => return None,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "a time out of range has no calendar, which is NaN")]
fn at(seconds: f64) -> Option<DateTime<Utc>> {
    if seconds.is_nan() { None } else { DateTime::from_timestamp(seconds as i64, 0) }
}

fn seconds(t_ms: i64) -> f64 {
    t_ms as f64 / 1000.0
}

/// 1 where there is nothing, labelled with what the selector asks to be equal.
fn absent(nothing: bool, call: &Call) -> Vec<Element> {
    if !nothing {
        return Vec::new();
    }
    let selector = match call.args.args.first().map(|argument| &**argument) {
        Some(Expr::VectorSelector(selector)) => Some(selector),
        Some(Expr::MatrixSelector(matrix)) => Some(&matrix.vs),
        _ => None,
    };
    let mut labels = Labels::default();
    let matchers = selector.map_or(&[][..], |selector| &selector.matchers.matchers);
    for matcher in matchers.iter().filter(|matcher| matcher.name != METRIC_NAME) {
        let alone = matchers.iter().filter(|other| other.name == matcher.name).count() == 1;
        if matcher.op == MatchOp::Equal && alone {
            labels.set(&matcher.name, &matcher.value);
        }
    }
    vec![Element { labels, value: 1.0 }]
}

fn clamp(elements: Vec<Element>, low: f64, high: f64) -> Result<Vec<Element>, Error> {
    if low > high {
        return Ok(Vec::new());
    }
    unique(renamed(elements, |value| if value.is_nan() || low.is_nan() || high.is_nan() { f64::NAN } else { value.min(high).max(low) }))
}

/// By value, NaN last either way.
fn sorted(mut elements: Vec<Element>, descending: bool) -> Vec<Element> {
    elements.sort_by(|a, b| match (a.value.is_nan(), b.value.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) if descending => b.value.total_cmp(&a.value),
        (false, false) => a.value.total_cmp(&b.value),
    });
    elements
}

fn label_replace(elements: Vec<Element>, target: &str, replacement: &str, source: &str, pattern: &str) -> Result<Vec<Element>, Error> {
    let regex = Regex::new(&format!("^(?s:{pattern})$"))
        .map_err(|_| Error::Execution(format!("invalid regular expression in label_replace(): {pattern}")))?;
    if !is_label_name(target) {
        return Err(Error::Execution(format!("invalid destination label name in label_replace(): {target}")));
    }
    let replaced = elements.into_iter().map(|mut element| {
        if let Some(captures) = regex.captures(element.labels.value(source)) {
            let mut value = String::new();
            captures.expand(replacement, &mut value);
            element.labels.set(target, &value);
        }
        element
    });
    unique(replaced.collect())
}

fn label_join(elements: Vec<Element>, target: &str, separator: &str, sources: &[String]) -> Result<Vec<Element>, Error> {
    if !is_label_name(target) {
        return Err(Error::Execution(format!("invalid destination label name in label_join(): {target}")));
    }
    let joined = elements.into_iter().map(|mut element| {
        let values: Vec<&str> = sources.iter().map(|source| element.labels.value(source)).collect();
        let value = values.join(separator);
        element.labels.set(target, &value);
        element
    });
    unique(joined.collect())
}
