//! Disruption budgets over the pods that are deleted or evicted.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::{mitigation::CheckResult, object::segment, text::Text};

use super::{api::Api, named_pods::Found};

/// A budget that covers pods.
struct Covering {
    budget: Value,
    /// How many of them it takes a disruption each to evict.
    asked: usize,
}

/// The budgets of a namespace that cover one of `pods`.
async fn covering(api: &Api, namespace: &str, pods: &[Value]) -> Result<Vec<Covering>, Text> {
    let path = format!("/apis/policy/v1/namespaces/{}/poddisruptionbudgets", segment(namespace));
    let (budgets, _) = api.list(&path, "").await.map_err(|error| Text::line(&format!("disruption budgets could not be read: {error}")))?;
    let counted = budgets.into_iter().filter_map(|budget| {
        let covered: Vec<_> = pods.iter().filter(|pod| covers(&budget, pod)).collect();
        let asked = covered.iter().filter(|pod| is_asked(&budget, pod)).count();
        (!covered.is_empty()).then_some(Covering { budget, asked })
    });
    Ok(counted.collect())
}

fn covers(budget: &Value, pod: &Value) -> bool {
    budget.pointer("/spec/selector").is_some_and(|selector| selects(selector, pod))
}

/// Whether no budget is asked about a pod: one that serves nobody is no disruption (`canIgnorePDB` of
/// `pkg/registry/core/pod/storage/eviction.go`).
fn is_past_budgets(pod: &Value) -> bool {
    let phase = pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or("Pending");
    matches!(phase, "Succeeded" | "Failed" | "Pending") || super::pods::is_deleting(pod)
}

/// Whether evicting a pod takes a disruption of the budget. One that is not ready takes none while enough others are healthy, or
/// where the budget always lets such pods go (`unhealthyPodEvictionPolicy`).
fn is_asked(budget: &Value, pod: &Value) -> bool {
    if is_past_budgets(pod) {
        return false;
    }
    let always = budget.pointer("/spec/unhealthyPodEvictionPolicy").and_then(Value::as_str) == Some("AlwaysAllow");
    let (healthy, needed) = (number(budget, "currentHealthy"), number(budget, "desiredHealthy"));
    super::pods::is_ready(pod) || !(always || (healthy >= needed && needed > 0))
}

fn number(budget: &Value, name: &str) -> u64 {
    budget.pointer(&format!("/status/{name}")).and_then(Value::as_u64).unwrap_or(0)
}

/// Warns of every budget that covers one of `pods` and has no disruption left: a delete does not ask it.
pub async fn of_delete(api: &Api, namespace: &str, pods: &[Value]) -> CheckResult {
    let covering = match covering(api, namespace, pods).await {
        Ok(found) => found,
        Err(why) => return CheckResult::Warn(why),
    };
    let exhausted: Vec<_> = covering
        .iter()
        .filter(|covering| covering.asked > 0 && number(&covering.budget, "disruptionsAllowed") == 0)
        .map(|Covering { budget, .. }| {
            let (healthy, needed) = (number(budget, "currentHealthy"), number(budget, "desiredHealthy"));
            let name = super::pods::name(budget);
            format!("PDB {name} allows no disruption now ({healthy} healthy, {needed} needed); a delete does not ask it, evict does")
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

/// What budgets will say to evictions of `pods`, of one namespace or more, in so far as it can be told before.
pub async fn of_evictions(api: &Api, pods: &[Found]) -> CheckResult {
    let mut by_namespace: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (pod, object) in pods {
        by_namespace.entry(&pod.key.namespace).or_default().push(object.clone());
    }
    let (mut is_covered, mut found) = (false, Vec::new());
    for (namespace, pods) in by_namespace {
        match covering(api, namespace, &pods).await {
            Ok(covering) => {
                is_covered |= !covering.is_empty();
                found.extend(refusals(&covering, &pods));
            }
            Err(why) => found.push(why.to_string()),
        }
    }
    if !found.is_empty() {
        CheckResult::Warn(Text::line(&found.join("; ")))
    } else if is_covered {
        CheckResult::Pass("disruption budgets leave room".into())
    } else {
        CheckResult::Pass("no disruption budget covers these pods".into())
    }
}

/// What can be told before of the budgets that will refuse.
fn refusals(covering: &[Covering], pods: &[Value]) -> Vec<String> {
    let twice = pods.iter().filter(|pod| !is_past_budgets(pod)).find_map(|pod| {
        let names: Vec<_> =
            covering.iter().filter(|covering| covers(&covering.budget, pod)).map(|covering| super::pods::name(&covering.budget)).collect();
        let pod = super::pods::name(pod);
        (names.len() > 1).then(|| format!("PDBs {} cover {pod}: the server evicts no pod under two", names.join(" and ")))
    });
    let short = covering.iter().filter_map(|Covering { budget, asked }| {
        let (name, allowed) = (super::pods::name(budget), number(budget, "disruptionsAllowed"));
        let (healthy, needed) = (number(budget, "currentHealthy"), number(budget, "desiredHealthy"));
        let is_short = usize::try_from(allowed).is_ok_and(|allowed| allowed < *asked);
        is_short.then(|| format!("PDB {name} allows {allowed} of these {asked} now ({healthy} healthy, {needed} needed)"))
    });
    twice.into_iter().chain(short).collect()
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
