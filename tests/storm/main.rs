//! Servers that send more than this machine's memory: the built binary stays small, answers keys, and leaves when asked to.
//!
//! With `SEV1_STORM_PROGRAM` another build of the program is tried, with `SEV1_STORM_ONLY` the lies alone whose names have this in them, and
//! with `SEV1_STORM_SECONDS` each lie is told for so long, and what the program holds is printed as it goes: for a look by hand.
//!
//! `server.rs` is an API server that lies in one way, or in all of them at once; `kinds.rs` is what it says. What counts is the most that
//! the program ever held (`VmHWM` of `/proc/PID/status`), the pages of its own file among it.

#![expect(clippy::disallowed_methods, reason = "a deadline of a test is real time")]
#![expect(clippy::expect_used, reason = "a test that cannot go on should say why and stop")]
#![cfg(target_os = "linux")]

#[path = "../support/session.rs"]
#[expect(dead_code, reason = "the tests of the terminal use the rest")]
mod session;

mod kinds;
mod server;

use std::time::{Duration, Instant};

use self::{
    kinds::{ALL, Lie},
    server::{OF_THEIR_OWN, Server},
    session::Session,
};

/// Most that the program may ever take, in KiB.
const MOST: u64 = 300 << 10;
/// What a server must have got rid of before it counts as having tried, in bytes. A program that does not take it hangs up instead.
const TRIED: u64 = 700 << 20;
/// Enough for all kinds to be full, to be emptied, and to be filled again.
const TRIED_BY_ALL: u64 = 3_000 << 20;
/// Answers that the program hung up on, after which it has shown that it does not take more.
const HUNG_UP: u64 = 12;
/// The same for all lies at once, some of which are hung up on at each attempt: no measure of how much was kept.
const HUNG_UP_ON_ALL: u64 = u64::MAX;
/// A bound for a server that the program asks so rarely that it reaches neither.
const LONGEST: Duration = Duration::from_secs(10);
const LONGEST_OF_ALL: Duration = Duration::from_secs(70);

/// How long half of the keys may take, the same of programs that are tried side by side, and how long any may: other programs of this machine
/// may be busy. The pause between two presses is in it.
const KEYS_TAKE: Duration = Duration::from_millis(300);
const SIDE_BY_SIDE: Duration = Duration::from_secs(1);
const KEY_TAKES: Duration = Duration::from_secs(3);
/// How long leaving may take.
const LEAVING_TAKES: Duration = Duration::from_secs(3);

/// Lies that are told at the same time, each to a program of its own.
const AT_ONCE: usize = 5;

