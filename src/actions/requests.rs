//! What pods ask for, as JSON has it.

use serde_json::Value;

use crate::domain::{
    quantity::thousandths,
    requests::{Asked, Init},
};

/// Resources that may be asked for by a whole pod.
const OF_PODS: [&str; 2] = ["cpu", "memory"];

/// What a pod of a template asks for of one resource, as `requests` or `limits`, in thousandths. `absent` stands for
/// containers that say nothing.
pub fn of_pod(spec: &Value, kind: &str, resource: &str, absent: Option<u64>) -> Option<u64> {
    let said = |of: &Value, kind: &str| of.pointer(&format!("/resources/{kind}"))?.get(resource)?.as_str().and_then(thousandths);
    // The API server takes the limit for a request that is not there.
    let own = |of: &Value| said(of, kind).or_else(|| (kind == "requests").then(|| said(of, "limits")).flatten());
    let list = |name: &str| spec.get(name).and_then(Value::as_array).into_iter().flatten();
    let is_sidecar = |container: &Value| container.get("restartPolicy").and_then(Value::as_str) == Some("Always");
    let asked = Asked {
        main: list("containers").map(|container| own(container).or(absent)).collect(),
        init: list("initContainers").map(|container| Init { amount: own(container).or(absent), is_sidecar: is_sidecar(container) }).collect(),
        pod: OF_PODS.contains(&resource).then(|| own(spec)).flatten(),
        overhead: spec.get("overhead").and_then(|overhead| overhead.get(resource)?.as_str().and_then(thousandths)).unwrap_or(0),
    };
    asked.effective()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_asks_for_what_runs_at_the_same_time() {
        let container = |cpu: &str| json!({"resources": {"requests": {"cpu": cpu}}});
        let mut sidecar = container("50m");
        sidecar["restartPolicy"] = json!("Always");
        let pod =
            json!({"containers": [container("100m"), container("200m")], "initContainers": [sidecar, container("300m")], "overhead": {"cpu": "10m"}});
        assert_eq!(of_pod(&pod, "requests", "cpu", None), Some(360));
        let mut whole = pod.clone();
        whole["resources"] = json!({"requests": {"cpu": "1"}});
        assert_eq!(of_pod(&whole, "requests", "cpu", None), Some(1_010));
        assert_eq!(of_pod(&pod, "requests", "memory", None), None);
        assert_eq!(of_pod(&pod, "requests", "memory", Some(5)), Some(15));
        let limited = json!({"containers": [{"resources": {"limits": {"cpu": "1"}}}]});
        assert_eq!(of_pod(&limited, "requests", "cpu", None), Some(1_000));
    }
}
