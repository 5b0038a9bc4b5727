//! What a scenario expects: of the screen, of what was printed, of the cluster, of the requests, of the journal.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{
    given,
    headless::Run,
    play::Play,
    script::Step,
    session::{PATIENCE, Session},
    world::SERVERS,
};

impl Play {
    pub fn expect(&mut self, step: &Step) {
        match step {
            Step::Silenced { alert, is } => {
                let (filter, state) = (format!("/api/v2/alerts?filter=alertname%3D{alert}"), if *is { "suppressed" } else { "active" });
                self.until(&format!("{alert} {state}"), |play| {
                    let alerts = play.world.ask_alertmanager("GET", &filter, &Value::Null);
                    alerts.as_array().is_some_and(|alerts| !alerts.is_empty() && alerts.iter().all(|alert| alert["status"]["state"] == state))
                });
            }
            Step::WrittenToAlertmanager(wanted) => self.written_to_alertmanager(wanted),
            Step::NoSecretShown => self.no_secret_shown(),
            Step::AskedThroughTheApiServer => self.asked_through_the_api_server(),
            Step::See(text) => see(self.session(), text),
            Step::SeeWithin { seconds, text } => {
                let wanted = run_together(text);
                self.session().wait_at_most(Duration::from_secs(*seconds), text, |screen| run_together(screen).contains(&wanted));
            }
            Step::SeeNothingOf(text) => {
                let wanted = run_together(text);
                self.session().wait(&format!("{text:?} gone from the screen"), |screen| !run_together(screen).contains(&wanted));
            }
            Step::ExitStatus(code) => {
                let printed = self.printed();
                assert_eq!(self.output().status.code(), Some(*code), "{printed}");
            }
            Step::Prints(text) => {
                let printed = self.printed();
                assert!(printed.contains(text), "{text:?} is not in:\n{printed}");
            }
            Step::PrintsNothingOf(text) => {
                let printed = self.printed();
                assert!(!printed.contains(text), "{text:?} is in:\n{printed}");
            }
            Step::Recorded { kind, field, value } => {
                let journal = self.journal();
                let last = journal.iter().rev().find(|record| record["kind"] == kind.as_str()).unwrap_or_else(|| panic!("no {kind} in {journal:?}"));
                assert_eq!(last[field], if value == "nothing" { "" } else { value }, "{last}");
            }
            Step::FileWithout { file, text } => self.file_without(file, text),
            Step::Has { object, field, value } => self.has(object, field, value),
            Step::Ready { name, pods } => self.until(&format!("{pods} ready pods of {name}"), |play| {
                let all = given::pods_of(play, name);
                all.len() == *pods && all.iter().all(given::is_ready)
            }),
            Step::HungReplaced { name } => self.until(&format!("no hung pod of {name} left"), |play| {
                let all = given::pods_of(play, name);
                all.iter().all(|pod| !play.hung.contains(given::uid(pod)))
            }),
            Step::PodsThere(names) => {
                let all = given::pods(self);
                assert!(names.iter().all(|name| all.iter().any(|pod| pod["metadata"]["name"] == name.as_str())), "{names:?}");
            }
            Step::NoPod { name } => {
                self.until(&format!("no pod {name} left"), |play| given::pods(play).iter().all(|pod| pod["metadata"]["name"] != name.as_str()));
            }
            Step::PodGone { name } => {
                self.until(&format!("nothing of the pod {name} left"), |play| {
                    let listed = play.world.get(&given::collection(&play.namespace, "api/v1", "pods"));
                    listed["items"].as_array().is_some_and(|pods| pods.iter().all(|pod| pod["metadata"]["name"] != name.as_str()))
                });
            }
            Step::NoneRunsOn { name, node } => self.until(&format!("no pod of {name} on {node}"), |play| {
                given::pods_of(play, name).iter().all(|pod| pod["spec"]["nodeName"] != node.as_str())
            }),
            Step::Written(wanted) => self.written(wanted),
            Step::NothingWritten => assert_eq!(self.world.written(), [], "sev1 wrote"),
            Step::Journal(wanted) => self.journal_tells(wanted),
            Step::Ran { commands } => {
                let passed = self.world.kubernetes().relay.passed();
                assert_eq!(passed.iter().filter(|request| request.path.contains("/exec?")).count(), *commands, "commands in containers");
            }
            Step::JournalWithout(kind) => {
                let journal = told(&self.journal());
                assert!(!journal.iter().any(|record| record == kind), "{journal:?}");
            }
            given => given::make(self, given),
        }
    }

