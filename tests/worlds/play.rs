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
    world::{Kind, World},
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
    pub session: Option<Session>,
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
            Step::Forged { file, field, value } => self.forge(file, field, value),
            Step::JournalLost => self.lose_journal(),
            Step::Resized { columns, rows } => {
                let cells = |number: &u64| u16::try_from(*number).expect("a terminal of that size");
                self.session().resize(cells(columns), cells(rows));
            }
            Step::WritesHeld => self.world.kubernetes().relay.set(Manner::HoldsWrites),
            Step::WriteWaits => self.until("a write on its way", |play| play.world.kubernetes().relay.waiting() > 0),
            Step::CanWrite => can_write(self.session()),
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
            Step::ShardsFail => disasters::fail_shards(self),
            Step::Overloaded => disasters::overload(self),
            Step::RefusesSearches => disasters::refuse_searches(self),
            Step::WholeAgain => disasters::make_whole(self),
            Step::StartsOnTheClusterAlone => self.start_alone(),
            other => self.expect(other),
        }
    }

    /// Empty without a cockpit.
    pub fn screen(&self) -> String {
        self.session.as_ref().map_or_else(String::new, Session::screen)
    }

    pub fn session(&mut self) -> &mut Session {
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

    /// With a kubeconfig and no address of any other server.
    fn start_alone(&mut self) {
        let arguments = self.world.arguments();
        let mut arguments: Vec<&str> = arguments.iter().take(2).map(String::as_str).collect();
        arguments.extend(["--context", ON_CALL, "--namespace", &self.namespace]);
        self.session = Some(Session::start(80, 24, &arguments));
    }

    fn command(&mut self, text: &str) {
        let session = self.session();
        can_write(session);
        let deadline = Instant::now() + PATIENCE;
        loop {
            session.press(":").see("┌").press(text);
            session.wait(&format!("{text:?} typed"), |screen| line_typed(screen).contains(tail(text)));
            // Once in the line that is typed, once as an entry; without the entry what it names was not seen yet.
            let screen = session.screen();
            if screen.matches(text).count() > 1 && !screen.contains("there is no") {
                session.enter();
                return;
            }
            assert!(Instant::now() < deadline, "no entry {text:?} in the palette; the screen:\n{}", session.screen());
            session.esc().see_gone("┌");
        }
    }

    /// Once every check has an answer.
    fn confirm(&mut self, word: &str) {
        let session = self.session();
        session.wait("a card that can be confirmed", |screen| screen.contains("confirm") && !screen.contains("still running"));
        session.confirm(word);
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

/// The line in which a command is typed: the first of the box. Of a long one its end is shown.
fn line_typed(screen: &str) -> &str {
    screen.lines().skip_while(|line| !line.contains('┌')).nth(1).unwrap_or_default()
}

fn tail(text: &str) -> &str {
    let end = text.char_indices().rev().nth(23).map_or(0, |(at, _)| at);
    text[end..].trim()
}

fn can_write(session: &mut Session) {
    session.wait("can write", |screen| screen.contains("can write") || screen.contains("view only"));
}

/// The journal's records in words: the kind, and the state where there is one.
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
