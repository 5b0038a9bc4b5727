//! Discovery: which groups, versions and resources there are, in the legacy and the aggregated form.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::kinds::{DEFINITIONS, Definition, RBAC, Resource};
use super::request::served;
use super::server::not_found;
use super::status::json_response;

/// Groups in the order of a real server, with their versions, the preferred first.
pub const GROUPS: [(&str, &[&str]); 16] = [
    ("", &["v1"]),
    ("apps", &["v1"]),
    ("events.k8s.io", &["v1"]),
    ("authentication.k8s.io", &["v1"]),
    ("authorization.k8s.io", &["v1"]),
    ("autoscaling", &["v2", "v1"]),
    ("batch", &["v1"]),
    ("policy", &["v1"]),
    (RBAC, &["v1"]),
    ("coordination.k8s.io", &["v1"]),
    ("discovery.k8s.io", &["v1"]),
    ("argoproj.io", &["v1alpha1"]),
    ("helm.toolkit.fluxcd.io", &["v2"]),
    ("keda.sh", &["v1alpha1"]),
    ("kustomize.toolkit.fluxcd.io", &["v1"]),
    ("sev1.dev", &["v1"]),
];

const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const SUBRESOURCE_VERBS: [&str; 3] = ["get", "patch", "update"];

/// `/version`.
pub fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36", "minCompatibilityMajor": "1", "minCompatibilityMinor": "35",
        "gitVersion": "v1.36.3", "gitCommit": "0000000000000000000000000000000000000000", "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1.26.8", "compiler": "gc", "platform": "linux/amd64",
    })
}

pub fn serves(group: &str, version: &str) -> bool {
    GROUPS.iter().any(|(name, versions)| *name == group && versions.contains(&version))
}

/// One line of discovery: a resource or a subresource.
struct Entry {
    /// `pods`, or `pods/log`.
    name: String,
    singular: &'static str,
    namespaced: bool,
    /// Group, version and kind of what is sent and returned.
    kind: (&'static str, &'static str, &'static str),
    verbs: &'static [&'static str],
    short_names: &'static [&'static str],
    in_all: bool,
}

impl Entry {
    fn of(definition: &'static Definition, group: &'static str, version: &'static str) -> Self {
        Self {
            name: definition.plural.to_owned(),
            singular: definition.singular,
            namespaced: definition.namespaced,
            kind: (group, version, definition.kind),
            verbs: &VERBS,
            short_names: definition.short_names,
            in_all: definition.in_all,
        }
    }

