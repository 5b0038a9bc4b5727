//! The service proxy: requests to a service's port, handed to the router behind it without a socket in between.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, Uri, header};
use serde_json::Value;
use tower::ServiceExt;

use super::kinds::Resource;
use super::server::{Answer, Call};
use super::status::ApiError;
use crate::sim::store::StoreError;

/// The routers behind services, by namespace, service name and port.
#[derive(Clone, Default)]
pub struct Backends(Arc<BTreeMap<(String, String, u16), Router>>);

impl Backends {
    pub fn new(routers: impl IntoIterator<Item = (&'static str, &'static str, u16, Router)>) -> Self {
        let keyed = routers.into_iter().map(|(namespace, name, port, router)| ((namespace.to_owned(), name.to_owned(), port), router));
        Self(Arc::new(keyed.collect()))
    }
}

/// `[scheme:]name[:port]`.
fn split_name(text: &str) -> (&str, &str) {
    match text.split(':').collect::<Vec<_>>().as_slice() {
        [_scheme, name, port] => (name, port),
        [name, port] => (name, port),
        _ => (text, ""),
    }
}

pub async fn forward(call: Call<'_>) -> Answer {
    let namespace = call.target.namespace.clone();
    let (name, wanted) = split_name(call.target.name());
    let service = call.server.store.get(Resource::Services, &namespace, name);
    let service = service.ok_or_else(|| StoreError::NotFound { resource: Resource::Services, name: name.to_owned() })?;
    let ports = service.pointer("/spec/ports").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let number = |port: &Value| port.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
    let is_wanted =
        |port: &&Value| port.get("name").and_then(Value::as_str) == Some(wanted) || number(port).is_some_and(|port| port.to_string() == wanted);
    let port = match (wanted, ports) {
        ("", [only]) => number(only),
        _ => ports.iter().find(is_wanted).and_then(number),
    };
    let port = port.ok_or_else(|| ApiError::unavailable(format!("no service port {wanted} found for service \"{name}\"")))?;
    let backend = call.server.backends.0.get(&(namespace, name.to_owned(), port)).cloned();
    let backend = backend.ok_or_else(|| ApiError::unavailable(format!("no endpoints available for service \"{name}\"")))?;
    let query = call.parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let uri: Uri = format!("/{}{query}", call.target.rest).parse().map_err(|_| ApiError::bad_request("the proxied path is not a valid URI"))?;
    let mut request = Request::new(Body::from(call.body));
    *request.method_mut() = call.parts.method;
    *request.uri_mut() = uri;
    *request.headers_mut() = call.parts.headers;
    // The credentials are the API server's business.
    request.headers_mut().remove(header::AUTHORIZATION);
    match backend.oneshot(request).await {
        Ok(response) => Ok(response),
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxied_name_has_up_to_three_parts() {
        assert_eq!(split_name("prometheus"), ("prometheus", ""));
        assert_eq!(split_name("prometheus:9090"), ("prometheus", "9090"));
        assert_eq!(split_name("http:prometheus:web"), ("prometheus", "web"));
    }
}
