//! What Argo CD and Flux do to a change of an object that they deploy: by their marks on it, and by what their own objects
//! say of syncing where these can be read.
//!
//! Sources: argo-cd.readthedocs.io, "Automated Sync Policy", "Diffing Customization" and "Resource Tracking";
//! fluxcd.io, "Kustomization" (reconcile and ssa annotations) and "`HelmRelease`" (drift detection).

use serde_json::Value;

use crate::{
    connect::ConnectError,
    domain::{ask::is_name, catalogue::Right, object::segment},
};

use super::api::Api;

/// What it takes to read their objects. Without them the checks say that the policy is not known.
pub const RIGHTS: &[Right] = &[
    Right::on("get", "argoproj.io", "applications"),
    Right::on("get", "kustomize.toolkit.fluxcd.io", "kustomizations"),
    Right::on("get", "helm.toolkit.fluxcd.io", "helmreleases"),
];

/// What becomes of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Somebody puts the former value back, or may: who and when.
    Undone(String),
    /// It stays, although somebody deploys the object: why.
    Kept(String),
}

/// Where Argo CD has its applications unless an object says otherwise.
const ARGO_NAMESPACE: &str = "argocd";
const TRACKING: &str = "/metadata/annotations/argocd.argoproj.io~1tracking-id";
const INSTANCE: &str = "/metadata/labels/argocd.argoproj.io~1instance";
/// The label that Argo CD tracks by before version 3, which Helm and others set too.
const SHARED_INSTANCE: &str = "/metadata/labels/app.kubernetes.io~1instance";

/// One of Flux's controllers.
struct Flux {
    /// `Kustomization`.
    kind: &'static str,
    /// Where its objects are served.
    group: &'static str,
    version: &'static str,
    resource: &'static str,
    /// Who it is in `managedFields`.
    manager: &'static str,
}

const FLUX: [Flux; 2] = [
    Flux { kind: "Kustomization", group: "kustomize.toolkit.fluxcd.io", version: "v1", resource: "kustomizations", manager: "kustomize-controller" },
    Flux { kind: "HelmRelease", group: "helm.toolkit.fluxcd.io", version: "v2", resource: "helmreleases", manager: "helm-controller" },
];

/// What each of them does to a change of the field `path` (a JSON pointer). Empty where neither deploys the object.
pub async fn fates(api: &Api, object: &Value, path: &str) -> Vec<Fate> {
    let mut fates: Vec<Fate> = argo(api, object, path).await.into_iter().collect();
    for tool in &FLUX {
        fates.extend(flux(api, tool, object, path).await);
    }
    fates
}

fn mark<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer).and_then(Value::as_str).filter(|mark| !mark.is_empty())
}

async fn argo(api: &Api, object: &Value, path: &str) -> Option<Fate> {
    let deploys = managers(object).any(|(manager, _)| manager.starts_with("argocd"));
    // `NAME:GROUP/KIND:NAMESPACE/NAME`, or `NAMESPACE_NAME:…` for an application outside of Argo CD's namespace.
    let tracked = mark(object, TRACKING).map(|tracking| tracking.split(':').next().unwrap_or(tracking));
    let named = tracked.or_else(|| mark(object, INSTANCE)).or_else(|| deploys.then(|| mark(object, SHARED_INSTANCE)).flatten());
    let Some(named) = named else {
        return deploys.then(|| Fate::Undone("Argo CD deploys it and may put its own version back; which application is not marked on it".into()));
    };
    let (namespace, name) = named.split_once('_').unwrap_or((ARGO_NAMESPACE, named));
    let who = format!("Argo CD application {name}");
    if !sets(object, "argocd", path) {
        return Some(Fate::Kept(format!("{who} does not set this field")));
    }
    let unknown = |why: String| Fate::Undone(format!("{who} may put its own version back: {why}"));
    if !is_name(namespace) || !is_name(name) {
        return Some(unknown("its name on the object is no name".into()));
    }
    let application = match api.get(&format!("/apis/argoproj.io/v1alpha1/namespaces/{}/applications/{}", segment(namespace), segment(name))).await {
        Ok(application) => application,
        Err(ConnectError::NotFound { .. }) => return Some(unknown(format!("how it syncs is not known, it is not in {namespace} here"))),
        Err(error) => return Some(unknown(format!("how it syncs could not be read: {error}"))),
    };
    let is_on = |pointer: &str| application.pointer(pointer).and_then(Value::as_bool) == Some(true);
    let ignores =
        application.pointer("/spec/ignoreDifferences").and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| ignores(one, object, path)));
    let options = application.pointer("/spec/syncPolicy/syncOptions").and_then(Value::as_array);
    let respects = options.is_some_and(|options| options.iter().any(|option| option.as_str() == Some("RespectIgnoreDifferences=true")));
    let automated = application.pointer("/spec/syncPolicy/automated").filter(|automated| automated.is_object());
    let syncs = automated.is_some_and(|automated| automated.get("enabled").and_then(Value::as_bool) != Some(false));
    Some(match (ignores, respects, syncs) {
        (true, true, _) => Fate::Kept(format!("{who} ignores this field")),
        (true, false, _) => Fate::Undone(format!("{who} ignores a difference of this field, but its next sync puts its own version back")),
        (false, _, true) if is_on("/spec/syncPolicy/automated/selfHeal") => Fate::Undone(format!(
            "{who} heals itself: it puts its own version back within seconds; change it in Git, or stop its automatic sync first"
        )),
        (false, _, true) => Fate::Undone(format!("{who} puts its own version back when Git changes: it syncs by itself, and does not heal itself")),
        (false, _, false) => Fate::Undone(format!("{who} puts its own version back at its next sync, which somebody has to start")),
    })
}

