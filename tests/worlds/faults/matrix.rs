//! Every fault of the wire on every server, in both worlds: the pane stops claiming to be live, the others go on, keys are
//! answered, nothing that was known is lost, and it comes back by itself (laws 2, 4 and 6). How long both take is measured, and
//! how old the data was that still looked live.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use chrono::TimeDelta;

use super::{
    super::{
        proxy::{Proxy, gate::Way, relay::Manner},
        session::Session,
        world::{Kind, SERVERS, World},
    },
    pane,
    table::{self, Row},
};

/// A frozen server is noticed when an expected refresh is missed: after 30 s at most; the rest is a loaded machine.
const NOTICED_WITHIN: Duration = Duration::from_mins(1);
/// The API server's heartbeat comes every 5 s, and is missed 4 s later.
const KUBERNETES_NOTICED_WITHIN: Duration = Duration::from_secs(10);
/// The longest wait between two attempts is ten seconds; what was asked just before may take its whole time limit.
const BACK_WITHIN: Duration = Duration::from_mins(1);

/// Every source asks again within this time while all is well.
const REFRESHED_WITHIN: Duration = Duration::from_secs(16);

const LOGIN: &[u8] = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in</body></html>";

pub struct Fault {
    name: &'static str,
    begin: fn(&Proxy),
    course: Course,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// It shows until the fault is over.
    UntilHealed,
    /// The same, and the next look is asked for by Ctrl-R: by itself it comes only after a minute.
    UntilAskedFor,
    /// It is got over while it lasts; it may show.
    GotOver,
    /// It must not show: the pane stays live.
    Unseen,
}

/// Faults that are played one after the other, so that the groups can be played at the same time.
pub struct Group {
    pub name: &'static str,
    faults: &'static [Fault],
}

const fn fault(name: &'static str, begin: fn(&Proxy)) -> Fault {
    Fault { name, begin, course: Course::UntilHealed }
}

fn says(proxy: &Proxy, status: u16, content_type: &'static str, body: &'static [u8], retry_after: Option<u32>) {
    proxy.relay.set(Manner::Says { status, content_type, body, retry_after });
    // What is connected already, a watch above all, would not ask again for a while.
    proxy.gate.close_connections();
}

