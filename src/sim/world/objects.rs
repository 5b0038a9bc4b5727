//! The platform's objects as the people who run it wrote them.

use super::platform::{AutoscalerSpec, DeploymentSpec, NamespaceSpec, PRODUCTION, SettingsSpec};
use crate::sim::kubernetes::kinds::Resource;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub fn namespace(spec: &NamespaceSpec) -> Value {
    let mut labels = json!({"kubernetes.io/metadata.name": spec.name});
    for (name, value) in &spec.labels {
        labels[name] = json!(value);
    }
    json!({"metadata": {"name": spec.name, "labels": labels}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}})
}

/// What the control plane puts into every new namespace.
pub fn of_every_namespace(namespace: &str) -> [(Resource, Value); 2] {
    let metadata = |name: &str| json!({"name": name, "namespace": namespace});
    let certificate = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
    [
        (Resource::ServiceAccounts, json!({"metadata": metadata("default")})),
        (Resource::ConfigMaps, json!({"metadata": metadata("kube-root-ca.crt"), "data": {"ca.crt": certificate}})),
    ]
}

/// A deployment with every default written out, as the API server returns it.
pub fn deployment(spec: &DeploymentSpec, tag: &str, replicas: i64) -> Value {
    let mut labels = json!({"app": spec.app()});
    for (name, value) in &spec.labels {
        labels[name] = json!(value);
    }
    let mut pod_labels = labels.clone();
    pod_labels["version"] = json!(tag);
    let recreate = spec.strategy.as_deref() == Some("Recreate");
    let strategy = if recreate {
        json!({"type": "Recreate"})
    } else if spec.strategy.as_deref() == Some("OneAway") {
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}})
    } else {
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}})
    };
    let probe = |path: &str, delay: i64, period: i64| {
        json!({
            "httpGet": {"path": path, "port": spec.port, "scheme": "HTTP"},
            "initialDelaySeconds": delay, "periodSeconds": period, "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3,
        })
    };
    let mut container = json!({
        "name": spec.name, "image": spec.with_tag(tag), "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "main", "containerPort": spec.port, "protocol": "TCP"}],
        "resources": {
            "requests": {"cpu": format!("{}m", spec.cpu_m), "memory": format!("{}Mi", spec.memory_mi)}, "limits": {"memory": format!("{}Mi", spec.memory_mi)},
        },
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    });
    if !spec.env.is_empty() {
        container["env"] = env(&spec.env);
    }
    if let Some(config_map) = &spec.env_from {
        container["envFrom"] = json!([{"configMapRef": {"name": config_map}}]);
    }
    if let Some(config_map) = &spec.mounts {
        container["volumeMounts"] = json!([{"name": config_map, "mountPath": format!("/etc/{config_map}"), "readOnly": true}]);
    }
    if spec.http.is_some() {
        container["readinessProbe"] = probe("/health", 3, 10);
        container["livenessProbe"] = probe("/live", 15, 20);
    }
    let mut pod = json!({
        "containers": [container], "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler", "securityContext": {},
    });
    if let Some(config_map) = &spec.mounts {
        pod["volumes"] = json!([{"name": config_map, "configMap": {"name": config_map, "defaultMode": 420}}]);
    }
    let mut object = json!({
        "metadata": {
            "name": spec.name, "namespace": spec.namespace, "labels": labels,
            "annotations": {"kubernetes.io/change-cause": format!("{} {tag}", spec.name)},
        },
        "spec": {
            "replicas": replicas, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
            "selector": {"matchLabels": {"app": spec.app()}}, "strategy": strategy,
            "template": {"metadata": {"labels": pod_labels}, "spec": pod},
        },
        "status": {},
    });
    if let Some(config_map) = &spec.settings {
        let pod = &mut object["spec"]["template"]["spec"];
        add(&mut pod["volumes"], json!({"name": "settings", "configMap": {"name": config_map, "defaultMode": 420}}));
        add(&mut pod["containers"][0]["volumeMounts"], json!({"name": "settings", "mountPath": "/etc/settings", "readOnly": true}));
    }
    object
}

/// Appends to a list that may not be there yet.
fn add(list: &mut Value, item: Value) {
    match list.as_array_mut() {
        Some(items) => items.push(item),
        None => *list = json!([item]),
    }
}

/// The ConfigMap with a deployment's settings.
pub fn settings(spec: &SettingsSpec) -> Value {
    let mut object = json!({"metadata": {"name": spec.config_map, "namespace": PRODUCTION, "labels": {"app": spec.deployment}}, "data": spec.data});
    // It was made by `kubectl apply`, which notes what it applied.
    let applied = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": object["metadata"], "data": spec.data});
    object["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": applied.to_string()});
    object
}

