//! The admission policies of the simulated cluster. In a production namespace no deployment runs more than twenty replicas,
//! whoever asks; and while changes are frozen, of a node or in a namespace, no person makes any. A refusal has the words of a
//! `ValidatingAdmissionPolicy`.

use http::StatusCode;
use serde_json::Value;

use super::access::User;
use super::kinds::Resource;
use super::status::ApiError;
use crate::sim::store::Store;

const CEILING: i64 = 20;
/// The label that freezes changes, with the value `on`.
const FREEZE: &str = "/metadata/labels/change-freeze";
/// What a frozen namespace keeps as it is: controllers go on writing to it, people do not.
const FROZEN: [Resource; 8] = [
    Resource::ConfigMaps,
    Resource::Pods,
    Resource::Services,
    Resource::DaemonSets,
    Resource::Deployments,
    Resource::ReplicaSets,
    Resource::StatefulSets,
    Resource::HorizontalPodAutoscalers,
];

/// Which policies bind objects of one type in one namespace. Looked up before the object is locked for a write.
#[derive(Debug, Clone, Copy)]
pub struct Policies {
    resource: Resource,
    has_ceiling: bool,
    is_frozen: bool,
    is_person: bool,
}

impl Policies {
    pub fn over(store: &Store, resource: Resource, namespace: &str, user: &User) -> Self {
        let has_label = |label: &str, value: &str| {
            let namespace = store.get(Resource::Namespaces, "", namespace);
            namespace.is_some_and(|namespace| namespace.pointer(label).and_then(Value::as_str) == Some(value))
        };
        Self {
            resource,
            has_ceiling: resource == Resource::Deployments && has_label("/metadata/labels/environment", "production"),
            is_frozen: FROZEN.contains(&resource) && has_label(FREEZE, "on"),
            is_person: user.name.ends_with("@gov"),
        }
    }

    /// Refuses a new object, as written.
    pub fn review_new(self, name: &str, object: &Value) -> Result<(), ApiError> {
        let replicas = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
        if self.has_ceiling && replicas > CEILING {
            return Err(self.refuse("replica-ceiling", name, "more than 20 replicas need a capacity review"));
        }
        Ok(())
    }

    /// Refuses a change of an object that is there, or of its scale. Its status is no concern of the policies.
    pub fn review_change(self, name: &str, before: &Value, object: &Value) -> Result<(), ApiError> {
        let is_frozen_node = |object: &Value| object.pointer(FREEZE).and_then(Value::as_str) == Some("on");
        if self.resource == Resource::Nodes && self.is_person && is_frozen_node(before) && is_frozen_node(object) {
            return Err(self.frozen("node-freeze", name));
        }
        self.review_removal(name)?;
        self.review_new(name, object)
    }

    /// Refuses a deletion, or an eviction.
    pub fn review_removal(self, name: &str) -> Result<(), ApiError> {
        if self.is_frozen && self.is_person { Err(self.frozen("change-freeze", name)) } else { Ok(()) }
    }

    fn frozen(self, policy: &str, name: &str) -> ApiError {
        self.refuse(policy, name, "changes are frozen: ask the release manager")
    }

    fn refuse(self, policy: &str, name: &str, words: &str) -> ApiError {
        let resource = self.resource;
        let message =
            format!("{resource} \"{name}\" is forbidden: ValidatingAdmissionPolicy '{policy}' with binding '{policy}' denied request: {words}");
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message).about(resource, name)
    }
}
