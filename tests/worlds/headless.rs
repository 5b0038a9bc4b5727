//! sev1 without a screen: run to its end, until a text, or left running while something else happens.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use super::{kubeconfig::ON_CALL, play::Play};

/// What the last command line came to.
#[derive(Debug)]
pub enum Run {
    Begun(Child),
    Ended(Output),
}

impl Play {
    pub fn run(&mut self, arguments: &[String]) {
        self.ran = Some(Run::Ended(self.command_line(&self.arguments(), ON_CALL, arguments).output().expect("sev1 runs")));
    }

    /// With no address of any other server than the cluster's.
    pub fn run_alone(&mut self, context: &str, arguments: &[String]) {
        self.ran = Some(Run::Ended(self.command_line(&self.world.arguments()[..2], context, arguments).output().expect("sev1 runs")));
    }

    pub fn run_until(&mut self, arguments: &[String], text: &str) {
        self.ran = Some(Run::Ended(interrupted_at(self.command_line(&self.arguments(), ON_CALL, arguments), text)));
    }

    /// What follows happens while it runs, until something is asked of its end.
    pub fn begin(&mut self, arguments: &[String]) {
        self.ran = Some(Run::Begun(spawned(&mut self.command_line(&self.arguments(), ON_CALL, arguments))));
    }

    /// Of what was run last, which is waited for.
    pub fn output(&mut self) -> &Output {
        let output = match self.ran.take().expect("sev1 did something before") {
            Run::Begun(child) => child.wait_with_output().expect("sev1 ends"),
            Run::Ended(output) => output,
        };
        match self.ran.insert(Run::Ended(output)) {
            Run::Ended(output) => output,
            Run::Begun(_) => unreachable!("it has ended"),
        }
    }

    pub fn printed(&mut self) -> String {
        let output = self.output();
        String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
    }

    /// Of what sev1 does without a screen.
    pub fn home(&self) -> PathBuf {
        self.world.folder().join("home")
    }

    /// Runs the command that a plan printed as JSON names, as an engineer does who pastes it into a shell.
    pub fn paste(&mut self) {
        let printed: serde_json::Value = serde_json::from_slice(&self.output().stdout).unwrap_or_else(|_| panic!("no plan in:\n{}", self.printed()));
        let line = printed["plan"]["kubectl"].as_str().filter(|line| !line.is_empty()).expect("a command");
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).env("KUBECONFIG", &self.world.arguments()[1]).env("HOME", self.home()).stdin(Stdio::null());
        self.ran = Some(Run::Ended(shell.output().expect("a shell")));
    }

    fn command_line(&self, servers: &[String], context: &str, arguments: &[String]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sev1"));
        command.args(servers).args(["--context", context, "--namespace", &self.namespace]).args(arguments).args(self.configuration());
        command.env_clear().env("HOME", self.home()).current_dir(self.world.folder());
        if let Some(secure) = &self.secure {
            command.env("SEV1_LOG", "trace").envs(secure.environment.clone());
        }
        command
    }
}

fn spawned(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("sev1 runs")
}

/// Runs it until a line of what it complains has this text; then it is interrupted as by `Ctrl-C`, and ends by itself.
fn interrupted_at(mut command: Command, text: &str) -> Output {
    let mut child = spawned(&mut command);
    let mut complaints = BufReader::new(child.stderr.take().expect("its complaints"));
    let mut told = String::new();
    while !told.contains(text) {
        let read = complaints.read_line(&mut told).expect("its complaints");
        assert!(read > 0, "it ended without {text:?}:\n{told}");
    }
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "kill -INT works");
    let mut rest = Vec::new();
    complaints.read_to_end(&mut rest).expect("its complaints");
    let output = child.wait_with_output().expect("sev1 ends");
    Output { stderr: [told.into_bytes(), rest].concat(), ..output }
}
