//! `pods/exec` over a WebSocket: `v5.channel.k8s.io`, or version 4 where the client knows no other.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::SinkExt as _;
use http::{HeaderValue, Method, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};

use super::server::{Answer, Call};
use super::status::ApiError;
use crate::sim::programs::Said;

const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
/// As the real server splits what a command writes.
const PIECE: usize = 32 * 1024;

pub fn answer(mut call: Call<'_>) -> Answer {
    let pod = call.current()?;
    let name = call.target.name().to_owned();
    let query = call.parts.uri.query().unwrap_or_default().to_owned();
    let asked: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let values = |wanted: &str| asked.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_str()).collect::<Vec<_>>();
    let container = container(&pod, &name, values("container").first().copied().unwrap_or_default())?;
    let argv = values("command");
    if call.parts.method != Method::GET {
        return Err(ApiError::bad_request("the simulated API server takes commands over a WebSocket only"));
    }
    let headers = &call.parts.headers;
    let text = |name: &header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let key = text(&header::SEC_WEBSOCKET_KEY);
    let offered = text(&header::SEC_WEBSOCKET_PROTOCOL);
    let protocol = PROTOCOLS.into_iter().find(|known| offered.split(',').any(|one| one.trim() == *known));
    let upgrade = call.parts.extensions.remove::<OnUpgrade>();
    let (Some(protocol), Some(upgrade), false) = (protocol, upgrade, key.is_empty()) else {
        return Err(ApiError::bad_request("Upgrade request required"));
    };
    if argv.is_empty() {
        return Err(ApiError::bad_request("you must specify at least 1 command for the container"));
    }
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let said = call.server.programs.run(&call.target.namespace, image, &argv);
    let program = argv[0].to_owned();
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        // A client that has left wants no output.
        let _ = tell(socket, &program, said).await;
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    Ok(response)
}

async fn tell<S>(mut socket: WebSocketStream<S>, program: &str, said: Option<Said>) -> Result<(), tokio_tungstenite::tungstenite::Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let message = |channel: u8, piece: &[u8]| Message::Binary(Bytes::from([&[channel], piece].concat()));
    let status = match &said {
        None => {
            let why = format!("exec failed: unable to start container process: exec: \"{program}\": executable file not found in $PATH: unknown");
            json!({ "metadata": {}, "status": "Failure", "message": format!("Internal error occurred: error executing command in container: {why}"), "reason": "InternalError", "details": { "causes": [{ "message": why }] }, "code": 500 })
        }
        Some(said) => {
            for (channel, text) in [(STDOUT, &said.stdout), (STDERR, &said.stderr)] {
                for piece in text.as_bytes().chunks(PIECE) {
                    socket.send(message(channel, piece)).await?;
                }
            }
            match said.code {
                0 => json!({ "metadata": {}, "status": "Success" }),
                code => json!({
                    "metadata": {}, "status": "Failure", "message": format!("command terminated with non-zero exit code: exit status {code}"),
                    "reason": "NonZeroExitCode", "details": { "causes": [{ "reason": "ExitCode", "message": code.to_string() }] },
                }),
            }
        }
    };
    socket.send(message(STATUS, status.to_string().as_bytes())).await?;
    socket.close(None).await
}

fn container<'a>(pod: &'a Value, name: &str, asked: &str) -> Result<&'a Value, ApiError> {
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let named = |container: &Value| container.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    match (asked, containers) {
        ("", [only]) => Ok(only),
        ("", _) => {
            let choice = containers.iter().map(named).collect::<Vec<_>>().join(" ");
            Err(ApiError::bad_request(format!("a container name must be specified for pod {name}, choose one of: [{choice}]")))
        }
        (asked, _) => containers
            .iter()
            .find(|container| named(container) == asked)
            .ok_or_else(|| ApiError::bad_request(format!("container {asked} is not valid for pod {name}"))),
    }
}
