//! A command in a container: the API server's `exec` over a WebSocket, opened once and never again.
//!
//! Protocol `v5.channel.k8s.io` (`k8s.io/apimachinery/pkg/util/remotecommand`): the first byte of a message is its channel,
//! 1 for standard output, 2 for standard error, 3 for a `Status` that ends it; 255 closes a channel.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use hyper_util::{client::legacy::connect::capture_connection, rt::TokioIo};
use serde_json::Value;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::{client::generate_key, derive_accept_key},
        protocol::{Message, Role, WebSocketConfig},
    },
};

use super::{
    ConnectError, Writer,
    body::{self, innermost},
    budget::Budget,
    path::ApiPath,
    reader::Query,
    refusal::begins,
    wire::Ready,
};
use crate::domain::text::Text;

/// Version 5 tells closed channels apart; servers before Kubernetes 1.30 know 4 alone.
const PROTOCOLS: &str = "v5.channel.k8s.io, v4.channel.k8s.io";
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
/// Largest message that is taken; servers send pieces of 32 KiB at most.
const LARGEST_MESSAGE: usize = 1 << 20;
const REFUSAL_LIMIT: usize = 64 << 10;

/// A command that ended, with as much of its output as was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// More was written than is kept.
    pub is_cut: bool,
    pub end: End,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With this exit code.
    Code(i32),
    /// The server could not run it, or lost it; its words.
    Broken(Text),
}

/// How a command ended without saying so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecError {
    /// Nothing was run: no byte left, or no connection was made.
    NotSent(ConnectError),
    /// Nothing was run: the server said no.
    Refused { status: u16, says: Text },
    /// It may have been run, or run still.
    NoEnd { error: ConnectError, so_far: Box<Ran> },
}

impl Writer {
    /// Runs it once. `limit` is for both outputs together, in bytes.
    pub async fn exec(&self, path: &str, query: Query<'_>, limit: usize, timeout: Duration) -> Result<Ran, ExecError> {
        let mut output = Output { ran: Ran { stdout: Vec::new(), stderr: Vec::new(), is_cut: false, end: End::Code(0) }, limit, was_sent: false };
        let late = ConnectError::Timeout { server: self.wire().server().clone(), after: timeout };
        let ready = self.wire().ready_within(timeout).await.map_err(ExecError::NotSent)?;
        match tokio::time::timeout(timeout, self.follow(&ready, path, query, &mut output)).await {
            Ok(Ok(end)) => Ok(Ran { end, ..output.ran }),
            Ok(Err(error)) => Err(error),
            Err(_) if output.was_sent => Err(ExecError::NoEnd { error: late, so_far: Box::new(output.ran) }),
            Err(_) => Err(ExecError::NotSent(late)),
        }
    }

    async fn follow(&self, ready: &Ready, path: &str, query: Query<'_>, output: &mut Output) -> Result<End, ExecError> {
        let wire = self.wire();
        let server = wire.server().clone();
        let key = generate_key();
        let mut request = upgrade(ApiPath::new(path).map_err(ExecError::NotSent)?, query, &key)
            .map_err(|error| ExecError::NotSent(ConnectError::config(&format!("request {path}: {error}"))))?;
        let connection = capture_connection(&mut request);
        let sending = wire.send(ready, ready.to_write(), request).await;
        output.was_sent = connection.connection_metadata().is_some();
        let response = sending.map_err(|error| output.lost(error))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let status = response.status().as_u16();
            let body = body::whole(response.into_body(), REFUSAL_LIMIT, &server, &Budget::new()).await.unwrap_or_default();
            let json: Option<Value> = serde_json::from_slice(&body).ok();
            let words =
                json.as_ref().and_then(|json| json.get("message")?.as_str()).map_or_else(|| begins(&body), |words| Text::of_error(words, 400));
            return Err(ExecError::Refused { status, says: words });
        }
        let accepted = response.headers().get(header::SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
        if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            let why = "it switched protocols to something that is not our WebSocket".into();
            return Err(output.lost(ConnectError::Cut { server, why }));
        }
        let cut = |why: &str| ConnectError::Cut { server: server.clone(), why: Text::line(why) };
        let upgraded = hyper::upgrade::on(response).await.map_err(|error| output.lost(cut(&innermost(&error))))?;
        let config = WebSocketConfig::default().max_message_size(Some(LARGEST_MESSAGE)).max_frame_size(Some(LARGEST_MESSAGE));
        let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, Some(config)).await;
        while let Some(message) = socket.next().await {
            match message {
                Ok(Message::Binary(message)) => {
                    if let Some(end) = output.take(&message) {
                        return Ok(end);
                    }
                }
                Ok(Message::Close(_)) => break,
                Ok(_) => {}
                Err(error) => return Err(output.lost(cut(&error.to_string()))),
            }
        }
        Err(output.lost(cut("it closed without saying how the command ended")))
    }
}

