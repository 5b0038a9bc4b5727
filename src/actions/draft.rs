//! A plan in the making, with the checks that only its kind knows.

use futures::future::BoxFuture;
use serde_json::Value;

use crate::{
    config::shape::Environment,
    domain::{
        mitigation::{CheckKind, CheckResult, Friction, Plan},
        object::{Key, Kind, ObjectRef},
        text::Text,
    },
};

use super::{engine::Core, pods};

/// A frozen plan and the kind's own checks, not yet begun.
pub struct Draft {
    pub plan: Plan,
    pub checks: Vec<(CheckKind, BoxFuture<'static, CheckResult>)>,
    /// How many pods may be gone at the same time.
    pub at_once: u8,
}

/// Reads the object a plan is about, as reference and JSON.
pub async fn subject(core: &Core, kind: Kind, key: &Key) -> Result<(ObjectRef, Value), Text> {
    for name in [&key.namespace, &key.name] {
        // What the API server accepts as a name; anything else would be another path.
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
        if !is_name {
            return Err(Text::line(&format!("{name:?} is not a name of a Kubernetes object")));
        }
    }
    let mut target = ObjectRef { kind, key: key.clone(), uid: Text::default() };
    let object = match core.api.find(&target).await {
        Ok(Some(object)) => object,
        Ok(None) => return Err(Text::line(&format!("{target} does not exist in {}", key.namespace))),
        Err(error) => return Err(Text::line(&format!("could not read {target}: {error}"))),
    };
    target.uid = Text::line(pods::uid(&object));
    if target.uid.is_empty() {
        return Err(Text::line(&format!("the server's answer for {target} has no uid: nothing can be planned on it")));
    }
    Ok((target, object))
}

/// What a disruptive action asks for: on production the environment's word, elsewhere `y`.
pub fn disruptive(environment: &Environment) -> Friction {
    if environment.is_production { Friction::Word(environment.word.clone()) } else { Friction::Key }
}

pub fn resource_version(object: &Value) -> Text {
    Text::line(object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default())
}