pub static GROUPS: &[Group] = &[
    Group {
        name: "silent",
        faults: &[
            fault("stall", |proxy| proxy.gate.set(Way::Silent)),
            fault("slow drip", |proxy| proxy.gate.set(Way::Dripping)),
            Fault { name: "half-open", begin: |proxy| proxy.gate.lose_connections(), course: Course::GotOver },
        ],
    },
    Group {
        name: "broken",
        faults: &[
            fault("refused", |proxy| proxy.gate.set(Way::Shut)),
            fault("reset", |proxy| proxy.gate.set(Way::Resetting)),
            fault("cut after 0 bytes", |proxy| proxy.gate.set(Way::Cutting(0))),
            fault("cut after 40 bytes", |proxy| proxy.gate.set(Way::Cutting(40))),
            fault("cut in the body", |proxy| {
                proxy.relay.set(Manner::CutsShort);
                proxy.gate.close_connections();
            }),
            fault("garbage", |proxy| {
                proxy.gate.set(Way::Babbling);
                proxy.gate.close_connections();
            }),
            Fault { name: "date an hour on", begin: |proxy| proxy.relay.set(Manner::Dated(TimeDelta::hours(1))), course: Course::Unseen },
            Fault { name: "date an hour back", begin: |proxy| proxy.relay.set(Manner::Dated(TimeDelta::hours(-1))), course: Course::Unseen },
        ],
    },
    Group {
        name: "refusing",
        faults: &[
            fault("401", |proxy| says(proxy, 401, "application/json", br#"{"message":"token expired"}"#, None)),
            Fault {
                name: "403, then Ctrl-R",
                begin: |proxy| says(proxy, 403, "application/json", br#"{"message":"not you"}"#, None),
                course: Course::UntilAskedFor,
            },
            fault("429, 2 s", |proxy| says(proxy, 429, "text/plain", b"slow down", Some(2))),
            fault("500", |proxy| says(proxy, 500, "text/plain", b"out of cheese", None)),
            fault("503", |proxy| says(proxy, 503, "text/html", LOGIN, None)),
            fault("login page", |proxy| says(proxy, 200, "text/html", LOGIN, None)),
            fault("wrong type", |proxy| says(proxy, 200, "application/octet-stream", b"\x00\xff{]garbage", None)),
            fault("other shape", |proxy| says(proxy, 200, "application/json", b"[1,2,3]", None)),
            fault("huge body", |proxy| {
                proxy.relay.set(Manner::Endless);
                proxy.gate.close_connections();
            }),
        ],
    },
];

pub fn play(kind: Kind, server: &'static str, group: &Group) {
    let world = World::open(kind);
    let mut session = world.cockpit(120, 40);
    for name in SERVERS {
        session.wait(&format!("{name} live"), |screen| pane::is_live(screen, name));
    }
    for fault in group.faults {
        one(&world, &mut session, server, fault);
    }
    session.press("q");
    assert_eq!(session.ended(), 0);
}

fn one(world: &World, session: &mut Session, server: &'static str, fault: &Fault) {
    let proxy = world.proxy(server);
    let mut heard = proxy.gate.heard().expect("the server was heard before");
    (fault.begin)(proxy);
    let began = Instant::now();
    let noticed = Cell::new(None);
    match fault.course {
        Course::Unseen => {
            let is_answered = |_: &str| proxy.gate.heard() > Some(began + REFRESHED_WITHIN);
            session.wait(&format!("answers of {server} with {:?}", fault.name), is_answered);
            let screen = session.screen();
            assert!(pane::is_live(&screen, server), "{server} with {:?} is not live; the screen:\n{screen}", fault.name);
        }
        Course::GotOver => {
            session.wait_at_most(BACK_WITHIN, &format!("new data of {server} in spite of {:?}", fault.name), |screen| {
                let is_live = pane::is_live(screen, server);
                if !is_live && noticed.get().is_none() {
                    noticed.set(Some(began.elapsed()));
                }
                is_live && proxy.gate.heard() > Some(began)
            });
        }
        Course::UntilHealed | Course::UntilAskedFor => {
            let within = if server == "kubernetes" { KUBERNETES_NOTICED_WITHIN } else { NOTICED_WITHIN };
            session.wait_at_most(within, &format!("{server} with {:?} no longer live", fault.name), |screen| !pane::is_live(screen, server));
            noticed.set(Some(began.elapsed()));
        }
    }
    if noticed.get().is_none() {
        heard = proxy.gate.heard().unwrap_or(heard);
    }
    let age = noticed.get().map_or_else(|| heard.elapsed(), |noticed| noticed + (began - heard));
    let got_over = began.elapsed();
    let said = pane::marker(&session.screen(), server);
    super::press_help(session);
    let is_harmless = matches!(fault.course, Course::Unseen | Course::GotOver);
    for other in SERVERS.iter().filter(|other| **other != server) {
        // Which alerts are pending only Prometheus knows.
        let wanted = if server == "prometheus" && *other == "alertmanager" && !is_harmless { "! pending alert" } else { "●" };
        let what = format!("{wanted} of {other} while {server} has {:?}", fault.name);
        session.wait(&what, |screen| pane::marker(screen, other) == wanted);
    }
    proxy.heal();
    let healed = Instant::now();
    if fault.course == Course::UntilAskedFor {
        session.press("\u{12}");
    }
    session.wait_at_most(BACK_WITHIN, &format!("{server} live again after {:?}", fault.name), |screen| pane::is_live(screen, server));
    let back = if fault.course == Course::GotOver { got_over } else { healed.elapsed() };
    table::add(Row { world: world.kind.name(), server, fault: fault.name, noticed: noticed.get(), age, said, back });
}
