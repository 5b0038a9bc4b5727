//! A plan in the making, with the checks that only its kind knows.

use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::{
    domain::{
        ask::{Wish, is_name},
        catalogue::Level,
        mitigation::{
            Alternative, Basis, CheckKind, CheckResult, ContentType, Converge, DiffLine, Effect, Field, MitigationId, ObjectWrite, Write, WriteMethod,
        },
        object::{Kind, ObjectRef, Subject},
        phase::Phase,
        text::Text,
    },
    journal::sha256,
};

use super::{engine::Core, expect::wanted, pods};

/// What a kind proposes, not yet frozen: the engine adds cluster, time and what the card asks for.
pub struct Draft {
    pub id: MitigationId,
    /// The same asked for again: planned at once, it gives the same writes.
    pub wish: Wish,
    pub title: Text,
    /// At least the kind's own.
    pub level: Level,
    /// Every object that is written.
    pub targets: Vec<Basis>,
    pub what: Vec<Text>,
    pub diff: Vec<DiffLine>,
    pub kubectl: Text,
    pub undo: Undo,
    pub alternative: Option<Alternative>,
    pub writes: Vec<Write>,
    /// How they follow one another; none: in order, each needed by the next.
    pub phases: Vec<Phase>,
    pub converge: Converge,
    pub checks: Vec<(CheckKind, BoxFuture<'static, CheckResult>)>,
}

/// How a plan is taken back.
pub enum Undo {
    /// By this ask; in words for the card: `U brings revision 42 back`.
    By(Wish, Text),
    /// By nothing, and why.
    Nothing(Text),
}

impl Draft {
    /// A draft about one object that was read, without its write.
    pub fn about(id: MitigationId, wish: Wish, title: &str, (target, object): (&ObjectRef, &Value)) -> Self {
        Self { targets: vec![basis(target, object)], ..Self::of(id, wish, title) }
    }

    /// A draft about nothing that the API server has.
    pub fn of(id: MitigationId, wish: Wish, title: &str) -> Self {
        Self {
            id,
            wish,
            title: Text::line(title),
            level: Level::Narrow,
            targets: Vec::new(),
            what: Vec::new(),
            diff: Vec::new(),
            kubectl: Text::default(),
            undo: Undo::Nothing("nothing takes it back".into()),
            alternative: None,
            writes: Vec::new(),
            phases: Vec::new(),
            converge: Converge::Immediately,
            checks: Vec::new(),
        }
    }

    pub fn check(&mut self, what: CheckKind, check: impl Future<Output = CheckResult> + Send + 'static) {
        self.checks.push((what, Box::pin(check)));
    }
}

/// Reads the object a plan is about, as reference and JSON.
pub async fn subject(core: &Core, subject: &Subject) -> Result<(ObjectRef, Value), Text> {
    for name in [&subject.key.namespace, &subject.key.name] {
        let may_be_empty = std::ptr::eq(name, &raw const subject.key.namespace) && !subject.kind.is_namespaced();
        if !is_name(name) && !may_be_empty {
            return Err(Text::line(&format!("{name:?} is not a name of a Kubernetes object")));
        }
    }
    let mut target = subject.reference();
    let object = match core.api.find(&target).await {
        Ok(Some(object)) => object,
        Ok(None) if subject.key.namespace.is_empty() => return Err(Text::line(&format!("{target} does not exist"))),
        Ok(None) => return Err(Text::line(&format!("{target} does not exist in {}", subject.key.namespace))),
        Err(error) => return Err(Text::line(&format!("could not read {target}: {error}"))),
    };
    target.uid = Text::line(pods::uid(&object));
    if target.uid.is_empty() {
        return Err(Text::line(&format!("the server's answer for {target} has no uid: nothing can be planned on it")));
    }
    // A node on its way out is still drained.
    if subject.kind != Kind::Node && object.pointer("/metadata/deletionTimestamp").is_some() {
        return Err(Text::line(&format!("{target} is being deleted: nothing acts on what is written to it any more")));
    }
    Ok((target, object))
}

/// A JSON patch of the object that fails unless the uid and the `guards` (fields as they are) are what they were.
pub fn guarded_patch(target: &ObjectRef, object: &Value, guards: &[&str], steps: Vec<Value>, fields: Vec<Field>) -> Write {
    let mut all = vec![json!({ "op": "test", "path": "/metadata/uid", "value": target.uid })];
    all.extend(guards.iter().filter_map(|path| Some(json!({ "op": "test", "path": path, "value": object.pointer(path)? }))));
    all.extend(steps);
    Write::Object(ObjectWrite {
        method: WriteMethod::Patch,
        path: target.path(),
        content: ContentType::JsonPatch,
        body: Value::Array(all),
        target: target.clone(),
        effect: Effect::Fields(fields),
    })
}

/// What a plan about this object is made on.
pub fn basis(target: &ObjectRef, object: &Value) -> Basis {
    Basis { object: target.clone(), version: resource_version(object), wanted: Text::line(&sha256(wanted(object).to_string().as_bytes())) }
}

pub fn resource_version(object: &Value) -> Text {
    Text::line(object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default())
}
