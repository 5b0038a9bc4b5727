//! The platform that is looked at.

use std::process::{Child, Command, Stdio};

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
