//! A pod as an API server sends it, of the size that real clusters have: about 8.5 KB, more than half of it `managedFields`.

use serde_json::{Value, json};

/// The pod of this number, as JSON.
pub fn json(number: usize) -> Value {
    let name = format!("api-gateway-66d4c9f7b-{number:05}");
    let environment: Vec<Value> = (0..24)
        .map(|index| json!({ "name": format!("SETTING_{index:02}"), "value": format!("https://setting-{index:02}.digital-identity.svc") }))
        .collect();
    let names: serde_json::Map<String, Value> =
        (0..24).map(|index| (format!("k:{{\"name\":\"SETTING_{index:02}\"}}"), json!({ ".": {}, "f:name": {}, "f:value": {} }))).collect();
    let conditions = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .map(|kind| json!({ "type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": "2026-11-20T08:11:35Z" }));
    let reported: serde_json::Map<String, Value> = ["ContainersReady", "Initialized", "Ready", "PodReadyToStartContainers"]
        .iter()
        .map(|kind| {
            (
                format!("k:{{\"type\":\"{kind}\"}}"),
                json!({ ".": {}, "f:lastProbeTime": {}, "f:lastTransitionTime": {}, "f:status": {}, "f:type": {} }),
            )
        })
        .collect();
    let probe = json!({ "httpGet": { "path": "/healthz", "port": 8081, "scheme": "HTTP" }, "initialDelaySeconds": 5, "timeoutSeconds": 2, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3 });
    json!({
        "metadata": {
            "name": name, "generateName": "api-gateway-66d4c9f7b-", "namespace": "digital-identity",
            "uid": format!("8d5e21c4-3a0b-4d8f-9b5e-{number:012x}"), "resourceVersion": "4812345", "creationTimestamp": "2026-11-20T08:11:31Z",
            "labels": { "app": "api-gateway", "pod-template-hash": "66d4c9f7b", "tier": "edge", "team": "platform", "version": "2.4.0" },
            "annotations": { "prometheus.io/scrape": "true", "prometheus.io/port": "9102", "kubectl.kubernetes.io/restartedAt": "2026-11-20T08:11:30Z",
                "checksum/config": "5a2d7c0e9f1b4c8d6e3f0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f" },
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api-gateway-66d4c9f7b",
                "uid": "5b1f9c9e-6a7b-4a60-8f0e-1d2c3b4a5f60", "controller": true, "blockOwnerDeletion": true }],
            "managedFields": [
                { "manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "time": "2026-11-20T08:11:31Z", "fieldsType": "FieldsV1",
                  "fieldsV1": { "f:metadata": { "f:annotations": { ".": {}, "f:prometheus.io/scrape": {}, "f:prometheus.io/port": {}, "f:checksum/config": {} },
                      "f:generateName": {}, "f:labels": { ".": {}, "f:app": {}, "f:pod-template-hash": {}, "f:tier": {}, "f:team": {}, "f:version": {} },
                      "f:ownerReferences": { ".": {}, "k:{\"uid\":\"5b1f9c9e-6a7b-4a60-8f0e-1d2c3b4a5f60\"}": {} } },
                    "f:spec": { "f:containers": { "k:{\"name\":\"api-gateway\"}": { ".": {}, "f:env": names, "f:image": {}, "f:imagePullPolicy": {},
                      "f:livenessProbe": { ".": {}, "f:failureThreshold": {}, "f:httpGet": { ".": {}, "f:path": {}, "f:port": {}, "f:scheme": {} }, "f:periodSeconds": {} },
                      "f:name": {}, "f:ports": { ".": {}, "k:{\"containerPort\":8081,\"protocol\":\"TCP\"}": { ".": {}, "f:containerPort": {}, "f:protocol": {} } },
                      "f:resources": { ".": {}, "f:limits": { ".": {}, "f:cpu": {}, "f:memory": {} }, "f:requests": { ".": {}, "f:cpu": {}, "f:memory": {} } } } },
                      "f:dnsPolicy": {}, "f:enableServiceLinks": {}, "f:restartPolicy": {}, "f:schedulerName": {}, "f:securityContext": {}, "f:terminationGracePeriodSeconds": {} } } },
                { "manager": "kubelet", "operation": "Update", "apiVersion": "v1", "time": "2026-11-20T08:11:35Z", "fieldsType": "FieldsV1", "subresource": "status",
                  "fieldsV1": { "f:status": { "f:conditions": reported, "f:containerStatuses": {}, "f:hostIP": {}, "f:phase": {}, "f:podIP": {}, "f:startTime": {} } } },
            ],
        },
        "spec": {
            "containers": [{ "name": "api-gateway", "image": "registry.example.org/digital-identity/api-gateway:2.4.0", "imagePullPolicy": "IfNotPresent",
                "env": environment, "ports": [{ "containerPort": 8081, "protocol": "TCP" }], "livenessProbe": probe, "readinessProbe": probe,
                "resources": { "limits": { "cpu": "2", "memory": "1Gi" }, "requests": { "cpu": "250m", "memory": "512Mi" } },
                "volumeMounts": [{ "name": "kube-api-access-x2xqk", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount" }] }],
            "volumes": [{ "name": "kube-api-access-x2xqk", "projected": { "defaultMode": 420, "sources": [
                { "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } },
                { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } } ] } }],
            "nodeName": format!("node-{}", number % 400), "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "api-gateway", "schedulerName": "default-scheduler", "priority": 0, "enableServiceLinks": true,
            "tolerations": [
                { "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 },
                { "key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 } ],
        },
        "status": {
            "phase": "Running", "hostIP": "10.0.0.7", "podIP": "10.4.3.17", "startTime": "2026-11-20T08:11:31Z", "qosClass": "Burstable",
            "conditions": conditions,
            "containerStatuses": [{ "name": "api-gateway", "ready": true, "started": true, "restartCount": number % 3,
                "image": "registry.example.org/digital-identity/api-gateway:2.4.0",
                "imageID": "registry.example.org/digital-identity/api-gateway@sha256:5a2d7c0e9f1b4c8d6e3f0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f",
                "containerID": "containerd://5a2d7c0e9f1b4c8d6e3f0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f",
                "state": { "running": { "startedAt": "2026-11-20T08:11:34Z" } },
                "lastState": { "terminated": { "exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-20T08:11:32Z" } } }],
        },
    })
}
