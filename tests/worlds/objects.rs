//! The objects of a scenario's own namespace, as a person would apply them.

use serde_json::{Value, json};

/// The annotation on a pod template that makes its pods fail, in both worlds.
pub const FAIL: &str = "sev1.dev/fail";

pub fn namespace(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": { "sev1.dev/test": "worlds" } } })
}

pub fn deployment(namespace: &str, name: &str, image: &str, replicas: u64) -> Value {
    let labels = json!({ "app": name });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": name, "namespace": namespace, "labels": labels },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": name, "image": image, "resources": { "requests": { "cpu": "10m", "memory": "16Mi" } } }] },
            },
        },
    })
}

/// A merge patch from one revision to the next.
pub fn rollout(name: &str, image: &str, failing: Option<&str>) -> Value {
    json!({ "spec": { "template": {
        "metadata": { "annotations": { FAIL: failing } },
        "spec": { "containers": [{ "name": name, "image": image, "resources": { "requests": { "cpu": "10m", "memory": "16Mi" } } }] },
    } } })
}

/// The same as a stateful set without volumes, governed by a service of its name that need not exist.
pub fn stateful_set(namespace: &str, name: &str, image: &str, replicas: u64) -> Value {
    let mut set = deployment(namespace, name, image, replicas);
    set["kind"] = json!("StatefulSet");
    set["spec"]["serviceName"] = json!(name);
    set["spec"]["podManagementPolicy"] = json!("Parallel");
    set
}

/// A job that nobody begins, so that no controller has to make a pod.
pub fn suspended_job(namespace: &str, name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": name, "namespace": namespace },
        "spec": { "suspend": true, "completions": 3, "template": job_template(name, image) },
    })
}

pub fn suspended_cron_job(namespace: &str, name: &str, image: &str, schedule: &str) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": name, "namespace": namespace },
        "spec": { "suspend": true, "schedule": schedule, "jobTemplate": { "spec": { "template": job_template(name, image) } } },
    })
}

fn job_template(name: &str, image: &str) -> Value {
    json!({ "spec": { "restartPolicy": "Never", "containers": [{ "name": name, "image": image }] } })
}

/// The same as a replica set of nobody.
pub fn replica_set(namespace: &str, name: &str, image: &str, replicas: u64) -> Value {
    let mut set = deployment(namespace, name, image, replicas);
    set["kind"] = json!("ReplicaSet");
    set
}

pub fn worker_pool(namespace: &str, name: &str, size: u64) -> Value {
    json!({ "apiVersion": "sev1.dev/v1", "kind": "WorkerPool", "metadata": { "name": name, "namespace": namespace }, "spec": { "size": size } })
}

pub fn limit_range(namespace: &str, memory: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "LimitRange", "metadata": { "name": "containers", "namespace": namespace },
        "spec": { "limits": [{ "type": "Container", "min": { "memory": memory } }] },
    })
}

/// `app=shop,version=blue` as labels.
pub fn labels(selector: &str) -> Value {
    selector.split(',').map(|label| label.split_once('=').unwrap_or_else(|| panic!("{label:?} is no label"))).collect()
}

pub fn service(namespace: &str, name: &str, selector: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": name, "namespace": namespace },
        "spec": { "selector": labels(selector), "ports": [{ "name": "http", "port": 80, "targetPort": 8080 }] },
    })
}

pub fn config_map(namespace: &str, name: &str, key: &str, value: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": namespace }, "data": { key: value } })
}

pub fn autoscaler(namespace: &str, deployment: &str, min: u64, max: u64) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": format!("{deployment}-hpa"), "namespace": namespace },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": deployment },
            "minReplicas": min, "maxReplicas": max,
            "metrics": [{ "type": "Resource", "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 70 } } }],
        },
    })
}

pub fn quota(namespace: &str, pods: u64) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "pods", "namespace": namespace },
        "spec": { "hard": { "pods": pods.to_string() } },
    })
}