    fn sub(&self, name: &str, kind: (&'static str, &'static str, &'static str), verbs: &'static [&'static str]) -> Self {
        let name = format!("{}/{name}", self.name);
        Self { name, singular: "", namespaced: self.namespaced, kind, verbs, short_names: &[], in_all: false }
    }
}

fn entries(group: &str, version: &str) -> Vec<Entry> {
    let Some((group, versions)) = GROUPS.iter().find(|(name, _)| *name == group) else { return Vec::new() };
    let Some(version) = versions.iter().find(|known| **known == version) else { return Vec::new() };
    let mut all = Vec::new();
    for definition in DEFINITIONS.iter().filter(|definition| served(definition.resource, group, version)) {
        let entry = Entry::of(definition, group, version);
        let mut subresources = Vec::new();
        if definition.resource == Resource::Pods {
            subresources.push(entry.sub("eviction", ("policy", "v1", "Eviction"), &["create"]));
            subresources.push(entry.sub("log", ("", "v1", "Pod"), &["get"]));
        }
        if definition.resource == Resource::Services {
            subresources.push(entry.sub("proxy", ("", "v1", "ServiceProxyOptions"), &["create", "delete", "get", "patch", "update"]));
        }
        if definition.has_scale {
            subresources.push(entry.sub("scale", ("autoscaling", "v1", "Scale"), &SUBRESOURCE_VERBS));
        }
        if definition.has_status {
            subresources.push(entry.sub("status", entry.kind, &SUBRESOURCE_VERBS));
        }
        all.push(entry);
        all.extend(subresources);
    }
    let reviews: &[(&str, &str, &'static str)] = match *group {
        "authentication.k8s.io" => &[("selfsubjectreviews", "selfsubjectreview", "SelfSubjectReview")],
        "authorization.k8s.io" => &[
            ("selfsubjectaccessreviews", "selfsubjectaccessreview", "SelfSubjectAccessReview"),
            ("selfsubjectrulesreviews", "selfsubjectrulesreview", "SelfSubjectRulesReview"),
        ],
        _ => &[],
    };
    all.extend(reviews.iter().map(|(name, singular, kind)| Entry {
        name: (*name).to_owned(),
        singular,
        namespaced: false,
        kind: (group, version, kind),
        verbs: &["create"],
        short_names: &[],
        in_all: false,
    }));
    all
}

/// `/api`.
pub fn core_versions(headers: &HeaderMap) -> Response {
    if let Some(version) = aggregated_version(headers) {
        return aggregated(version, &GROUPS[..1]);
    }
    let addresses = json!([{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}]);
    json_response(StatusCode::OK, &json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}))
}

/// `/apis`.
pub fn groups(headers: &HeaderMap) -> Response {
    if let Some(version) = aggregated_version(headers) {
        return aggregated(version, &GROUPS[1..]);
    }
    let groups: Vec<Value> = GROUPS[1..].iter().map(|(name, versions)| group_object(name, versions)).collect();
    json_response(StatusCode::OK, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
}

/// `/apis/GROUP`.
pub fn group(name: &str) -> Response {
    let Some((name, versions)) = GROUPS[1..].iter().find(|(known, _)| *known == name) else { return not_found() };
    let mut object = json!({"kind": "APIGroup", "apiVersion": "v1"});
    if let (Some(fields), Value::Object(group)) = (object.as_object_mut(), group_object(name, versions)) {
        fields.extend(group);
    }
    json_response(StatusCode::OK, &object)
}

fn group_object(name: &str, versions: &[&str]) -> Value {
    let versions: Vec<Value> = versions.iter().map(|version| json!({"groupVersion": format!("{name}/{version}"), "version": version})).collect();
    json!({"name": name, "versions": versions, "preferredVersion": versions[0]})
}

/// `/api/v1`, `/apis/GROUP/VERSION`.
pub fn resources(group: &str, version: &str) -> Response {
    let resources: Vec<Value> = entries(group, version)
        .iter()
        .map(|entry| {
            let (kind_group, kind_version, kind) = entry.kind;
            let mut resource = json!({
                "name": entry.name, "singularName": entry.singular, "namespaced": entry.namespaced, "kind": kind, "verbs": entry.verbs,
            });
            if (kind_group, kind_version) != (group, version) {
                resource["group"] = json!(kind_group);
                resource["version"] = json!(kind_version);
            }
            if !entry.short_names.is_empty() {
                resource["shortNames"] = json!(entry.short_names);
            }
            if entry.in_all {
                resource["categories"] = json!(["all"]);
            }
            resource
        })
        .collect();
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let mut list = json!({"kind": "APIResourceList", "groupVersion": group_version, "resources": resources});
    // The core group's list has never said its version.
    if !group.is_empty() {
        list["apiVersion"] = json!("v1");
    }
    json_response(StatusCode::OK, &list)
}

/// The version of aggregated discovery that is asked for, when it is asked for before the plain form.
fn aggregated_version(headers: &HeaderMap) -> Option<&'static str> {
    let accept = headers.get(header::ACCEPT)?.to_str().ok()?;
    for entry in accept.split(',') {
        let parts: Vec<&str> = entry.split(';').map(str::trim).collect();
        if parts.first() != Some(&"application/json") {
            continue;
        }
        if !parts.contains(&"as=APIGroupDiscoveryList") {
            return None;
        }
        if parts.contains(&"v=v2") {
            return Some("v2");
        }
        if parts.contains(&"v=v2beta1") {
            return Some("v2beta1");
        }
    }
    None
}

fn aggregated(version: &'static str, groups: &[(&str, &[&str])]) -> Response {
    let items: Vec<Value> = groups
        .iter()
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .iter()
                .map(|version| json!({"version": version, "resources": aggregated_resources(group, version), "freshness": "Current"}))
                .collect();
            let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    let api_version = format!("apidiscovery.k8s.io/{version}");
    let list = json!({"kind": "APIGroupDiscoveryList", "apiVersion": api_version, "metadata": {}, "items": items});
    let mut response = json_response(StatusCode::OK, &list);
    let content_type = match version {
        "v2" => "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        _ => "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn aggregated_resources(group: &str, version: &str) -> Vec<Value> {
    let kind_of = |entry: &Entry| json!({"group": entry.kind.0, "version": entry.kind.1, "kind": entry.kind.2});
    let mut resources: Vec<Value> = Vec::new();
    for entry in entries(group, version) {
        if let Some((_, subresource)) = entry.name.split_once('/') {
            let Some(parent) = resources.last_mut() else { continue };
            if !parent["subresources"].is_array() {
                parent["subresources"] = json!([]);
            }
            let line = json!({"subresource": subresource, "responseKind": kind_of(&entry), "verbs": entry.verbs});
            if let Some(lines) = parent["subresources"].as_array_mut() {
                lines.push(line);
            }
            continue;
        }
        let scope = if entry.namespaced { "Namespaced" } else { "Cluster" };
        let mut resource = json!({
            "resource": entry.name, "responseKind": kind_of(&entry), "scope": scope, "singularResource": entry.singular, "verbs": entry.verbs,
        });
        if !entry.short_names.is_empty() {
            resource["shortNames"] = json!(entry.short_names);
        }
        if entry.in_all {
            resource["categories"] = json!(["all"]);
        }
        resources.push(resource);
    }
    resources
}
