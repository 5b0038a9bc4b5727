//! What a request asks for: the path taken apart, the query, and the form the answer should have.

use std::collections::HashMap;

use http::{HeaderMap, Method, StatusCode, header};
use serde_json::json;
use url::form_urlencoded;

use super::kinds::Resource;
use super::status::ApiError;

/// A request under `/api/v1` or `/apis/GROUP/VERSION` for a resource that exists.
#[derive(Debug, Clone)]
pub struct Target {
    pub resource: Resource,
    /// As in the path; events have two.
    pub group: String,
    pub version: String,
    /// Empty when the path names none.
    pub namespace: String,
    pub name: Option<String>,
    /// `scale`, `status`, `log`, `eviction`, `proxy`; empty for the object itself.
    pub subresource: String,
    /// What follows `proxy`, as it was sent.
    pub rest: String,
}

impl Target {
    /// From group, version and the path segments after them.
    pub fn parse(group: &str, version: &str, segments: &[&str]) -> Option<Self> {
        let Place { namespace, plural, name, subresource, rest } = Place::parse(segments)?;
        let stored_group = if group == "events.k8s.io" && plural == "events" { "" } else { group };
        let resource = Resource::find(stored_group, plural)?;
        if !served(resource, group, version) || (!resource.definition().namespaced && !namespace.is_empty()) {
            return None;
        }
        Some(Self { resource, group: group.to_owned(), version: version.to_owned(), namespace, name, subresource: subresource.to_owned(), rest })
    }

    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

/// A path after its group and version, taken apart, whether there is such a resource or not.
#[derive(Debug)]
pub struct Place<'a> {
    pub namespace: String,
    pub plural: &'a str,
    pub name: Option<String>,
    pub subresource: &'a str,
    pub rest: String,
}

impl<'a> Place<'a> {
    pub fn parse(segments: &[&'a str]) -> Option<Self> {
        let (namespace, plural, tail) = match segments {
            ["namespaces", namespace, plural, tail @ ..] if !matches!(*plural, "status" | "finalize") => (decode(namespace), *plural, tail),
            [plural, tail @ ..] => (String::new(), *plural, tail),
            [] => return None,
        };
        let (name, subresource, rest) = match tail {
            [] | [""] => (None, "", String::new()),
            [name] => (Some(decode(name)), "", String::new()),
            [name, subresource] => (Some(decode(name)), *subresource, String::new()),
            [name, "proxy", rest @ ..] => (Some(decode(name)), "proxy", rest.join("/")),
            _ => return None,
        };
        Some(Self { namespace, plural, name, subresource, rest })
    }

    /// The verb of access rules.
    pub fn verb(&self, method: &Method, parameters: &Parameters) -> &'static str {
        match (method.as_str(), self.name.is_some()) {
            ("GET" | "HEAD", true) if !parameters.flag("watch") => "get",
            ("GET" | "HEAD", _) if parameters.flag("watch") => "watch",
            ("GET" | "HEAD", _) => "list",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "delete",
            ("DELETE", false) => "deletecollection",
            _ => "create",
        }
    }
}

/// The versions a type is served in, beyond the one it is stored in.
pub fn served(resource: Resource, group: &str, version: &str) -> bool {
    let definition = resource.definition();
    match (resource, group, version) {
        (Resource::HorizontalPodAutoscalers, "autoscaling", "v1") | (Resource::Events, "events.k8s.io", "v1") => true,
        _ => definition.group == group && definition.version == version,
    }
}

fn decode(segment: &str) -> String {
    if !segment.contains('%') {
        return segment.to_owned();
    }
    let pair = format!("s={}", segment.replace('+', "%2B"));
    form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// The query string.
#[derive(Debug, Clone, Default)]
pub struct Parameters(HashMap<String, String>);

impl Parameters {
    pub fn parse(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub fn flag(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !matches!(value.as_str(), "false" | "0"))
    }

    /// A number, when there is one.
    pub fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let text = self.text(name);
        if text.is_empty() {
            return Ok(None);
        }
        let parsed = text.parse().map(Some);
        parsed.map_err(|_| ApiError::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax")))
    }

    pub fn resource_version(&self) -> Result<Option<u64>, ApiError> {
        let text = self.text("resourceVersion");
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| {
            let message = format!("resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax");
            ApiError::bad_request(message)
        })
    }

    pub fn dry_run(&self) -> bool {
        self.text("dryRun") == "All"
    }
}

/// The form an answer is given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    Table,
    PartialMetadata,
}

/// The first form in `Accept` that can be served.
pub fn form(headers: &HeaderMap) -> Result<Form, ApiError> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    for entry in accept.split(',') {
        let mut parts = entry.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        if !matches!(media_type, "application/json" | "application/*" | "*/*" | "") {
            continue;
        }
        let parameters: HashMap<&str, &str> = parts.filter_map(|part| part.split_once('=')).collect();
        match (parameters.get("as"), parameters.get("v"), parameters.get("g")) {
            (None, ..) => return Ok(Form::Json),
            (Some(&"Table"), Some(&"v1"), Some(&"meta.k8s.io")) => return Ok(Form::Table),
            (Some(&("PartialObjectMetadata" | "PartialObjectMetadataList")), Some(&"v1"), Some(&"meta.k8s.io")) => return Ok(Form::PartialMetadata),
            _ => {}
        }
    }
    let message = "406: Not Acceptable\n\nAvailable representations: application/json, application/json;stream=watch";
    Err(ApiError::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message).details(json!({})))
}

/// Who writes: the parameter, or the first word of the user agent.
pub fn field_manager(parameters: &Parameters, headers: &HeaderMap) -> String {
    let named = parameters.text("fieldManager");
    if !named.is_empty() {
        return named.chars().take(128).collect();
    }
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("unknown");
    agent.split('/').next().unwrap_or("unknown").chars().take(128).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart() {
        let target = Target::parse("apps", "v1", &["namespaces", "x", "deployments", "a", "scale"]).unwrap();
        assert_eq!(
            (target.resource, target.namespace.as_str(), target.name(), target.subresource.as_str()),
            (Resource::Deployments, "x", "a", "scale")
        );
        let target = Target::parse("", "v1", &["namespaces", "x"]).unwrap();
        assert_eq!((target.resource, target.name()), (Resource::Namespaces, "x"));
        let target = Target::parse("", "v1", &["namespaces", "m", "services", "http:p%3A9090", "proxy", "api", "v1", "query"]).unwrap();
        assert_eq!((target.name(), target.rest.as_str()), ("http:p:9090", "api/v1/query"));
        assert!(Target::parse("apps", "v1", &["namespaces", "x", "nothing"]).is_none());
        assert_eq!(Target::parse("events.k8s.io", "v1", &["events"]).unwrap().resource, Resource::Events);
    }

    #[test]
    fn the_first_servable_form_is_chosen() {
        let form_of = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            form(&headers)
        };
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        assert_eq!(form_of(kubectl).unwrap(), Form::Table);
        assert_eq!(form_of("application/vnd.kubernetes.protobuf,application/json").unwrap(), Form::Json);
        assert!(form_of("application/vnd.kubernetes.protobuf").is_err());
    }
}