/// An autoscaler on processor use.
pub fn autoscaler(spec: &AutoscalerSpec) -> Value {
    json!({
        "metadata": {"name": spec.name, "namespace": PRODUCTION},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": spec.deployment},
            "minReplicas": spec.least, "maxReplicas": spec.most,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": spec.cpu}}}],
        },
        "status": {"currentReplicas": 0, "desiredReplicas": 0},
    })
}

pub fn env(variables: &BTreeMap<String, String>) -> Value {
    Value::Array(variables.iter().map(|(name, value)| json!({"name": name, "value": value})).collect())
}

pub fn service(spec: &DeploymentSpec, number: usize) -> Value {
    let name = spec.service.as_deref().unwrap_or(&spec.name);
    let mut labels = json!({"app": spec.app()});
    for (label, value) in &spec.labels {
        labels[label] = json!(value);
    }
    let port_name = match spec.port {
        53 => "dns-tcp",
        5432 => "postgres",
        6379 => "redis",
        9092 => "kafka",
        _ => "http",
    };
    let address = if spec.port == 53 { "10.96.0.10".to_owned() } else { format!("10.96.12.{}", 20 + number) };
    json!({
        "metadata": {"name": name, "namespace": spec.namespace, "labels": labels},
        "spec": {
            "type": "ClusterIP", "clusterIP": address, "clusterIPs": [address], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster", "sessionAffinity": "None", "selector": {"app": spec.app()},
            "ports": [{"name": port_name, "port": spec.port, "targetPort": spec.port, "protocol": "TCP"}],
        },
        "status": {"loadBalancer": {}},
    })
}

/// The API server's own service.
pub fn kubernetes_service() -> Value {
    json!({
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {
            "type": "ClusterIP", "clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster", "sessionAffinity": "None", "ports": [{"name": "https", "port": 443, "targetPort": 6443, "protocol": "TCP"}],
        },
        "status": {"loadBalancer": {}},
    })
}

pub fn config_maps() -> Vec<Value> {
    vec![
        json!({
            "metadata": {"name": "api-config", "namespace": PRODUCTION, "labels": {"app": "api-gateway"}},
            "data": {"circuit_breaker_enabled": "false", "maintenance_mode": "false", "log_level": "info", "upstream_timeout_ms": "2000"},
        }),
        json!({
            "metadata": {"name": "feature-flags", "namespace": PRODUCTION},
            "data": {"new_onboarding": "false", "passport_nfc": "true"},
        }),
    ]
}

/// The two autoscalers of the operations guide.
pub fn autoscalers() -> Vec<Value> {
    let target = |name: &str| json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name});
    let resource = |name: &str, percent: i64| json!({"type": "Resource", "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": percent}}});
    let external = |name: &str, label: (&str, &str), value: &str| {
        let selector = json!({"matchLabels": {label.0: label.1}});
        json!({"type": "External", "external": {"metric": {"name": name, "selector": selector}, "target": {"type": "Value", "value": value}}})
    };
    vec![
        json!({
            "metadata": {"name": "api-gateway-hpa", "namespace": PRODUCTION},
            "spec": {
                "scaleTargetRef": target("api-gateway"), "minReplicas": 3, "maxReplicas": 20,
                "metrics": [
                    resource("cpu", 70), resource("memory", 80),
                    {"type": "Pods", "pods": {"metric": {"name": "http_requests_per_second"}, "target": {"type": "AverageValue", "averageValue": "1000"}}},
                ],
            },
            "status": {"currentReplicas": 0, "desiredReplicas": 0},
        }),
        json!({
            "metadata": {"name": "fraud-analytics-hpa", "namespace": PRODUCTION},
            "spec": {
                "scaleTargetRef": target("fraud-analytics"), "minReplicas": 2, "maxReplicas": 10,
                "metrics": [
                    external("kafka_queue_length", ("topic", "fraud-detection"), "100"),
                    external("sync_event_backlog", ("service", "fraud-analytics"), "50"),
                ],
                "behavior": {
                    "scaleUp": {"stabilizationWindowSeconds": 60, "selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 60}]},
                    "scaleDown": {"stabilizationWindowSeconds": 300, "selectPolicy": "Max", "policies": [{"type": "Percent", "value": 20, "periodSeconds": 60}]},
                },
            },
            "status": {"currentReplicas": 0, "desiredReplicas": 0},
        }),
    ]
}

pub fn budgets() -> Vec<Value> {
    let budget = |name: &str, app: &str, least: i64| {
        json!({
            "metadata": {"name": name, "namespace": PRODUCTION},
            "spec": {"minAvailable": least, "selector": {"matchLabels": {"app": app}}},
            "status": {"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0},
        })
    };
    vec![budget("api-gateway", "api-gateway", 2), budget("core-engine", "core-engine", 3), budget("postgres-primary", "postgresql", 1)]
}
