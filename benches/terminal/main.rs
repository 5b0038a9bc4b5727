//! What a person at the terminal feels: the time to the first frame, bytes and processor of an idle minute, the time from a
//! key to its answer, memory and time of big clusters, what pods cost that go on
//! changing. `cargo bench --bench terminal`, with names for only some of it.
//!
//! The cockpit looks at a `demo --serve` in another process, except where `demo` itself is measured. Linux only.

#![expect(clippy::disallowed_methods, reason = "measures with the machine's clock")]
#![expect(clippy::expect_used, reason = "a measurement that cannot be made ends the bench")]

mod churn;
mod heavy;
mod platform;
#[path = "../page/pod.rs"]
mod pod;
#[path = "../observed/process.rs"]
mod process;
#[path = "../observed/pty.rs"]
mod pty;
mod slow;

use std::{
    env, fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use churn::Churn;
use heavy::Heavy;
use platform::Platform;
use process::{cpu, memory};
use pty::Terminal;

const RUNS: usize = 5;
const KEYS: usize = 200;
/// Servers that refuse every connection.
const NOWHERE: [&str; 6] = ["--prometheus", "http://127.0.0.1:1", "--alertmanager", "http://127.0.0.1:1", "--elasticsearch", "http://127.0.0.1:1"];
const MINUTE: Duration = Duration::from_mins(1);
const HALF_MINUTE: Duration = Duration::from_secs(30);
/// Long enough for watches, tiles and searches to have said everything once.
const SETTLING: Duration = Duration::from_secs(20);
/// Keys at the pace of a fast typist, so that no frame waits for the one before.
const BETWEEN_KEYS: Duration = Duration::from_millis(60);

fn main() {
    let wanted: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let all: [(&str, fn()); 8] = [
        ("start", start),
        ("dead", dead),
        ("idle", idle),
        ("idle-demo", idle_demo),
        ("keys", keys),
        ("card", card),
        ("big", big),
        ("updates", updates),
    ];
    for (name, measure) in all {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            println!("{name}");
            measure();
        }
    }
}

fn start_sev1(args: &[&str]) -> Terminal {
    Terminal::start(env!("CARGO_BIN_EXE_sev1"), args)
}

