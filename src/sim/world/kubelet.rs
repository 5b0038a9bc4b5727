//! The kubelets: how a pod comes up, becomes ready, crashes with back-off, hangs, and goes.

use super::cluster::{Cluster, Due, Key, PodStep, key_of};
use super::configuration::Configuration;
use super::failing::{self, Failure};
use super::log_lines::fill;
use super::pod::{self, ContainerState};
use super::scenario::Form;
use super::settings::SYNC;
use super::stamp::{Sec, rfc3339};
use crate::sim::kubernetes::kinds::Resource;
use crate::sim::store::{Change, Deletion, Writer, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const KUBELET: &str = "kubelet";
/// Delay before the first, second, ... restart after a crash; the first is at once.
const BACK_OFF: [Sec; 7] = [0, 10, 20, 40, 80, 160, 300];
/// How often a failing readiness check is reported.
const PROBE_EVERY: Sec = 60;

/// A pod that a kubelet has its eye on.
#[derive(Debug, Clone)]
pub struct PodRun {
    pub uid: String,
    pub node: String,
    pub deployment: String,
    pub tag: String,
    /// Variables of its container with their values.
    pub env: Arc<BTreeMap<String, String>>,
    /// How long after a change of a mounted ConfigMap it is seen, seconds.
    pub sync: Sec,
    /// Start of the running container; none while it does not run.
    pub started: Option<Sec>,
    pub ready: bool,
    pub hung: bool,
    pub stopping: bool,
    pub restarts: i64,
    /// Which sickness it has, and when it first crashes (after becoming ready).
    pub sickness: Option<(usize, Sec)>,
    /// How it was asked to fail.
    pub failure: Option<Failure>,
    /// What its container has read of config maps.
    pub read: Configuration,
    /// How the last container ended.
    last: Option<Value>,
}

impl Cluster {
    /// Reacts to a pod that has a node.
    pub(super) fn observe_pod(&mut self, key: &Key, change: &Change) {
        let pod = &change.object;
        let Some(node) = pod::node(pod) else { return };
        let now = self.now();
        let uid = text(pod, "uid").to_owned();
        if pod::is_terminating(pod) {
            let run = self.runs.get_mut(key).filter(|run| run.uid == uid);
            let already = run.as_ref().is_some_and(|run| run.stopping) || change.previous.as_ref().is_some_and(|before| pod::is_terminating(before));
            if let Some(run) = run {
                run.stopping = true;
            }
            if !already {
                let grace = pod["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(30);
                let takes = self.rng.i64(1..4).min(grace);
                self.at(now + takes, Due::Pod { key: key.clone(), uid, step: PodStep::Stop });
                let reachable = self.nodes.get(node).is_some_and(|record| !record.silent);
                if reachable {
                    self.event(KUBELET, pod, "Normal", "Killing", &format!("Stopping container {}", pod::container(pod)));
                }
            }
            return;
        }
        if self.runs.contains_key(key) || pod::phase(pod) != "Pending" {
            return;
        }
        let deployment = pod::deployment(pod).unwrap_or_default().to_owned();
        let tag = pod::tag(pod).to_owned();
        let sickness = self.infect(key, &deployment, &tag);
        let run = PodRun {
            uid: uid.clone(),
            node: node.to_owned(),
            deployment,
            tag,
            env: Arc::new(pod::variables(pod)),
            sync: Sec::from(super::names::fnv(key.1.as_bytes())) % SYNC,
            started: None,
            ready: false,
            hung: false,
            stopping: false,
            restarts: 0,
            sickness,
            failure: Failure::of(pod),
            read: Configuration::default(),
            last: None,
        };
        self.runs.insert(key.clone(), run);
        self.write_status(key, &ContainerState::Creating);
        let takes = self.rng.i64(1..4);
        self.at(now + takes, Due::Pod { key: key.clone(), uid, step: PodStep::Start });
    }

    /// Whether a new pod of this version will be sick: such that the share of sick ones among those of its replica set is kept.
    fn infect(&mut self, pod: &Key, deployment: &str, tag: &str) -> Option<(usize, Sec)> {
        if pod.0 != super::platform::PRODUCTION {
            return None;
        }
        let now = self.now();
        let which = self.sicknesses.iter().position(|sickness| sickness.deployment == deployment && sickness.tag == tag)?;
        let alive: Vec<&PodRun> = self
            .runs
            .iter()
            .filter(|((ns, name), run)| *ns == pod.0 && set_of(name) == set_of(&pod.1) && run.tag == tag && !run.stopping)
            .map(|(_, run)| run)
            .collect();
        let sick = alive.iter().filter(|run| run.sickness.is_some()).count();
        let sickness = &self.sicknesses[which];
        let due = ((alive.len() + 1) as f64 * sickness.share + 1e-9).floor();
        let outbreak = *self.outbreaks[which].get_or_insert(now);
        let delay = if now - outbreak > 90 { sickness.later } else { sickness.after };
        ((sick as f64) < due).then_some((which, delay))
    }

    pub(super) fn pod_step(&mut self, key: &Key, uid: &str, step: PodStep) {
        let now = self.now();
        let Some(pod) = self.store.get(Resource::Pods, &key.0, &key.1).filter(|pod| text(pod, "uid") == uid) else { return };
        let silent = pod::node(&pod).and_then(|node| self.nodes.get(node)).is_some_and(|record| record.silent);
        if silent {
            return; // wake_pod goes on when the node is back
        }
        if step == PodStep::Stop {
            let _ = self.store.delete(Resource::Pods, &key.0, &key.1, &Deletion::immediate());
            return;
        }
        if pod::is_terminating(&pod) || !self.runs.contains_key(key) {
            return;
        }
        match step {
            PodStep::Start if self.runs.get(key).is_some_and(|run| run.failure == Some(Failure::ImagePull)) => {
                self.event(KUBELET, &pod, "Warning", "Failed", "Error: ImagePullBackOff");
                self.write_status(key, &failing::without_image(&pod));
            }
            PodStep::Start => {
                let (container, image) = (pod::container(&pod), pod.pointer("/spec/containers/0/image").and_then(Value::as_str).unwrap_or_default());
                self.event(KUBELET, &pod, "Normal", "Pulled", &format!("Container image \"{image}\" already present on machine"));
                self.event(KUBELET, &pod, "Normal", "Created", &format!("Container created: {container}"));
                self.event(KUBELET, &pod, "Normal", "Started", "Container started");
                self.assign_address(key, &pod);
                self.start_container(key, &pod);
            }
            PodStep::Restart => self.start_container(key, &pod),
            PodStep::Ready => {
                let Some(run) = self.runs.get_mut(key).filter(|run| run.started.is_some()) else { return };
                run.ready = true;
                let again = run.restarts > 0;
                let outbreak = run.sickness.map(|(which, delay)| (&self.sicknesses[which], delay));
                let crash = outbreak
                    .filter(|(sickness, _)| sickness.form != Form::Limp)
                    .map(|(sickness, delay)| now + sickness.again.filter(|_| again).unwrap_or(delay));
                self.report_running(key);
                if let Some(at) = crash {
                    self.at(at, Due::Pod { key: key.clone(), uid: uid.to_owned(), step: PodStep::Crash });
                }
            }
            PodStep::Crash => self.crash(key, &pod),
            PodStep::Probe => {
                if self.runs.get(key).is_some_and(|run| run.hung) {
                    self.event(KUBELET, &pod, "Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503");
                    self.at(now + PROBE_EVERY, Due::Pod { key: key.clone(), uid: uid.to_owned(), step: PodStep::Probe });
                }
            }
            PodStep::Sync => self.sync_config(key, &pod),
            PodStep::Stop => {}
        }
    }

    fn assign_address(&mut self, key: &Key, pod: &Value) {
        self.next_address += 1;
        let node = pod::node(pod).unwrap_or_default();
        let number = node.strip_prefix("node-").and_then(|number| number.parse::<u32>().ok()).unwrap_or(99);
        let (high, low) = (self.next_address / 250, self.next_address % 250 + 2);
        let (address, host) = (format!("10.244.{}.{low}", (number + 16 * high) % 256), format!("10.0.1.{}", 10 + number));
        let _ = self.store.modify(Resource::Pods, &key.0, &key.1, Writer::status(KUBELET), |pod| {
            pod["status"]["hostIP"] = json!(host);
            pod["status"]["hostIPs"] = json!([{"ip": host}]);
            pod["status"]["podIP"] = json!(address);
            pod["status"]["podIPs"] = json!([{"ip": address}]);
        });
    }

    fn start_container(&mut self, key: &Key, pod: &Value) {
        let now = self.now();
        let ready_in = self.rng.i64(3..8);
        let crash_in = self.rng.i64(8..15);
        let read = Configuration::at_start(pod, &self.store);
        let Some(run) = self.runs.get_mut(key) else { return };
        run.read = read;
        run.started = Some(now);
        run.ready = false;
        let lives = run.sickness.is_none_or(|(which, _)| self.sicknesses[which].form != Form::Crash || self.sicknesses[which].again.is_some());
        let (uid, restarts, doomed) = (run.uid.clone(), run.restarts, !lives && run.restarts > 0);
        let failure = run.failure;
        let doomed = doomed || failure.is_some_and(Failure::crashes);
        self.report_running(key);
        let step = if doomed { PodStep::Crash } else { PodStep::Ready };
        let delay = if doomed { crash_in } else { ready_in };
        if failure != Some(Failure::NotReady) {
            self.at(now + delay, Due::Pod { key: key.clone(), uid, step });
        }
        let (time, container) = (self.clock.now(), failing::acting(pod));
        if restarts > 0 {
            self.store.logs().restart(&key.0, &key.1, container);
        }
        let doing =
            if failure == Some(Failure::InitCrashLoop) { "ERROR waiting for the database: gave up" } else { "INFO  configuration read, listening" };
        for line in [format!("INFO  starting {container} {}", pod::tag(pod)), doing.to_owned()] {
            self.store.logs().append(&key.0, &key.1, container, time, &line);
        }
    }

    fn crash(&mut self, key: &Key, pod: &Value) {
        let now = self.now();
        let container = failing::acting(pod).to_owned();
        let Some(run) = self.runs.get_mut(key) else { return };
        if run.failure.is_none() && run.sickness.is_some_and(|(which, _)| self.sicknesses[which].form == Form::Hang) {
            let uid = run.uid.clone();
            return self.hang_pod(key, &uid);
        }
        let Some(started) = run.started else { return };
        let (exit_code, reason, last_words) = match (run.failure, run.sickness) {
            (Some(failure), _) => (failure.end().0, failure.end().1.to_owned(), Vec::new()),
            (None, Some((which, _))) => {
                let sickness = &self.sicknesses[which];
                (sickness.exit_code, sickness.reason.clone(), sickness.last_words.clone())
            }
            (None, None) => return,
        };
        run.started = None;
        run.ready = false;
        let id = pod::container_id(&run.uid, run.restarts);
        run.last = Some(json!({
            "containerID": id, "exitCode": exit_code, "reason": reason, "startedAt": rfc3339(started), "finishedAt": rfc3339(now),
        }));
        let delay = BACK_OFF[usize::try_from(run.restarts).unwrap_or(usize::MAX).min(BACK_OFF.len() - 1)];
        run.restarts += 1;
        let uid = run.uid.clone();
        let time = self.clock.now();
        for words in &last_words {
            let line = fill(words, &mut self.rng);
            self.store.logs().append(&key.0, &key.1, &container, time, &line);
        }
        if delay == 0 {
            self.at(now + 1, Due::Pod { key: key.clone(), uid: uid.clone(), step: PodStep::Restart });
        }
        let message = format!("back-off {} restarting failed container={container} pod={}_{}({uid})", words_of(delay.max(10)), key.1, key.0);
        self.write_status(key, &ContainerState::Waiting { reason: "CrashLoopBackOff".into(), message });
        if delay > 0 {
            let message = format!("Back-off restarting failed container {container} in pod {}_{}({uid})", key.1, key.0);
            self.event(KUBELET, pod, "Warning", "BackOff", &message);
            self.at(now + delay, Due::Pod { key: key.clone(), uid, step: PodStep::Restart });
        }
    }

    /// That many ready pods of the deployment stop working; they go on running.
    pub fn hang(&mut self, namespace: &str, deployment: &str, pods: usize) {
        let mut ready: Vec<_> = self.pods_of_deployment(namespace, deployment).into_iter().filter(|pod| pod::is_ready(pod)).collect();
        ready.truncate(pods);
        for pod in ready {
            self.hang_pod(&key_of(&pod), text(&pod, "uid"));
        }
    }

    fn hang_pod(&mut self, key: &Key, uid: &str) {
        let Some(run) = self.runs.get_mut(key) else { return };
        run.hung = true;
        run.ready = false;
        self.report_running(key);
        self.at(self.now(), Due::Pod { key: key.clone(), uid: uid.to_owned(), step: PodStep::Probe });
    }

    /// The node's controller, not the kubelet, says that a pod is not ready.
    pub(super) fn set_pod_ready(&mut self, pod: &Value, ready: bool) {
        let now = self.now();
        let key = key_of(pod);
        let why = json!({"reason": "NodeNotReady", "message": "Node is not ready"});
        let _ = self.store.modify(Resource::Pods, &key.0, &key.1, Writer::status("kube-controller-manager"), |pod| {
            pod::set_condition(pod, "Ready", ready, Some(&why), now);
        });
    }

    /// Takes up a pod again whose node is back.
    pub(super) fn wake_pod(&mut self, pod: &Value) {
        let now = self.now();
        let key = key_of(pod);
        let uid = text(pod, "uid").to_owned();
        // What changed while the node was away is seen then.
        self.at(now + 1, Due::Pod { key: key.clone(), uid: uid.clone(), step: PodStep::Sync });
        if pod::is_terminating(pod) {
            self.at(now + 1, Due::Pod { key, uid, step: PodStep::Stop });
        } else if let Some(run) = self.runs.get(&key) {
            let step = match (run.started, run.restarts) {
                (Some(_), _) => PodStep::Ready,
                (None, 0) => PodStep::Start,
                (None, _) => PodStep::Restart,
            };
            self.at(now + 1, Due::Pod { key, uid, step });
        } else {
            self.set_pod_ready(pod, true);
        }
    }

    fn report_running(&mut self, key: &Key) {
        if let Some(since) = self.runs.get(key).and_then(|run| run.started) {
            self.write_status(key, &ContainerState::Running { since });
        }
    }

    fn write_status(&mut self, key: &Key, state: &ContainerState) {
        let now = self.now();
        let Some(run) = self.runs.get(key) else { return };
        let _ = self.store.modify(Resource::Pods, &key.0, &key.1, Writer::status(KUBELET), |pod| {
            if run.failure == Some(Failure::InitCrashLoop) {
                pod::report_initializing(pod, state, run.restarts, run.last.as_ref(), now);
            } else {
                pod::report(pod, state, run.ready && !run.hung, run.restarts, run.last.as_ref(), now);
            }
        });
    }
}

/// The replica set that a generated pod name begins with.
fn set_of(pod: &str) -> &str {
    pod.rsplit_once('-').map_or(pod, |(set, _)| set)
}

/// As Go prints a duration: `40s`, `1m20s`, `5m0s`.
fn words_of(seconds: Sec) -> String {
    if seconds < 60 { format!("{seconds}s") } else { format!("{}m{}s", seconds / 60, seconds % 60) }
}
