//! Tables as the API server prints them: columns and cells of each resource type, with the names kubectl shows.

mod custom;
mod pod;
mod rows;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::kinds::Resource;

/// Name, type and priority (1: only in wide output). The first `name` column has the format `name`.
type Column = (&'static str, &'static str, u8);

const NAME: Column = ("Name", "string", 0);
const AGE: Column = ("Age", "string", 0);
const CONTAINERS: Column = ("Containers", "string", 1);
const IMAGES: Column = ("Images", "string", 1);
const SELECTOR: Column = ("Selector", "string", 1);

fn columns(resource: Resource) -> &'static [Column] {
    match resource {
        Resource::Pods => &[
            NAME,
            ("Ready", "string", 0),
            ("Status", "string", 0),
            ("Restarts", "string", 0),
            AGE,
            ("IP", "string", 1),
            ("Node", "string", 1),
            ("Nominated Node", "string", 1),
            ("Readiness Gates", "string", 1),
        ],
        Resource::Deployments => {
            &[NAME, ("Ready", "string", 0), ("Up-to-date", "string", 0), ("Available", "string", 0), AGE, CONTAINERS, IMAGES, SELECTOR]
        }
        Resource::ReplicaSets => {
            &[NAME, ("Desired", "integer", 0), ("Current", "integer", 0), ("Ready", "integer", 0), AGE, CONTAINERS, IMAGES, SELECTOR]
        }
        Resource::StatefulSets => &[NAME, ("Ready", "string", 0), AGE, CONTAINERS, IMAGES],
        Resource::DaemonSets => &[
            NAME,
            ("Desired", "integer", 0),
            ("Current", "integer", 0),
            ("Ready", "integer", 0),
            ("Up-to-date", "integer", 0),
            ("Available", "integer", 0),
            ("Node Selector", "string", 0),
            AGE,
            CONTAINERS,
            IMAGES,
            SELECTOR,
        ],
        Resource::Services => {
            &[NAME, ("Type", "string", 0), ("Cluster-IP", "string", 0), ("External-IP", "string", 0), ("Port(s)", "string", 0), AGE, SELECTOR]
        }
        Resource::ConfigMaps => &[NAME, ("Data", "string", 0), AGE],
        Resource::Secrets => &[NAME, ("Type", "string", 0), ("Data", "string", 0), AGE],
        Resource::Nodes => &[
            NAME,
            ("Status", "string", 0),
            ("Roles", "string", 0),
            AGE,
            ("Version", "string", 0),
            ("Internal-IP", "string", 1),
            ("External-IP", "string", 1),
            ("OS-Image", "string", 1),
            ("Kernel-Version", "string", 1),
            ("Container-Runtime", "string", 1),
        ],
        Resource::Namespaces => &[NAME, ("Status", "string", 0), AGE],
        Resource::Events => &[
            ("Last Seen", "string", 0),
            ("Type", "string", 0),
            ("Reason", "string", 0),
            ("Object", "string", 0),
            ("Subobject", "string", 1),
            ("Source", "string", 1),
            ("Message", "string", 0),
            ("First Seen", "string", 1),
            ("Count", "string", 1),
            ("Name", "string", 1),
        ],
        Resource::HorizontalPodAutoscalers => &[
            NAME,
            ("Reference", "string", 0),
            ("Targets", "string", 0),
            ("MinPods", "string", 0),
            ("MaxPods", "string", 0),
            ("Replicas", "string", 0),
            AGE,
        ],
        Resource::Endpoints => &[NAME, ("Endpoints", "string", 0), AGE],
        Resource::EndpointSlices => &[NAME, ("AddressType", "string", 0), ("Ports", "string", 0), ("Endpoints", "string", 0), AGE],
        Resource::Leases => &[NAME, ("Holder", "string", 0), AGE],
        Resource::PodDisruptionBudgets => {
            &[NAME, ("Min Available", "string", 0), ("Max Unavailable", "string", 0), ("Allowed Disruptions", "integer", 0), AGE]
        }
        Resource::ServiceAccounts => &[NAME, AGE],
        Resource::ClusterRoleBindings | Resource::RoleBindings => {
            &[NAME, ("Role", "string", 0), AGE, ("Users", "string", 1), ("Groups", "string", 1), ("ServiceAccounts", "string", 1)]
        }
        Resource::ControllerRevisions => &[NAME, ("Controller", "string", 0), ("Revision", "integer", 0), AGE],
        Resource::ResourceQuotas => &[NAME, ("Request", "string", 0), ("Limit", "string", 0), AGE],
        Resource::LimitRanges | Resource::ClusterRoles | Resource::Roles => &[NAME, ("Created At", "date", 0)],
        Resource::Jobs => {
            &[NAME, ("Status", "string", 0), ("Completions", "string", 0), ("Duration", "string", 0), AGE, CONTAINERS, IMAGES, SELECTOR]
        }
        Resource::CronJobs => &[
            NAME,
            ("Schedule", "string", 0),
            ("Timezone", "string", 0),
            ("Suspend", "boolean", 0),
            ("Active", "integer", 0),
            ("Last Schedule", "string", 0),
            AGE,
            CONTAINERS,
            IMAGES,
            SELECTOR,
        ],
        Resource::Applications | Resource::HelmReleases | Resource::ScaledObjects | Resource::Kustomizations | Resource::WorkerPools => {
            custom::columns(resource)
        }
    }
}

