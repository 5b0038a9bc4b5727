//! The kubeconfig of a world: read for the test's own requests, written again for sev1 with the proxy as its server.

use std::path::Path;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::proxy::relay::Access;

/// The context of the engineer on call, in which the tests themselves act.
pub const ON_CALL: &str = "prod-uk-1";

/// The context of whoever gives others their roles, and may speak for them.
pub const ADMINISTRATOR: &str = "prod-uk-1-admin";

pub struct Kubeconfig(Value);

impl Kubeconfig {
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(serde_saphyr::from_str(&text).expect("the kubeconfig is YAML"))
    }

    /// Where the API server is.
    pub fn server(&self) -> String {
        self.cluster()["server"].as_str().expect("a server").to_owned()
    }

    /// How the API server is spoken to in this context: a relay shows the certificate that its client would.
    pub fn access(&self, context: &str) -> Access {
        let user = self.user(context);
        let identity = match (pem(&user, "client-certificate"), pem(&user, "client-key")) {
            (Some(certificate), Some(key)) => Some([key, certificate].concat()),
            _ => None,
        };
        Access { authority: pem(&self.cluster(), "certificate-authority"), identity }
    }

    pub fn token(&self, context: &str) -> Option<String> {
        self.user(context)["token"].as_str().map(str::to_owned)
    }

    /// Writes it with every cluster at `server`.
    pub fn write_for(&self, server: &str, path: &Path) {
        let mut changed = self.0.clone();
        for cluster in changed["clusters"].as_array_mut().expect("clusters") {
            cluster["cluster"]["server"] = json!(server);
        }
        std::fs::write(path, changed.to_string()).expect("a kubeconfig");
    }

    fn cluster(&self) -> Value {
        self.named("clusters", "cluster", &self.context(ON_CALL, "cluster"))
    }

    fn user(&self, context: &str) -> Value {
        self.named("users", "user", &self.context(context, "user"))
    }

    fn context(&self, context: &str, field: &str) -> String {
        self.named("contexts", "context", context)[field].as_str().expect("a name").to_owned()
    }

    fn named(&self, list: &str, field: &str, name: &str) -> Value {
        let entries = self.0[list].as_array().expect("a list");
        entries.iter().find(|entry| entry["name"] == name).unwrap_or_else(|| panic!("the kubeconfig has no {name} in {list}"))[field].clone()
    }
}

/// A certificate or key that stands in the kubeconfig, or in a file that it names.
fn pem(entry: &Value, name: &str) -> Option<Vec<u8>> {
    if let Some(data) = entry[format!("{name}-data")].as_str() {
        return Some(BASE64_STANDARD.decode(data).expect("base64"));
    }
    entry[name].as_str().map(|path| std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}")))
}
