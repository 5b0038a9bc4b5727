//! Writes of one object by the API server.

use serde_json::{Value, json};

use super::Tried;
use crate::{
    actions::{
        api::{Api, Sent},
        changed,
        draft::{resource_version, subject},
        engine::Core,
        expect::{Side, Standing, altered, as_stored, difference, differing, digest, digest_of, normal, standing},
        pods,
    },
    connect::ConnectError,
    domain::{
        mitigation::{Basis, Effect, ObjectWrite, WriteMethod},
        object::ObjectRef,
        text::Text,
    },
};

/// Sends it once. An answer of success that does not show what was asked for is none: a proxy or a login page answers so, and so does a
/// webhook that puts the old value back. What became of it is then looked into by reading.
pub async fn send(api: &Api, write: &ObjectWrite) -> Sent {
    match api.send(write).await {
        Sent::Done(answer) => match doubt(write, &answer) {
            Some(why) => Sent::Unknown(Text::line(&format!("the server answered with success, and {why}"))),
            None => Sent::Done(answer),
        },
        other => other,
    }
}

/// Why an answer of success does not say that the write was done.
fn doubt(write: &ObjectWrite, answer: &Value) -> Option<&'static str> {
    const ANOTHER: &str = "its answer is about something else";
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str);
    let is_it = text("/metadata/uid") == Some(write.target.uid.as_str());
    match &write.effect {
        Effect::Fields(_) if !is_it => Some(ANOTHER),
        Effect::Fields(fields) => {
            let is_change = fields.iter().any(|field| normal(field.before.as_ref(), &field.path) != normal(field.after.as_ref(), &field.path));
            (is_change && standing(write, Some(answer)) == Standing::NotDone).then_some("its answer shows the object as it was")
        }
        Effect::Gone | Effect::Erased if text("/kind") == Some("Status") => {
            let is_another = text("/details/uid").is_some_and(|uid| uid != write.target.uid.as_str());
            (is_another || text("/status") != Some("Success")).then_some(ANOTHER)
        }
        Effect::Gone if is_it && text("/metadata/deletionTimestamp").is_none() => Some("its answer shows the object as it was"),
        Effect::Gone | Effect::Erased => (!is_it).then_some(ANOTHER),
    }
}

pub async fn rehearse(api: &Api, write: &ObjectWrite) -> Tried {
    match api.dry_run(write).await {
        Sent::Done(object) => altered(&write.effect, &object).map_or(Tried::Accepted, Tried::Altered),
        Sent::Refused { status, says } => Tried::Refused { status, says },
        Sent::Failed(why) | Sent::Unknown(why) => Tried::Failed(why),
        // A request about an object runs nothing.
        Sent::Ran(_) => Tried::Accepted,
    }
}

pub fn permission(write: &ObjectWrite, with_name: bool) -> Value {
    let verb = match write.method {
        WriteMethod::Patch => "patch",
        WriteMethod::Delete => "delete",
        WriteMethod::Post => "create",
    };
    let target = &write.target;
    let subresource = write.path.strip_prefix(&target.object_path()).map_or("", |rest| rest.trim_start_matches('/'));
    json!({
        "namespace": target.key.namespace,
        "verb": verb,
        "group": target.kind.group(),
        "resource": target.kind.resource(),
        "subresource": subresource,
        "name": if with_name { target.key.name.as_str() } else { "" },
    })
}

pub async fn look(api: &Api, write: &ObjectWrite) -> Result<Standing, Text> {
    let object = api.find(&write.target).await.map_err(|error| error.text())?;
    Ok(standing(write, object.as_ref()))
}

pub async fn moved(api: &Api, write: &ObjectWrite, is_one_of_many: bool, targets: &[Basis]) -> Result<Option<Text>, Text> {
    let object = api.find(&write.target).await.map_err(|error| error.text())?;
    let removes = matches!(write.effect, Effect::Gone | Effect::Erased);
    Ok(match standing(write, object.as_ref()) {
        Standing::Done if removes && is_one_of_many => None,
        Standing::Done if removes => Some(Text::line(&format!("{} is gone already", write.target))),
        Standing::Done => {
            let by = object.as_ref().map(changed::by).unwrap_or_default();
            Some(Text::line(&format!("{} already is as this would make it{by}", write.target)))
        }
        Standing::Other(what) => Some(Text::line(&format!("changed since planned: {what}"))),
        Standing::NotDone => guarded_version(write, object.as_ref(), targets).or_else(|| failing_test(write, object.as_ref()?)),
    })
}