/// Whether an entry of `ignoreDifferences` covers the field, as `util/argo/normalizers/diff_normalizer.go` of Argo CD matches it:
/// without a group it is about the core group alone. Expressions of jq are not evaluated.
fn ignores(entry: &Value, object: &Value, path: &str) -> bool {
    let of = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (version, metadata) = (of(object, "apiVersion"), &object["metadata"]);
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let is_or_any = |name: &str| of(entry, name).is_empty() || of(entry, name) == of(metadata, name);
    let is_about =
        matches(&of(entry, "group"), group) && matches(&of(entry, "kind"), &of(object, "kind")) && is_or_any("name") && is_or_any("namespace");
    let pointers = entry.get("jsonPointers").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    is_about && pointers.into_iter().any(|pointer| covers(pointer, path))
}

/// A pattern in which `*` stands for anything. Its other signs are taken literally: what they would match is warned of.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|head| text.strip_prefix(head)) else { return false };
    let Some(tail) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(tail)
}

/// Whether a field is the one at `path`, or one around it.
fn covers(field: &str, path: &str) -> bool {
    path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn flux(api: &Api, tool: &Flux, object: &Value, path: &str) -> Option<Fate> {
    let label = |name: &str| mark(object, &format!("/metadata/labels/{}~1{name}", tool.group));
    let (name, namespace) = (label("name")?, label("namespace").unwrap_or_default());
    let who = format!("Flux {} {name}", tool.kind);
    let told = |name: &str| {
        let key = format!("{}~1{name}", tool.group);
        mark(object, &format!("/metadata/annotations/{key}")).or_else(|| mark(object, &format!("/metadata/labels/{key}")))
    };
    match (told("reconcile"), told("ssa")) {
        (Some("disabled"), _) => return Some(Fate::Kept(format!("{who} is told to leave it alone (reconcile: disabled)"))),
        (_, Some(how @ ("Ignore" | "IfNotPresent"))) => return Some(Fate::Kept(format!("{who} is told to leave it alone (ssa: {how})"))),
        _ => {}
    }
    if !sets(object, tool.manager, path) {
        return Some(Fate::Kept(format!("{who} does not set this field")));
    }
    let unknown = |why: String| Fate::Undone(format!("{who} may put its own version back: {why}"));
    if !is_name(name) || !is_name(namespace) {
        return Some(unknown("which one it is, is not marked on the object".into()));
    }
    let found =
        api.get(&format!("/apis/{}/{}/namespaces/{}/{}/{}", tool.group, tool.version, segment(namespace), tool.resource, segment(name))).await;
    let found = match found {
        Ok(found) => found,
        Err(ConnectError::NotFound { .. }) => return Some(unknown(format!("how often is not known, it is not in {namespace} here"))),
        Err(error) => return Some(unknown(format!("how often could not be read: {error}"))),
    };
    if found.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true) {
        return Some(Fate::Undone(format!("{who} is suspended: it puts its own version back once it is resumed")));
    }
    let interval = found
        .pointer("/spec/interval")
        .and_then(Value::as_str)
        .map_or_else(|| "its interval".to_owned(), |interval| interval.chars().take(20).collect());
    let hold = format!("flux suspend {} {name} -n {namespace} holds it", tool.kind.to_lowercase());
    let drift = found.pointer("/spec/driftDetection/mode").and_then(Value::as_str);
    let spared = found.pointer("/spec/driftDetection/ignore").and_then(Value::as_array).into_iter().flatten();
    let mut spared = spared.filter_map(|rule| rule.get("paths")?.as_array()).flatten().filter_map(Value::as_str);
    Some(match (tool.kind, drift) {
        ("HelmRelease", Some("enabled")) if spared.any(|field| covers(field, path)) => Fate::Kept(format!("{who} ignores this field")),
        ("HelmRelease", drift) if drift != Some("enabled") => {
            Fate::Undone(format!("{who} puts its own version back at its next upgrade; it does not look for drift"))
        }
        _ => Fate::Undone(format!("{who} puts its own version back within {interval}; {hold}")),
    })
}