/// Memory of the process, in KiB: the most that it ever had (`VmHWM`), or what it has (`VmRSS`).
fn memory(pid: u32, which: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the program runs");
    let line = status.lines().find(|line| line.starts_with(which)).expect("Linux tells it");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

/// How long each lie is told at a look by hand.
fn by_hand() -> Option<Duration> {
    std::env::var("SEV1_STORM_SECONDS").ok()?.parse().ok().map(Duration::from_secs)
}

fn kubeconfig(port: u16) -> String {
    format!(
        "{{apiVersion: v1, kind: Config, current-context: bad, clusters: [{{name: bad, cluster: {{server: \"http://127.0.0.1:{port}\"}}}}], \
         contexts: [{{name: bad, context: {{cluster: bad, user: me, namespace: shop}}}}], users: [{{name: me, user: {{}}}}]}}"
    )
}

/// Plays the lies against the program; gives the most that it held, in KiB.
fn suffered(lies: &[Lie]) -> u64 {
    let server = Server::start(lies);
    let servers = ["k8s://m/p:9090", "k8s://m/a:9093", "k8s://m/e:9200"].map(|proxied| match lies {
        [.., Lie::Apart] => format!("http://127.0.0.1:{}{OF_THEIR_OWN}", server.port),
        _ => proxied.to_owned(),
    });
    let [prometheus, alertmanager, elasticsearch] = &servers;
    let args = ["--prometheus", prometheus, "--alertmanager", alertmanager, "--elasticsearch", elasticsearch];
    let config = kubeconfig(server.port);
    let mut session = Session::start_with(120, 40, &args, |command, home| {
        let path = home.join("kubeconfig");
        std::fs::write(&path, &config).expect("a file at home");
        if let Some(program) = std::env::var_os("SEV1_STORM_PROGRAM") {
            command.get_argv_mut()[0] = program;
        }
        command.env("KUBECONFIG", path);
    });
    session.see("bad");
    let is_all = lies[0] == Lie::Everything;
    let (most_sent, most_hung_up, longest) = if is_all { (TRIED_BY_ALL, HUNG_UP_ON_ALL, LONGEST_OF_ALL) } else { (TRIED, HUNG_UP, LONGEST) };
    let began = Instant::now();
    let mut keys = Vec::new();
    let mut answered = |session: &mut Session, key: &str, seen: &str| {
        let pressed = Instant::now();
        session.press(key).see(seen);
        keys.push(pressed.elapsed());
    };
    let is_tried = || match by_hand() {
        Some(seconds) => began.elapsed() >= seconds,
        None => (server.sent() >= most_sent || server.hung_up() >= most_hung_up) || began.elapsed() >= longest,
    };
    let mut told = Instant::now();
    // Once at least: a server may have been hung up on often enough before the first key.
    loop {
        // What rests after it was too much is asked for again at once: what takes minutes takes seconds.
        session.press("\u{12}");
        if by_hand().is_some() && told.elapsed() > Duration::from_secs(5) {
            told = Instant::now();
            let (sent, now) = (server.sent() >> 20, memory(session.pid(), "VmRSS:") >> 10);
            println!("{lies:?}: {:3} s, {now} MiB, {sent} MiB sent", began.elapsed().as_secs());
        }
        answered(&mut session, "2", "deploy  no");
        answered(&mut session, "?", "Keys ─");
        session.esc().see_gone("Keys ─");
        if lies.iter().any(|lie| lie.is_of_logs()) {
            session.press("l").see(if lies == [Lie::EndlessLog] { "zzzz" } else { "yyyy" });
            session.esc();
        }
        answered(&mut session, "1", "Error rate");
        if is_all {
            // Of a pod, where one is there at that moment.
            session.press("l");
            answered(&mut session, "?", "Keys ─");
            session.esc().see_gone("Keys ─");
            session.esc();
        }
        if is_tried() {
            break;
        }
    }
    let peak = memory(session.pid(), "VmHWM:");
    let (sent, hung_up) = (server.sent() >> 20, server.hung_up());
    let leaving = Instant::now();
    session.press("q");
    session.ended();
    let left = leaving.elapsed();
    keys.sort_unstable();
    let (most, slowest) = (keys[keys.len() / 2], keys[keys.len() - 1]);
    println!(
        "{lies:?}: {} MiB at most after {} s, {sent} MiB sent, {hung_up} hung up, half of the keys within {} ms, all within {} ms, left in {} ms",
        peak >> 10,
        began.elapsed().as_secs(),
        most.as_millis(),
        slowest.as_millis(),
        left.as_millis()
    );
    let keys_take = if is_all { KEYS_TAKE } else { SIDE_BY_SIDE };
    assert!(most <= keys_take && slowest <= KEY_TAKES, "{lies:?}: keys took {most:?}, the slowest {slowest:?}");
    assert!(left <= LEAVING_TAKES, "{lies:?}: left in {left:?}");
    peak
}

#[test]
fn no_lie_alone_takes_this_machines_memory() {
    let only = std::env::var("SEV1_STORM_ONLY").ok();
    let chosen = ALL.iter().filter(|lie| only.as_ref().is_none_or(|only| format!("{lie:?}").contains(only.as_str())));
    let chosen: Vec<Lie> = chosen.copied().collect();
    // Each waits for its server more than it works: several go on side by side.
    let mut peaks = Vec::new();
    for some in chosen.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            let running: Vec<_> = some.iter().map(|lie| (*lie, scope.spawn(|| suffered(&[*lie])))).collect();
            peaks.extend(running.into_iter().map(|(lie, peak)| (lie, peak.join().expect("it held"))));
        });
    }
    let too_much: Vec<_> = peaks.iter().filter(|(_, peak)| *peak > MOST).collect();
    assert!(too_much.is_empty(), "more than {MOST} KiB: {too_much:?}");
}

#[test]
fn all_lies_at_once_do_not_either() {
    for lies in [&[Lie::Everything] as &[Lie], &[Lie::Everything, Lie::Apart]] {
        let peak = suffered(lies);
        assert!(peak <= MOST, "{lies:?}: {peak} KiB, and {MOST} are allowed");
    }
}
