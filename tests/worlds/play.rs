//! Plays one scenario in one world, line by line.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use libtest_mimic::Failed;
use serde_json::Value;

use super::{
    disasters, given,
    headless::Run,
    kubeconfig::ON_CALL,
    proxy::{self, gate::Way, relay::Manner},
    scenario::{self, Line, Scenario},
    script::Step,
    secure::{self, Secure},
    session::{PATIENCE, Session},
    somebody,
    world::{Kind, SERVERS, World},
};

/// Where the simulated platform stands, and how fast its clock runs: that a back-off need not be waited for.
const SIMULATED: [&str; 4] = ["--scenario", "calm", "--speed", "5"];
/// Programs and addresses in a configuration, as the simulated containers know them.
const PROGRAMS: [(&str, &str); 4] = [("@REDIS_CLI@", "redis-cli"), ("@PSQL@", "psql"), ("@PGHOST@", "postgres-primary"), ("@PGPORT@", "5432")];
/// The namespace of the platform, where incidents of the simulation play.
const PLATFORM: &str = "digital-identity";

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// What of the real servers has to be put back.
#[derive(Debug, Default)]
pub struct Touched {
    pub series: bool,
    pub logs: bool,
    /// The memory that Elasticsearch's searches may take.
    pub limit: bool,
    /// Labels of the alerts that were made to fire.
    pub alerts: Vec<Value>,
    /// Paths of namespaces that are not the scenario's own and are frozen.
    pub frozen: Vec<String>,
}

pub struct Play {
    pub world: World,
    /// The scenario's own.
    pub namespace: String,
    owns_namespace: bool,
    session: Option<Session>,
    /// The arguments with which it was started last.
    started: Vec<String>,
    /// The home of one that was killed.
    left: Option<tempfile::TempDir>,
    /// Without a screen.
    pub ran: Option<Run>,
    /// The settings, where a scenario has its own.
    pub config: Option<PathBuf>,
    /// Uids of the pods that were made to hang.
    pub hung: BTreeSet<String>,
    pub touched: Touched,
    /// Where Elasticsearch is the one with TLS and users.
    pub secure: Option<Secure>,
    /// Nodes of the scenario's own, as they are called in the cluster.
    pub nodes: Vec<String>,
    /// Paths of other objects that are outside of its namespace.
    pub apart: Vec<String>,
    /// What stands for `<pod:shop>` and the like, once it was spoken of.
    named: BTreeMap<String, String>,
    /// Clients beside sev1 that are connected to something; they end with the scenario.
    pub clients: Vec<std::process::Child>,
}

/// Plays it and says at which line it failed.
pub fn play(scenario: &Scenario, kind: Kind) -> Result<(), Failed> {
    prepared(scenario, kind).map(drop)
}

/// The world as it stands after the last line.
pub fn prepared(scenario: &Scenario, kind: Kind) -> Result<Play, Failed> {
    let kind = match (kind, scenario.incident()) {
        (Kind::Simulated(_), Some(incident)) => Kind::simulated(&["--scenario", incident, "--speed", "5"]),
        (Kind::Simulated(_), None) => Kind::simulated(&SIMULATED),
        (real, _) => real,
    };
    let mut play = Play::open(scenario, kind);
    scenario.lines.iter().try_for_each(|line| play.line(line))?;
    Ok(play)
}