pub fn budget(namespace: &str, name: &str, pods: u64, app: &str) -> Value {
    json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": { "name": name, "namespace": namespace },
        "spec": { "minAvailable": pods, "selector": { "matchLabels": { "app": app } } },
    })
}

pub fn bare_pod(namespace: &str, name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": namespace, "labels": { "app": name } },
        "spec": { "containers": [{ "name": name, "image": image }] },
    })
}

/// The label, and the taint, of the nodes that are a scenario's own.
const POOL: &str = "sev1.dev/pool";

pub fn node(namespace: &str, name: &str) -> Value {
    let room = json!({ "cpu": "4", "memory": "16Gi", "pods": "110" });
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": { "kwok.x-k8s.io/node": "fake" },
            // Its controller would add the old names of the two a second later, and a plan from before would be stale.
            "labels": {
                "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
                "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64", POOL: namespace,
            },
        },
        "spec": { "taints": [{ "key": POOL, "value": namespace, "effect": "NoSchedule" }] },
        "status": {
            "addresses": [{ "type": "InternalIP", "address": "127.0.0.1" }, { "type": "Hostname", "address": name }],
            "capacity": room, "allocatable": room, "conditions": [{ "type": "Ready", "status": "True", "reason": "KubeletReady" }],
        },
    })
}

/// A pod's spec that runs on the scenario's own nodes alone.
pub fn put_into_pool(namespace: &str, spec: &mut Value) {
    spec["nodeSelector"] = json!({ POOL: namespace });
    spec["tolerations"] = json!([{ "key": POOL, "operator": "Exists", "effect": "NoSchedule" }]);
}

pub fn daemon_set(namespace: &str, name: &str, image: &str) -> Value {
    let mut set = deployment(namespace, name, image, 1);
    set["kind"] = json!("DaemonSet");
    set["spec"].as_object_mut().expect("a spec").remove("replicas");
    put_into_pool(namespace, &mut set["spec"]["template"]["spec"]);
    set
}

/// A warning about a deployment, as a controller writes it.
pub fn event(about: &Value, reason: &str, message: &str, at: &str) -> Value {
    let metadata = &about["metadata"];
    let (namespace, name) = (metadata["namespace"].as_str().unwrap_or_default(), metadata["name"].as_str().unwrap_or_default());
    json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": { "name": format!("{name}.{}", reason.to_lowercase()), "namespace": namespace },
        "involvedObject": {
            "apiVersion": "apps/v1", "kind": "Deployment", "namespace": namespace, "name": name, "uid": metadata["uid"],
        },
        "type": "Warning", "reason": reason, "message": message, "count": 1, "source": { "component": "worlds" },
        "firstTimestamp": at, "lastTimestamp": at,
    })
}

/// The path of `deployment/shop` and the like.
pub fn path(namespace: &str, object: &str) -> String {
    let (kind, name) = object.split_once('/').unwrap_or_else(|| panic!("{object:?} is no kind/name"));
    let (group, plural) = match kind {
        "deployment" => ("apis/apps/v1", "deployments"),
        "replicaset" => ("apis/apps/v1", "replicasets"),
        "statefulset" => ("apis/apps/v1", "statefulsets"),
        "daemonset" => ("apis/apps/v1", "daemonsets"),
        "service" => ("api/v1", "services"),
        "workerpool" => ("apis/sev1.dev/v1", "workerpools"),
        "configmap" => ("api/v1", "configmaps"),
        "quota" => ("api/v1", "resourcequotas"),
        "pod" => ("api/v1", "pods"),
        "node" => return format!("/api/v1/nodes/{name}"),
        "hpa" => ("apis/autoscaling/v2", "horizontalpodautoscalers"),
        other => panic!("{other:?} is no kind of the language"),
    };
    format!("/{group}/namespaces/{namespace}/{plural}/{name}")
}
