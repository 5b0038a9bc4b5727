//! Binary operations: arithmetic, comparison, set operations, and the matching of two vectors.

use std::collections::{HashMap, HashSet};

use promql_parser::parser::token::{
    T_ADD, T_ATAN2, T_DIV, T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_MOD, T_MUL, T_NEQ, T_POW, T_SUB, TokenId,
};
use promql_parser::parser::{BinModifier, BinaryExpr, LabelModifier, VectorMatchCardinality};

use super::eval::{Result as Evaluated, unique, vector};
use super::value::Element;
use super::{Error, labels};
use crate::sim::tsdb::Labels;

/// Both sides' values to one; the second half says whether a comparison holds (it does for arithmetic).
fn operate(op: TokenId, left: f64, right: f64) -> Result<(f64, bool), Error> {
    #[expect(clippy::float_cmp, reason = "PromQL compares exactly")]
    Ok(match op {
        T_ADD => (left + right, true),
        T_SUB => (left - right, true),
        T_MUL => (left * right, true),
        T_DIV => (left / right, true),
        T_MOD => (left % right, true),
        T_POW => (left.powf(right), true),
        T_ATAN2 => (left.atan2(right), true),
        T_EQLC => (left, left == right),
        T_NEQ => (left, left != right),
        T_GTR => (left, left > right),
        T_LSS => (left, left < right),
        T_GTE => (left, left >= right),
        T_LTE => (left, left <= right),
        _ => return Err(Error::Execution("operator not allowed for operations on values".into())),
    })
}

fn truth(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

pub fn apply<'a>(operation: &BinaryExpr, left: Evaluated<'a>, right: Evaluated<'a>) -> Result<Evaluated<'a>, Error> {
    let op = operation.op.id();
    let as_bool = operation.return_bool();
    match (left, right) {
        (Evaluated::Scalar(left), Evaluated::Scalar(right)) => {
            let (value, holds) = operate(op, left, right)?;
            Ok(Evaluated::Scalar(if operation.op.is_comparison_operator() { truth(holds) } else { value }))
        }
        (Evaluated::Vector(elements), Evaluated::Scalar(scalar)) => with_scalar(operation, elements, |value| operate(op, value, scalar)),
        (Evaluated::Scalar(scalar), Evaluated::Vector(elements)) => with_scalar(operation, elements, |value| {
            let (result, holds) = operate(op, scalar, value)?;
            // A filter passes the vector's value, whichever side it stands on.
            Ok((if operation.op.is_comparison_operator() { value } else { result }, holds))
        }),
        (left, right) => {
            let (left, right) = (vector(left)?, vector(right)?);
            let matching = operation.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref());
            Ok(Evaluated::Vector(match op {
                T_LAND => intersection(left, &right, matching, true),
                T_LUNLESS => intersection(left, &right, matching, false),
                T_LOR => union(left, right, matching),
                _ => matched(operation, left, right, as_bool)?,
            }))
        }
    }
}

fn with_scalar<'a>(
    operation: &BinaryExpr,
    elements: Vec<Element>,
    operate: impl Fn(f64) -> Result<(f64, bool), Error>,
) -> Result<Evaluated<'a>, Error> {
    let comparison = operation.op.is_comparison_operator();
    let as_bool = operation.return_bool();
    let mut result = Vec::with_capacity(elements.len());
    for Element { labels, value } in elements {
        let (computed, holds) = operate(value)?;
        if as_bool {
            result.push(Element { labels: labels.without_name(), value: truth(holds) });
        } else if comparison && holds {
            result.push(Element { labels, value: computed });
        } else if !comparison {
            result.push(Element { labels: labels.without_name(), value: computed });
        }
    }
    Ok(Evaluated::Vector(if comparison && !as_bool { result } else { unique(result)? }))
}

