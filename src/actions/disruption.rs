//! Disruption budgets over the pods that are deleted.

use serde_json::Value;

use crate::domain::{mitigation::CheckResult, text::Text};

use super::api::Api;

/// Warns of every budget that covers one of `pods` and has no disruption left: a delete does not ask it.
pub async fn budgets(api: &Api, namespace: &str, pods: &[Value]) -> CheckResult {
    let path = format!("/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets");
    let (budgets, _) = match api.list(&path, "").await {
        Ok(found) => found,
        Err(error) => return CheckResult::Warn(Text::line(&format!("disruption budgets could not be read: {error}"))),
    };
    let covering: Vec<_> = budgets
        .iter()
        .filter(|budget| budget.pointer("/spec/selector").is_some_and(|selector| pods.iter().any(|pod| selects(selector, pod))))
        .collect();
    let number = |budget: &Value, name: &str| budget.pointer(&format!("/status/{name}")).and_then(Value::as_u64).unwrap_or(0);
    let exhausted: Vec<_> = covering
        .iter()
        .filter(|budget| number(budget, "disruptionsAllowed") == 0)
        .map(|budget| {
            let (healthy, needed) = (number(budget, "currentHealthy"), number(budget, "desiredHealthy"));
            format!("PDB {} allows no disruption now ({healthy} healthy, {needed} needed); a delete does not ask it", super::pods::name(budget))
        })
        .collect();
    if !exhausted.is_empty() {
        CheckResult::Warn(Text::line(&exhausted.join("; ")))
    } else if covering.is_empty() {
        CheckResult::Pass("no disruption budget covers these pods".into())
    } else {
        CheckResult::Pass("disruption budgets leave room".into())
    }
}

/// A label selector, `matchLabels` and `matchExpressions`, on an object. An empty one selects everything.
pub fn selects(selector: &Value, object: &Value) -> bool {
    let label = |name: &str| object.pointer("/metadata/labels").and_then(|labels| labels.get(name)).and_then(Value::as_str);
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    labels.into_iter().flatten().all(|(name, value)| label(name) == value.as_str())
        && expressions.into_iter().flatten().all(|expression| {
            let found = expression.get("key").and_then(Value::as_str).and_then(label);
            let is_listed =
                expression.get("values").and_then(Value::as_array).is_some_and(|values| values.iter().any(|value| value.as_str() == found));
            match expression.get("operator").and_then(Value::as_str) {
                Some("In") => found.is_some() && is_listed,
                Some("NotIn") => found.is_none() || !is_listed,
                Some("Exists") => found.is_some(),
                Some("DoesNotExist") => found.is_none(),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_select_as_kubernetes_does() {
        let pod = json!({"metadata": {"labels": {"app": "api", "tier": "web"}}});
        let expression =
            |key: &str, operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        assert!(selects(&json!({}), &pod));
        assert!(selects(&json!({"matchLabels": {"app": "api"}}), &pod));
        assert!(!selects(&json!({"matchLabels": {"app": "api", "x": "y"}}), &pod));
        assert!(selects(&expression("tier", "In", &["web", "db"]), &pod));
        assert!(!selects(&expression("tier", "NotIn", &["web"]), &pod));
        assert!(selects(&expression("none", "NotIn", &["web"]), &pod));
        assert!(selects(&expression("none", "DoesNotExist", &[]), &pod));
        assert!(!selects(&expression("none", "Exists", &[]), &pod));
    }
}
