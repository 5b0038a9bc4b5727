//! The client that writes to a server besides the API server: each request is sent at most once.

use std::time::Duration;

use http::Method;
use serde_json::Value;

use super::{
    Answer, ConnectError, Endpoint, HttpReader, Reader, WriteError, Writer,
    writer::{ANSWER_LIMIT, words},
};
use crate::config::shape::Server;

/// Writes to one server, by its address or through the API server's service proxy.
#[derive(Clone)]
pub struct HttpWriter {
    way: Way,
}

#[derive(Clone)]
enum Way {
    Direct(HttpReader),
    Proxied { writer: Writer, base: String },
}

impl HttpWriter {
    /// `server`: what is configured besides the address.
    pub fn new(endpoint: &Endpoint, server: Option<&Server>, reader: &Reader, writer: &Writer) -> Result<Self, ConnectError> {
        let way = match endpoint.proxy_path() {
            Some(base) => Way::Proxied { writer: writer.clone(), base },
            None => Way::Direct(HttpReader::unrepeated(endpoint, server, reader)?),
        };
        Ok(Self { way })
    }

    /// Sends one request once. Any complete answer of the server is `Ok`, whatever its status; that the proxy could not reach
    /// it is `NotSent`.
    pub async fn send(&self, method: Method, path: &str, body: &Value, timeout: Duration) -> Result<Answer, WriteError> {
        match &self.way {
            Way::Direct(server) => server.send_once(method, path, (!body.is_null()).then_some(body), ANSWER_LIMIT, timeout).await,
            Way::Proxied { writer, base } => {
                let answer = writer.send(method, &format!("{base}{path}"), &[], "application/json", body, timeout).await?;
                if is_unreached(&answer) { Err(WriteError::NotSent(ConnectError::config(&words(&answer)))) } else { Ok(answer) }
            }
        }
    }
}

/// Whether the API server says that it found nobody to pass the request on to
/// (`k8s.io/apimachinery/pkg/util/proxy/upgradeaware.go`, `k8s.io/kubernetes/pkg/registry/core/service/storage`).
fn is_unreached(answer: &Answer) -> bool {
    let is_status = answer.json.get("kind").and_then(Value::as_str) == Some("Status");
    let says = words(answer);
    let nobody = says.contains("no endpoints available for service") || (says.contains("error trying to reach service") && says.contains("dial tcp"));
    is_status && answer.status == 503 && nobody
}