/// `and` (wanted) and `unless` (not wanted).
fn intersection(left: Vec<Element>, right: &[Element], matching: Option<&LabelModifier>, wanted: bool) -> Vec<Element> {
    let signatures: HashSet<Labels> = right.iter().map(|element| labels::signature(&element.labels, matching)).collect();
    left.into_iter().filter(|element| signatures.contains(&labels::signature(&element.labels, matching)) == wanted).collect()
}

fn union(mut left: Vec<Element>, right: Vec<Element>, matching: Option<&LabelModifier>) -> Vec<Element> {
    let signatures: HashSet<Labels> = left.iter().map(|element| labels::signature(&element.labels, matching)).collect();
    left.extend(right.into_iter().filter(|element| !signatures.contains(&labels::signature(&element.labels, matching))));
    left
}

/// Arithmetic and comparison of two vectors, element by element with the same signature.
fn matched(operation: &BinaryExpr, left: Vec<Element>, right: Vec<Element>, as_bool: bool) -> Result<Vec<Element>, Error> {
    let modifier = operation.modifier.as_ref();
    let matching = modifier.and_then(|modifier| modifier.matching.as_ref());
    let swapped = matches!(modifier.map(|modifier| &modifier.card), Some(VectorMatchCardinality::OneToMany(_)));
    let one_to_one =
        !matches!(modifier.map(|modifier| &modifier.card), Some(VectorMatchCardinality::OneToMany(_) | VectorMatchCardinality::ManyToOne(_)));
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    let one_side = if swapped { "left" } else { "right" };
    if many.is_empty() || one.is_empty() {
        return Ok(Vec::new());
    }

    let mut by_signature: HashMap<Labels, &Element> = HashMap::new();
    for element in &one {
        let signature = labels::signature(&element.labels, matching);
        if let Some(other) = by_signature.insert(signature.clone(), element) {
            return Err(Error::Execution(format!(
                "found duplicate series for the match group {} on the {one_side} hand-side of the operation: [{}, {}];many-to-many matching not \
                 allowed: matching labels must be unique on one side",
                braces(&signature),
                braces(&element.labels),
                braces(&other.labels)
            )));
        }
    }

    let mut seen: HashSet<Labels> = HashSet::new();
    let mut result = Vec::new();
    for element in &many {
        let signature = labels::signature(&element.labels, matching);
        let Some(other) = by_signature.get(&signature) else { continue };
        let (left, right) = if swapped { (other.value, element.value) } else { (element.value, other.value) };
        let (value, holds) = operate(operation.op.id(), left, right)?;
        if !holds && !as_bool {
            continue;
        }
        let labels = result_labels(operation, modifier, &element.labels, &other.labels, one_to_one, as_bool);
        if one_to_one && !seen.insert(signature) {
            return Err(Error::Execution("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)".into()));
        }
        if !one_to_one && !seen.insert(labels.clone()) {
            return Err(Error::Execution("multiple matches for labels: grouping labels must ensure unique matches".into()));
        }
        result.push(Element { labels, value: if as_bool { truth(holds) } else { value } });
    }
    unique(result)
}

fn result_labels(operation: &BinaryExpr, modifier: Option<&BinModifier>, many: &Labels, one: &Labels, one_to_one: bool, as_bool: bool) -> Labels {
    let mut labels = if !operation.op.is_comparison_operator() || as_bool { many.without_name() } else { many.clone() };
    if one_to_one {
        labels = match modifier.and_then(|modifier| modifier.matching.as_ref()) {
            Some(LabelModifier::Include(names)) => labels.retain(|name| names.labels.iter().any(|listed| listed == name)),
            Some(LabelModifier::Exclude(names)) => labels.retain(|name| !names.labels.iter().any(|listed| listed == name)),
            None => labels,
        };
    }
    for included in modifier.and_then(|modifier| modifier.card.labels()).into_iter().flat_map(|names| &names.labels) {
        labels.set(included, one.value(included));
    }
    labels
}

/// As Prometheus' messages print label sets: all labels in braces, the name among them.
fn braces(labels: &Labels) -> String {
    let inner: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", inner.join(", "))
}