impl Play {
    fn open(scenario: &Scenario, kind: Kind) -> Self {
        let path = if scenario.direct { proxy::Path::Direct } else { proxy::Path::Relayed };
        let world = World::open_in(kind, scenario.context(), path);
        let owns_namespace = world.is_real() || scenario.incident().is_none();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let own = format!("w-{}-{}-{number}", scenario.name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-"), std::process::id());
        let namespace = if owns_namespace { own } else { PLATFORM.to_owned() };
        if owns_namespace {
            world.post("/api/v1/namespaces", &super::objects::namespace(&namespace));
        }
        Self {
            world,
            namespace,
            owns_namespace,
            session: None,
            started: Vec::new(),
            left: None,
            ran: None,
            config: None,
            hung: BTreeSet::new(),
            touched: Touched::default(),
            nodes: Vec::new(),
            apart: Vec::new(),
            named: BTreeMap::new(),
            secure: None,
            clients: Vec::new(),
        }
    }

    fn line(&mut self, line: &Line) -> Result<(), Failed> {
        catch_unwind(AssertUnwindSafe(|| self.spoken(line))).map_err(|panic| {
            let why = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|why| (*why).to_owned()));
            let why = why.unwrap_or_else(|| "it failed without a word".to_owned());
            let screen = if why.contains("the screen:") { String::new() } else { self.screen() };
            Failed::from(format!("{} ({}): {}\n{why}\n{screen}", line.at, self.world.kind.name(), line.text))
        })
    }

    /// Plays a line, with names in the place of what stands for them.
    fn spoken(&mut self, line: &Line) {
        if !line.text.contains('<') {
            return self.perform(&line.step);
        }
        let text = self.with_names(&line.text);
        let step = super::script::meaning(&text).unwrap_or_else(|| panic!("no sentence of the language: {text:?}"));
        self.perform(&step);
    }

    fn with_names(&mut self, text: &str) -> String {
        let mut told = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            told.push_str(before);
            let (word, after) = after.split_once('>').unwrap_or_else(|| panic!("no end of a name in {text:?}"));
            match word.split_once(':') {
                Some(("node", name)) => told.push_str(&given::node_name(&self.namespace, name)),
                Some(("pod", which)) => told.push_str(&self.pod_name(which)),
                Some(("silence", alert)) => told.push_str(somebody::silence_of(self, alert)["id"].as_str().expect("an id")),
                // A key.
                _ => told.extend(["<", word, ">"]),
            }
            rest = after;
        }
        told.push_str(rest);
        told
    }

    /// The pod that `shop` or `shop:2` stands for.
    fn pod_name(&mut self, which: &str) -> String {
        if let Some(name) = self.named.get(which) {
            return name.clone();
        }
        let (app, number) = which.split_once(':').unwrap_or((which, "1"));
        let number: usize = number.parse().expect("a number of a pod");
        let mut names: Vec<_> = given::pods_of(self, app).iter().filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned)).collect();
        names.sort();
        let name = names.into_iter().nth(number - 1).unwrap_or_else(|| panic!("no pod {number} of {app}"));
        self.named.insert(which.to_owned(), name.clone());
        name
    }

    fn perform(&mut self, step: &Step) {
        match step {
            Step::Incident(name) if self.world.is_real() => {
                let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds/incidents").join(format!("{name}.txt"));
                for line in scenario::read(&file).scenarios.into_iter().flat_map(|scenario| scenario.lines) {
                    self.perform(&line.step);
                }
            }
            Step::Incident(_) => {}
            Step::Starts { context, arguments } => self.start(context, arguments),
            Step::Does(arguments) => self.run(arguments),
            Step::DoesUntil(arguments, text) => self.run_until(arguments, text),
            Step::Begins(arguments) => self.begin(arguments),
            Step::Pasted => self.paste(),
            Step::Resized { columns, rows } => {
                let cells = |number: &u64| u16::try_from(*number).expect("a terminal of that size");
                self.session().resize(cells(columns), cells(rows));
            }
            Step::WritesHeld => self.world.kubernetes().relay.set(Manner::HoldsWrites),
            Step::WriteWaits => self.until("a write on its way", |play| play.world.kubernetes().relay.waiting() > 0),
            Step::Armed => armed(self.session()),
            Step::Press(keys) => {
                let session = self.session();
                session.press(&typed(keys));
                // Esc and a key at once would be Alt and the key: whatever box it closes goes first.
                if keys.ends_with("<esc>") {
                    session.see_gone("┌");
                }
            }
            Step::Command(text) => self.command(text),
            Step::Confirm(word) => self.confirm(word),
            Step::Gone(server) => self.world.proxy(server).gate.set(Way::Shut),
            Step::Back(server) => self.world.proxy(server).heal(),
            Step::Secure(trust) => self.secure = Some(secure::told(self, *trust)),
            Step::NoSecretShown => self.no_secret_shown(),
            Step::ConnectionsLost(server) => self.world.proxy(server).gate.lose_connections(),
            Step::SecondLookHeld(object) => {
                let path = super::objects::path(&self.namespace, object);
                self.world.kubernetes().relay.set(Manner::Holds(path, Arc::new(AtomicUsize::new(1))));
            }
            Step::Kept(method) => self.world.kubernetes().relay.set(Manner::Keeps(method)),
            Step::HeldGoesOn | Step::WritesPass => self.world.kubernetes().relay.set(Manner::Honest),
            Step::Killed | Step::StartsAgain => self.killed_and_again(step),
            Step::Kill(server) => self.stack().kill(server),
            Step::Restart(server) => self.stack().restart(server),
            Step::WatchesExpire { name, replicas } => disasters::expire_watches(self, name, *replicas),
            Step::Swallows { server, method } => self.world.proxy(server).relay.set(Manner::Swallows(method.clone())),
            Step::CutsCommands => self.world.kubernetes().relay.set(Manner::CutsCommands),
            Step::Configured(name) => {
                let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds/configurations");
                let text = std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
                let text = text.replace("@OWN@", &self.namespace);
                let text = match &self.world.kind {
                    Kind::Real(stack) => stack.filled(&text.replace("@PSQL@", "psql")),
                    Kind::Simulated(_) => PROGRAMS.iter().fold(text, |text, (name, value)| text.replace(name, value)),
                };
                self.config = Some(self.world.folder().join("config.toml"));
                std::fs::write(self.world.folder().join("config.toml"), text).expect("the configuration");
            }
            Step::DoesOnTheClusterAlone { context, arguments } => self.run_alone(context, arguments),
            Step::Silenced { alert, is } => {
                let (filter, state) = (format!("/api/v2/alerts?filter=alertname%3D{alert}"), if *is { "suppressed" } else { "active" });
                self.until(&format!("{alert} {state}"), |play| {
                    let alerts = play.world.ask_alertmanager("GET", &filter, &Value::Null);
                    alerts.as_array().is_some_and(|alerts| !alerts.is_empty() && alerts.iter().all(|alert| alert["status"]["state"] == state))
                });
            }
            Step::WrittenToAlertmanager(wanted) => self.written_to_alertmanager(wanted),
            Step::ShardsFail => disasters::fail_shards(self),
            Step::Overloaded => disasters::overload(self),
            Step::RefusesSearches => disasters::refuse_searches(self),
            Step::WholeAgain => disasters::make_whole(self),
            Step::StartsOnTheClusterAlone => self.start_alone(),
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

    /// Empty without a cockpit.
    fn screen(&self) -> String {
        self.session.as_ref().map_or_else(String::new, Session::screen)
    }

    fn session(&mut self) -> &mut Session {
        self.session.as_mut().expect("sev1 was started before")
    }

    pub fn stack(&self) -> &super::stack::Stack {
        match &self.world.kind {
            Kind::Real(stack) => stack,
            Kind::Simulated(_) => panic!("only the real servers can do that: say `only real`"),
        }
    }

    fn start(&mut self, context: &str, arguments: &[String]) {
        let mut all = self.arguments();
        all.extend(["--context", context, "--namespace", &self.namespace].map(str::to_owned));
        all.extend(self.configuration());
        all.extend(arguments.iter().cloned());
        self.started = all;
        self.open_in(tempfile::tempdir().expect("a temporary folder"));
    }

    fn open_in(&mut self, home: tempfile::TempDir) {
        let all: Vec<&str> = self.started.iter().map(String::as_str).collect();
        let secure = self.secure.as_ref();
        self.session = Some(Session::start_in(home, 80, 24, &all, |command, _| {
            if let Some(secure) = secure {
                command.env("SEV1_LOG", "trace");
                if let Some((name, value)) = &secure.environment {
                    command.env(name, value);
                }
            }
        }));
    }

    /// Killed it leaves what it has on the disk, from which it goes on.
    fn killed_and_again(&mut self, step: &Step) {
        if *step == Step::Killed {
            let mut session = self.session.take().expect("sev1 was started before");
            session.signal("KILL");
            self.left = Some(std::mem::replace(&mut session.home, tempfile::tempdir().expect("a temporary folder")));
        } else {
            let home = self.left.take().expect("sev1 was killed before");
            self.open_in(home);
        }
    }

    /// The arguments that name the settings, where a scenario has its own.
    pub fn configuration(&self) -> Vec<String> {
        self.config.iter().flat_map(|config| ["--config".to_owned(), config.display().to_string()]).collect()
    }

    /// By which sev1 finds everything.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = self.world.arguments();
        if let Some(secure) = &self.secure {
            // The plain one's address stands last.
            arguments.truncate(arguments.len() - 2);
            arguments.extend(secure.arguments.clone());
        }
        arguments
    }

    fn no_secret_shown(&self) {
        let secure = self.secure.as_ref().expect("the secure Elasticsearch");
        match (&self.session, &self.ran) {
            (_, Some(Run::Ended(done))) => secure.assert_unseen(&[done.stdout.as_slice(), &done.stderr].concat(), &self.home()),
            (Some(session), None) => secure.assert_unseen(&session.sent(), session.home.path()),
            (None, None) | (_, Some(Run::Begun(_))) => panic!("sev1 did nothing before, or does it still"),
        }
    }

    /// With a kubeconfig and no address of any other server.
    fn start_alone(&mut self) {
        let arguments = self.world.arguments();
        let mut arguments: Vec<&str> = arguments.iter().take(2).map(String::as_str).collect();
        arguments.extend(["--context", ON_CALL, "--namespace", &self.namespace]);
        self.session = Some(Session::start(80, 24, &arguments));
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
    fn command(&mut self, text: &str) {
        let session = self.session();
        armed(session);
        let deadline = Instant::now() + PATIENCE;
        loop {
            session.press(":").see("┌").press(text).see(text);
            // Once in the line that is typed, once as an entry; without the entry what it names was not seen yet.
            if session.screen().matches(text).count() > 1 {
                session.enter();
                return;
            }
            assert!(Instant::now() < deadline, "no entry {text:?} in the palette; the screen:\n{}", session.screen());
            session.esc().see_gone("┌");
        }
    }

    /// Once every check has an answer.
    fn confirm(&mut self, word: &str) {
        const COMPLAINT: &str = "│ ! ";
        let session = self.session();
        session.wait("a card that can be confirmed", |screen| screen.contains("confirm") && !screen.contains("still running")).press(word);
        if word != "y" {
            session.enter();
        }
        session.wait("an answer to the confirmation", |screen| !screen.contains("[ Cancel ]") || screen.contains(COMPLAINT));
    }

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

    /// Asks the cluster again and again until it is so.
    #[track_caller]
    pub fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "waited for {what}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        drop(self.session.take());
        if let Some(Run::Begun(mut child)) = self.ran.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        for mut client in self.clients.drain(..) {
            let _ = client.kill();
            let _ = client.wait();
        }
        if self.world.is_real() {
            // Not while panicking only: a second panic would hide the first.
            let _ = catch_unwind(AssertUnwindSafe(|| disasters::put_back(self)));
            if self.owns_namespace {
                let path = format!("/api/v1/namespaces/{}", self.namespace);
                let _ = catch_unwind(AssertUnwindSafe(|| self.world.api("DELETE", &path, "", &Value::Null)));
            }
            let nodes = self.nodes.iter().map(|node| format!("/api/v1/nodes/{node}"));
            for path in nodes.chain(self.apart.iter().cloned()) {
                let _ = catch_unwind(AssertUnwindSafe(|| self.world.api("DELETE", &path, "", &Value::Null)));
            }
        }
    }
}

fn armed(session: &mut Session) {
    session.wait("armed", |screen| screen.contains("armed") && !screen.contains("not armed"));
}

/// The journal's records in words: the kind, and the state where there is one.
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

/// `<enter>` and the like in the place of keys that have no letter.
fn typed(keys: &str) -> String {
    [
        ("<enter>", "\r"),
        ("<esc>", "\u{1b}"),
        ("<tab>", "\t"),
        ("<shift-tab>", "\u{1b}[Z"),
        ("<space>", " "),
        ("<ctrl-r>", "\u{12}"),
        ("<down>", "\u{1b}[B"),
        ("<backspace>", "\u{7f}"),
    ]
    .iter()
    .fold(keys.to_owned(), |keys, (name, bytes)| keys.replace(name, bytes))
}
