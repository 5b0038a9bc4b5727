//! Which samples an expression can touch, read from the store in one go before it is evaluated.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{AtModifier, Expr, Offset, SubqueryExpr, VectorSelector};

use super::LOOKBACK_MS;
use crate::sim::tsdb::{Labels, METRIC_NAME, Reader, Sample};

/// Series and samples of each selector, by the selector's place in the expression tree.
pub type Loaded = HashMap<usize, Vec<(Labels, Vec<Sample>)>>;

/// A selector's key in [`Loaded`]: its address, which stays while the tree is borrowed.
pub fn key(selector: &VectorSelector) -> usize {
    std::ptr::from_ref(selector).addr()
}

/// The whole query's first and last moment, for `@ start()` and `@ end()`.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub start_ms: i64,
    pub end_ms: i64,
}

/// The moment a selector or subquery is read at, for an evaluation at `t_ms`.
pub fn shifted(t_ms: i64, at: Option<&AtModifier>, offset: Option<&Offset>, bounds: Bounds) -> i64 {
    let base = match at {
        None => t_ms,
        Some(AtModifier::Start) => bounds.start_ms,
        Some(AtModifier::End) => bounds.end_ms,
        Some(AtModifier::At(time)) => epoch_ms(*time),
    };
    match offset {
        None => base,
        Some(Offset::Pos(by)) => base.saturating_sub(millis(*by)),
        Some(Offset::Neg(by)) => base.saturating_add(millis(*by)),
    }
}

pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

fn epoch_ms(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => millis(after),
        Err(before) => -millis(before.duration()),
    }
}

/// Whether a series belongs to a selector.
pub fn matches(selector: &VectorSelector, labels: &Labels) -> bool {
    let all = |matchers: &[Matcher]| matchers.iter().all(|matcher| matcher.is_match(labels.value(&matcher.name)));
    selector.name.as_deref().is_none_or(|name| labels.value(METRIC_NAME) == name)
        && all(&selector.matchers.matchers)
        && (selector.matchers.or_matchers.is_empty() || selector.matchers.or_matchers.iter().any(|group| all(group)))
}

/// The metric's name, when the selector asks for exactly one.
pub fn metric_name(selector: &VectorSelector) -> Option<&str> {
    selector.name.as_deref().or_else(|| {
        let named = |matcher: &&Matcher| matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal && !matcher.value.is_empty();
        selector.matchers.matchers.iter().find(named).map(|matcher| matcher.value.as_str())
    })
}

/// Reads what `expr`, evaluated at any moment of `first..=last`, can need.
pub fn load(expr: &Expr, reader: &Reader<'_>, first: i64, last: i64, bounds: Bounds, into: &mut Loaded) {
    match expr {
        Expr::VectorSelector(selector) => load_selector(selector, LOOKBACK_MS, reader, first, last, bounds, into),
        Expr::MatrixSelector(matrix) => load_selector(&matrix.vs, millis(matrix.range), reader, first, last, bounds, into),
        Expr::Subquery(subquery) => {
            let (after, until) = (subquery_window(subquery, first, bounds).0, subquery_window(subquery, last, bounds).1);
            load(&subquery.expr, reader, after, until, bounds, into);
        }
        Expr::Aggregate(aggregate) => {
            load(&aggregate.expr, reader, first, last, bounds, into);
            if let Some(parameter) = &aggregate.param {
                load(parameter, reader, first, last, bounds, into);
            }
        }
        Expr::Unary(unary) => load(&unary.expr, reader, first, last, bounds, into),
        Expr::Binary(binary) => {
            load(&binary.lhs, reader, first, last, bounds, into);
            load(&binary.rhs, reader, first, last, bounds, into);
        }
        Expr::Paren(paren) => load(&paren.expr, reader, first, last, bounds, into),
        Expr::Call(call) => call.args.args.iter().for_each(|argument| load(argument, reader, first, last, bounds, into)),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

/// A subquery's window, open on the left: (after, until].
pub fn subquery_window(subquery: &SubqueryExpr, t_ms: i64, bounds: Bounds) -> (i64, i64) {
    let until = shifted(t_ms, subquery.at.as_ref(), subquery.offset.as_ref(), bounds);
    (until.saturating_sub(millis(subquery.range)), until)
}

fn load_selector(selector: &VectorSelector, back_ms: i64, reader: &Reader<'_>, first: i64, last: i64, bounds: Bounds, into: &mut Loaded) {
    let from = shifted(first, selector.at.as_ref(), selector.offset.as_ref(), bounds).saturating_sub(back_ms);
    let until = shifted(last, selector.at.as_ref(), selector.offset.as_ref(), bounds);
    into.insert(key(selector), reader.select(metric_name(selector), |labels| matches(selector, labels), from, until));
}
