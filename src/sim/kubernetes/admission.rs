//! The one admission policy of the simulated cluster: in a production namespace no deployment runs more than twenty replicas,
//! whoever asks. A refusal has the words of a `ValidatingAdmissionPolicy`.

use http::StatusCode;
use serde_json::Value;

use super::kinds::Resource;
use super::status::ApiError;
use crate::sim::store::Store;

const POLICY: &str = "replica-ceiling";
const CEILING: i64 = 20;
const WORDS: &str = "more than 20 replicas need a capacity review";

/// The policy as it binds objects of one type in one namespace. Looked up before the object is locked for a write.
#[derive(Debug, Clone, Copy)]
pub struct Ceiling {
    resource: Resource,
    binds: bool,
}

impl Ceiling {
    pub fn over(store: &Store, resource: Resource, namespace: &str) -> Self {
        let is_production = || {
            let namespace = store.get(Resource::Namespaces, "", namespace)?;
            Some(namespace.pointer("/metadata/labels/environment")?.as_str()? == "production")
        };
        Self { resource, binds: resource == Resource::Deployments && is_production().unwrap_or(false) }
    }

    /// Refuses what the policy does not allow, as a write of the object itself or of its scale.
    pub fn review(self, name: &str, object: &Value) -> Result<(), ApiError> {
        let replicas = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
        if !self.binds || replicas <= CEILING {
            return Ok(());
        }
        let resource = self.resource;
        let message =
            format!("{resource} \"{name}\" is forbidden: ValidatingAdmissionPolicy '{POLICY}' with binding '{POLICY}' denied request: {WORDS}");
        Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message).about(resource, name))
    }
}
