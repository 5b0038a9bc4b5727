//! The real servers, as `tests/stack/up` describes them: a file of NAME=value that `SEV1_STACK` names.

use std::{
    collections::BTreeMap,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use super::{kubeconfig::Kubeconfig, world::SERVERS};

#[derive(Debug, Clone)]
pub struct Stack {
    values: BTreeMap<String, String>,
    pub kubeconfig: PathBuf,
    /// In the order of [`SERVERS`](super::world::SERVERS).
    pub urls: [String; 4],
}

impl Stack {
    /// None where the real servers are no part of this run.
    pub fn from_environment() -> Option<Self> {
        let file = PathBuf::from(std::env::var_os("SEV1_STACK")?);
        Some(Self::read(&file))
    }

    fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("SEV1_STACK {}: {error}", file.display()));
        let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let pair = |line: &str| line.trim_start_matches("export ").split_once('=').map(|(name, value)| (name.to_owned(), unquoted(value)));
        let values: BTreeMap<String, String> = lines.filter_map(pair).collect();
        let of = |name: &str| values.get(name).unwrap_or_else(|| panic!("SEV1_STACK {}: {name} is missing", file.display())).clone();
        let kubeconfig = PathBuf::from(of("KUBECONFIG"));
        let urls = [Kubeconfig::read(&kubeconfig).server(), of("PROMETHEUS_URL"), of("ALERTMANAGER_URL"), of("ELASTICSEARCH_URL")];
        Self { values, kubeconfig, urls }
    }

    pub fn value(&self, name: &str) -> &str {
        self.values.get(name).unwrap_or_else(|| panic!("SEV1_STACK: {name} is missing"))
    }

    /// A text with every `@NAME@` of the stack filled in.
    pub fn filled(&self, text: &str) -> String {
        self.values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value))
    }

    /// Ends a server as a power cut would.
    pub fn kill(&self, server: &str) {
        let pid = self.pid(server);
        let status = Command::new("kill").args(["-KILL", &pid]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -KILL {pid} ({server})");
        let deadline = Instant::now() + Duration::from_secs(20);
        while is_alive(&pid) {
            assert!(Instant::now() < deadline, "{server} ({pid}) outlives SIGKILL");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts it again and waits until it listens.
    pub fn restart(&self, server: &str) {
        let restart = self.value("STACK_RESTART");
        let output = Command::new("sh").args(["-c", &format!("{restart} {server}")]).output().expect("STACK_RESTART runs");
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{restart} {server}: {}", String::from_utf8_lossy(&said));
        let url = match server {
            "kube-apiserver" => &self.urls[0],
            _ => SERVERS.iter().zip(&self.urls).find(|(name, _)| **name == server).map_or_else(|| panic!("{server} has no URL"), |(_, url)| url),
        };
        let address = super::proxy::address(url);
        let deadline = Instant::now() + Duration::from_mins(2);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "{server} does not listen on {address} again");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn pid(&self, server: &str) -> String {
        let file = Path::new(self.value("STACK_PIDS")).join(server);
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        text.split_whitespace().next().unwrap_or_else(|| panic!("{} is empty", file.display())).to_owned()
    }
}

/// Neither gone nor waiting to be buried.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    // The state stands after the name, which may hold anything but ends at the last parenthesis.
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// A value as a shell would read it.
fn unquoted(value: &str) -> String {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote)) {
            return inner.to_owned();
        }
    }
    value.to_owned()
}
