//! sev1 beside k9s, kubetui and `kubectl get` on a real API server: time to the full list, memory, processor, requests, bytes.
//! Started by `benches/peers/run`, which prepares the cluster and the programs. Linux only.
//!
//! Every program gets all pods of all namespaces, over TLS, in a terminal of 200x50, from a home of its own without settings.
//! The programs take turns; a figure is the median of the runs.

#![expect(clippy::disallowed_methods, reason = "measures with the machine's clock")]
#![expect(clippy::expect_used, reason = "a measurement that cannot be made ends the bench")]

mod audit;
#[path = "../observed/process.rs"]
mod process;
mod program;
#[path = "../observed/pty.rs"]
mod pty;
mod relay;
mod table;

use std::{
    env, fs,
    io::Read,
    net::{SocketAddr, ToSocketAddrs as _},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use audit::Audit;
use process::{cpu, memory};
use program::Program;
use pty::Terminal;
use relay::Relay;
use table::{Figures, Table};

/// Bytes of annotations, with which a pod is about as large as those of real clusters: 8.5 KB of JSON.
const PADDING: usize = 5_700;
const UPDATES: u32 = 100;
/// From the full list until the windows: lists of other kinds are read, caches settle.
const SETTLING: Duration = Duration::from_secs(10);
/// Between two looks at the memory of a program that ends by itself.
const LOOK_EVERY: Duration = Duration::from_millis(5);

fn main() {
    let (Ok(audit_log), Ok(k9s), Ok(kubetui)) = (env::var("PEERS_AUDIT"), env::var("PEERS_K9S"), env::var("PEERS_KUBETUI")) else {
        println!("peers: nothing to compare with; benches/peers/run prepares it and starts this bench");
        return;
    };
    let wanted = env::var("PEERS_PODS").unwrap_or_else(|_| "10000,50000".to_owned());
    let sizes: Vec<usize> = wanted.split(',').map(|size| size.trim().parse().expect("PEERS_PODS=N,N is numbers of pods, rising")).collect();
    let runs = from_environment("PEERS_RUNS", 5);
    let window = Duration::from_secs(from_environment("PEERS_SECONDS", 20));
    let cluster = Cluster::new(audit_log);
    let programs = program::on_screen(k9s, kubetui);
    let mut there = 0;
    for pods in sizes {
        fill(pods - there, &format!("load-{pods}"));
        there = pods;
        let mut table = Table::new(&format!("{pods} pods of {:.1} KB", cluster.size_of_a_pod()));
        for run in 1..=runs {
            for program in &programs {
                let figures = watch(program, &cluster, pods, window);
                table.add(program.name, figures);
                eprintln!("{pods} pods, run {run} of {runs}: {}", program.name);
            }
            table.add("kubectl get", list_once(&cluster, pods));
        }
        println!("{table}");
    }
}

fn from_environment(name: &str, usual: u64) -> u64 {
    env::var(name).map_or(usual, |value| value.parse().expect("PEERS_RUNS and PEERS_SECONDS are numbers"))
}

/// The API server and what stands before it.
struct Cluster {
    audit_log: String,
    relay: Relay,
    /// Leads through the relay.
    kubeconfig: String,
    folder: tempfile::TempDir,
}

impl Cluster {
    fn new(audit_log: String) -> Self {
        let direct = fs::read_to_string(variable("KUBECONFIG")).expect("the kubeconfig");
        let server = direct.split("https://").nth(1).and_then(|rest| rest.split(['"', '/', '\n']).next()).expect("an address of the API server");
        let address: SocketAddr = server.to_socket_addrs().ok().and_then(|mut all| all.next()).expect("an address of the API server");
        let relay = Relay::before(address).expect("a free port");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("kubeconfig");
        fs::write(&file, direct.replace(server, &relay.address.to_string())).expect("a kubeconfig");
        Self { audit_log, relay, kubeconfig: file.display().to_string(), folder }
    }

    /// KB of JSON of one of them.
    fn size_of_a_pod(&self) -> f64 {
        let mut command = self.kubectl();
        let output = command.args(["get", "--raw", "/api/v1/namespaces/default/pods?limit=100"]).output().expect("kubectl runs");
        output.stdout.len() as f64 / 100.0 / 1e3
    }

    fn kubectl(&self) -> Command {
        let mut command = Command::new(variable("KUBECTL"));
        command.env_clear().envs(pty::environment(self.folder.path())).args(["--kubeconfig", &self.kubeconfig]);
        command
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: benches/peers/run sets it"))
}

fn filler(pods: usize, prefix: &str) -> Command {
    let mut command = Command::new(variable("FILL"));
    let (pods, padding, etcd) = (pods.to_string(), PADDING.to_string(), variable("ETCD_URL"));
    command.args(["-etcd", &etcd, "-prefix", prefix, "-n", &pods, "-padding", &padding]);
    command
}

fn fill(pods: usize, prefix: &str) {
    let status = filler(pods, prefix).stdout(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "{pods} pods could not be written");
}

/// Pods that go on changing, until it is dropped: a thousand more, that were not there when the list was read.
struct Updates(Child);

impl Updates {
    fn begin() -> Self {
        let mut command = filler(1_000, "changing");
        Self(command.args(["-updates", &UPDATES.to_string()]).stdout(Stdio::null()).spawn().expect("the filler runs"))
    }
}

impl Drop for Updates {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program on the screen: until it has all pods, then doing nothing, then with pods that change.
fn watch(program: &Program, cluster: &Cluster, pods: usize, window: Duration) -> Figures {
    let mut figures = Figures::default();
    let args: Vec<&str> = ["--kubeconfig", &cluster.kubeconfig].iter().chain(program.args).copied().collect();
    let (asked, received) = (Audit::from_here(&cluster.audit_log), cluster.relay.received());
    let mut terminal = Terminal::start(&program.file, &args);
    if !program.keys.is_empty() {
        terminal.wait("something drawn", |screen| !screen.trim().is_empty());
        terminal.press(program.keys);
    }
    let full = terminal.wait("the full list", |screen| (program.pods)(screen).is_some_and(|count| count >= pods));
    figures.set("full list, s", (full - terminal.launched).as_secs_f64());
    figures.set("processor until then, s", cpu(terminal.pid()).as_secs_f64());
    figures.set("received until then, MB", (cluster.relay.received() - received) as f64 / 1e6);
    terminal.listen(SETTLING);
    figures.set("requests until 10 s later", asked.requests() as f64);
    figures.set("most memory until then, MiB", memory(terminal.pid()).0);
    spend(
        &mut figures,
        &mut terminal,
        cluster,
        window,
        ["idle: % of a core", "idle: requests/min", "idle: received, KB/min", "idle: to the terminal, B/min"],
    );
    let updates = Updates::begin();
    terminal.listen(SETTLING);
    spend(
        &mut figures,
        &mut terminal,
        cluster,
        window,
        ["100 updates/s: % of a core", "100 updates/s: requests/min", "100 updates/s: received, KB/min", "100 updates/s: to the terminal, B/min"],
    );
    drop(updates);
    // One that lost its list meanwhile had it easy.
    assert!(
        (program.pods)(&terminal.text()).is_some_and(|count| count >= pods),
        "{} shows no longer {pods} pods:\n{}",
        program.name,
        terminal.text()
    );
    figures.set("most memory in all, MiB", memory(terminal.pid()).0);
    figures
}

/// What a window costs.
fn spend(figures: &mut Figures, terminal: &mut Terminal, cluster: &Cluster, window: Duration, names: [&'static str; 4]) {
    let [processor, requests, bytes, drawn] = names;
    let (asked, received, used, began) = (Audit::from_here(&cluster.audit_log), cluster.relay.received(), cpu(terminal.pid()), Instant::now());
    let chunks = terminal.listen(window);
    let length = began.elapsed().as_secs_f64();
    let a_minute = 60.0 / length;
    figures.set(processor, cpu(terminal.pid()).saturating_sub(used).as_secs_f64() / length * 100.0);
    figures.set(requests, asked.requests() as f64 * a_minute);
    figures.set(bytes, (cluster.relay.received() - received) as f64 / 1e3 * a_minute);
    figures.set(drawn, chunks.iter().map(|chunk| chunk.bytes.len()).sum::<usize>() as f64 * a_minute);
}

/// `kubectl get pods -A`, its output read as fast as it comes.
fn list_once(cluster: &Cluster, pods: usize) -> Figures {
    let mut figures = Figures::default();
    let (asked, received) = (Audit::from_here(&cluster.audit_log), cluster.relay.received());
    let launched = Instant::now();
    let mut child = cluster.kubectl().args(["get", "pods", "-A"]).stdout(Stdio::piped()).spawn().expect("kubectl runs");
    let mut output = child.stdout.take().expect("its output");
    let pid = child.id();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).map(|_| text.lines().count())
    });
    let (mut most, mut used) = (0.0_f64, Duration::ZERO);
    let status = loop {
        if let Some(status) = child.try_wait().expect("kubectl ends") {
            break status;
        }
        if fs::exists(format!("/proc/{pid}/task")).unwrap_or(false) {
            (most, used) = (most.max(memory(pid).0), used.max(cpu(pid)));
        }
        thread::sleep(LOOK_EVERY);
    };
    let ended = launched.elapsed();
    let lines = reader.join().expect("its output").expect("its output");
    assert!(status.success() && lines > pods, "kubectl listed {lines} lines for {pods} pods");
    figures.set("full list, s", ended.as_secs_f64());
    figures.set("processor until then, s", used.as_secs_f64());
    figures.set("received until then, MB", (cluster.relay.received() - received) as f64 / 1e6);
    figures.set("requests until 10 s later", asked.requests() as f64);
    figures.set("most memory until then, MiB", most);
    figures.set("most memory in all, MiB", most);
    figures
}
