//! Amounts as Kubernetes writes them: `250m`, `1Gi`, `1e3`; and what pods ask for in them.

use serde_json::Value;

/// In thousandths, rounded up; none where it is no quantity (`resource.Quantity` of apimachinery).
pub fn thousandths(text: &str) -> Option<u64> {
    let end = text.find(|character: char| !(character.is_ascii_digit() || matches!(character, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let number: f64 = number.parse().ok().filter(|number: &f64| *number >= 0.0)?;
    let scale = match suffix {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1_024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        exponent => 10_f64.powi(exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    let thousandths = (number * scale * 1_000.0).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    (thousandths < 9e18).then_some(thousandths as u64)
}

/// `250m`, `2`, `1.5Gi`: thousandths as a person reads them, memory in powers of 1,024.
pub fn shown(resource: &str, thousandths: u64) -> String {
    if !resource.ends_with("memory") {
        return if thousandths.is_multiple_of(1_000) { (thousandths / 1_000).to_string() } else { format!("{thousandths}m") };
    }
    let bytes = thousandths / 1_000;
    let tenths = |unit: u64| {
        let tenths = bytes.saturating_mul(10) / unit;
        if tenths.is_multiple_of(10) { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) }
    };
    match bytes {
        0x4000_0000.. => format!("{}Gi", tenths(0x4000_0000)),
        0x10_0000.. => format!("{}Mi", tenths(0x10_0000)),
        _ => format!("{}Ki", tenths(0x400)),
    }
}

/// What a pod of a template asks for of one resource, as `requests` or `limits`, in thousandths. `absent` stands for
/// containers that say nothing.
///
/// Init containers run one after the other before the rest, those that restart always (sidecars) beside them
/// (`PodRequests` of component-helpers).
pub fn of_pod(spec: &Value, kind: &str, resource: &str, absent: Option<u64>) -> Option<u64> {
    let amount = |container: &Value| {
        let said = |kind: &str| container.pointer(&format!("/resources/{kind}"))?.get(resource)?.as_str().and_then(thousandths);
        // The API server takes the limit for a request that is not there.
        said(kind).or_else(|| (kind == "requests").then(|| said("limits")).flatten()).or(absent)
    };
    let of = |list: &str| spec.get(list).and_then(Value::as_array).into_iter().flatten();
    let is_sidecar = |container: &&Value| container.get("restartPolicy").and_then(Value::as_str) == Some("Always");
    let running: Option<u64> = of("containers").chain(of("initContainers").filter(is_sidecar)).map(amount).sum();
    let first = of("initContainers").filter(|container| !is_sidecar(container)).filter_map(amount).max().unwrap_or(0);
    let overhead = spec.get("overhead").and_then(|overhead| overhead.get(resource)?.as_str().and_then(thousandths)).unwrap_or(0);
    Some(running?.max(first) + overhead)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_read_and_shown_as_kubernetes_writes_them() {
        for (text, thousandths_of_it) in [
            ("250m", 250),
            ("2", 2_000),
            ("0.5", 500),
            ("1Ki", 1_024_000),
            ("1.5Gi", 1_610_612_736_000),
            ("1e3", 1_000_000),
            ("1E3", 1_000_000),
            ("128974848", 128_974_848_000),
            ("100n", 1),
        ] {
            assert_eq!(thousandths(text), Some(thousandths_of_it), "{text}");
        }
        for text in ["", "m", "1Qi", "-1", "x"] {
            assert_eq!(thousandths(text), None, "{text}");
        }
        assert_eq!(
            ["250m", "2", "1.5Gi", "512Mi"].map(|text| shown(if text.ends_with('i') { "memory" } else { "cpu" }, thousandths(text).unwrap())),
            ["250m", "2", "1.5Gi", "512Mi"]
        );
    }

    #[test]
    fn a_pod_asks_for_what_runs_at_the_same_time() {
        let container = |cpu: &str| json!({"resources": {"requests": {"cpu": cpu}}});
        let mut sidecar = container("50m");
        sidecar["restartPolicy"] = json!("Always");
        let pod =
            json!({"containers": [container("100m"), container("200m")], "initContainers": [container("250m"), sidecar], "overhead": {"cpu": "10m"}});
        assert_eq!(of_pod(&pod, "requests", "cpu", None), Some(360));
        assert_eq!(of_pod(&pod, "requests", "memory", None), None);
        assert_eq!(of_pod(&pod, "requests", "memory", Some(5)), Some(15));
        let limited = json!({"containers": [{"resources": {"limits": {"cpu": "1"}}}]});
        assert_eq!(of_pod(&limited, "requests", "cpu", None), Some(1_000));
    }
}
