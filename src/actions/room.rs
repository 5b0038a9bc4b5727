//! Whether there is room for more pods: by quotas, by limit ranges, on the nodes.

use serde_json::Value;

use crate::domain::{mitigation::CheckResult, object::segment, quantity, text::Text};

use super::{api::Api, capacity, pods, requests};

/// What is said of one obstacle.
pub enum Room {
    Enough(String),
    /// Or not known, with why.
    Short(String),
}

/// Whether `more` pods of a template would be taken in and find a place. Without a template only pods are counted.
pub async fn for_more(api: &Api, namespace: &str, template: Option<&Value>, more: u64) -> CheckResult {
    let spec = template.and_then(|template| template.get("spec"));
    let limits = Limits::of(api, namespace).await;
    let need = Need::of(spec, &limits.ranges);
    let nodes = match spec {
        Some(spec) => capacity::on_nodes(api, spec, &need, more).await,
        None => Room::Short("which nodes it fits on is not known: its pods are not made by this object".into()),
    };
    checked(limits.told(spec.as_slice(), |quotas| enough_for(quotas, spec, &need, more), Some(nodes)))
}

/// Whether the pods of a new template would be taken in, of which `more` run beside the old ones for a while: what they find,
/// or what is in their way. Places on nodes are not counted: old pods free theirs one by one.
pub async fn for_rollout(api: &Api, namespace: &str, template: &Value, more: u64) -> Result<String, String> {
    let spec = template.get("spec");
    let limits = Limits::of(api, namespace).await;
    let need = Need::of(spec, &limits.ranges);
    limits.told(spec.as_slice(), |quotas| enough_for(quotas, spec, &need, more), None)
}

/// Whether others would be taken in in the place of these pods of one namespace once they are gone: not where a quota was
/// lowered below what is used, nor where a limit range would refuse them by now.
pub async fn for_others(api: &Api, namespace: &str, gone: &[Value]) -> CheckResult {
    let limits = Limits::of(api, namespace).await;
    let specs: Vec<_> = gone.iter().map(|pod| &pod["spec"]).collect();
    let needs: Vec<_> = specs.iter().map(|spec| (*spec, Need::of(Some(spec), &limits.ranges))).collect();
    checked(limits.told(&specs, |quotas| lowered(quotas, &needs), None))
}

/// What a namespace is limited by.
struct Limits {
    /// None where they cannot be read: then `unread` says so.
    ranges: Vec<Value>,
    unread: Option<Room>,
    quotas: Result<Vec<Value>, Room>,
}

impl Limits {
    async fn of(api: &Api, namespace: &str) -> Self {
        let list = async |resource: &str, called: &str| match api.list(&format!("/api/v1/namespaces/{}/{resource}", segment(namespace)), "").await {
            Ok((found, _)) => Ok(found),
            Err(error) => Err(Room::Short(format!("{called} could not be read: {error}"))),
        };
        let (ranges, quotas) = tokio::join!(list("limitranges", "limit ranges"), list("resourcequotas", "quotas"));
        let (ranges, unread) = ranges.map_or_else(|unread| (Vec::new(), Some(unread)), |ranges| (ranges, None));
        Self { ranges, unread, quotas }
    }

    /// What is enough for pods of these specs in one line, or what is short.
    fn told(self, specs: &[&Value], by_quotas: impl FnOnce(&[Value]) -> Room, nodes: Option<Room>) -> Result<String, String> {
        let refused = specs.iter().find_map(|spec| refused(spec, &self.ranges));
        let quotas = self.quotas.map_or_else(|unread| unread, |quotas| by_quotas(&quotas));
        let (mut enough, mut short) = (Vec::new(), Vec::new());
        for room in self.unread.into_iter().chain(refused).chain([quotas]).chain(nodes) {
            match room {
                Room::Enough(says) => enough.push(says),
                Room::Short(why) => short.push(why),
            }
        }
        if short.is_empty() { Ok(enough.join(", ")) } else { Err(short.join("; ")) }
    }
}