/// Manager and `fieldsV1` of what wrote the object, without its status.
fn managers(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
    let entries = entries.filter(|entry| entry.get("subresource").and_then(Value::as_str) != Some("status"));
    entries.filter_map(|entry| Some((entry.get("manager")?.as_str()?, entry.get("fieldsV1")?)))
}

/// Whether a tool's version of the object may have this field. It has not when the server notes which fields the tool set,
/// this one is not among them, and nobody else took it over.
fn sets(object: &Value, tool: &str, path: &str) -> bool {
    let (own, others): (Vec<_>, Vec<_>) = managers(object).partition(|(manager, _)| manager.starts_with(tool));
    own.iter().all(|(_, fields)| fields.as_object().is_none_or(serde_json::Map::is_empty))
        || own.iter().chain(&others).any(|(_, fields)| has(fields, path))
}

/// Whether `fieldsV1` has a field, or one around or inside it. Elements of lists go by keys there: they count with their list.
fn has(fields: &Value, path: &str) -> bool {
    let mut here = fields;
    for step in path.split('/').skip(1) {
        let Some(members) = here.as_object().filter(|members| !members.is_empty()) else { return true };
        if members.keys().all(|name| name == "." || !name.starts_with("f:")) {
            return true;
        }
        let name = format!("f:{}", step.replace("~1", "/").replace("~0", "~"));
        match members.get(&name) {
            Some(inside) => here = inside,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(entries: &[(&str, Value)]) -> Value {
        let entries: Vec<_> = entries.iter().map(|(manager, fields)| json!({"manager": manager, "fieldsV1": fields})).collect();
        json!({"metadata": {"managedFields": entries}})
    }

    #[test]
    fn a_field_is_the_tool_s_unless_the_server_knows_better() {
        let template = json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:image": {}}}}}}});
        let replicas = json!({"f:spec": {"f:replicas": {}}});
        let flux = |others: &[(&str, Value)]| written(&[&[("kustomize-controller", template.clone())], others].concat());
        assert!(sets(&flux(&[]), "kustomize-controller", "/spec/template"));
        assert!(sets(&flux(&[]), "kustomize-controller", "/spec/template/spec/containers/0/image"));
        assert!(!sets(&flux(&[]), "kustomize-controller", "/spec/replicas"));
        // Somebody took it over: whether the tool's version has it cannot be told.
        assert!(sets(&flux(&[("kubectl-scale", replicas)]), "kustomize-controller", "/spec/replicas"));
        assert!(sets(&written(&[]), "kustomize-controller", "/spec/replicas"));
        assert!(sets(&written(&[("kustomize-controller", json!({}))]), "kustomize-controller", "/spec/replicas"));
    }

    #[test]
    fn what_argo_cd_ignores_is_matched_as_it_does() {
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop", "namespace": "x"}});
        let is_ignored = |mut entry: Value| {
            entry["jsonPointers"] = json!(["/spec/replicas"]);
            ignores(&entry, &deployment, "/spec/replicas")
        };
        assert!(is_ignored(json!({"group": "apps", "kind": "Deployment", "name": "shop", "namespace": "x"})));
        assert!(is_ignored(json!({"group": "*", "kind": "*"})) && is_ignored(json!({"group": "a*s", "kind": "De*loy*nt"})));
        for other in [
            json!({"kind": "Deployment"}),
            json!({"group": "apps", "kind": "StatefulSet"}),
            json!({"group": "apps", "kind": "Deployment", "name": "till"}),
            json!({"group": "apps", "kind": "Deployment", "namespace": "y"}),
        ] {
            assert!(!is_ignored(other.clone()), "{other}");
        }
    }

    #[test]
    fn pointers_cover_what_is_below_them() {
        assert!(covers("/spec/replicas", "/spec/replicas") && covers("/spec", "/spec/replicas"));
        assert!(!covers("/spec/replica", "/spec/replicas") && !covers("/spec/replicas/x", "/spec/replicas"));
    }
}
