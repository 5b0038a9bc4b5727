//! Pod templates are compared as the API server's own types compare them: amounts by their value, `1024Mi` as `1Gi`.

use super::deployment::comparable;
use serde_json::{Value, json};

/// Whether a deployment's controller takes both for one template (`EqualIgnoreHash`, which compares semantically).
pub fn is_same_template(one: &Value, other: &Value) -> bool {
    by_value(one) == by_value(other)
}

fn by_value(template: &Value) -> Value {
    let mut template = comparable(template);
    for list in ["/spec/containers", "/spec/initContainers"] {
        for container in template.pointer_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            for amounts in ["/resources/limits", "/resources/requests"] {
                for amount in container.pointer_mut(amounts).and_then(Value::as_object_mut).into_iter().flat_map(|amounts| amounts.values_mut()) {
                    let text = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
                    if let Some(thousandths) = thousandths(&text) {
                        *amount = json!(thousandths.to_string());
                    }
                }
            }
        }
    }
    template
}

/// In thousandths; none where it is no whole number of these.
fn thousandths(text: &str) -> Option<u128> {
    let end = text.find(|character: char| !(character.is_ascii_digit() || character == '.')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let times: u128 = match suffix {
        "m" => 1,
        "" => 1_000,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "T" => 1_000_000_000_000_000,
        "Ki" => 1_000 << 10,
        "Mi" => 1_000 << 20,
        "Gi" => 1_000 << 30,
        "Ti" => 1_000 << 40,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let parts = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let scaled = digits.checked_mul(times)?;
    scaled.is_multiple_of(parts).then_some(scaled / parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(cpu: &Value, memory: &str, image: &str) -> Value {
        let resources = json!({"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}});
        json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": image, "resources": resources}]}})
    }

    #[test]
    fn amounts_are_compared_by_value_and_all_else_as_it_is_written() {
        let written = template(&json!("1000m"), "1024Mi", "a:1");
        let mut hashed = template(&json!(1), "1Gi", "a:1");
        hashed["metadata"]["labels"]["pod-template-hash"] = json!("7d9");
        assert!(is_same_template(&written, &hashed));
        assert!(is_same_template(&written, &template(&json!("1"), "1073741824", "a:1")));
        assert!(is_same_template(&template(&json!("0.5"), "1.5Gi", "a:1"), &template(&json!("500m"), "1536Mi", "a:1")));
        for other in [template(&json!("1"), "1G", "a:1"), template(&json!("1001m"), "1Gi", "a:1"), template(&json!("1"), "1Gi", "a:2")] {
            assert!(!is_same_template(&written, &other), "{other}");
        }
    }
}
