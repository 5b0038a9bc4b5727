//! Other processes: the platform that is looked at, and what a process has used.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::pty::environment;

/// `sev1 demo --serve` in a process of its own, so that its memory and time do not count for the cockpit.
pub struct Platform {
    child: Child,
    pub kubeconfig: String,
    _home: tempfile::TempDir,
}

impl Platform {
    pub fn serve(args: &[&str]) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_sev1"));
        command.args(["demo", "--serve", "-o", "json"]).args(args).env_clear().envs(environment(home.path()));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the platform starts");
        let stdout = child.stdout.take().expect("its output");
        let printed = serde_json::Deserializer::from_reader(stdout).into_iter::<Value>().next();
        let served = printed.expect("an answer").expect("JSON");
        let kubeconfig = served["kubeconfig"].as_str().expect("a kubeconfig").to_owned();
        Self { child, kubeconfig, _home: home }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // Gently, so that it takes its temporary folder with it.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// Time on a processor so far, of all its threads that still run. Linux only.
pub fn cpu(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("a running process").flatten();
    let nanoseconds = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// Times the threads of a process were woken. Linux only.
pub fn wakes(pid: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("a running process").flatten();
    let switches = threads.filter_map(|thread| number(&fs::read_to_string(thread.path().join("status")).ok()?, "voluntary_ctxt_switches:"));
    switches.sum()
}

/// (most, now) memory in MiB. Linux only.
pub fn memory(pid: u32) -> (f64, f64) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a running process");
    let mebibytes = |name: &str| number(&status, name).unwrap_or(0) as f64 / 1_024.0;
    (mebibytes("VmHWM:"), mebibytes("VmRSS:"))
}

fn number(status: &str, name: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}
