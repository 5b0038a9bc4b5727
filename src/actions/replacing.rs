//! What a new pod template does to the pods of a workload: by its strategy, by how many it has, and by what holds it back.

use serde_json::Value;

use crate::domain::object::Kind;

/// How a new template reaches the pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacing {
    /// All of them, so many at a time, while others serve.
    Gradually { at_once: u64 },
    /// All of them, and nobody may serve meanwhile: how, in words.
    AllAtOnce { how: String, serves: bool },
    /// Those of a stateful set from this one up.
    From { first: String, partition: u64 },
    /// None of them: why.
    Nothing(String),
}

impl Replacing {
    /// As it is once nothing pauses it.
    pub fn resumed(kind: Kind, object: &Value) -> Self {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        if kind != Kind::Deployment && text("/spec/updateStrategy/type") == Some("OnDelete") {
            return Self::Nothing("its update strategy is OnDelete: each pod changes only when it is deleted".to_owned());
        }
        let Some(pods) = wanted(kind, object) else { return Self::Gradually { at_once: A_FEW } };
        if pods == 0 {
            let none = if kind == Kind::DaemonSet { "no node runs a pod of it" } else { "it is scaled to 0" };
            return Self::Nothing(format!("{none}: there is no pod to replace"));
        }
        let partition = object.pointer("/spec/updateStrategy/rollingUpdate/partition").and_then(Value::as_u64).unwrap_or(0);
        if kind == Kind::StatefulSet && partition >= pods {
            return Self::Nothing(format!("{}, and it has no other", below(partition)));
        }
        if kind == Kind::StatefulSet && partition > 0 {
            // The partition counts from the first pod, whatever its number is (`newVersionedStatefulSetPod` of the controller).
            let start = object.pointer("/spec/ordinals/start").and_then(Value::as_u64).unwrap_or(0);
            let name = text("/metadata/name").unwrap_or_default();
            return Self::From { first: format!("{name}-{}", start.saturating_add(partition)), partition };
        }
        let away = away(kind, object, pods);
        if away < pods {
            return Self::Gradually { at_once: away.saturating_add(more(kind, object, pods)) };
        }
        let serving = ["availableReplicas", "readyReplicas", "numberAvailable"];
        let serves = serving.iter().any(|field| object["status"][field].as_u64().unwrap_or(0) > 0);
        let is_recreated = kind == Kind::Deployment && text("/spec/strategy/type") == Some("Recreate");
        let how = match pods {
            1 => "its only pod ends before the new one comes".to_owned(),
            _ if is_recreated => format!("all {pods} pods end at once, before any new one comes"),
            _ => format!("all {pods} pods may be away at once"),
        };
        Self::AllAtOnce { how, serves }
    }

    pub fn of(kind: Kind, object: &Value) -> Self {
        if object.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
            return Self::Nothing("it is paused: nothing is rolled out until it is resumed".to_owned());
        }
        Self::resumed(kind, object)
    }

    /// What becomes of the pods: `every pod is replaced, one at a time`.
    pub fn in_words(&self) -> String {
        match self {
            Self::Gradually { at_once: 1 } => "every pod is replaced, one at a time".to_owned(),
            Self::Gradually { .. } => "every pod is replaced, a few at a time".to_owned(),
            Self::AllAtOnce { how, .. } => format!("every pod is replaced: {how}"),
            Self::From { first, .. } => format!("only the pods from {first} up are replaced"),
            Self::Nothing(_) => "no pod is replaced".to_owned(),
        }
    }

    /// Why a new template does not reach every pod by itself; none where it does.
    pub fn held_back(&self) -> Option<String> {
        match self {
            Self::Gradually { .. } | Self::AllAtOnce { .. } => None,
            Self::From { partition, .. } => Some(below(*partition)),
            Self::Nothing(why) => Some(why.clone()),
        }
    }

    /// That those who serve now end before others do, in words.
    pub fn outage(&self) -> Option<String> {
        match self {
            Self::AllAtOnce { how, serves: true } => Some(format!("this is an outage until new pods are ready: {how}")),
            _ => None,
        }
    }

    /// What taking it back does to the pods, after `U brings revision 4 back`.
    pub fn once_more(&self) -> &'static str {
        match self {
            Self::Gradually { .. } => ", which replaces the pods once more",
            Self::AllAtOnce { .. } => ", which ends all its pods once more",
            Self::From { .. } => ", which replaces the same pods once more",
            Self::Nothing(_) => "; no pod is replaced then either",
        }
    }
}

fn below(partition: u64) -> String {
    format!("its partition is {partition}: pods below that number keep what they run")
}

/// How many pods it should have; none where that is not known.
fn wanted(kind: Kind, object: &Value) -> Option<u64> {
    match kind {
        Kind::DaemonSet => object.pointer("/status/desiredNumberScheduled").and_then(Value::as_u64),
        _ => Some(object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1)),
    }
}

/// So many percent of these pods, rounded down or up.
type Share = fn(u64, u64) -> u64;

/// A number of pods where an object does not say one.
const A_FEW: u64 = 2;

/// So many of these pods, as a field gives them: a number, or a share.
fn bound(object: &Value, pointer: &str, pods: u64, of: Share) -> Option<u64> {
    match object.pointer(pointer) {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim_end_matches('%').parse().ok().map(|percent| of(pods, percent)),
        _ => None,
    }
}

