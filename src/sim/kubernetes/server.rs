//! The front door: who is asking, for what, and which part of the server answers.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::access::{Tokens, User};
use super::proxy::Backends;
use super::request::{Asked, Parameters, Target, served};
use super::status::{ApiError, json_response};
use super::{custom, delete, discovery, eviction, exec, logs, openapi, protobuf, proxy, read, reviews, scale, watch, write};
use crate::sim::programs::Programs;
use crate::sim::store::{Store, StoreError};

/// As the real server's limit on request bodies.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// What the server works on. Cheap to clone.
#[derive(Clone)]
pub struct ApiServer {
    pub store: Store,
    pub tokens: Tokens,
    /// The services that answer through the service proxy.
    pub backends: Backends,
    /// What runs inside of containers.
    pub programs: Programs,
    /// Ends watches and log streams.
    pub stop: CancellationToken,
}

/// One request for a resource, after authentication, routing and authorization.
pub struct Call<'a> {
    pub server: &'a ApiServer,
    pub user: &'a User,
    pub target: Target,
    pub parameters: Parameters,
    pub parts: Parts,
    pub body: Bytes,
}

pub type Answer = Result<Response, ApiError>;

/// Every path of the API server.
pub fn router(server: ApiServer) -> Router {
    Router::new().fallback(handle).with_state(server)
}

async fn handle(State(server): State<ApiServer>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        let message = format!("Request entity too large: limit is {BODY_LIMIT}");
        return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message).into_response();
    };
    answer(&server, parts, body).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(server: &ApiServer, parts: Parts, body: Bytes) -> Answer {
    let path = parts.uri.path().to_owned();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let authorization = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    // A token that is not known is refused everywhere; these paths need none.
    if authorization.is_some() {
        server.tokens.authenticate(authorization)?;
    }
    if let ["healthz" | "livez" | "readyz", ..] = segments.as_slice() {
        return Ok(text("ok"));
    }
    if segments.as_slice() == ["version"] {
        return Ok(json_response(StatusCode::OK, &discovery::version()));
    }
    let user = server.tokens.authenticate(authorization)?.speaking_for(&parts.headers, &server.store)?;
    let (group, version, rest) = match segments.as_slice() {
        ["api"] | ["api", ""] => return Ok(discovery::core_versions(&parts.headers)),
        ["apis"] | ["apis", ""] => return Ok(discovery::groups(&parts.headers)),
        ["apis", group] | ["apis", group, ""] => return Ok(discovery::group(group)),
        ["openapi", "v3"] => return Ok(openapi::index()),
        ["openapi", "v3", "api", version] => return openapi::document("", version),
        ["openapi", "v3", "apis", group, version] => return openapi::document(group, version),
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return Ok(not_found()),
    };
    let rest: Vec<&str> = if rest.last() == Some(&"") && !rest.contains(&"proxy") { rest[..rest.len() - 1].to_vec() } else { rest.to_vec() };
    let is_served = discovery::serves(group, version);
    if let [review] = rest.as_slice()
        && is_served
        && reviews::is_review(group, review)
    {
        return reviews::answer(server, &user, group, review, &parts, &body);
    }
    let parameters = Parameters::parse(parts.uri.query());
    // Who may not ask is not told whether it is served.
    if let Some(asked) = Asked::parse(group, &rest, &parts.method, &parameters) {
        user.check(&asked.access(), &server.store)?;
    }
    if !is_served {
        return Ok(not_found());
    }
    if rest.is_empty() {
        return Ok(if is_served { discovery::resources(group, version) } else { not_found() });
    }
    let target = Target::parse(group, version, &rest).ok_or_else(ApiError::no_such_resource)?;
    debug_assert!(served(target.resource, group, version), "Target::parse checks this");
    dispatch(Call { server, user: &user, target, parameters, parts, body }).await
}