/// What came so far.
struct Output {
    ran: Ran,
    limit: usize,
    was_sent: bool,
}

impl Output {
    /// Takes one message; the end where it is that.
    fn take(&mut self, message: &[u8]) -> Option<End> {
        let (channel, piece) = message.split_first()?;
        let room = self.limit.saturating_sub(self.ran.stdout.len() + self.ran.stderr.len());
        let kept = match *channel {
            STATUS => return Some(end(piece)),
            STDOUT => &mut self.ran.stdout,
            STDERR => &mut self.ran.stderr,
            _ => return None,
        };
        self.ran.is_cut |= piece.len() > room;
        kept.extend_from_slice(&piece[..piece.len().min(room)]);
        None
    }

    fn lost(&self, error: ConnectError) -> ExecError {
        if self.was_sent { ExecError::NoEnd { error, so_far: Box::new(self.ran.clone()) } } else { ExecError::NotSent(error) }
    }
}

fn upgrade(path: ApiPath<'_>, query: Query<'_>, key: &str) -> Result<Request<Full<Bytes>>, http::Error> {
    Request::builder()
        .method(Method::GET)
        .uri(super::reader::with_query(path, query))
        .header(header::USER_AGENT, concat!("sev1/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, key)
        .header(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOLS)
        .body(Full::default())
}

/// A `Status`: success, an exit code among its causes, or words.
fn end(piece: &[u8]) -> End {
    let Ok(status) = serde_json::from_slice::<Value>(piece) else { return End::Broken(begins(piece)) };
    if status.get("status").and_then(Value::as_str) == Some("Success") {
        return End::Code(0);
    }
    let causes = status.pointer("/details/causes").and_then(Value::as_array);
    let code = causes.into_iter().flatten().find(|cause| cause.get("reason").and_then(Value::as_str) == Some("ExitCode"));
    match code.and_then(|cause| cause.get("message")?.as_str()?.parse().ok()) {
        Some(code) => End::Code(code),
        None => End::Broken(status.get("message").and_then(Value::as_str).map_or_else(|| begins(piece), |words| Text::of_error(words, 400))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(limit: usize) -> Output {
        Output { ran: Ran { stdout: Vec::new(), stderr: Vec::new(), is_cut: false, end: End::Code(0) }, limit, was_sent: true }
    }

    #[test]
    fn channels_are_told_apart_and_no_more_is_kept_than_asked_for() {
        let mut output = output(5);
        for message in [&b"\x01abc"[..], b"\x02def", b"\xff\x01", b"", b"\x01ghi"] {
            assert_eq!(output.take(message), None);
        }
        assert_eq!((output.ran.stdout.as_slice(), output.ran.stderr.as_slice(), output.ran.is_cut), (&b"abc"[..], &b"de"[..], true));
    }

    #[test]
    fn a_status_is_success_an_exit_code_or_words() {
        assert_eq!(end(br#"{"metadata":{},"status":"Success"}"#), End::Code(0));
        let code = br#"{"status":"Failure","message":"command terminated with non-zero exit code","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"2"}]}}"#;
        assert_eq!(end(code), End::Code(2));
        assert_eq!(
            end(br#"{"status":"Failure","message":"container not found","reason":"InternalError"}"#),
            End::Broken("container not found".into())
        );
        assert_eq!(end(b"oops"), End::Broken("oops".into()));
    }
}
