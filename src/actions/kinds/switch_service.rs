//! Sending a service's traffic to other pods by its selector: from blue to green and back.
//!
//! The words change or remove single labels, as a merge patch of kubectl does; what is written is the whole selector that
//! the card shows, behind tests of the uid and of the whole selector as it was.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Mitigation;
use crate::{
    actions::{
        api::Api,
        draft::{Draft, Undo, guarded_patch, subject},
        endpoints,
        engine::Core,
        kubectl, overwriters,
    },
    domain::{
        ask::{Ask, Wish, Words},
        asks::SWITCH_SERVICE,
        catalogue::{Level, Parameter, Presence, Right, Spec},
        mitigation::{CheckKind, CheckResult, Converge, Field, MitigationId},
        object::{Kind, ObjectRef, Subject},
        text::Text,
        units,
    },
};

const SELECTOR: &str = "/spec/selector";

static SPEC: Spec = Spec {
    name: SWITCH_SERVICE,
    key: 'w',
    summary: "send a service's traffic to other pods, by labels of its selector",
    on: &[Kind::Service],
    takes_several: false,
    parameters: &[Parameter {
        name: "LABEL=VALUE",
        about: "a label of the selector and its new value; LABEL- removes it, the others stay",
        presence: Presence::Repeated,
    }],
    level: Level::Disruptive,
    more: "",
    rights: &[
        Right::on("get", "", "services"),
        Right::on("patch", "", "services"),
        Right::on("list", "", "pods"),
        Right::on("list", "discovery.k8s.io", "endpointslices"),
    ],
    undo: "the former selector",
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchService {
    service: Subject,
    /// Labels and their new values, none to remove one; at least one, no label twice.
    labels: Vec<(String, Option<String>)>,
}

impl Ask for SwitchService {
    fn kind(&self) -> &'static str {
        SPEC.name
    }

    fn objects(&self) -> Vec<ObjectRef> {
        vec![self.service.reference()]
    }

    fn words(&self) -> Vec<String> {
        let change = |(name, value): &(String, Option<String>)| value.as_ref().map_or_else(|| format!("{name}-"), |value| format!("{name}={value}"));
        std::iter::once(self.service.to_string()).chain(self.labels.iter().map(change)).collect()
    }
}

impl Mitigation for SwitchService {
    const SPEC: &'static Spec = &SPEC;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        let service = words.subject()?;
        let mut labels: Vec<(String, Option<String>)> = Vec::new();
        let mut typed = Some(words.required()?);
        while let Some(word) = typed {
            let label = match word.split_once('=') {
                Some((name, value)) => is_label(name, value).then(|| (name.to_owned(), Some(value.to_owned()))),
                None => word.strip_suffix('-').filter(|name| is_label(name, "")).map(|name| (name.to_owned(), None)),
            };
            let Some(label) = label else { return Err(words.wrong(&format!("takes LABEL=VALUE or LABEL-, not {word:?}"))) };
            if labels.iter().any(|(known, _)| *known == label.0) {
                return Err(words.wrong(&format!("names the label {:?} twice", label.0)));
            }
            labels.push(label);
            typed = words.optional();
        }
        Ok(Self { service, labels })
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let (target, object) = subject(core, &self.service).await?;
        let (name, namespace) = (&target.key.name, &target.key.namespace);
        let before = endpoints::selector(&object);
        if before.is_empty() || object.pointer("/spec/type").and_then(Value::as_str) == Some("ExternalName") {
            return Err(Text::line(&format!("{target} has no selector: somebody else decides where it sends to")));
        }
        let mut after = before.clone();
        let mut former = Vec::new();
        let mut draft = Draft::about(id, Wish::new(self.clone()), &format!("Switch service · {name}"), (&target, &object));
        for (label, value) in &self.labels {
            let was = before.get(label).and_then(Value::as_str);
            if was == value.as_deref() {
                continue;
            }
            match value {
                Some(value) => drop(after.insert(label.clone(), value.as_str().into())),
                None => drop(after.shift_remove(label)),
            }
            let shown = |value: Option<&str>| value.unwrap_or("absent").to_owned();
            draft.what.push(Text::line(&format!("{target}  {label}: {} → {} in {namespace}", shown(was), shown(value.as_deref()))));
            former.push((label.clone(), was.map(str::to_owned)));
        }
        if former.is_empty() {
            return Err(Text::line(&format!("{target} already selects {}", listed(&before))));
        }
        if after.is_empty() {
            return Err(Text::line(&format!("{target} would be left without a selector, and send to nobody")));
        }
        draft.what.push("new connections go to the new pods; open ones stay until they end".into());
        let labels: Map<String, Value> = former.iter().map(|(label, _)| (label.clone(), after.get(label).cloned().unwrap_or_default())).collect();
        let patch = json!({ "spec": { "selector": labels } }).to_string();
        draft.kubectl = kubectl::command(&["patch", "service", name, "--type=merge", "-p", &patch], namespace, &core.kubectl);
        draft.undo = Undo::By(Wish::new(Self { labels: former, ..self.clone() }), Text::line(&format!("U brings {} back", listed(&before))));
        let field = Field { path: SELECTOR.into(), before: Some(before.clone().into()), after: Some(after.clone().into()) };
        let steps = vec![json!({ "op": "replace", "path": SELECTOR, "value": after })];
        draft.writes = vec![guarded_patch(&target, &object, &[SELECTOR], steps, vec![field])];
        draft.converge = Converge::Endpoints { service: target.clone() };
        let (api, deployed) = (core.api.clone(), object.clone());
        draft.check(CheckKind::Overwritten, async move { overwriters::judged(&api, &deployed, SELECTOR, Vec::new(), overwriters::NOBODY).await });
        let api = core.api.clone();
        draft.check(CheckKind::Effect, async move { effect(&api, &target, &object, &before, &after).await });
        Ok(draft)
    }
}

