//! The little of Go's templates that alert labels and annotations use: `{{ $labels.name }}` and `{{ $value }}`.

use crate::sim::promql::format_value;
use crate::sim::tsdb::Labels;

/// Fills in what it knows; what it does not know stays as written.
pub fn expand(text: &str, labels: &Labels, value: f64) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start..].find("}}") else { break };
        let (before, action, after) = (&rest[..start], rest[start + 2..start + length].trim(), &rest[start + length + 2..]);
        result.push_str(before);
        match evaluate(action, labels, value) {
            Some(text) => result.push_str(&text),
            None => result.push_str(&rest[start..start + length + 2]),
        }
        rest = after;
    }
    result.push_str(rest);
    result
}

fn evaluate(action: &str, labels: &Labels, value: f64) -> Option<String> {
    let (operand, filter) = action.split_once('|').map_or((action, None), |(operand, filter)| (operand.trim(), Some(filter.trim())));
    if matches!(operand, "$value" | ".Value") {
        return match filter {
            None => Some(format_value(value)),
            Some("humanizePercentage") => Some(format!("{}%", format_value((value * 10_000.0).round() / 100.0))),
            Some(_) => None,
        };
    }
    let name = operand.strip_prefix("$labels.").or_else(|| operand.strip_prefix(".Labels."))?;
    filter.is_none().then(|| labels.value(name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_the_value_are_filled_in() {
        let labels = Labels::new([("pod", "api-1")]);
        assert_eq!(expand("{{ $labels.pod }} at {{$value}}, {{ $labels.none }}.", &labels, 0.5), "api-1 at 0.5, .");
        assert_eq!(expand("{{ $value | humanizePercentage }}", &labels, 0.12345), "12.35%");
        assert_eq!(expand("{{ query \"up\" }} {{ open", &labels, 1.0), "{{ query \"up\" }} {{ open");
    }
}