fn row(what: &str, value: &str) {
    println!("  {what:<66} {value}");
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn is_drawn(screen: &str) -> bool {
    !screen.trim().is_empty()
}

/// Pods counted and an error rate on its tile.
fn is_useful(screen: &str) -> bool {
    screen.contains(" ready ") && screen.contains(" %")
}

/// From launch to the first frame and to the first useful one.
fn start() {
    let measure = |what: &str, args: &[&str]| {
        let times: Vec<_> = (0..RUNS)
            .map(|_| {
                let mut terminal = start_sev1(args);
                let first = terminal.wait("a frame", is_drawn) - terminal.launched;
                let pods = terminal.wait("pods", |screen| screen.contains(" ready ")) - terminal.launched;
                let useful = terminal.wait("pods and tiles", is_useful) - terminal.launched;
                (first, pods, useful)
            })
            .collect();
        row(&format!("{what}: first frame"), &milliseconds(median(times.iter().map(|times| times.0).collect())));
        row(&format!("{what}: pods counted"), &milliseconds(median(times.iter().map(|times| times.1).collect())));
        row(&format!("{what}: first useful frame"), &milliseconds(median(times.iter().map(|times| times.2).collect())));
    };
    measure("sev1 demo", &["demo"]);
    measure("sev1 demo --pods 50000", &["demo", "--pods", "50000"]);
    let platform = Platform::serve(&[]);
    measure("sev1", &["--kubeconfig", &platform.kubeconfig]);
}

/// A kubeconfig of a server that refuses every connection.
fn nobody(folder: &tempfile::TempDir) -> String {
    let file = folder.path().join("kubeconfig");
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: gone\nclusters: [{name: gone, cluster: {server: \"https://127.0.0.1:1\"}}]\n\
        users: [{name: me, user: {token: none}}]\ncontexts: [{name: gone, context: {cluster: gone, user: me}}]\n";
    std::fs::write(&file, text).expect("a kubeconfig");
    file.display().to_string()
}

/// From launch to a frame that takes keys, and to the answer of `status`, with no server alive.
fn dead() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let kubeconfig = nobody(&folder);
    let args: Vec<&str> = ["--kubeconfig", &kubeconfig].into_iter().chain(NOWHERE).collect();
    let first = (0..RUNS).map(|_| {
        let mut terminal = start_sev1(&args);
        terminal.wait("a frame", is_drawn) - terminal.launched
    });
    row("sev1, all servers dead: first frame", &milliseconds(median(first.collect())));
    let status = (0..RUNS).map(|_| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sev1"));
        command.arg("status").args(&args).env_clear().envs(pty::environment(folder.path())).stdout(Stdio::null()).stderr(Stdio::null());
        let launched = Instant::now();
        let _ = command.status();
        launched.elapsed()
    });
    row("sev1 status, all servers dead: ended", &milliseconds(median(status.collect())));
}

/// Times the threads of a process were woken.
fn wakes(pid: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("a running process").flatten();
    let switches = threads.filter_map(|thread| {
        let status = fs::read_to_string(thread.path().join("status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?.trim().parse::<u64>().ok()
    });
    switches.sum()
}

fn minute(what: &str, terminal: &mut Terminal) {
    terminal.listen(SETTLING);
    let (before, woken) = (cpu(terminal.pid()), wakes(terminal.pid()));
    let chunks = terminal.listen(MINUTE);
    let used = cpu(terminal.pid()).saturating_sub(before).as_secs_f64();
    let bytes: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
    row(&format!("{what}: bytes in a minute"), &format!("{bytes} in {} reads", chunks.len()));
    row(&format!("{what}: processor in a minute"), &format!("{:.0} ms ({:.2} % of a core)", used * 1e3, used / 0.6));
    row(&format!("{what}: wakes in a minute"), &format!("{}", wakes(terminal.pid()) - woken));
    let written = chunks.iter().map(|chunk| String::from_utf8_lossy(&chunk.bytes).escape_debug().to_string());
    for text in written.take(if env::var_os("SHOW").is_some() { usize::MAX } else { 0 }) {
        println!("    {text}");
    }
}

/// An idle minute of a good day, on both screens.
fn idle() {
    let platform = Platform::serve(&["--scenario", "calm"]);
    let mut terminal = start_sev1(&["--kubeconfig", &platform.kubeconfig]);
    terminal.wait("pods and tiles", is_useful);
    minute("calm, cockpit", &mut terminal);
    terminal.press("2");
    minute("calm, workloads", &mut terminal);
}

/// The same of `demo`, simulation included.
fn idle_demo() {
    let mut terminal = start_sev1(&["demo", "--scenario", "calm"]);
    terminal.wait("pods and tiles", is_useful);
    minute("demo --scenario calm", &mut terminal);
}

/// From a key to the first byte of its answer: (p50, p99).
fn latency(terminal: &mut Terminal, keys: usize) -> String {
    let mut times: Vec<_> = (0..keys)
        .map(|number| {
            terminal.listen(BETWEEN_KEYS);
            terminal.listen(Duration::ZERO);
            let pressed = Instant::now();
            terminal.press(if number % 2 == 0 { "j" } else { "k" });
            terminal.next(pressed + MINUTE).expect("an answer to a key").at - pressed
        })
        .collect();
    times.sort();
    format!("p50 {}, p99 {}", milliseconds(times[keys / 2]), milliseconds(times[keys * 99 / 100]))
}

fn keys() {
    let platform = Platform::serve(&["--scenario", "calm"]);
    let mut terminal = start_sev1(&["--kubeconfig", &platform.kubeconfig]);
    terminal.wait("pods", |screen| screen.contains(" ready "));
    terminal.press("2");
    terminal.wait("the table", |screen| screen.contains("RESTARTS"));
    terminal.listen(Duration::from_secs(2));
    row(&format!("key to byte, {KEYS} keys, idle"), &latency(&mut terminal, KEYS));
}

/// From Enter to the card, and until it can be confirmed, while every answer of the API server takes 50 ms.
fn card() {
    let platform = Platform::serve(&["--scenario", "bad-deploy"]);
    let direct = fs::read_to_string(&platform.kubeconfig).expect("the kubeconfig");
    let server = direct.split("https://").nth(1).and_then(|rest| rest.split(['"', '/', '\n']).next()).expect("an address");
    let relayed = slow::relay(server.parse().expect("an address"), Duration::from_millis(50));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let kubeconfig = folder.path().join("kubeconfig");
    fs::write(&kubeconfig, direct.replace(server, &relayed.to_string())).expect("a kubeconfig");
    let mut terminal = start_sev1(&["--kubeconfig", &kubeconfig.display().to_string()]);
    terminal.wait("pods and tiles", is_useful);
    terminal.wait("who is asked", |screen| !screen.contains("not armed"));
    for (title, words) in [
        ("Scale", "scale deployment/core-engine 7"),
        ("Undo rollout", "undo-rollout deployment/api-gateway"),
        ("Restart", "restart deployment/gov-connectors"),
        ("Restart unhealthy pods", "restart-unhealthy deployment/api-gateway"),
    ] {
        let top = format!("┌ {title} · ");
        let times: Vec<_> = (0..RUNS)
            .map(|_| {
                terminal.press(&format!(":{words}"));
                terminal.wait("the command", |screen| screen.contains(words));
                terminal.listen(Duration::from_millis(300));
                let pressed = Instant::now();
                terminal.press("\r");
                let shown = terminal.wait("the card", |screen| screen.contains(&top)) - pressed;
                let checked = terminal.wait("its checks", |screen| screen.contains(&top) && !screen.contains("still running")) - pressed;
                terminal.press("\u{1b}");
                terminal.wait("the cockpit", |screen| !screen.contains(&top));
                (shown, checked)
            })
            .collect();
        row(&format!("{title}, answers after 50 ms: card"), &milliseconds(median(times.iter().map(|times| times.0).collect())));
        row(&format!("{title}, answers after 50 ms: to be confirmed"), &milliseconds(median(times.iter().map(|times| times.1).collect())));
    }
}

/// Rows of the workloads table so far, and whether that is all.
fn rows(screen: &str) -> Option<(usize, bool)> {
    let title = screen.lines().nth(1)?.split_once("HPAs")?.1;
    let digits: String = title.trim_start().chars().take_while(|character| character.is_ascii_digit() || *character == ',').collect();
    Some((digits.replace(',', "").parse().ok()?, !title.contains("so far")))
}

/// All pods of a big cluster in the table: time, memory, keys. Those of the simulated platform are small and come over TLS from
/// a server that shares the machine; the others weigh what pods of real clusters do.
fn big() {
    for pods in [10_000, 50_000] {
        let platform = Platform::serve(&["--scenario", "calm", "--pods", &pods.to_string()]);
        list(&format!("{pods} pods"), pods, &platform.kubeconfig);
        drop(platform);
        let heavy = Heavy::serve(pods);
        list(&format!("{pods} pods of 8.5 KB"), pods, &heavy.kubeconfig);
    }
}

fn list(what: &str, pods: usize, kubeconfig: &str) {
    let (mut screenfuls, mut lists, mut used, mut most, mut after) = (Vec::new(), Vec::new(), Vec::new(), 0.0_f64, 0.0_f64);
    for run in 0..3 {
        let args: Vec<&str> = ["--kubeconfig", kubeconfig, "-A"].into_iter().chain(NOWHERE).collect();
        let mut terminal = start_sev1(&args);
        terminal.wait("a frame", is_drawn);
        terminal.press("2");
        screenfuls.push(terminal.wait("a screenful", |screen| rows(screen).is_some_and(|(count, _)| count >= 46)) - terminal.launched);
        let full = |screen: &str| rows(screen).is_some_and(|(count, is_all)| is_all && count >= pods);
        lists.push(terminal.wait("the full list", full) - terminal.launched);
        used.push(cpu(terminal.pid()));
        terminal.listen(Duration::from_secs(5));
        let (peak, now) = memory(terminal.pid());
        (most, after) = (most.max(peak), after.max(now));
        if run == 2 {
            row(&format!("{what}: key to byte, 100 keys"), &latency(&mut terminal, 100));
        }
    }
    row(&format!("{what}: first screenful"), &milliseconds(median(screenfuls)));
    row(&format!("{what}: full list"), &milliseconds(median(lists)));
    row(&format!("{what}: processor until then"), &milliseconds(median(used)));
    row(&format!("{what}: memory, most and 5 s later"), &format!("{most:.0} MiB, {after:.0} MiB"));
    row(&format!("{what}: bar 60 MiB + 2 KB a pod"), &format!("{:.0} MiB", 60.0 + pods as f64 * 2_000.0 / f64::from(1 << 20)));
}

/// A cockpit on 10,000 pods, of which some go on changing: bytes, processor, keys.
fn updates() {
    let platform = Platform::serve(&["--scenario", "calm", "--pods", "10000"]);
    let mut terminal = start_sev1(&["--kubeconfig", &platform.kubeconfig, "-A"]);
    terminal.wait("a frame", is_drawn);
    terminal.press("2");
    terminal.wait("the full list", |screen| rows(screen).is_some_and(|(count, is_all)| is_all && count >= 10_000));
    terminal.listen(SETTLING);
    let screen = terminal.text();
    let is_shown = |name: &str| screen.contains(name);

    half_minute("100/s among 10000 pods", &mut terminal, &Churn::start(&platform.kubeconfig, 100, |_| true));
    half_minute("100/s, all of them rows that are shown", &mut terminal, &Churn::start(&platform.kubeconfig, 100, is_shown));
    let churn = Churn::start(&platform.kubeconfig, 1_000, |name| !is_shown(name));
    half_minute("1000/s, none of them shown", &mut terminal, &churn);
    let (began, before) = (Instant::now(), churn.written());
    let times = latency(&mut terminal, 100);
    let rate = (churn.written() - before) as f64 / began.elapsed().as_secs_f64();
    row(&format!("{rate:.0}/s, none of them shown: key to byte, 100 keys"), &times);
}

fn half_minute(what: &str, terminal: &mut Terminal, churn: &Churn) {
    terminal.listen(Duration::from_secs(3));
    let (began, used, written) = (Instant::now(), cpu(terminal.pid()), churn.written());
    let chunks = terminal.listen(HALF_MINUTE);
    let length = began.elapsed().as_secs_f64();
    let used = cpu(terminal.pid()).saturating_sub(used).as_secs_f64();
    let bytes: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
    row(&format!("{what}: changes"), &format!("{:.0}/s", (churn.written() - written) as f64 / length));
    row(&format!("{what}: processor"), &format!("{:.2} % of a core", used / length * 100.0));
    row(&format!("{what}: bytes"), &format!("{:.0}/s in {:.1} reads/s", bytes as f64 / length, chunks.len() as f64 / length));
}
