//! Which cluster answers and who it says we are: pinned at start, compared before each write.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{ConnectError, Reader};
use crate::domain::{mitigation::ClusterIdentity, observation::Identity, text::Text};

/// Asks the API server three small questions. Where kube-system may not be read, a hash of the address and CA stands for
/// its uid; where the server cannot say who we are, `--as` or the kubeconfig's user entry does.
pub async fn read(reader: &Reader) -> Result<(Identity, Option<DateTime<Utc>>), ConnectError> {
    let version = reader.get_json("/version", &[]).await?;
    let uid = match reader.get_json("/api/v1/namespaces/kube-system", &[]).await {
        Ok(answer) => field(&answer.json, "/metadata/uid")
            .ok_or_else(|| ConnectError::NotFound { what: "the uid of the namespace kube-system".into(), says: "the answer has none".into() })?,
        Err(ConnectError::Forbidden { .. } | ConnectError::NotFound { .. }) => reader.target().fingerprint.clone(),
        Err(error) => return Err(error),
    };
    let question = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let user = match reader.review("/apis/authentication.k8s.io/v1/selfsubjectreviews", &question).await {
        Ok(answer) => field(&answer.json, "/status/userInfo/username"),
        Err(ConnectError::Forbidden { .. } | ConnectError::NotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    let target = reader.target();
    let cluster = ClusterIdentity {
        context: target.context.clone(),
        cluster: target.cluster.clone(),
        uid,
        user: user.unwrap_or_else(|| target.impersonates.clone().unwrap_or_else(|| target.user.clone())),
    };
    let version_text = field(&version.json, "/gitVersion").unwrap_or_default();
    Ok((Identity { cluster, version: version_text }, version.date))
}

/// Whether this uid was made from address and authority, because the namespace kube-system could not be read.
pub fn is_by_address(reader: &Reader, uid: &Text) -> bool {
    *uid == reader.target().fingerprint
}

fn field(json: &Value, pointer: &str) -> Option<Text> {
    json.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty()).map(Text::line)
}
