//! Custom resources: what the definitions of the simulated cluster say beside their rows in [`kinds`](super::kinds).
//!
//! Of Argo CD, Flux and KEDA, whose controllers do not run here, and one of nobody's with a `scale`. Of their schemas only the fields
//! that must be there are known, and the defaults: a real server also drops fields that no schema has, and refuses wrong types.

use serde_json::{Value, json};

use super::kinds::Resource;
use super::status::Fault;

/// What one definition says.
pub struct Custom {
    resource: Resource,
    /// Fields that must be there, as JSON pointers. Where the object around one is missing, that is missed instead.
    required: &'static [&'static str],
    /// Fields are also held to rules (`x-kubernetes-validations`), which are looked at only where nothing is missed.
    has_rules: bool,
    pub scale: Option<Scale>,
}

/// Where the number of replicas stands, as JSON pointers.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    pub wanted: &'static str,
    pub present: &'static str,
}

const UNCHECKED: &str = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";

static CUSTOM: [Custom; 5] = [
    Custom { resource: Resource::Applications, required: &["/spec", "/spec/destination", "/spec/project"], has_rules: false, scale: None },
    Custom { resource: Resource::HelmReleases, required: &["/spec/interval"], has_rules: true, scale: None },
    Custom {
        resource: Resource::ScaledObjects,
        required: &["/spec", "/spec/scaleTargetRef", "/spec/scaleTargetRef/name", "/spec/triggers"],
        has_rules: true,
        scale: None,
    },
    Custom {
        resource: Resource::Kustomizations,
        required: &["/spec/interval", "/spec/prune", "/spec/sourceRef", "/spec/sourceRef/kind", "/spec/sourceRef/name"],
        has_rules: true,
        scale: None,
    },
    Custom { resource: Resource::WorkerPools, required: &[], has_rules: false, scale: Some(Scale { wanted: "/spec/size", present: "/status/size" }) },
];

/// What the definition of a custom resource says; none for the others.
pub fn of(resource: Resource) -> Option<&'static Custom> {
    CUSTOM.iter().find(|custom| custom.resource == resource)
}

impl Custom {
    /// What a new object begins with: nobody but its controller says how it is.
    pub fn fill_in(&self, object: &mut Value) {
        if let (true, Some(fields)) = (self.resource.definition().has_status, object.as_object_mut()) {
            fields.shift_remove("status");
            if matches!(self.resource, Resource::Kustomizations | Resource::HelmReleases) {
                fields.insert("status".to_owned(), json!({"observedGeneration": -1}));
            }
        }
    }

    /// Defaults of what is left out, at every write.
    pub fn fill_in_spec(&self, object: &mut Value) {
        if let (Resource::Kustomizations, Some(spec)) = (self.resource, object.get_mut("spec").and_then(Value::as_object_mut)) {
            spec.entry("force").or_insert_with(|| json!(false));
        }
    }

    pub fn check(&self, object: &Value, faults: &mut Vec<Fault>) {
        let before = faults.len();
        for pointer in self.required {
            let (around, _) = pointer.rsplit_once('/').unwrap_or_default();
            if object.pointer(around).is_some() && object.pointer(pointer).is_none() {
                faults.push(Fault::required(&pointer.trim_start_matches('/').replace('/', "."), ""));
            }
        }
        if self.has_rules && faults.len() > before {
            faults.push(Fault::invalid("<nil>", &Value::Null, UNCHECKED));
        }
    }
}

impl Scale {
    /// Refuses a number below zero, in the definition's own words.
    pub fn check(self, count: i64, faults: &mut Vec<Fault>) {
        if count < 0 {
            faults.push(Fault::invalid(&self.path_of_wanted(), &json!(count), "should be a non-negative integer"));
        }
    }

    /// As the definition writes it: `.spec.size`.
    pub fn path_of_wanted(self) -> String {
        self.wanted.replace('/', ".")
    }
}