/// Writes that carry the resourceVersion fail on any change of the object.
fn guarded_version(write: &ObjectWrite, object: Option<&Value>, targets: &[Basis]) -> Option<Text> {
    write.body.pointer("/metadata/resourceVersion")?;
    let planned = &targets.iter().find(|target| target.object == write.target)?.version;
    let object = object?;
    (resource_version(object) != *planned)
        .then(|| Text::line(&format!("changed since planned: another part of {} was written{}", write.target, changed::by(object))))
}

/// A JSON patch fails unless everything that it tests is as it was, also where that is not what it changes. The tests of a
/// subresource are of another object.
fn failing_test(write: &ObjectWrite, object: &Value) -> Option<Text> {
    let steps = write.body.as_array().filter(|_| write.path == write.target.path())?;
    let mut tests = steps.iter().filter(|step| step.get("op").and_then(Value::as_str) == Some("test"));
    let (path, was, is) = tests.find_map(|test| {
        let path = test.get("path")?.as_str()?;
        let (was, is) = (test.get("value"), object.pointer(path));
        (was != is).then_some((path, was, is))
    })?;
    Some(Text::line(&format!("changed since planned: {}{}", difference(path, was, is), changed::by(object))))
}

pub fn record(write: &ObjectWrite) -> Value {
    json!({
        "method": write.method,
        "path": write.path,
        "object": write.target.path(),
        "target": write.target,
        "after": digest(&write.effect, Side::After),
        "before": digest(&write.effect, Side::Before),
    })
}

pub async fn was_done(api: &Api, record: &Value) -> Result<bool, String> {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let after = record.get("after").filter(|after| !after.is_null()).ok_or("its record does not say what it would change")?;
    let object = match api.get(text("/object")).await {
        Ok(object) => Some(object),
        Err(ConnectError::NotFound { .. }) => None,
        Err(error) => return Err(error.to_string()),
    };
    let same = object.filter(|object| pods::uid(object) == text("/target/uid"));
    if after.get("erased").is_some() {
        return Ok(same.is_none());
    }
    if after.get("gone").is_some() {
        return Ok(same.is_none_or(|object| pods::is_deleting(&object)));
    }
    let object = same.ok_or("the object was deleted since")?;
    let seen = digest_of(&object, after).ok_or("its record is of a kind this version does not know")?;
    if seen == *after {
        Ok(true)
    } else if record.get("before") == Some(&seen) {
        Ok(false)
    } else {
        Err(format!("the object was changed since{}", changed::by(&object)))
    }
}

pub fn kept(write: &ObjectWrite, answer: Option<&Value>) -> Value {
    // Admission may have stored something else than was asked for.
    let effect = answer.map_or_else(|| write.effect.clone(), |answer| as_stored(&write.effect, answer));
    json!({ "target": write.target, "before": digest(&write.effect, Side::Before), "after": digest(&effect, Side::After) })
}

pub async fn unmoved(core: &Core, kept: &Value) -> Result<(), Text> {
    let target = ObjectRef::recorded(kept.get("target").unwrap_or(&Value::Null)).ok_or("what is kept names no object")?;
    let (after, before) = (kept.get("after").unwrap_or(&Value::Null), kept.get("before").unwrap_or(&Value::Null));
    let (_, object) = subject(core, &target.subject()).await?;
    if pods::uid(&object) != target.uid.as_str() {
        return Err(Text::line(&format!("{target} was deleted and made again since: there is nothing left to undo")));
    }
    let Some(seen) = digest_of(&object, after) else { return Ok(()) };
    if seen == *before {
        return Err(Text::line(&format!("{target} already is as it was before{}", changed::by(&object))));
    }
    if seen != *after {
        let what = differing(&object, after).join(", ");
        return Err(Text::line(&format!("{target} moved on since: {what} changed{}; undoing would undo that too", changed::by(&object))));
    }
    Ok(())
}

/// The object of a record.
pub fn target(record: &Value) -> Option<ObjectRef> {
    ObjectRef::recorded(record.get("target")?)
}
