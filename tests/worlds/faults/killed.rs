//! A real server that is killed like in a power cut, and started again: its pane says so, stays, and comes back by itself.

use std::time::{Duration, Instant};

use super::{
    super::{
        stack::Stack,
        world::{Kind, SERVERS, World},
    },
    pane,
    table::{self, Row},
};

/// From the start of a server that answers again to a live pane.
const BACK_WITHIN: Duration = Duration::from_mins(1);

pub fn and_restarted(stack: &Stack, server: &'static str) {
    let process = if server == "kubernetes" { "kube-apiserver" } else { server };
    let world = World::open(Kind::Real(stack.clone()));
    let mut session = world.cockpit(120, 40);
    for name in SERVERS {
        session.wait(&format!("{name} live"), |screen| pane::is_live(screen, name));
    }
    let heard = world.proxy(server).gate.heard().expect("the server was heard before");
    let killed = Instant::now();
    stack.kill(process);
    // The relay answers 502 in its place, or the connection is refused: either way nothing is live.
    session.wait(&format!("{server} no longer live"), |screen| !pane::is_live(screen, server));
    let (noticed, age) = (Some(killed.elapsed()), heard.elapsed());
    let said = pane::marker(&session.screen(), server);
    super::press_help(&mut session);
    stack.restart(process);
    let back = Instant::now();
    session.wait_at_most(BACK_WITHIN, &format!("{server} live again"), |screen| pane::is_live(screen, server));
    table::add(Row { world: "real", server, fault: "killed, restarted", noticed, age, said, back: back.elapsed() });
    session.press("q");
    assert_eq!(session.ended(), 0);
}