    fn no_secret_shown(&self) {
        let secure = self.secure.as_ref().expect("the secure Elasticsearch");
        match (&self.session, &self.ran) {
            (_, Some(Run::Ended(done))) => secure.assert_unseen(&[done.stdout.as_slice(), &done.stderr].concat(), &self.home()),
            (Some(session), None) => secure.assert_unseen(&session.sent(), session.home.path()),
            (None, None) | (_, Some(Run::Begun(_))) => panic!("sev1 did nothing before, or does it still"),
        }
    }

    fn asked_through_the_api_server(&self) {
        for server in &SERVERS[1..] {
            let is_asked = |play: &Self| {
                let passed = play.world.kubernetes().relay.passed();
                passed.iter().any(|request| request.path.contains("/services/") && request.path.contains(server) && request.path.contains("/proxy/"))
            };
            self.until(&format!("a request to {server} through the API server"), is_asked);
        }
    }

    /// By the palette, once mitigations are possible.
    fn has(&self, object: &str, field: &str, value: &str) {
        let path = super::objects::path(&self.namespace, object);
        // One with a dot in a key is written as a pointer.
        let pointer = if field.starts_with('/') { field.to_owned() } else { format!("/{}", field.replace('.', "/")) };
        let shown = |found: &Value| match found.pointer(&pointer) {
            None => "nothing".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        self.until(&format!("{object} with {field} = {value}"), |play| shown(&play.world.get(&path)) == value);
    }

    fn written(&self, wanted: &[String]) {
        let short = |path: &str| {
            let path = path.split('?').next().unwrap_or(path);
            path.split_once(&format!("/namespaces/{}/", self.namespace)).map_or(path, |(_, rest)| rest).to_owned()
        };
        let written: Vec<String> = self.world.written().iter().map(|request| format!("{} {}", request.method, short(&request.path))).collect();
        let fits = wanted.len() == written.len() && wanted.iter().zip(&written).all(|(wanted, written)| fits(wanted, written));
        assert!(fits, "wanted {wanted:?}, written {written:?}");
    }

    /// Through whichever proxy. Identifiers are left out.
    fn written_to_alertmanager(&self, wanted: &[String]) {
        let proxies = [self.world.proxy("alertmanager"), self.world.kubernetes()];
        let passed = proxies.iter().flat_map(|proxy| proxy.relay.passed());
        let writes = passed.filter_map(|request| {
            let (_, path) = request.path.split_once("/api/v2/").filter(|_| request.method != "GET")?;
            Some(format!("{} {}", request.method, path.split('/').next().unwrap_or(path)))
        });
        let written: Vec<String> = writes.collect();
        assert_eq!(written, wanted);
    }

    /// Of the cockpit, or without one of what was done without a screen.
    fn journal(&self) -> Vec<Value> {
        self.session.as_ref().map_or_else(|| Session::journal_in(&self.home().join(".local/state/sev1")), Session::journal)
    }

    fn journal_tells(&mut self, wanted: &[String]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let journal = told(&self.journal());
            let mut left = wanted.iter().peekable();
            for record in &journal {
                if left.peek() == Some(&record) {
                    left.next();
                }
            }
            if left.peek().is_none() {
                return;
            }
            assert!(Instant::now() < deadline, "wanted {wanted:?}, the journal tells {journal:?}; the screen:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn told(journal: &[Value]) -> Vec<String> {
    let text = |line: &Value, field: &str| line[field].as_str().unwrap_or_default().to_owned();
    journal.iter().map(|line| format!("{} {}", text(line, "kind"), text(line, "state")).trim().to_owned()).collect()
}

/// A wanted request may end in `*`.
fn fits(wanted: &str, written: &str) -> bool {
    wanted.strip_suffix('*').map_or(wanted == written, |start| written.starts_with(start))
}

/// Waits for a text, however it is wrapped.
#[track_caller]
pub fn see(session: &mut Session, text: &str) {
    let wanted = run_together(text);
    session.wait(&format!("{text:?} on the screen"), |screen| run_together(screen).contains(&wanted));
}

/// The screen as running text without what frames it.
pub fn run_together(screen: &str) -> String {
    screen.split(|character: char| character.is_whitespace() || character == '│').collect()
}
