//! The client that writes: each request is sent at most once, and what is not known is said.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::Full;
use hyper_util::client::legacy::connect::capture_connection;
use serde_json::Value;

use super::{
    Answer, ConnectError, Target, body,
    budget::Budget,
    path::ApiPath,
    reader::{Query, date, with_query},
    refusal::begins,
    wire::Wire,
};
use crate::domain::text::Text;

/// Largest answer to a write that is read.
pub(super) const ANSWER_LIMIT: usize = 8 << 20;

/// How a write ended without an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// No byte of the request left this machine: nothing was changed.
    #[error("nothing was sent: {0}")]
    NotSent(ConnectError),
    /// The request was sent, or may have been, and no complete answer came: it may have been done.
    #[error("no answer after sending, it may have been done: {0}")]
    NoAnswer(ConnectError),
}

/// Writes to one cluster, over a fresh connection each time, without any retry.
#[derive(Clone)]
pub struct Writer {
    wire: Arc<Wire>,
}

impl Writer {
    pub fn new(target: &Target) -> Self {
        Self { wire: target.wire.clone() }
    }

    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Sends one request once. Any complete answer is `Ok`, whatever its status; its body is JSON, or a string when it is not.
    /// `null` sends no body.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        query: Query<'_>,
        content_type: &str,
        body: &Value,
        timeout: Duration,
    ) -> Result<Answer, WriteError> {
        let server = self.wire.server().clone();
        let late = ConnectError::Timeout { server: server.clone(), after: timeout };
        let checked = ApiPath::new(path).map_err(WriteError::NotSent)?;
        let mut request = Request::builder()
            .method(method)
            .uri(with_query(checked, query))
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("sev1/", env!("CARGO_PKG_VERSION")))
            .header(header::CONTENT_TYPE, content_type)
            .body(Full::new(if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) }))
            .map_err(|error| WriteError::NotSent(ConnectError::config(&format!("request {path}: {error}"))))?;
        // Set at the moment a connection is handed the request; before that no byte can have been written.
        let connection = capture_connection(&mut request);
        let was_sent = || connection.connection_metadata().is_some();
        let ended = |error: ConnectError| if was_sent() { WriteError::NoAnswer(error) } else { WriteError::NotSent(error) };

        let ready = self.wire.ready_within(timeout).await.map_err(WriteError::NotSent)?;
        let sending = async {
            let response = self.wire.send(&ready, ready.to_write(), request).await.map_err(&ended)?;
            let (parts, body) = response.into_parts();
            let refused = parts.status.is_client_error();
            match body::whole(body, ANSWER_LIMIT, &server, &Budget::new()).await {
                Ok(body) => {
                    let json = serde_json::from_slice(&body).unwrap_or_else(|_| Value::String(begins(&body).to_string()));
                    Ok(Answer { status: parts.status.as_u16(), date: date(&parts.headers), json })
                }
                // The status line alone says that nothing was done.
                Err(_) if refused => Ok(Answer { status: parts.status.as_u16(), date: date(&parts.headers), json: Value::Null }),
                Err(error) => Err(WriteError::NoAnswer(error)),
            }
        };
        match tokio::time::timeout(timeout, sending).await {
            Ok(result) => result,
            Err(_) => Err(ended(late)),
        }
    }
}

/// What an answer that is not a success says, for a message: the `Status`' own words.
pub fn words(answer: &Answer) -> Text {
    let words = answer.json.get("message").and_then(Value::as_str).or_else(|| answer.json.as_str());
    // Which budget refuses an eviction is told by the cause alone.
    let causes = answer.json.pointer("/details/causes").and_then(Value::as_array).into_iter().flatten();
    let budget = causes
        .filter(|cause| cause.get("reason").and_then(Value::as_str) == Some("DisruptionBudget"))
        .find_map(|cause| cause.get("message")?.as_str());
    match (words, budget) {
        (None, _) => Text::line(&format!("HTTP {}", answer.status)),
        (Some(words), None) => Text::of_error(words, 400),
        (Some(words), Some(budget)) => Text::of_error(&format!("{words} {budget}"), 400),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn our_token_is_hidden_in_the_words_of_a_refusal_however_it_is_altered() {
        const OURS: &str = "Kq4-token-of-a-writer-0123456789";
        crate::domain::secrecy::ours_for_good(OURS);
        let altered = OURS.to_uppercase();
        let causes = json!([{"reason": "DisruptionBudget", "message": format!("nor {altered}")}]);
        let answer = Answer { status: 422, date: None, json: json!({"message": format!("no {altered},"), "details": {"causes": causes}}) };
        assert_eq!(&*words(&answer), "no ***, nor ***");
    }
}