/// Who would get the traffic. A service that would send to nobody is refused, unless it does so already: then nothing is
/// taken away. What cannot be counted is a warning.
async fn effect(api: &Api, target: &ObjectRef, object: &Value, before: &Map<String, Value>, after: &Map<String, Value>) -> CheckResult {
    let namespace = &target.key.namespace;
    let (old, new) = tokio::join!(endpoints::meant(api, object, namespace, before), endpoints::meant(api, object, namespace, after));
    let (old, new) = match (old, new) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(why), _) | (_, Err(why)) => {
            return CheckResult::Warn(Text::line(&format!("the pods that would get the traffic could not be read: {why}")));
        }
    };
    let (was, will_be) = (old.ready.len(), new.ready.len());
    let at_least = |is_partial: bool| if is_partial { "at least " } else { "" };
    let counted = format!(
        "{}{will_be} ready {} by the new selector, {}{was} by the present one",
        at_least(new.is_partial),
        units::plural(will_be as u64, "pod"),
        at_least(old.is_partial)
    );
    let waiting =
        if new.not_ready == 0 { String::new() } else { format!("; {} more {} not ready", new.not_ready, units::verb(new.not_ready as u64, "are")) };
    let line = Text::line(&match (was, will_be) {
        (0, 0) => format!("no ready pod has {}, and none has the present labels{waiting}", listed(after)),
        (_, 0) => format!(
            "no ready pod has {}: {target} would send to nobody, now {} {}{waiting}",
            listed(after),
            units::counted(was as u64, "ready pod"),
            units::verb(was as u64, "answer")
        ),
        _ => format!("{counted}{waiting}"),
    });
    match (was, will_be) {
        (0, 0) => CheckResult::Warn(line),
        (_, 0) => CheckResult::Block(line),
        _ if will_be < was || new.not_ready > 0 => CheckResult::Warn(line),
        _ => CheckResult::Pass(line),
    }
}

/// `app=api-gateway,version=blue`.
fn listed(selector: &Map<String, Value>) -> String {
    selector.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect::<Vec<_>>().join(",")
}

/// What the API server takes as a label's name and value (`ValidateLabels` of apimachinery).
fn is_label(name: &str, value: &str) -> bool {
    let is_part = |part: &str| {
        part.len() <= 63
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            && [part.bytes().next(), part.bytes().last()].iter().flatten().all(u8::is_ascii_alphanumeric)
    };
    let (prefix, own) = name.split_once('/').map_or((None, name), |(prefix, own)| (Some(prefix), own));
    !own.is_empty() && is_part(own) && is_part(value) && prefix.is_none_or(crate::domain::ask::is_name)
}

#[cfg(test)]
mod tests {
    use super::is_label;

    #[test]
    fn a_label_is_what_the_server_takes() {
        for (name, value) in [("app", "shop"), ("version", ""), ("app.kubernetes.io/version", "2.4.0"), ("a_b", "x-1")] {
            assert!(is_label(name, value), "{name}={value}");
        }
        for (name, value) in [("", "x"), ("a b", "x"), ("app", "x y"), ("app", "-x"), ("/app", "x"), ("app/", "x"), ("a/b/c", "x")] {
            assert!(!is_label(name, value), "{name}={value}");
        }
    }
}