async fn dispatch(call: Call<'_>) -> Answer {
    let method = call.parts.method.clone();
    let definition = call.target.resource.definition();
    let is_known = match call.target.subresource.as_str() {
        "" => true,
        "status" => definition.has_status,
        "scale" => definition.has_scale,
        "log" | "eviction" | "exec" => definition.plural == "pods",
        "proxy" => definition.plural == "services",
        _ => false,
    };
    // A custom resource's server says that there is no such object.
    if !is_known && custom::of(call.target.resource).is_some() {
        return Err(StoreError::NotFound { resource: call.target.resource, name: call.target.name().to_owned() }.into());
    }
    if !is_known {
        return Err(ApiError::no_such_resource());
    }
    match (call.target.subresource.as_str(), method) {
        ("proxy", _) => proxy::forward(call).await,
        ("log", Method::GET) => logs::answer(&call),
        ("exec", Method::GET | Method::POST) => exec::answer(call),
        ("eviction", Method::POST) => eviction::evict(&call),
        ("scale", Method::GET | Method::PUT | Method::PATCH) => scale::answer(&call),
        ("" | "status", Method::GET | Method::HEAD) if call.parameters.flag("watch") => watch::answer(&call),
        ("", Method::GET | Method::HEAD) if call.target.name.is_none() => read::list(&call),
        ("" | "status", Method::GET | Method::HEAD) => read::get(&call),
        ("", Method::POST) if call.target.name.is_none() => write::create(&call),
        ("" | "status", Method::PUT) if call.target.name.is_some() => write::update(&call),
        ("" | "status", Method::PATCH) if call.target.name.is_some() => write::patch(&call),
        ("", Method::DELETE) if call.target.name.is_some() => delete::one(&call),
        ("", Method::DELETE) => delete::collection(&call),
        _ => Err(ApiError::method_not_allowed()),
    }
}

fn text(body: &'static str) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], body).into_response()
}

pub fn not_found() -> Response {
    (StatusCode::NOT_FOUND, text("404 page not found\n")).into_response()
}

impl Call<'_> {
    /// The object in the body, checked to be of the kind and in the place the path says.
    pub fn sent_object(&self) -> Result<Value, ApiError> {
        let definition = self.target.resource.definition();
        let kind = definition.kind;
        let mut object = decode_body(&self.parts, &self.body, kind)?;
        if let Some(sent) = object.get("kind").and_then(Value::as_str).filter(|sent| !sent.is_empty() && *sent != kind) {
            let version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
            let (message, go) =
                (format!("{sent} in version \"{version}\" cannot be handled as a {kind}"), version.rsplit('/').next().unwrap_or_default());
            return Err(ApiError::bad_request(format!("{message}: converting ({go}.{sent}) to ({kind}): unknown conversion")));
        }
        if !object.get("metadata").is_some_and(Value::is_object) {
            object["metadata"] = json!({});
        }
        let metadata = &mut object["metadata"];
        let namespace = metadata.get("namespace").and_then(Value::as_str).unwrap_or_default();
        if !namespace.is_empty() && namespace != self.target.namespace {
            return Err(ApiError::bad_request("the namespace of the provided object does not match the namespace sent on the request"));
        }
        if definition.namespaced {
            metadata["namespace"] = json!(self.target.namespace);
        }
        if let Some(name) = &self.target.name {
            let sent = metadata.get("name").and_then(Value::as_str).unwrap_or_default();
            if !sent.is_empty() && sent != name {
                return Err(ApiError::bad_request(format!("the name of the object ({sent}) does not match the name on the URL ({name})")));
            }
            metadata["name"] = json!(name);
        }
        Ok(object)
    }
}

/// A JSON or YAML body.
pub fn decode_body(parts: &Parts, body: &[u8], kind: &str) -> Result<Value, ApiError> {
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/json");
    let decoded = match content_type.split(';').next().unwrap_or_default().trim() {
        "application/json" | "" => serde_json::from_slice::<Value>(body).map_err(|error| error.to_string()),
        "application/vnd.kubernetes.protobuf" => protobuf::decode(body).ok_or_else(|| "not an object that can be decoded".to_owned()),
        "application/yaml" => std::str::from_utf8(body)
            .map_err(|error| error.to_string())
            .and_then(|text| serde_saphyr::from_str(text).map_err(|error| error.to_string())),
        _ => {
            let message = "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf";
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message));
        }
    };
    match decoded {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => Err(ApiError::bad_request(format!("the object provided is unrecognized (must be of type {kind}): not a map"))),
        Err(error) => {
            let message =
                format!("the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: {error}");
            Err(ApiError::bad_request(message))
        }
    }
}
