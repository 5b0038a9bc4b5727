//! Resources that this program knows only by their `scale` subresource: found by API discovery.

use serde_json::Value;

use crate::{
    connect::ConnectError,
    domain::{
        object::{Kind, Subject},
        scaled::Scaled,
        text::Text,
    },
};

use super::api::Api;

/// The same subject with the version in which its scale is served, and its kind. Others are what they are.
pub async fn discovered(api: &Api, subject: &Subject) -> Result<Subject, Text> {
    let Kind::Scale(wanted) = subject.kind else { return Ok(subject.clone()) };
    let group = wanted.group();
    let unread = |error: ConnectError| match error {
        ConnectError::NotFound { .. } => Text::line(&format!("this cluster serves no API group {group}")),
        error => Text::line(&format!("the API group {group} could not be read: {error}")),
    };
    let versions = match wanted.version() {
        "" => versions(&api.get(&format!("/apis/{group}")).await.map_err(unread)?),
        version => vec![version.to_owned()],
    };
    let mut is_served = false;
    for version in versions {
        let listed = api.get(&format!("/apis/{group}/{version}")).await.map_err(unread)?;
        let resources = listed.get("resources").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |resource: &Value, name: &str| resource.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_meant = |resource: &&Value| [text(resource, "name"), text(resource, "singularName")].iter().any(|name| name == wanted.resource());
        let Some(found) = resources.iter().find(is_meant) else { continue };
        is_served = true;
        let (resource, kind) = (text(found, "name"), text(found, "kind"));
        let scale = format!("{resource}/scale");
        if !resources.iter().any(|resource| text(resource, "name") == scale) {
            continue;
        }
        if found.get("namespaced").and_then(Value::as_bool) != Some(true) {
            return Err(Text::line(&format!("{resource}.{group} is of the cluster and not of a namespace: it is not scaled from here")));
        }
        let scaled = Scaled::new(&resource, group, &version, &kind).ok_or("too many kinds of resources were asked for: start sev1 again")?;
        return Ok(Subject { kind: Kind::Scale(scaled), key: subject.key.clone() });
    }
    let resource = wanted.resource();
    Err(Text::line(&if is_served {
        format!("{resource}.{group} has no scale subresource: how many there are is not set this way")
    } else {
        format!("this cluster serves no {resource} in the API group {group}")
    }))
}

/// The preferred one first.
fn versions(group: &Value) -> Vec<String> {
    let named = |value: &Value| value.get("version").and_then(Value::as_str).map(str::to_owned);
    let preferred = group.get("preferredVersion").and_then(named);
    let all = group.get("versions").and_then(Value::as_array).into_iter().flatten().filter_map(named);
    let others: Vec<_> = all.filter(|version| Some(version) != preferred.as_ref()).collect();
    preferred.into_iter().chain(others).collect()
}