fn checked(told: Result<String, String>) -> CheckResult {
    match told {
        Ok(enough) => CheckResult::Pass(Text::line(&enough)),
        Err(short) => CheckResult::Warn(Text::line(&short)),
    }
}

/// The first quota that would not take in as many as go.
fn lowered(quotas: &[Value], gone: &[(&Value, Need)]) -> Room {
    let mut counts = 0;
    for quota in quotas {
        let of_it: Vec<_> = gone.iter().filter(|(spec, need)| is_for(quota, Some(spec), need)).collect();
        for Allowance { name, hard, used } in allowances(quota) {
            let each: Vec<_> = of_it.iter().filter_map(|(_, need)| need.counted(name)).collect();
            counts += each.len();
            let mut free = hard.saturating_sub(used.saturating_sub(each.iter().copied().fold(0, u64::saturating_add)));
            let is_kept_out = |one: &&u64| match free.checked_sub(**one) {
                Some(left) => {
                    free = left;
                    false
                }
                None => true,
            };
            let kept_out = each.iter().filter(is_kept_out).count();
            if kept_out > 0 {
                let says = if each.len() == 1 { "no other comes".to_owned() } else { format!("for {kept_out} of {} no other comes", each.len()) };
                return Room::Short(format!("{}: {says}", spent(quota, name, hard, used)));
            }
        }
    }
    Room::Enough(enough(quotas.is_empty(), counts))
}

/// What one pod takes, in thousandths; none where it says nothing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    pub cpu: Option<u64>,
    pub memory: Option<u64>,
    limit_cpu: Option<u64>,
    limit_memory: Option<u64>,
}

impl Need {
    /// With what limit ranges fill in.
    pub fn of(spec: Option<&Value>, ranges: &[Value]) -> Self {
        let Some(spec) = spec else { return Self::default() };
        let default = |field: &str, resource: &str| {
            containers_of(ranges).find_map(|limit| limit.get(field)?.get(resource)?.as_str().and_then(quantity::thousandths))
        };
        let request = |resource: &str| {
            let absent = default("defaultRequest", resource).or_else(|| default("default", resource));
            requests::of_pod(spec, "requests", resource, absent)
        };
        let limit = |resource: &str| requests::of_pod(spec, "limits", resource, default("default", resource));
        Self { cpu: request("cpu"), memory: request("memory"), limit_cpu: limit("cpu"), limit_memory: limit("memory") }
    }

    /// What one pod counts for a quota; none where the quota is of something else.
    fn counted(&self, quota: &str) -> Option<u64> {
        match quota {
            "pods" | "count/pods" => Some(1_000),
            "cpu" | "requests.cpu" => self.cpu,
            "memory" | "requests.memory" => self.memory,
            "limits.cpu" => self.limit_cpu,
            "limits.memory" => self.limit_memory,
            _ => None,
        }
    }
}

/// Whether every quota leaves as much as `more` such pods take.
fn enough_for(quotas: &[Value], spec: Option<&Value>, need: &Need, more: u64) -> Room {
    let mut counts = 0;
    for quota in quotas.iter().filter(|quota| is_for(quota, spec, need)) {
        for Allowance { name, hard, used } in allowances(quota) {
            let Some(each) = need.counted(name) else { continue };
            counts += 1;
            let fit = hard.saturating_sub(used).checked_div(each).unwrap_or(more);
            if fit < more {
                let left_out = if fit == 0 { format!("{more} more do not fit") } else { format!("{} of {more} more do not fit", more - fit) };
                return Room::Short(format!("{}: {left_out}", spent(quota, name, hard, used)));
            }
        }
    }
    Room::Enough(enough(quotas.is_empty(), counts))
}

fn enough(is_unlimited: bool, counts: usize) -> String {
    match (is_unlimited, counts) {
        (true, _) => "no quota limits the namespace".into(),
        (false, 0) => "no quota counts these pods".into(),
        _ => "quota leaves room".into(),
    }
}

