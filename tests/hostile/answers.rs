//! The whole cockpit while servers answer nonsense: everything that it asks, in lists, watches, logs, queries and searches.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use fastrand::Rng;
use futures::StreamExt as _;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use ratatui::{Terminal, backend::TestBackend};
use serde_json::json;
use sev1::{
    connect::Target,
    journal::Journal,
    sim::world::{World, platform::PRODUCTION, scenario::Scenario},
    state::msg::Msg,
    ui::{self, Theme},
};
use tower::{Service, ServiceExt as _};

use crate::{
    cockpit::{CONTEXT, Cockpit},
    files::Still,
    seeds::{note_panics, panics, seeds},
    spoil,
};

const LENGTH: Duration = Duration::from_mins(2);
/// Between two looks and keys.
const LOOK: Duration = Duration::from_secs(2);
/// Requests of one path in the whole time. What is asked most often is asked each second and after each key.
const MOST_ASKED: usize = 400;

/// Keys that look at things, open and close them; those that write have a card in between, which is read and left.
const KEYS: &[&str] = &[
    "1", "2", "tab", "tab", "up", "down", "down", "enter", "enter", "esc", "esc", "o", "d", "t", "?", "@", "m", "u", "r", "s", "b", "e", "a", "C",
    "g", "G", "pagedown", "U", "/", "x", ":", "home", "end", "left", "right",
];

/// How much of what is answered is spoiled.
struct Liar {
    rng: Rng,
    /// Of a thousand answers, or pieces of streams.
    spoils: u32,
    asked: HashMap<String, usize>,
    spoiled: usize,
}

type Shared = Arc<Mutex<Liar>>;

fn with<T>(liar: &Shared, what: impl FnOnce(&mut Liar) -> T) -> T {
    what(&mut liar.lock().unwrap_or_else(PoisonError::into_inner))
}

async fn lied<S>(liar: Shared, api: S, request: Request<Full<Bytes>>) -> Result<Response, Infallible>
where
    S: Service<Request<Full<Bytes>>, Response = Response, Error = Infallible> + Send,
    S::Future: Send,
{
    let path = request.uri().path().to_owned();
    with(&liar, |liar| *liar.asked.entry(path).or_default() += 1);
    let query = request.uri().query().unwrap_or_default();
    let streams = query.contains("watch=") || query.contains("follow=");
    let response = api.oneshot(request).await?;
    let is_spoiled = with(&liar, |liar| liar.rng.u32(0..1_000) < liar.spoils);
    let (mut head, body) = response.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    if streams {
        let pieces = body.into_data_stream().map(move |piece| {
            piece.map(|piece| with(&liar, |liar| if liar.rng.u32(0..1_000) < liar.spoils { lines(&mut liar.rng, &piece) } else { piece }))
        });
        return Ok(Response::from_parts(head, Body::from_stream(pieces)));
    }
    if !is_spoiled {
        return Ok(Response::from_parts(head, body));
    }
    let whole = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body = with(&liar, |liar| {
        liar.spoiled += 1;
        let rng = &mut liar.rng;
        match rng.u8(0..16) {
            0 => {
                let codes = [200, 204, 301, 400, 401, 403, 404, 409, 410, 429, 500, 503, 999];
                head.status = StatusCode::from_u16(codes[rng.usize(0..codes.len())]).unwrap_or_default();
            }
            1 => {
                let odd = ["-1", "99999999999999999999", "Wed, 31 Feb 9999 25:00:00 GMT", "0", "Fri, 01 Jan 1970 00:00:00 GMT", "\u{fffd}"]
                    [rng.usize(0..6)];
                let name =
                    [header::DATE, header::RETRY_AFTER, header::CONTENT_TYPE, header::CONTENT_ENCODING, header::WARNING][rng.usize(0..5)].clone();
                head.headers.extend(HeaderValue::from_bytes(odd.as_bytes()).ok().map(|value| (name, value)));
            }
            _ => {}
        }
        spoil::document(rng, &whole)
    });
    Ok(Response::from_parts(head, Body::from(body)))
}

/// Each line of a piece, as watches and logs have them.
fn lines(rng: &mut Rng, piece: &[u8]) -> Bytes {
    let spoiled = piece.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let mut line = if rng.bool() { spoil::document(rng, line) } else { line.to_vec() };
        if rng.u8(0..10) > 0 {
            line.push(b'\n');
        }
        line
    });
    spoiled.collect::<Vec<_>>().concat().into()
}

