//! Both clients against a server that misbehaves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::Method;
use serde_json::json;
use tokio::sync::Barrier;

use super::{
    ConnectError, End, Endpoint, ExecError, HttpReader, HttpWriter, Reader, WriteError, Writer,
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

/// A server to which four connections are kept; [`lose`] loses those.
async fn with_kept_connections() -> (Scripted, Arc<AtomicUsize>) {
    const KEPT: usize = 4;
    let (lost, all) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(KEPT)));
    let dead = lost.clone();
    let server = Scripted::by_connection(move |_, place| {
        if place.connection < dead.load(Ordering::SeqCst) {
            return vec![Step::Hang];
        }
        let meet = (place.request < KEPT).then(|| Step::Meet(all.clone()));
        meet.into_iter().chain(json_answer(200, "{}")).collect()
    })
    .await;
    (server, lost)
}

#[tokio::test]
async fn when_one_connection_is_lost_the_others_that_were_kept_are_not_tried_in_turn() {
    let (server, lost) = with_kept_connections().await;
    let reader = Reader::new(&server.target());
    let ask = || reader.raw(Method::GET, "/x", &[], None, 1_000, LIMIT / 4);
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    assert!([a, b, c, d].iter().all(Result::is_ok));
    lost.store(4, Ordering::SeqCst);
    assert!(matches!(ask().await, Err(ConnectError::Timeout { .. })));
    ask().await.expect("a connection of its own");

    let (server, lost) = with_kept_connections().await;
    let http = HttpReader::found(&server.url.parse().unwrap(), &reader).unwrap();
    let ask = || http.get("/x", &[], 1_000, LIMIT / 4);
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    assert!([a, b, c, d].iter().all(Result::is_ok));
    lost.store(4, Ordering::SeqCst);
    assert!(matches!(ask().await, Err(ConnectError::Timeout { .. })));
    ask().await.expect("a connection of its own");
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

/// By its own address, and through the service proxy of an API server at the same address.
fn writers(url: &str) -> [HttpWriter; 2] {
    let target = target(url);
    let (reader, writer) = (Reader::new(&target), Writer::new(&target));
    [url, "k8s://monitoring/alertmanager:9093"].map(|endpoint| HttpWriter::new(&endpoint.parse().unwrap(), None, &reader, &writer).unwrap())
}

#[tokio::test]
async fn a_server_beside_the_cluster_is_written_to_once_whatever_it_does() {
    for steps in [vec![Step::Close], vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"a\"".to_vec()), Step::Close], vec![Step::Hang]]
    {
        let script = steps.clone();
        let server = Scripted::start(move |_, _| script.clone()).await;
        for (sent, writer) in (1..).zip(writers(&server.url)) {
            let error = writer.send(Method::POST, "/api/v2/silences", &json!({}), Duration::from_millis(600)).await.unwrap_err();
            assert!(matches!(error, WriteError::NoAnswer(_)), "{steps:?}: {error:?}");
            assert_eq!(server.requests(), sent, "{steps:?}");
        }
    }
    for status in [400, 429, 500, 503] {
        let server = Scripted::start(move |_, _| [json_answer(status, r#""no""#), vec![Step::Close]].concat()).await;
        for (sent, writer) in (1..).zip(writers(&server.url)) {
            let answer = writer.send(Method::DELETE, "/api/v2/silence/x", &serde_json::Value::Null, LIMIT).await.unwrap();
            assert_eq!((answer.status, &*super::writer::words(&answer), server.requests()), (status, "no", sent));
        }
    }
}

#[tokio::test]
async fn a_server_that_nobody_could_be_found_for_was_not_sent_anything() {
    let nobody = r#"{"kind":"Status","code":503,"message":"no endpoints available for service \"alertmanager\""}"#;
    let server = Scripted::start(move |_, _| json_answer(503, nobody)).await;
    let [direct, proxied] = writers(&server.url);
    let send = async |writer: &HttpWriter| writer.send(Method::POST, "/x", &json!({}), LIMIT).await;
    assert!(matches!(send(&proxied).await, Err(WriteError::NotSent(_))));
    assert_eq!(send(&direct).await.unwrap().status, 503);
    let [closed, _] = writers("http://127.0.0.1:1");
    assert!(matches!(send(&closed).await, Err(WriteError::NotSent(ConnectError::Unreachable { .. }))));
}

/// The head of a WebSocket for the key of a request, and these messages in frames of their own.
fn switched(request: &str, messages: &[&[u8]]) -> Vec<Step> {
    let key = request.lines().find_map(|line| line.to_lowercase().starts_with("sec-websocket-key:").then(|| line[18..].trim().to_owned())).unwrap();
    let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
    let head = format!(
        "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"
    );
    let frame = |message: &&[u8]| Step::Send([&[0x82, u8::try_from(message.len()).unwrap()], *message].concat());
    std::iter::once(Step::Send(head.into_bytes())).chain(messages.iter().map(frame)).collect()
}

async fn exec(url: &str) -> Result<super::Ran, ExecError> {
    let query = [("command", "psql"), ("command", "-c"), ("command", "select 1; --")];
    Writer::new(&target(url)).exec("/api/v1/namespaces/x/pods/y/exec", &query, 1_000, Duration::from_millis(600)).await
}

#[tokio::test]
async fn a_command_is_run_once_and_its_end_is_told_from_a_lost_connection() {
    let server = Scripted::start(|request, _| switched(request, &[b"\x01ready\n", b"\x03{\"status\":\"Success\"}"])).await;
    let ran = exec(&server.url).await.unwrap();
    assert_eq!((ran.stdout.as_slice(), ran.end), (&b"ready\n"[..], End::Code(0)));

    for (rest, so_far) in [(vec![Step::Close], 0), (vec![Step::Send(b"\x82\x03\x01ab".to_vec()), Step::Close], 2), (vec![Step::Hang], 0)] {
        let last = rest.clone();
        let server = Scripted::start(move |request, _| [switched(request, &[]), last.clone()].concat()).await;
        let Err(ExecError::NoEnd { so_far: ran, .. }) = exec(&server.url).await else { panic!("{rest:?}") };
        assert_eq!((ran.stdout.len(), server.requests()), (so_far, 1), "{rest:?}");
    }
    let forbidden = r#"{"message":"pods \"y\" is forbidden"}"#;
    let server = Scripted::start(move |_, _| json_answer(403, forbidden)).await;
    assert_eq!(exec(&server.url).await, Err(ExecError::Refused { status: 403, says: "pods \"y\" is forbidden".into() }));
    // Somebody who answers 101 without knowing the key is no API server.
    let stranger = || vec![Step::Send(b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".to_vec()), Step::Hang];
    let server = Scripted::start(move |_, _| stranger()).await;
    assert!(matches!(exec(&server.url).await, Err(ExecError::NoEnd { .. })));
    assert!(matches!(exec("http://127.0.0.1:1").await, Err(ExecError::NotSent(_))));
}

#[test]
fn a_date_near_the_end_of_all_dates_is_no_date() {
    let date = |text: &str| super::reader::date(&http::HeaderMap::from_iter([(http::header::DATE, text.parse().unwrap())]));
    assert!(date("Mon, 23 Nov 2026 08:50:00 GMT").is_some());
    for text in ["1 Jan 262142 00:00:00 GMT", "31 Dec 99999 23:59:59 GMT", "x", "Mon, 23 Nov -1 08:50:00 GMT"] {
        assert_eq!(date(text), None, "{text}");
    }
}