/// One resource of a quota, in thousandths.
struct Allowance<'a> {
    name: &'a str,
    hard: u64,
    used: u64,
}

/// Those whose use is known.
fn allowances(quota: &Value) -> impl Iterator<Item = Allowance<'_>> {
    let amount = |value: &Value| value.as_str().and_then(quantity::thousandths);
    let hard = quota.pointer("/status/hard").and_then(Value::as_object);
    hard.into_iter().flatten().filter_map(move |(name, hard)| {
        let used = quota.pointer("/status/used")?.get(name)?;
        Some(Allowance { name, hard: amount(hard)?, used: amount(used)? })
    })
}

fn spent(quota: &Value, name: &str, hard: u64, used: u64) -> String {
    let what = if name.ends_with("pods") { "pods" } else { name };
    format!("quota {} allows {} {what}, {} are used", pods::name(quota), quantity::shown(name, hard), quantity::shown(name, used))
}

/// Whether a quota is about such pods, by its scopes.
fn is_for(quota: &Value, spec: Option<&Value>, need: &Need) -> bool {
    let class = spec.and_then(|spec| spec.get("priorityClassName")?.as_str());
    let best_effort = *need == Need::default();
    let fits = |scope: &str, values: Option<&Value>| match scope {
        "NotTerminating" => true,
        "BestEffort" => best_effort,
        "NotBestEffort" => !best_effort,
        "PriorityClass" => {
            let listed = values.and_then(Value::as_array);
            class.is_some_and(|class| listed.is_none_or(|listed| listed.iter().any(|value| value.as_str() == Some(class))))
        }
        _ => false,
    };
    let plain = quota.pointer("/spec/scopes").and_then(Value::as_array).into_iter().flatten();
    let selected = quota.pointer("/spec/scopeSelector/matchExpressions").and_then(Value::as_array).into_iter().flatten();
    plain.filter_map(Value::as_str).all(|scope| fits(scope, None))
        && selected.filter_map(|one| Some((one.get("scopeName")?.as_str()?, one.get("values")))).all(|(scope, values)| fits(scope, values))
}

/// What limit ranges say of containers.
fn containers_of(ranges: &[Value]) -> impl Iterator<Item = &Value> {
    let limits = ranges.iter().filter_map(|range| range.pointer("/spec/limits")?.as_array()).flatten();
    limits.filter(|limit| limit.get("type").and_then(Value::as_str) == Some("Container"))
}

/// The first container that a limit range would refuse, in new pods as in a template.
fn refused(spec: &Value, ranges: &[Value]) -> Option<Room> {
    let containers = spec.get("containers").and_then(Value::as_array)?;
    for limit in containers_of(ranges) {
        for container in containers {
            let said = |kind: &str, resource: &str| {
                container.pointer(&format!("/resources/{kind}"))?.get(resource)?.as_str().and_then(quantity::thousandths)
            };
            for resource in ["cpu", "memory"] {
                let bound = |name: &str| limit.get(name)?.get(resource)?.as_str().and_then(quantity::thousandths);
                let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
                let (most, least) = (said("limits", resource), said("requests", resource).or_else(|| said("limits", resource)));
                if let (Some(max), Some(most)) = (bound("max"), most)
                    && most > max
                {
                    let (max, most) = (quantity::shown(resource, max), quantity::shown(resource, most));
                    return Some(Room::Short(format!(
                        "a limit range allows a container {max} {resource}, {name} may take {most}: new pods are refused"
                    )));
                }
                if let (Some(min), Some(least)) = (bound("min"), least)
                    && least < min
                {
                    let (min, least) = (quantity::shown(resource, min), quantity::shown(resource, least));
                    return Some(Room::Short(format!(
                        "a limit range wants a container to ask for {min} {resource}, {name} asks for {least}: new pods are refused"
                    )));
                }
            }
        }
    }
    None
}
