//! What a credential plugin is told, and what it answers: `ExecCredential` of the group `client.authentication.k8s.io`.

use std::sync::Arc;

use ::secrecy::SecretString;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;

use super::{Given, Spec};
use crate::connect::credentials::{Credential, Identity, bearer};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: Option<String>,
    kind: Option<String>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<DateTime<Utc>>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// The content of `KUBERNETES_EXEC_INFO`.
pub(super) fn question(spec: &Spec, is_interactive: bool) -> String {
    let mut about = json!({"interactive": is_interactive});
    if let Some(cluster) = &spec.cluster {
        about["cluster"] = cluster.clone();
    }
    json!({"kind": "ExecCredential", "apiVersion": spec.api_version, "spec": about}).to_string()
}

/// The credential in its standard output. What is wrong with it is said without quoting it.
pub(super) fn read(spec: &Spec, stdout: &[u8]) -> Result<Given, String> {
    let strange = || "printed something that is not an ExecCredential".to_owned();
    let answer: Answer = serde_saphyr::from_slice(stdout).map_err(|_| strange())?;
    if answer.kind.as_deref() != Some("ExecCredential") {
        return Err(strange());
    }
    let version = answer.api_version.unwrap_or_default();
    if version != spec.api_version {
        return Err(format!("answered in apiVersion {version}, the kubeconfig asks for {}", spec.api_version));
    }
    let present = |text: Option<String>| text.filter(|text| !text.is_empty());
    let status = answer.status.ok_or("answered without a status")?;
    let identity = match (present(status.client_certificate_data), present(status.client_key_data)) {
        (Some(certificate), Some(key)) => Some(Identity::new(&certificate, &SecretString::from(key)).map_err(|why| format!("gave {why}"))?),
        (None, None) => None,
        _ => return Err("gave a client certificate or its key, but not both".to_owned()),
    };
    let authorization = match present(status.token) {
        Some(token) => Some(bearer(&token).map_err(|_| "gave a token with a character that a header cannot carry")?),
        None if identity.is_none() => return Err("gave neither a token nor a client certificate".to_owned()),
        None => None,
    };
    Ok(Given { credential: Arc::new(Credential { authorization, identity }), expires: status.expiration_timestamp, is_refused: false })
}
