//! Aggregations over the elements of a vector: `sum`, `topk`, `quantile` and their kin, with `by` and `without`.

use std::cmp::Ordering;
use std::collections::HashMap;

use promql_parser::parser::AggregateExpr;
use promql_parser::parser::token::{T_AVG, T_BOTTOMK, T_COUNT, T_COUNT_VALUES, T_GROUP, T_MAX, T_MIN, T_QUANTILE, T_STDDEV, T_STDVAR, T_SUM, T_TOPK};

use super::eval::Result as Evaluated;
use super::value::{Element, KahanSum, format_plain, mean, quantile, variance};
use super::{Error, labels};
use crate::sim::tsdb::Labels;

/// Groups the elements and makes one (or k) of each group.
pub fn apply(operation: &AggregateExpr, elements: Vec<Element>, parameter: Option<Evaluated<'_>>) -> Result<Vec<Element>, Error> {
    let modifier = operation.modifier.as_ref();
    let id = operation.op.id();
    match id {
        T_TOPK | T_BOTTOMK => {
            let count = whole_number(scalar(parameter.as_ref())?)?;
            let groups = grouped(elements, |element| labels::group(&element.labels, modifier));
            Ok(groups.into_iter().flat_map(|(_, members)| extremes(members, count, id == T_TOPK)).collect())
        }
        T_COUNT_VALUES => {
            let Some(Evaluated::String(label)) = parameter else { return Err(Error::Execution("count_values wants a label name".into())) };
            if !is_label_name(&label) {
                return Err(Error::Execution(format!("invalid label name {label:?}")));
            }
            let key = |element: &Element| labels::group(&element.labels, modifier).with(&label, &format_plain(element.value));
            Ok(grouped(elements, key).into_iter().map(|(labels, members)| Element { labels, value: members.len() as f64 }).collect())
        }
        _ => {
            let q = if id == T_QUANTILE { scalar(parameter.as_ref())? } else { 0.0 };
            grouped(elements, |element| labels::group(&element.labels, modifier))
                .into_iter()
                .map(|(labels, members)| {
                    let values: Vec<f64> = members.into_iter().map(|member| member.value).collect();
                    Ok(Element { labels, value: reduce(id, q, values).ok_or_else(|| unsupported(operation))? })
                })
                .collect()
        }
    }
}

/// Whether a label may be called so.
pub fn is_label_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn unsupported(operation: &AggregateExpr) -> Error {
    Error::BadData(format!("parse error: {}() is experimental and must be enabled with --enable-feature=promql-experimental-functions", operation.op))
}

/// Groups in order of first appearance.
fn grouped(elements: Vec<Element>, key: impl Fn(&Element) -> Labels) -> Vec<(Labels, Vec<Element>)> {
    let mut groups: Vec<(Labels, Vec<Element>)> = Vec::new();
    let mut places: HashMap<Labels, usize> = HashMap::new();
    for element in elements {
        let labels = key(&element);
        let place = *places.entry(labels.clone()).or_insert_with(|| {
            groups.push((labels, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(element);
    }
    groups
}

fn reduce(id: promql_parser::parser::token::TokenId, q: f64, values: Vec<f64>) -> Option<f64> {
    Some(match id {
        T_SUM => KahanSum::of(values),
        T_AVG => mean(&values),
        T_COUNT => values.len() as f64,
        T_GROUP => 1.0,
        T_MIN => values.into_iter().reduce(|a, b| if b < a || a.is_nan() { b } else { a })?,
        T_MAX => values.into_iter().reduce(|a, b| if b > a || a.is_nan() { b } else { a })?,
        T_STDVAR => variance(&values),
        T_STDDEV => variance(&values).sqrt(),
        T_QUANTILE => quantile(q, values),
        _ => return None,
    })
}

/// The k largest (or smallest) members, in that order; NaN is chosen last.
fn extremes(mut members: Vec<Element>, count: usize, largest: bool) -> Vec<Element> {
    members.sort_by(|a, b| match (a.value.is_nan(), b.value.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) if largest => b.value.total_cmp(&a.value),
        (false, false) => a.value.total_cmp(&b.value),
    });
    members.truncate(count);
    members
}

fn scalar(parameter: Option<&Evaluated<'_>>) -> Result<f64, Error> {
    match parameter {
        Some(Evaluated::Scalar(value)) => Ok(*value),
        _ => Err(Error::Execution("aggregation wants a scalar parameter".into())),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a count can be")]
fn whole_number(value: f64) -> Result<usize, Error> {
    if value.is_nan() {
        return Err(Error::Execution("Parameter value is NaN".into()));
    }
    Ok(value.clamp(0.0, 1e9) as usize)
}
