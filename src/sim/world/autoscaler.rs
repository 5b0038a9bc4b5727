//! The horizontal pod autoscaler: the largest wish of its metrics, within bounds, scaled down only slowly.

use super::cluster::{Cluster, Due, Key, Usage, key_of};
use super::stamp::{Sec, rfc3339};
use crate::sim::kubernetes::kinds::Resource;
use crate::sim::store::{Query, Writer, text};
use serde_json::{Value, json};

/// As `kube-controller-manager --horizontal-pod-autoscaler-sync-period`.
const PERIOD: Sec = 15;
const TOLERANCE: f64 = 0.1;
/// The default stabilisation window for scaling down.
const STABILISATION: Sec = 300;
const CONTROLLER: &str = "horizontal-pod-autoscaler";
/// A use is shown anew only when it moved this much, percent: an idle cluster writes nothing.
const SHOWN_STEP: f64 = 6.0;

impl Cluster {
    pub(super) fn autoscale(&mut self) {
        let now = self.now();
        self.at(now + PERIOD, Due::Autoscalers);
        for autoscaler in self.store.list(Resource::HorizontalPodAutoscalers, &Query::default()).items {
            self.sync_autoscaler(&autoscaler);
        }
    }

    fn sync_autoscaler(&mut self, autoscaler: &Value) {
        let now = self.now();
        let key = key_of(autoscaler);
        let target = autoscaler.pointer("/spec/scaleTargetRef/name").and_then(Value::as_str).unwrap_or_default();
        let Some(deployment) = self.store.get(Resource::Deployments, &key.0, target) else { return };
        let current = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
        let least = autoscaler.pointer("/spec/minReplicas").and_then(Value::as_i64).unwrap_or(1);
        let most = autoscaler.pointer("/spec/maxReplicas").and_then(Value::as_i64).unwrap_or(1);
        let usage = self.usage.get(target).copied().unwrap_or_default();
        let metrics = autoscaler.pointer("/spec/metrics").and_then(Value::as_array).cloned().unwrap_or_default();
        let wishes: Vec<i64> = metrics.iter().filter_map(|metric| wish(metric, usage, current)).collect();
        let raw = wishes.into_iter().max().unwrap_or(current);
        let stabilised = self.stabilise(&key, now, current, raw);
        let desired = if current == 0 { 0 } else { stabilised.clamp(least, most) };
        let (limited, limit_reason, limit_message) = if stabilised > most {
            (true, "TooManyReplicas", "the desired replica count is more than the maximum replica count")
        } else if stabilised < least {
            (true, "TooFewReplicas", "the desired replica count is less than the minimum replica count")
        } else {
            (false, "DesiredWithinRange", "the desired count is within the acceptable range")
        };
        if desired != current {
            let direction = if desired > current { "above" } else { "below" };
            let reason = if desired > current { "resource utilization".to_owned() } else { "All metrics".to_owned() };
            let message = format!("New size: {desired}; reason: {reason} {direction} target");
            let written =
                self.store.modify(Resource::Deployments, &key.0, target, Writer { subresource: "scale", ..Writer::update(MANAGER) }, |deployment| {
                    deployment["spec"]["replicas"] = json!(desired);
                });
            if written.is_ok() {
                self.event(CONTROLLER, autoscaler, "Normal", "SuccessfulRescale", &message);
            }
        }
        let before = &autoscaler["status"];
        let shown = shown_usage(before, usage);
        let reported: Vec<Value> = metrics.iter().map(|metric| report(metric, shown)).collect();
        let condition = |name: &str, holds: bool, reason: &str, message: &str| {
            let status = if holds { "True" } else { "False" };
            let former = before["conditions"].as_array().into_iter().flatten().find(|c| c["type"] == name && c["status"] == status);
            let since = former.map_or_else(|| json!(rfc3339(now)), |former| former["lastTransitionTime"].clone());
            json!({"type": name, "status": status, "lastTransitionTime": since, "reason": reason, "message": message})
        };
        let (able, able_message) = if desired == current {
            ("ReadyForNewScale", "recommended size matches current size".to_owned())
        } else {
            ("SucceededRescale", format!("the HPA controller was able to update the target scale to {desired}"))
        };
        let mut status = json!({
            "currentReplicas": current, "desiredReplicas": desired, "currentMetrics": reported,
            "conditions": [
                condition("AbleToScale", true, able, &able_message),
                condition("ScalingActive", current > 0, "ValidMetricFound", "the HPA was able to successfully calculate a replica count"),
                condition("ScalingLimited", limited, limit_reason, limit_message),
            ],
        });
        if desired != current {
            status["lastScaleTime"] = json!(rfc3339(now));
        } else if let Some(last) = before.get("lastScaleTime") {
            status["lastScaleTime"] = last.clone();
        }
        let name = text(autoscaler, "name");
        let _ = self.store.modify(Resource::HorizontalPodAutoscalers, &key.0, name, Writer::status(MANAGER), |object| object["status"] = status);
    }

    /// Down only to the largest wish of the last minutes.
    fn stabilise(&mut self, key: &Key, now: Sec, current: i64, raw: i64) -> i64 {
        let recent = self.recommendations.entry(key.clone()).or_insert_with(|| vec![(now, current)]);
        recent.retain(|(at, _)| now - at <= STABILISATION);
        recent.push((now, raw));
        if raw >= current { raw } else { recent.iter().map(|(_, wish)| *wish).max().unwrap_or(raw).min(current) }
    }
}

const MANAGER: &str = "kube-controller-manager";

/// The replicas that one metric asks for; external metrics are near their target and ask for no change.
fn wish(metric: &Value, usage: Usage, current: i64) -> Option<i64> {
    let target = metric.pointer("/resource/target/averageUtilization")?.as_f64()?;
    let used = used(metric, usage)?;
    let ratio = used / target;
    if used <= 0.0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a count of replicas")]
    let asked = (current as f64 * ratio).ceil() as i64;
    Some(if (ratio - 1.0).abs() <= TOLERANCE { current } else { asked })
}

fn used(metric: &Value, usage: Usage) -> Option<f64> {
    match metric.pointer("/resource/name")?.as_str()? {
        "cpu" => Some(usage.cpu),
        "memory" => Some(usage.memory),
        _ => None,
    }
}

/// The use last reported, unless the present one is well away from it.
fn shown_usage(before: &Value, usage: Usage) -> Usage {
    let former = |name: &str| {
        let metrics = before["currentMetrics"].as_array()?;
        metrics.iter().find(|metric| metric["resource"]["name"] == name)?.pointer("/resource/current/averageUtilization")?.as_f64()
    };
    let choose = |name: &str, now: f64| former(name).filter(|shown| (shown - now).abs() < SHOWN_STEP).unwrap_or_else(|| now.round());
    Usage { cpu: choose("cpu", usage.cpu), memory: choose("memory", usage.memory) }
}

fn report(metric: &Value, usage: Usage) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "a percentage")]
    let percent = |value: f64| value.round() as i64;
    match metric["type"].as_str() {
        Some("Resource") => {
            let used = percent(used(metric, usage).unwrap_or_default());
            json!({"type": "Resource", "resource": {"name": metric["resource"]["name"], "current": {"averageUtilization": used, "averageValue": format!("{}m", used * 10)}}})
        }
        Some("Pods") => json!({"type": "Pods", "pods": {"metric": metric["pods"]["metric"], "current": {"averageValue": "84"}}}),
        _ => {
            json!({"type": "External", "external": {"metric": metric["external"]["metric"], "current": {"value": metric["external"]["target"]["value"]}}})
        }
    }
}
