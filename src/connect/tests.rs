//! Both clients against a server that misbehaves.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::{
    ConnectError, Endpoint, HttpReader, Reader, WriteError, Writer,
    scripted::{Scripted, Step, answer, json as json_answer, stream, target},
};

const LIMIT: Duration = Duration::from_secs(2);

async fn send(url: &str, timeout: Duration) -> Result<super::Answer, WriteError> {
    let writer = Writer::new(&target(url));
    writer.send(Method::PATCH, "/api/v1/x", &[("dryRun", "All")], "application/merge-patch+json", &json!({"a": 1}), timeout).await
}

#[tokio::test]
async fn a_write_that_could_not_connect_was_not_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = send(&url, LIMIT).await.unwrap_err();
    assert!(matches!(error, WriteError::NotSent(ConnectError::Unreachable { .. })), "{error:?}");
}

#[tokio::test]
async fn a_write_without_a_complete_answer_is_unknown_and_sent_once() {
    for steps in [
        vec![Step::Close],
        vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()), Step::Close],
        vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"a\"".to_vec()), Step::Close],
        vec![Step::Hang],
    ] {
        let script = steps.clone();
        let server = Scripted::start(move |_, _| script.clone()).await;
        let error = send(&server.url, Duration::from_millis(600)).await.unwrap_err();
        assert!(matches!(error, WriteError::NoAnswer(_)), "{steps:?}: {error:?}");
        assert_eq!(server.requests(), 1, "{steps:?}");
    }
}

#[tokio::test]
async fn a_write_is_not_repeated_on_429_or_503_nor_over_a_closed_connection() {
    for status in [429, 500, 503, 504] {
        let server = Scripted::start(move |_, _| json_answer(status, r#"{"message":"no"}"#)).await;
        let answer = send(&server.url, LIMIT).await.unwrap();
        assert_eq!((answer.status, server.requests()), (status, 1));
    }
    // Answers, then closes the kept connection at once: a pool would have it ready for the second write.
    let server = Scripted::start(|_, _| [json_answer(200, "{}"), vec![Step::Close]].concat()).await;
    let writer = Writer::new(&server.target());
    for sent in 1..=3 {
        writer.send(Method::POST, "/x", &[], "application/json", &json!({}), LIMIT).await.unwrap();
        assert_eq!(server.requests(), sent);
    }
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_still_an_answer() {
    let server = Scripted::start(|_, _| answer(403, "Content-Type: text/html\r\n", "<h1>\u{1b}[2JProxy says no</h1>")).await;
    let answer = send(&server.url, LIMIT).await.unwrap();
    assert_eq!(answer.status, 403);
    assert!(super::writer::words(&answer).contains("<U+001B>[2JProxy says no"));
}

#[tokio::test]
async fn reads_say_what_went_wrong() {
    let server = Scripted::start(|request, _| match request.split(' ').nth(1).unwrap() {
        "/html" => answer(200, "Content-Type: text/html\r\n", "<html>log in</html>"),
        "/huge" => answer(200, "", &"x".repeat(70_000)),
        "/slow" => vec![Step::Hang],
        "/cut" => vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".to_vec()), Step::Close],
        "/wait" => answer(429, "Retry-After: 7\r\n", ""),
        "/login" => answer(302, "Location: https://sso/login?token=abc\r\n", ""),
        _ => json_answer(200, r#"{"a":1}"#),
    })
    .await;
    let reader = Reader::new(&server.target());
    let good = reader.get_json("/good", &[]).await.unwrap();
    assert_eq!(good.date.unwrap().to_rfc3339(), "2026-11-23T02:14:00+00:00");
    assert!(matches!(reader.get_json("/html", &[]).await, Err(ConnectError::NotJson { .. })));
    assert!(matches!(reader.get_json("/slow", &[]).await, Err(ConnectError::Timeout { .. })));
    assert!(matches!(reader.get_json("/cut", &[]).await, Err(ConnectError::Cut { .. })));
    assert_eq!(reader.get_json("/wait", &[]).await.unwrap_err().retry_after(), Some(Duration::from_secs(7)));
    assert!(matches!(reader.raw(Method::GET, "/huge", &[], None, 1_000, LIMIT).await, Err(ConnectError::TooLarge { .. })));
    let error = reader.get_json("/login", &[]).await.unwrap_err().to_string();
    assert!(error.contains("https://sso/login") && !error.contains("token"), "{error}");
}

#[tokio::test]
async fn a_stalled_stream_is_noticed() {
    let server = Scripted::start(|_, _| [stream("{\"a\":1}\n{\"b\""), vec![Step::Hang]].concat()).await;
    let mut lines = Reader::new(&server.target()).watch("/watch", &[], Duration::from_millis(200)).await.unwrap().lines;
    assert_eq!(lines.next().await.unwrap().unwrap(), &b"{\"a\":1}"[..]);
    assert!(matches!(lines.next().await, Some(Err(ConnectError::Timeout { .. }))));
    assert!(lines.next().await.is_none());
}

#[tokio::test]
async fn a_login_goes_into_the_header_and_into_no_message() {
    let server = Scripted::start(|request, _| {
        let authorized = request.to_lowercase().contains("authorization: basic ym9iohb3") || request.contains("Basic Ym9iOnB3");
        if authorized { json_answer(200, "{}") } else { json_answer(401, r#"{"message":"who are you?"}"#) }
    })
    .await;
    let reader = Reader::new(&server.target());
    let endpoint: Endpoint = server.url.replace("http://", "http://bob:pw@").parse().unwrap();
    let http = HttpReader::found(&endpoint, &reader).unwrap();
    let answer = http.get("/x", &[], 1_000, LIMIT).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(!format!("{http:?} {}", http.name()).contains("pw"));
    let endpoint: Endpoint = server.url.parse().unwrap();
    let answer = HttpReader::found(&endpoint, &reader).unwrap().get("/x", &[], 1_000, LIMIT).await.unwrap();
    let error = answer.json::<serde_json::Value>().unwrap_err();
    assert!(error.to_string().ends_with("does not accept us without a login (401): who are you?"), "{error}");
}
