//! What stands in the production namespace beside the deployments: a stateful set, a daemon set, jobs and a cron job. No story moves them.

use super::cluster::{Cluster, owner_reference};
use super::platform::PRODUCTION;
use super::stamp::{Sec, rfc3339};
use crate::sim::kubernetes::kinds::Resource;
use crate::sim::store::Writer;
use serde_json::{Value, json};

/// Of the uids and names that this makes.
const SEED: u64 = 0x7365_7473;
const HOUR: Sec = 3600;
const DAY: Sec = 24 * HOUR;
/// Where the pods of both sets run: their nodes are none of those that fall silent in a story.
const ZONE: &str = "uk-1c";

impl Cluster {
    /// Makes the two sets, and gives their pods `settling` seconds. Chance goes on as if they were not there.
    pub(super) fn set_up_sets(&mut self, applier: &str, settling: Sec) {
        let rng = self.rng.clone();
        let chance = self.store.exchange_chance(fastrand::Rng::with_seed(SEED));
        let _ = self.store.create(Resource::Services, Writer::update(applier), headless_service());
        let _ = self.store.create(Resource::StatefulSets, Writer::update(applier), stateful_set());
        let _ = self.store.create(Resource::DaemonSets, Writer::update(applier), daemon_set());
        self.play_until(self.now() + settling);
        self.rng = rng;
        self.store.exchange_chance(chance);
    }

    /// Jobs of the days before `until`. Their pods were cleared away; no controller moves them.
    pub(super) fn file_jobs(&mut self, applier: &str, until: Sec) {
        let chance = self.store.exchange_chance(fastrand::Rng::with_seed(SEED + 1));
        self.job(applier, "schema-migration-2-3", until - 9 * DAY, 74, Ok(()), None);
        self.job(applier, "ledger-backfill", until - 5 * DAY, 611, Err("BackoffLimitExceeded"), None);
        self.clock.set_seconds(until - 30 * DAY);
        let last_run = (until - 2 * HOUR).div_euclid(DAY) * DAY + 2 * HOUR;
        let cron = self.store.create(Resource::CronJobs, Writer::update(applier), cron_job()).ok();
        let name = format!("ledger-reconcile-{}", last_run / 60);
        self.job("kube-controller-manager", &name, last_run, 94, Ok(()), cron.as_deref().map(owner_reference));
        let _ = self.store.modify(Resource::CronJobs, PRODUCTION, "ledger-reconcile", Writer::status("kube-controller-manager"), |cron| {
            cron["status"] = json!({"lastScheduleTime": rfc3339(last_run), "lastSuccessfulTime": rfc3339(last_run + 94)});
        });
        self.store.exchange_chance(chance);
    }

    fn job(&self, by: &str, name: &str, began: Sec, took: Sec, end: Result<(), &str>, owner: Option<Value>) {
        self.clock.set_seconds(began);
        let mut metadata = json!({"name": name, "namespace": PRODUCTION, "labels": {"app": "ledger"}});
        if let Some(owner) = owner {
            metadata["ownerReferences"] = json!([owner]);
        }
        let job = json!({"metadata": metadata, "spec": job_spec()});
        if self.store.create(Resource::Jobs, Writer::update(by), job).is_err() {
            return;
        }
        let ended = rfc3339(began + took);
        let condition = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "True", "reason": reason, "message": message, "lastProbeTime": ended, "lastTransitionTime": ended});
        let status = match end {
            Ok(()) => json!({
                "startTime": rfc3339(began), "completionTime": ended, "succeeded": 1, "ready": 0, "terminating": 0,
                "conditions": [condition("Complete", "CompletionsReached", "Reached expected number of succeeded pods")],
            }),
            Err(reason) => json!({
                "startTime": rfc3339(began), "failed": 7, "ready": 0, "terminating": 0,
                "conditions": [condition("Failed", reason, "Job has reached the specified backoff limit")],
            }),
        };
        let _ = self.store.modify(Resource::Jobs, PRODUCTION, name, Writer::status("kube-controller-manager"), |job| job["status"] = status);
    }
}

fn pod_template(app: &str, image: &str, restart: &str) -> Value {
    let little = json!({"cpu": "50m", "memory": "64Mi"});
    let container = json!({
        "name": app, "image": image, "imagePullPolicy": "IfNotPresent", "resources": {"requests": little, "limits": little},
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    });
    json!({
        "metadata": {"labels": {"app": app}},
        "spec": {
            "containers": [container], "restartPolicy": restart, "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            "schedulerName": "default-scheduler", "securityContext": {},
        },
    })
}

fn in_zone(mut template: Value) -> Value {
    template["spec"]["nodeSelector"] = json!({"topology.kubernetes.io/zone": ZONE});
    template
}

fn headless_service() -> Value {
    json!({
        "metadata": {"name": "ledger", "namespace": PRODUCTION, "labels": {"app": "ledger"}},
        "spec": {
            "type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster", "sessionAffinity": "None", "selector": {"app": "ledger"},
            "ports": [{"name": "raft", "port": 7000, "targetPort": 7000, "protocol": "TCP"}],
        },
        "status": {"loadBalancer": {}},
    })
}

fn stateful_set() -> Value {
    json!({
        "metadata": {"name": "ledger", "namespace": PRODUCTION, "labels": {"app": "ledger"}},
        "spec": {
            "replicas": 2, "serviceName": "ledger", "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10,
            "selector": {"matchLabels": {"app": "ledger"}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "template": in_zone(pod_template("ledger", "digital-identity/ledger:4.1.0", "Always")),
        },
        "status": {"replicas": 0},
    })
}

fn daemon_set() -> Value {
    json!({
        "metadata": {"name": "log-shipper", "namespace": PRODUCTION, "labels": {"app": "log-shipper"}},
        "spec": {
            "revisionHistoryLimit": 10, "selector": {"matchLabels": {"app": "log-shipper"}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            "template": in_zone(pod_template("log-shipper", "digital-identity/log-shipper:1.9.2", "Always")),
        },
        "status": {},
    })
}

fn job_spec() -> Value {
    json!({
        "backoffLimit": 6, "completionMode": "NonIndexed", "completions": 1, "parallelism": 1, "suspend": false,
        "template": pod_template("ledger", "digital-identity/ledger-tools:4.1.0", "Never"),
    })
}

fn cron_job() -> Value {
    json!({
        "metadata": {"name": "ledger-reconcile", "namespace": PRODUCTION, "labels": {"app": "ledger"}},
        "spec": {
            "schedule": "0 2 * * *", "timeZone": "Etc/UTC", "concurrencyPolicy": "Forbid", "suspend": false, "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1, "jobTemplate": {"spec": job_spec()},
        },
        "status": {},
    })
}