/// `columnDefinitions` of a table.
pub fn definitions(resource: Resource) -> Value {
    let definition = |(name, kind, priority): &Column| {
        let format = if *name == "Name" { "name" } else { "" };
        json!({"name": name, "type": kind, "format": format, "description": "", "priority": priority})
    };
    Value::Array(columns(resource).iter().map(definition).collect())
}

/// One row's cells, as many as there are columns.
pub fn cells(resource: Resource, object: &Value, now: DateTime<Utc>) -> Vec<Value> {
    let metadata = object.get("metadata").unwrap_or(&Value::Null);
    if object.get("spec").is_none_or(|spec| spec.as_object().is_some_and(Map::is_empty)) && metadata.get("name").is_none() {
        return columns(resource).iter().map(|(_, kind, _)| if *kind == "integer" { json!(0) } else { json!("") }).collect();
    }
    match resource {
        Resource::Pods => pod::cells(object, now),
        _ if super::custom::of(resource).is_some() => custom::cells(resource, object, now),
        _ => rows::cells(resource, object, now),
    }
}

/// The time since `timestamp`, as kubectl writes it.
pub fn age(timestamp: Option<&Value>, now: DateTime<Utc>) -> String {
    let time = timestamp.and_then(Value::as_str).and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    time.map_or_else(|| "<unknown>".to_owned(), |time| duration(now.signed_duration_since(time)))
}

/// Two units at most: `90s`, `12m`, `3h15m`, `5d3h`, `2y`. The rules are those of apimachinery's `HumanDuration`.
pub fn duration(elapsed: TimeDelta) -> String {
    let seconds = elapsed.num_seconds();
    if seconds < -1 {
        return "<invalid>".to_owned();
    }
    let two = |large: i64, letter: char, small: i64, small_letter: char| {
        if small == 0 { format!("{large}{letter}") } else { format!("{large}{letter}{small}{small_letter}") }
    };
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let (days, years) = (hours / 24, hours / 24 / 365);
    match seconds {
        i64::MIN..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        _ if minutes < 10 => two(minutes, 'm', seconds % 60, 's'),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => two(hours, 'h', minutes % 60, 'm'),
        _ if hours < 48 => format!("{hours}h"),
        _ if hours < 192 => two(days, 'd', hours % 24, 'h'),
        _ if days < 730 => format!("{days}d"),
        _ if days < 2920 => two(years, 'y', days % 365, 'd'),
        _ => format!("{years}y"),
    }
}

/// A selector object in the text form: `app=x,tier in (a,b)`.
pub fn selector_text(selector: Option<&Value>) -> String {
    let Some(selector) = selector else { return String::new() };
    let labels = if selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some() {
        selector.get("matchLabels")
    } else {
        Some(selector)
    };
    let mut parts: Vec<String> =
        labels.and_then(Value::as_object).into_iter().flatten().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let key = expression.get("key").and_then(Value::as_str).unwrap_or_default();
        let values: Vec<&str> = expression.get("values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        parts.push(match expression.get("operator").and_then(Value::as_str) {
            Some("In") => format!("{key} in ({})", values.join(",")),
            Some("NotIn") => format!("{key} notin ({})", values.join(",")),
            Some("DoesNotExist") => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    parts.sort();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_kubectls() {
        for (seconds, text) in [
            (5, "5s"),
            (119, "119s"),
            (120, "2m"),
            (150, "2m30s"),
            (600, "10m"),
            (3 * 3600, "3h"),
            (3 * 3600 + 900, "3h15m"),
            (9 * 3600, "9h"),
            (50 * 3600, "2d2h"),
            (9 * 86400, "9d"),
            (800 * 86400, "2y70d"),
        ] {
            assert_eq!(duration(TimeDelta::seconds(seconds)), text);
        }
    }

    #[test]
    fn every_row_has_a_cell_for_each_column() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for definition in &super::super::kinds::DEFINITIONS {
            let object = json!({"metadata": {"name": "x"}, "spec": {"x": 1}});
            assert_eq!(cells(definition.resource, &object, now).len(), columns(definition.resource).len(), "{}", definition.plural);
        }
    }
}
