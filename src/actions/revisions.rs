//! Former pod templates of a workload: a deployment's replica sets, the controller revisions of the others.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::{
    object::{Kind, ObjectRef, segment},
    quantity::thousandths,
    text::Text,
    time,
};

use super::{api::Api, expect::tidy, pods, replacing::Replacing};

/// Where deployments and their replica sets have their number.
pub const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH_LABEL: &str = "pod-template-hash";

/// One of them.
pub struct Revision {
    pub number: u64,
    /// Without the labels and marks of its keeper.
    pub template: Value,
    /// The deployment's annotations at that time; none where they are not kept.
    pub annotations: Option<Value>,
    /// When it was first rolled out.
    pub since: Option<DateTime<Utc>>,
}

/// Lowest first.
pub async fn history(api: &Api, target: &ObjectRef, object: &Value) -> Result<Vec<Revision>, Text> {
    let query = object.pointer("/spec/selector").and_then(pods::label_query).unwrap_or_default();
    let path = match target.kind {
        Kind::Deployment => Kind::ReplicaSet.collection_path(Some(&target.key.namespace)),
        _ => format!("/apis/apps/v1/namespaces/{}/controllerrevisions", segment(&target.key.namespace)),
    };
    let (keepers, is_partial) =
        api.list(&path, &query).await.map_err(|error| Text::line(&format!("the revisions of {target} could not be read: {error}")))?;
    if is_partial {
        return Err(Text::line(&format!("{target} has more than 500 revisions: they could not be read completely")));
    }
    let is_own = |keeper: &&Value| pods::controller(keeper).is_some_and(|(_, _, uid)| uid == target.uid.as_str());
    let mut history: Vec<_> = keepers.iter().filter(is_own).filter_map(|keeper| read(target.kind, keeper)).collect();
    history.sort_by_key(|revision| revision.number);
    Ok(history)
}

fn read(kind: Kind, keeper: &Value) -> Option<Revision> {
    let since = keeper.pointer("/metadata/creationTimestamp").and_then(Value::as_str);
    let since = since.and_then(time::read);
    if kind == Kind::Deployment {
        let template = keeper.pointer("/spec/template").map(bare)?;
        return Some(Revision { number: annotated(keeper)?, template, annotations: keeper.pointer("/metadata/annotations").cloned(), since });
    }
    let template = keeper.pointer("/data/spec/template").map(bare)?;
    Some(Revision { number: keeper.get("revision")?.as_u64()?, template, annotations: None, since })
}

/// The number of what runs; none where that is not known.
pub fn current(kind: Kind, object: &Value, history: &[Revision]) -> Option<u64> {
    if kind == Kind::Deployment {
        return annotated(object);
    }
    let template = object.pointer("/spec/template").map(bare)?;
    history.iter().rev().find(|revision| revision.runs(&template)).map(|revision| revision.number)
}

/// Whether what runs can be brought back by the number of its revision after another template was rolled out; why not in words.
///
/// Beyond `revisionHistoryLimit` the controllers delete the oldest of the revisions that no pod runs any more, so the newest of
/// them is kept where the limit is at least one (`cleanupDeployment`, `truncateHistory`, `cleanupHistory`).
pub fn way_back(kind: Kind, object: &Value, history: &[Revision]) -> Result<u64, String> {
    let Some(number) = current(kind, object, history) else { return Err("what runs is not kept as a revision".to_owned()) };
    let template = object.pointer("/spec/template").map(bare).unwrap_or_default();
    if !history.iter().any(|revision| revision.number == number && revision.runs(&template)) {
        return Err(format!("what runs is not kept as revision {number}"));
    }
    if !is_kept(kind, object) {
        return Err(format!("its revisionHistoryLimit is 0, so revision {number} is deleted once the rollout is complete"));
    }
    Ok(number)
}

/// Whether the revision that runs is kept after another was rolled out: by number, or by pods that go on running it.
pub fn is_kept(kind: Kind, object: &Value) -> bool {
    let there = ["replicas", "currentNumberScheduled"].iter().any(|field| object["status"][field].as_u64().unwrap_or(0) > 0);
    let stay = there && Replacing::of(kind, object).held_back().is_some();
    stay || object.pointer("/spec/revisionHistoryLimit").and_then(Value::as_i64) != Some(0)
}

fn annotated(object: &Value) -> Option<u64> {
    object.pointer("/metadata/annotations")?.get(REVISION)?.as_str()?.parse().ok()
}

impl Revision {
    /// Whether it has this template, as the controllers see it: amounts are compared by their value.
    pub fn runs(&self, template: &Value) -> bool {
        self.template == *template || by_value(&self.template) == by_value(template)
    }
}

/// With each amount of a resource in thousandths.
fn by_value(template: &Value) -> Value {
    let mut template = template.clone();
    for list in ["/spec/containers", "/spec/initContainers"] {
        for container in template.pointer_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            for amounts in ["/resources/limits", "/resources/requests"] {
                for amount in container.pointer_mut(amounts).and_then(Value::as_object_mut).into_iter().flat_map(|amounts| amounts.values_mut()) {
                    let text = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
                    if let Some(thousandths) = thousandths(&text).filter(|amount| *amount < u64::MAX) {
                        *amount = thousandths.into();
                    }
                }
            }
        }
    }
    template
}

/// A template as its workload has it.
pub fn bare(template: &Value) -> Value {
    let mut template = tidy(template);
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.shift_remove(HASH_LABEL);
    }
    // A controller revision is a strategic patch that replaces the template.
    if let Some(members) = template.as_object_mut() {
        members.shift_remove("$patch");
    }
    template
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_template_is_known_again_where_an_amount_is_written_otherwise() {
        let template = |memory: &str, image: &str| json!({ "spec": { "containers": [{ "name": "a", "image": image, "resources": { "limits": { "cpu": "1", "memory": memory } } }] } });
        let revision = Revision { number: 41, template: template("1024Mi", "a:1"), annotations: None, since: None };
        assert!(revision.runs(&template("1024Mi", "a:1")) && revision.runs(&template("1Gi", "a:1")));
        assert!(!revision.runs(&template("1G", "a:1")) && !revision.runs(&template("1Gi", "a:2")));
        let object = |memory: &str| json!({ "spec": { "template": template(memory, "a:1") } });
        assert_eq!(current(Kind::StatefulSet, &object("1Gi"), &[revision]), Some(41));
    }
}