/// Everything on the screen is a character that a terminal shows.
fn check_screen(cockpit: &Cockpit, theme: &Theme) {
    let (columns, rows) = cockpit.state.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a terminal in memory");
    terminal.draw(|frame| ui::render(frame, &cockpit.state, theme)).expect("a frame in memory");
    for cell in terminal.backend().buffer().content() {
        let raw = cell.symbol().chars().find(|character| {
            character.is_control() || matches!(character, '\u{200b}'..='\u{200c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        });
        assert_eq!(raw, None, "raw on the screen: {:?}", cell.symbol());
    }
}

/// Something spoiled that an undo is offered by.
fn keep_something(cockpit: &Cockpit, rng: &mut Rng) {
    let kept = json!({
        "version": 1, "done": true, "kind": "scale", "namespace": PRODUCTION, "words": ["deployment/api-gateway", "5"], "title": "scale api-gateway 5 → 6",
        "time": "2026-11-23T02:00:00Z", "by": "me",
        "writes": [{ "path": format!("/apis/apps/v1/namespaces/{PRODUCTION}/deployments/api-gateway"), "fields": { "/spec/replicas": 6 }, "uid": "x" }],
    });
    let Some(identity) = &cockpit.state.session.identity else { return };
    let (uid, user) = (identity.cluster.uid.clone(), identity.cluster.user.clone());
    let journal = Journal::new(cockpit.folder.path().to_owned(), uid, user, Arc::new(Still));
    let kept = if rng.bool() { kept } else { serde_json::from_slice(&spoil::document(rng, kept.to_string().as_bytes())).unwrap_or_default() };
    if let Ok(seq) = journal.append("intent", &json!({ "title": "scale" })) {
        journal.keep(seq, &kept).expect("it can be kept");
    }
}

/// Plays one incident for a while; gives how many answers were spoiled.
async fn play(seed: u64, launched: &World) -> usize {
    let mut rng = Rng::with_seed(seed);
    let spoils = [20, 100, 400, 1_000][rng.usize(0..4)];
    let liar: Shared = Arc::new(Mutex::new(Liar { rng: rng.fork(), spoils, asked: HashMap::new(), spoiled: 0 }));
    let shared = Arc::clone(&liar);
    let between = move |platform: &sev1::sim::unserved::Unserved| {
        let api = platform.api();
        let lying = tower::service_fn(move |request| lied(Arc::clone(&shared), api.clone(), request));
        Target::in_process(CONTEXT, PRODUCTION, lying)
    };
    let mut cockpit = Cockpit::behind(launched.fork(), seed, between).await;
    let theme = Theme::by_name("night").expect("a built-in theme");
    let mut at = LOOK;
    while at <= LENGTH {
        cockpit.until(at).await;
        if at == LOOK * 3 {
            keep_something(&cockpit, &mut rng);
        }
        check_screen(&cockpit, &theme);
        if rng.u8(0..6) == 0 {
            cockpit.apply(Msg::Resize { columns: rng.u16(1..220), rows: rng.u16(1..70) });
        }
        for _ in 0..rng.u8(0..4) {
            cockpit.press(KEYS[rng.usize(0..KEYS.len())]);
            check_screen(&cockpit, &theme);
        }
        at += LOOK;
    }
    let (asked, spoiled) = with(&liar, |liar| (std::mem::take(&mut liar.asked), liar.spoiled));
    let storm = asked.into_iter().max_by_key(|(_, times)| *times).filter(|(_, times)| *times > MOST_ASKED);
    assert_eq!(storm, None, "asked without a pause in {LENGTH:?}");
    spoiled
}

#[test]
fn nothing_that_a_server_answers_breaks_the_cockpit() {
    note_panics();
    let begin = chrono::DateTime::from_timestamp(1_795_400_000, 0).expect("a time");
    let launch = |name: &str| World::launch(Scenario::named(name).expect("a scenario"), 1, 0, begin).expect("it can be played");
    let worlds = [launch("bad-deploy"), launch("node-loss")];
    let (mut broken, mut spoiled) = (Vec::new(), 0);
    for seed in seeds(200, 20) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let world = &worlds[usize::try_from(seed).unwrap_or_default() % worlds.len()];
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(play(seed, world))));
        let found = panics();
        spoiled += ended.as_ref().copied().unwrap_or_default();
        if ended.is_err() || !found.is_empty() {
            broken.push(format!("seed {seed}: {}", found.join("; ")));
        }
    }
    println!("{spoiled} answers were spoiled");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(spoiled > 100, "hardly anything was spoiled");
}
