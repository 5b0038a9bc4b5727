//! How far a rollout is, by what its workload says of itself. A count is never one of old and new pods together.

use serde_json::Value;

use crate::domain::{object::Kind, text::Text};

/// One look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// New pods that are ready.
    pub ready: u32,
    /// How many there are to be; zero while the controller has not seen the write.
    pub of: u32,
    pub old: u32,
    pub stuck: Option<Text>,
    pub is_complete: bool,
}

/// The rules of `kubectl rollout status` (`kubectl/pkg/polymorphichelpers/rollout_status.go`). Says also whether the
/// controller has seen what is wanted.
pub fn of(kind: Kind, object: &Value) -> (Look, bool) {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    let status = |name: &str| number(&format!("/status/{name}")).unwrap_or(0);
    // A scale says nothing of generations.
    let is_observed = matches!(kind, Kind::Scale(_)) || number("/status/observedGeneration") >= number("/metadata/generation");
    if !is_observed {
        // The counts are those of the state before the write: all pods of it would pass for new ones.
        return (Look { ready: 0, of: 0, old: 0, stuck: None, is_complete: false }, false);
    }
    let mut look = match kind {
        Kind::DaemonSet => {
            let (of, updated, available) = (status("desiredNumberScheduled"), status("updatedNumberScheduled"), status("numberAvailable"));
            let old = of.saturating_sub(updated);
            Look { ready: new(available, old, updated), of, old, stuck: None, is_complete: updated >= of && available >= of }
        }
        Kind::StatefulSet => {
            let (of, updated, ready) = (number("/spec/replicas").unwrap_or(1), status("updatedReplicas"), status("readyReplicas"));
            let is_new = object.pointer("/status/currentRevision") == object.pointer("/status/updateRevision");
            // Without an update under way `updatedReplicas` is left out.
            let updated = if is_new { status("replicas") } else { updated };
            let old = status("replicas").saturating_sub(updated);
            let is_complete = is_new && ready >= of && status("replicas") == of;
            Look { ready: new(ready, old, updated), of, old, stuck: None, is_complete }
        }
        Kind::Scale(_) => {
            let (of, there) = (number("/spec/replicas").unwrap_or(0), status("replicas"));
            Look { ready: there, of, old: 0, stuck: None, is_complete: there == of }
        }
        Kind::ReplicaSet => {
            let (of, ready) = (number("/spec/replicas").unwrap_or(1), status("readyReplicas"));
            Look { ready, of, old: 0, stuck: None, is_complete: status("replicas") == of && ready >= of }
        }
        _ => {
            let of = number("/spec/replicas").unwrap_or(1);
            let (updated, total, available) = (status("updatedReplicas"), status("replicas"), status("availableReplicas"));
            let old = total.saturating_sub(updated);
            let is_complete = updated >= of && old == 0 && total == of && available >= updated;
            Look { ready: new(available, old, updated), of, old, stuck: None, is_complete }
        }
    };
    // Pods that a smaller number has no use for may be ready still.
    look.ready = look.ready.min(look.of);
    (look, true)
}

/// How many of the ready pods are new for sure: as if all old ones were ready too.
fn new(ready: u32, old: u32, updated: u32) -> u32 {
    ready.saturating_sub(old).min(updated)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn before_the_controller_saw_the_write_no_pod_is_counted() {
        let deployment = |observed: u32, updated: u32| {
            json!({
                "metadata": {"generation": 8}, "spec": {"replicas": 5},
                "status": {"observedGeneration": observed, "replicas": 5, "updatedReplicas": updated, "availableReplicas": 5},
            })
        };
        let (look, is_observed) = of(Kind::Deployment, &deployment(7, 5));
        assert_eq!((look.ready, look.of, look.old, look.is_complete, is_observed), (0, 0, 0, false, false));
        let (look, _) = of(Kind::Deployment, &deployment(8, 0));
        assert_eq!((look.ready, look.of, look.old, look.is_complete), (0, 5, 5, false));
        let (look, _) = of(Kind::Deployment, &deployment(8, 5));
        assert_eq!((look.ready, look.of, look.old, look.is_complete), (5, 5, 0, true));
    }

    /// Kubernetes 72212 and 68573: a set that was never updated; kubernetes 42640: daemons where there is no node for one;
    /// kubectl 1628: an old pod that is on its way out is none of the workload's any more.
    #[test]
    fn what_is_complete_for_kubectl_is_complete() {
        let metadata = json!({"generation": 1});
        let never_updated = json!({"metadata": metadata, "spec": {"replicas": 3}, "status": {"observedGeneration": 1, "replicas": 3, "readyReplicas": 3, "currentRevision": "a", "updateRevision": "a"}});
        let no_node = json!({"metadata": metadata, "status": {"observedGeneration": 1, "desiredNumberScheduled": 0}});
        let terminating = json!({"metadata": metadata, "spec": {"replicas": 2}, "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "terminatingReplicas": 1}});
        let to_none = json!({"metadata": metadata, "spec": {"replicas": 0}, "status": {"observedGeneration": 1}});
        for (kind, object, expected) in [
            (Kind::StatefulSet, never_updated, (3, 3, 0, true)),
            (Kind::DaemonSet, no_node, (0, 0, 0, true)),
            (Kind::Deployment, terminating, (2, 2, 0, true)),
            (Kind::Deployment, to_none, (0, 0, 0, true)),
        ] {
            let (look, _) = of(kind, &object);
            assert_eq!((look.ready, look.of, look.old, look.is_complete), expected, "{object}");
        }
    }

    proptest! {
        /// Whatever the old pods are: those that are ready are not said to be new.
        #[test]
        fn no_old_pod_counts_as_a_new_one(old in 0_u32..9, old_ready in 0_u32..9, new in 0_u32..9, new_ready in 0_u32..9) {
            let (old_ready, new_ready) = (old_ready.min(old), new_ready.min(new));
            let (total, ready) = (old + new, old_ready + new_ready);
            let metadata = json!({"generation": 2});
            let deployment = json!({"metadata": metadata, "spec": {"replicas": total}, "status": {"observedGeneration": 2, "replicas": total, "updatedReplicas": new, "availableReplicas": ready}});
            let stateful = json!({"metadata": metadata, "spec": {"replicas": total}, "status": {"observedGeneration": 2, "replicas": total, "updatedReplicas": new, "readyReplicas": ready, "currentRevision": "a", "updateRevision": "b"}});
            let daemon = json!({"metadata": metadata, "status": {"observedGeneration": 2, "desiredNumberScheduled": total, "updatedNumberScheduled": new, "numberAvailable": ready}});
            for (kind, object) in [(Kind::Deployment, deployment), (Kind::StatefulSet, stateful), (Kind::DaemonSet, daemon)] {
                prop_assert!(of(kind, &object).0.ready <= new_ready);
            }
        }
    }
}