fn down(pods: u64, percent: u64) -> u64 {
    pods.saturating_mul(percent) / 100
}

fn up(pods: u64, percent: u64) -> u64 {
    pods.saturating_mul(percent).div_ceil(100)
}

/// How many of its pods may be away at once while a new template is rolled out.
pub fn away(kind: Kind, object: &Value, pods: u64) -> u64 {
    match kind {
        Kind::Deployment if object.pointer("/spec/strategy/type").and_then(Value::as_str) == Some("Recreate") => pods,
        Kind::Deployment => {
            // The API server fills 25 % in; shares of pods that are away are rounded down, and where neither more nor fewer are
            // allowed one goes first (`ResolveFenceposts` of the deployment controller).
            let away = bound(object, "/spec/strategy/rollingUpdate/maxUnavailable", pods, down).unwrap_or(pods / 4);
            if away == 0 && more(kind, object, pods) == 0 { 1 } else { away }
        }
        // A daemon set that makes new ones first lets none be away.
        Kind::DaemonSet if more(kind, object, pods) > 0 => 0,
        _ => bound(object, "/spec/updateStrategy/rollingUpdate/maxUnavailable", pods, up).unwrap_or(1).max(1),
    }
}

/// How many pods more than it should have may be there meanwhile.
fn more(kind: Kind, object: &Value, pods: u64) -> u64 {
    match kind {
        Kind::Deployment => bound(object, "/spec/strategy/rollingUpdate/maxSurge", pods, up).unwrap_or_else(|| up(pods, 25)),
        Kind::DaemonSet => bound(object, "/spec/updateStrategy/rollingUpdate/maxSurge", pods, up).unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(kind: Kind, spec: &Value) -> String {
        let available = json!({"availableReplicas": 2, "desiredNumberScheduled": 4, "numberAvailable": 4});
        let replacing = Replacing::of(kind, &json!({"metadata": {"name": "db"}, "spec": spec, "status": available}));
        let sign = if replacing.outage().is_some() { "outage: " } else { "" };
        format!("{sign}{}", replacing.in_words())
    }

    #[test]
    fn strategy_and_number_say_what_a_new_template_does() {
        let (gradual, single) = ("every pod is replaced, a few at a time", "every pod is replaced, one at a time");
        let rolling = |replicas: u64, more: Value, away: Value| json!({"replicas": replicas, "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": more, "maxUnavailable": away}}});
        let sets = |replicas: u64, strategy: Value| json!({"replicas": replicas, "updateStrategy": strategy});
        for (kind, spec, says) in [
            (Kind::Deployment, json!({"replicas": 3}), single),
            (Kind::Deployment, json!({"replicas": 8}), gradual),
            (Kind::Deployment, json!({"replicas": 1}), single),
            (Kind::Deployment, rolling(6, json!(0), json!(0)), single),
            (Kind::Deployment, rolling(4, json!("25%"), json!("25%")), gradual),
            (Kind::Deployment, rolling(1, json!(0), json!(0)), "outage: every pod is replaced: its only pod ends before the new one comes"),
            (Kind::Deployment, rolling(3, json!(0), json!("100%")), "outage: every pod is replaced: all 3 pods may be away at once"),
            (
                Kind::Deployment,
                json!({"replicas": 3, "strategy": {"type": "Recreate"}}),
                "outage: every pod is replaced: all 3 pods end at once, before any new one comes",
            ),
            (Kind::Deployment, json!({"replicas": 0, "strategy": {"type": "Recreate"}}), "no pod is replaced"),
            (Kind::Deployment, json!({"replicas": 3, "paused": true}), "no pod is replaced"),
            (Kind::StatefulSet, sets(3, json!({"type": "RollingUpdate"})), single),
            (Kind::StatefulSet, sets(5, json!({"rollingUpdate": {"maxUnavailable": 2}})), gradual),
            (Kind::StatefulSet, sets(1, json!({})), "outage: every pod is replaced: its only pod ends before the new one comes"),
            (Kind::StatefulSet, sets(3, json!({"type": "OnDelete"})), "no pod is replaced"),
            (Kind::StatefulSet, sets(3, json!({"rollingUpdate": {"partition": 3}})), "no pod is replaced"),
            (Kind::StatefulSet, sets(3, json!({"rollingUpdate": {"partition": 2}})), "only the pods from db-2 up are replaced"),
            (Kind::DaemonSet, sets(0, json!({})), single),
            (Kind::DaemonSet, sets(0, json!({"rollingUpdate": {"maxSurge": "50%", "maxUnavailable": 0}})), gradual),
            (
                Kind::DaemonSet,
                sets(0, json!({"rollingUpdate": {"maxUnavailable": "100%"}})),
                "outage: every pod is replaced: all 4 pods may be away at once",
            ),
            (Kind::DaemonSet, sets(0, json!({"type": "OnDelete"})), "no pod is replaced"),
        ] {
            assert_eq!(told(kind, &spec), says, "{kind:?} {spec}");
        }
    }

    #[test]
    fn nobody_is_without_service_where_nobody_served() {
        let down = json!({"spec": {"replicas": 3, "strategy": {"type": "Recreate"}}, "status": {"replicas": 3}});
        assert_eq!(Replacing::of(Kind::Deployment, &down).outage(), None);
    }
}
