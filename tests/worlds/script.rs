//! The language of the scenarios: what the lines of a file mean.
//!
//! A scenario is a text of plain sentences, one a line, played from top to bottom. The first line says what it shows; `#` begins
//! a comment, and the words Given, When, Then only structure it. What is named by the cluster is written `<pod:shop>` and
//! `<pod:shop:2>`: pods of shop by name, as they are when they are first spoken of. Nodes of the scenario's own are `<node:a>`,
//! and `<silence:StockLow>` is the id of the silence of that alert. A text with a table of examples is an outline: `scenario.rs`.
//! Three lines may stand before the first sentence: `only real` or
//! `only simulated` where one world cannot play it, `alone` where it changes what other scenarios rest on, and `direct` where
//! sev1 speaks TLS with the API server itself, so that what it asks is not seen. The sentences about Argo CD, Flux and KEDA are in
//! `deployers.rs`.

use super::{deployers, kubeconfig::ON_CALL, secure::Trust};

/// What an admission policy is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    OwnNamespace,
    Namespace(String),
    Node(String),
}

/// What one sentence means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The namespace has this label.
    Label {
        name: String,
        value: String,
    },
    Deployment {
        name: String,
        image: String,
        replicas: u64,
    },
    /// A new revision; `failing` is a value of the annotation `sev1.dev/fail`.
    Rollout {
        name: String,
        image: String,
        failing: Option<String>,
    },
    ScaledBySomebody {
        name: String,
        replicas: u64,
    },
    TemplateChangedBySomebody {
        name: String,
    },
    /// Whether its rollout is held.
    PausedBySomebody {
        name: String,
        is: bool,
    },
    BoundsSetBySomebody {
        name: String,
        min: u64,
        max: u64,
    },
    DnsRestartedBySomebody,
    /// Nothing else of it. None is cluster DNS.
    StatusMoves(Option<String>),
    CordonedBySomebody {
        node: String,
        is: bool,
    },
    /// Deleted and made again under the same name.
    NodeMadeAnew {
        name: String,
    },
    SilencedBySomebody {
        alert: String,
    },
    /// By an hour.
    SilenceProlonged {
        alert: String,
    },
    /// An admission policy lets nobody change a node, or what is in a namespace; the scenario's own where none is named.
    Frozen(Place),
    /// Its selector, as `app=shop,version=blue`.
    Service {
        name: String,
        selector: String,
    },
    SwitchedBySomebody {
        name: String,
        selector: String,
    },
    StatefulSet {
        name: String,
        image: String,
        replicas: u64,
    },
    ReplicaSet {
        name: String,
        image: String,
        replicas: u64,
    },
    /// An object of a custom resource definition, which has a scale.
    WorkerPool {
        name: String,
        size: u64,
    },
    /// Argo CD, Flux and KEDA.
    Deployer(deployers::Deployer),
    /// Of a deployment.
    Labelled {
        name: String,
        label: String,
        value: String,
    },
    AsksFor {
        name: String,
        amount: String,
        resource: String,
    },
    /// The least memory that a container may ask for.
    LimitRange {
        memory: String,
    },
    SuspendedJob {
        name: String,
        image: String,
    },
    SuspendedCronJob {
        name: String,
        image: String,
        schedule: String,
    },
    ConfigMap {
        name: String,
        key: String,
        value: String,
    },
    Autoscaler {
        name: String,
        min: u64,
        max: u64,
    },
    /// So many pods of a deployment go on running and are not ready any more.
    Hang {
        name: String,
        pods: usize,
    },
    Quota {
        pods: u64,
    },
    Budget {
        name: String,
        pods: u64,
        of: String,
    },
    BudgetGone {
        name: String,
    },
    /// Without a controller.
    BarePod {
        name: String,
        image: String,
        in_pool: bool,
    },
    /// One of the scenario's own, which takes the pods of the pool alone.
    Node {
        name: String,
    },
    PoolDeployment {
        name: String,
        image: String,
        replicas: u64,
    },
    PoolDaemonSet {
        name: String,
        image: String,
    },
    PodDeletedBySomebody {
        name: String,
    },
    Event {
        about: String,
        reason: String,
        message: String,
    },
    /// A scenario of the simulation; in the real world the file of this name in `incidents`.
    Incident(String),
    Series {
        name: String,
        value: String,
    },
    Errors {
        service: String,
        count: u64,
        message: String,
    },
    /// In Alertmanager, as if a rule had found it.
    Alert {
        name: String,
        service: String,
        severity: String,
    },
    /// Requests of this method arrive, and no answer to them does.
    Swallows {
        server: String,
        method: String,
    },
    /// A client that is connected and asks nothing.
    IdleSession,
    /// A file of settings for whatever sev1 does from here on.
    Configured(String),
    CutsCommands,
    Starts {
        context: String,
        arguments: Vec<String>,
    },
    Does(Vec<String>),
    /// The same, and what follows happens while it runs.
    Begins(Vec<String>),
    /// The terminal, while sev1 is in it.
    Resized {
        columns: u64,
        rows: u64,
    },
    /// What takes longer than most.
    SeeWithin {
        seconds: u64,
        text: String,
    },
    /// Into a shell, what stands in a plan for engineers without sev1.
    Pasted,
    /// Writes wait on their way to the API server.
    WritesHeld,
    /// One that was sent and has not arrived.
    WriteWaits,
    /// In containers.
    Ran {
        commands: usize,
    },
    /// The same, with `Ctrl-C` once it prints a text.
    DoesUntil(Vec<String>, String),
    /// With no address of any other server than the cluster's.
    DoesOnTheClusterAlone {
        context: String,
        arguments: Vec<String>,
    },
    /// Mitigations are possible.
    CanWrite,
    Press(String),
    Command(String),
    Confirm(String),
    /// Elasticsearch with TLS and users takes the place of the plain one, and is told of like this.
    Secure(Trust),
    NoSecretShown,
    Gone(String),
    Back(String),
    ConnectionsLost(String),
    /// Of the next looks at this object the first is answered, the others are not.
    SecondLookHeld(String),
    HeldGoesOn,
    Kill(String),
    Restart(String),
    /// Writes of this method are not passed on.
    Kept(&'static str),
    /// The relay is itself again.
    WritesPass,
    Killed,
    StartsAgain,
    /// While sev1 hears nothing, and this deployment gets so many replicas.
    WatchesExpire {
        name: String,
        replicas: u64,
    },
    SomeErrors,
    ShardsFail,
    Overloaded,
    RefusesSearches,
    WholeAgain,
    StartsOnTheClusterAlone,
    AskedThroughTheApiServer,
    See(String),
    SeeNothingOf(String),
    ExitStatus(i32),
    Prints(String),
    Has {
        object: String,
        field: String,
        value: String,
    },
    Ready {
        name: String,
        pods: usize,
    },
    /// Of the pods that were made to hang.
    HungReplaced {
        name: String,
    },
    PodsThere(Vec<String>),
    /// No pod of this name is there, but on its way out.
    NoPod {
        name: String,
    },
    /// Nor on its way out.
    PodGone {
        name: String,
    },
    NoneRunsOn {
        name: String,
        node: String,
    },
    Silenced {
        alert: String,
        is: bool,
    },
    Written(Vec<String>),
    WrittenToAlertmanager(Vec<String>),
    NothingWritten,
    Journal(Vec<String>),
    JournalWithout(String),
    /// A field of a saved plan, and the plan's hash after it.
    Forged {
        file: String,
        field: String,
        value: String,
    },
    /// As on another machine.
    JournalLost,
    /// A field of the last record of this kind.
    Recorded {
        kind: String,
        field: String,
        value: String,
    },
    PrintsNothingOf(String),
    /// A file has this text nowhere.
    FileWithout {
        file: String,
        text: String,
    },
}

/// What a sentence means, by the words in its holes.
type Meaning = fn(&[&str]) -> Step;

/// Sentences with holes, and what they mean with them filled. The first that fits counts.
const SENTENCES: &[(&str, Meaning)] = &[
    ("the namespace is labelled {}={}", |w| Step::Label { name: own(w[0]), value: own(w[1]) }),
    ("deployment {} of {} with {} replicas in the pool", |w| Step::PoolDeployment { name: own(w[0]), image: own(w[1]), replicas: number(w[2]) }),
    ("deployment {} of {} with {} replicas", |w| Step::Deployment { name: own(w[0]), image: own(w[1]), replicas: number(w[2]) }),
    ("{} is rolled out as {}, failing with {}", |w| Step::Rollout { name: own(w[0]), image: own(w[1]), failing: Some(own(w[2])) }),
    ("{} is rolled out as {}", |w| Step::Rollout { name: own(w[0]), image: own(w[1]), failing: None }),
    ("stateful set {} of {} with {} replicas", |w| Step::StatefulSet { name: own(w[0]), image: own(w[1]), replicas: number(w[2]) }),
    ("replica set {} of {} with {} replicas", |w| Step::ReplicaSet { name: own(w[0]), image: own(w[1]), replicas: number(w[2]) }),
    ("worker pool {} of {}", |w| Step::WorkerPool { name: own(w[0]), size: number(w[1]) }),
    ("{} has the label {}={}", |w| Step::Labelled { name: own(w[0]), label: own(w[1]), value: own(w[2]) }),
    ("every pod of {} asks for {} {}", |w| Step::AsksFor { name: own(w[0]), amount: own(w[1]), resource: own(w[2]) }),
    ("a limit range of at least {} memory a container", |w| Step::LimitRange { memory: own(w[0]) }),
    ("service {} selects {}", |w| Step::Service { name: own(w[0]), selector: own(w[1]) }),
    ("somebody switches {} to {}", |w| Step::SwitchedBySomebody { name: own(w[0]), selector: own(w[1]) }),
    ("somebody scales {} to {}", |w| Step::ScaledBySomebody { name: own(w[0]), replicas: number(w[1]) }),
    ("somebody pauses {}", |w| Step::PausedBySomebody { name: own(w[0]), is: true }),
    ("somebody resumes {}", |w| Step::PausedBySomebody { name: own(w[0]), is: false }),
    ("somebody keeps {} between {} and {}", |w| Step::BoundsSetBySomebody { name: own(w[0]), min: number(w[1]), max: number(w[2]) }),
    ("somebody restarts cluster DNS", |_| Step::DnsRestartedBySomebody),
    ("the status of cluster DNS moves", |_| Step::StatusMoves(None)),
    ("the status of {} moves", |w| Step::StatusMoves(Some(own(w[0])))),
    ("somebody cordons {}", |w| Step::CordonedBySomebody { node: own(w[0]), is: true }),
    ("somebody uncordons {}", |w| Step::CordonedBySomebody { node: own(w[0]), is: false }),
    ("somebody makes node {} anew", |w| Step::NodeMadeAnew { name: own(w[0]) }),
    ("somebody silences {}", |w| Step::SilencedBySomebody { alert: own(w[0]) }),
    ("somebody prolongs the silence of {}", |w| Step::SilenceProlonged { alert: own(w[0]) }),
    ("changes are frozen", |_| Step::Frozen(Place::OwnNamespace)),
    ("changes in {} are frozen", |w| Step::Frozen(Place::Namespace(own(w[0])))),
    ("changes of node {} are frozen", |w| Step::Frozen(Place::Node(own(w[0])))),
    ("somebody changes the template of {}", |w| Step::TemplateChangedBySomebody { name: own(w[0]) }),
    ("suspended job {} of {}", |w| Step::SuspendedJob { name: own(w[0]), image: own(w[1]) }),
    ("suspended cron job {} of {} at {}", |w| Step::SuspendedCronJob { name: own(w[0]), image: own(w[1]), schedule: own(w[2]) }),
    ("config map {} has {}={}", |w| Step::ConfigMap { name: own(w[0]), key: own(w[1]), value: own(w[2]) }),
    ("an autoscaler keeps {} between {} and {}", |w| Step::Autoscaler { name: own(w[0]), min: number(w[1]), max: number(w[2]) }),
    ("every hung pod of {} was replaced", |w| Step::HungReplaced { name: own(w[0]) }),
    ("{} pods of {} hang", |w| Step::Hang { name: own(w[1]), pods: usize::try_from(number(w[0])).expect("a count") }),
    ("elasticsearch is the secure one, with {}", |w| Step::Secure(Trust::read(w[0]))),
    ("no secret is shown anywhere", |_| Step::NoSecretShown),
    ("a budget {} keeps {} pods of {}", |w| Step::Budget { name: own(w[0]), pods: number(w[1]), of: own(w[2]) }),
    ("the budget {} is gone", |w| Step::BudgetGone { name: own(w[0]) }),
    ("a bare pod {} of {} in the pool", |w| Step::BarePod { name: own(w[0]), image: own(w[1]), in_pool: true }),
    ("a bare pod {} of {}", |w| Step::BarePod { name: own(w[0]), image: own(w[1]), in_pool: false }),
    ("a node {} of the pool", |w| Step::Node { name: own(w[0]) }),
    ("daemon set {} of {} in the pool", |w| Step::PoolDaemonSet { name: own(w[0]), image: own(w[1]) }),
    ("somebody deletes the pod {}", |w| Step::PodDeletedBySomebody { name: own(w[0]) }),
    ("pods {} are there", |w| Step::PodsThere(w[0].split(", ").map(own).collect())),
    ("nothing of the pod {} is left", |w| Step::PodGone { name: own(w[0]) }),
    ("no pod {} is left", |w| Step::NoPod { name: own(w[0]) }),
    ("no pod of {} runs on {}", |w| Step::NoneRunsOn { name: own(w[0]), node: own(w[1]) }),
    ("some errors are logged", |_| Step::SomeErrors),
    ("some shards of elasticsearch fail", |_| Step::ShardsFail),
    ("elasticsearch is overloaded", |_| Step::Overloaded),
    ("elasticsearch refuses every search", |_| Step::RefusesSearches),
    ("elasticsearch is whole again", |_| Step::WholeAgain),
    ("prometheus, alertmanager and elasticsearch are asked through the API server", |_| Step::AskedThroughTheApiServer),
    ("sev1 starts on the cluster alone", |_| Step::StartsOnTheClusterAlone),
    ("a quota of {} pods", |w| Step::Quota { pods: number(w[0]) }),
    ("a warning about {}: {}: {}", |w| Step::Event { about: own(w[0]), reason: own(w[1]), message: own(w[2]) }),
    ("the incident {}", |w| Step::Incident(own(w[0]))),
    ("series {} is {}", |w| Step::Series { name: own(w[0]), value: own(w[1]) }),
    ("{} logs {} errors: {}", |w| Step::Errors { service: own(w[0]), count: number(w[1]), message: own(w[2]) }),
    ("sev1 starts again", |_| Step::StartsAgain),
    ("alert {} of {} fires as {}", |w| Step::Alert { name: own(w[0]), service: own(w[1]), severity: own(w[2]) }),
    ("{} swallows the answers to {}", |w| Step::Swallows { server: own(w[0]), method: own(w[1]) }),
    ("the database has an idle session", |_| Step::IdleSession),
    ("sev1 is configured by {}", |w| Step::Configured(own(w[0]))),
    ("the connections of commands are cut", |_| Step::CutsCommands),
    ("sev1 starts as {}", |w| Step::Starts { context: own(w[0]), arguments: Vec::new() }),
    ("sev1 starts with {}", |w| Step::Starts { context: own(ON_CALL), arguments: words(w[0]) }),
    ("sev1 starts", |_| Step::Starts { context: own(ON_CALL), arguments: Vec::new() }),
    ("sev1 does {}, until it prints {} and Ctrl-C comes", |w| Step::DoesUntil(words(w[0]), own(w[1]))),
    ("sev1 on the cluster alone, as {}, does {}", |w| Step::DoesOnTheClusterAlone { context: own(w[0]), arguments: words(w[1]) }),
    ("sev1 does {}", |w| Step::Does(words(w[0]))),
    ("the command that it prints is pasted", |_| Step::Pasted),
    ("sev1 begins {}", |w| Step::Begins(words(w[0]))),
    ("writes are held back", |_| Step::WritesHeld),
    ("a write waits", |_| Step::WriteWaits),
    ("sev1 ran {} commands", |w| Step::Ran { commands: usize::try_from(number(w[0])).expect("a count") }),
    ("sev1 can write", |_| Step::CanWrite),
    ("the terminal becomes {}x{}", |w| Step::Resized { columns: number(w[0]), rows: number(w[1]) }),
    ("press {}", |w| Step::Press(own(w[0]))),
    ("command {}", |w| Step::Command(own(w[0]))),
    ("confirm with {}", |w| Step::Confirm(own(w[0]))),
    ("{} is gone", |w| Step::Gone(own(w[0]))),
    ("{} is back", |w| Step::Back(own(w[0]))),
    ("the connections to {} are lost", |w| Step::ConnectionsLost(own(w[0]))),
    ("the second look at {} is held back", |w| Step::SecondLookHeld(own(w[0]))),
    ("what was held back goes on", |_| Step::HeldGoesOn),
    ("patches do not arrive", |_| Step::Kept("PATCH")),
    ("deletes do not arrive", |_| Step::Kept("DELETE")),
    ("evictions do not arrive", |_| Step::Kept("POST")),
    ("{} are answered again", |_| Step::WritesPass),
    ("sev1 is killed", |_| Step::Killed),
    ("{} is killed", |w| Step::Kill(own(w[0]))),
    ("{} is started again", |w| Step::Restart(own(w[0]))),
    ("the watches expire while {} is scaled to {}", |w| Step::WatchesExpire { name: own(w[0]), replicas: number(w[1]) }),
    ("see nothing of {}", |w| Step::SeeNothingOf(own(w[0]))),
    ("see within {} s {}", |w| Step::SeeWithin { seconds: number(w[0]), text: own(w[1]) }),
    ("see {}", |w| Step::See(own(w[0]))),
    ("the exit status is {}", |w| Step::ExitStatus(i32::try_from(number(w[0])).expect("an exit status"))),
    ("it prints nothing of {}", |w| Step::PrintsNothingOf(own(w[0]))),
    ("it prints {}", |w| Step::Prints(own(w[0]))),
    ("{} has {} = {}", |w| Step::Has { object: own(w[0]), field: own(w[1]), value: own(w[2]) }),
    ("{} pods of {} are ready", |w| Step::Ready { name: own(w[1]), pods: usize::try_from(number(w[0])).expect("a count") }),
    ("alert {} is silenced", |w| Step::Silenced { alert: own(w[0]), is: true }),
    ("alert {} is not silenced", |w| Step::Silenced { alert: own(w[0]), is: false }),
    ("nothing is written to alertmanager", |_| Step::WrittenToAlertmanager(Vec::new())),
    ("written to alertmanager: {}", |w| Step::WrittenToAlertmanager(w[0].split(", ").map(own).collect())),
    ("written: {}", |w| Step::Written(w[0].split(", ").map(own).collect())),
    ("nothing is written", |_| Step::NothingWritten),
    ("the journal tells {}", |w| Step::Journal(w[0].split(", ").map(own).collect())),
    ("the journal has no {}", |w| Step::JournalWithout(own(w[0]))),
    ("the {} in {} is forged as {}", |w| Step::Forged { field: own(w[0]), file: own(w[1]), value: own(w[2]) }),
    ("the journal of this machine is another one", |_| Step::JournalLost),
    ("the last {} has the {} {}", |w| Step::Recorded { kind: own(w[0]), field: own(w[1]), value: own(w[2]) }),
    ("{} says nothing of {}", |w| Step::FileWithout { file: own(w[0]), text: own(w[1]) }),
];

pub fn own(text: &str) -> String {
    text.to_owned()
}

pub fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// What a sentence means.
pub fn meaning(line: &str) -> Option<Step> {
    let deployer = deployers::meaning(line).map(Step::Deployer);
    deployer.or_else(|| SENTENCES.iter().find_map(|(sentence, step)| Some(step(&fit(sentence, line)?))))
}

/// What stands in the holes of a sentence, if the line is one like it. A hole takes as little as it can, the last one the rest.
pub fn fit<'a>(sentence: &str, line: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = sentence.split("{}");
    let mut rest = line.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    let parts: Vec<&str> = parts.collect();
    for (index, part) in parts.iter().enumerate() {
        let is_last = index + 1 == parts.len();
        let end = if !is_last {
            rest.find(part)?
        } else if rest.ends_with(part) {
            rest.len() - part.len()
        } else {
            return None;
        };
        let (hole, after) = rest.split_at(end);
        if hole.is_empty() {
            return None;
        }
        found.push(hole);
        rest = &after[part.len()..];
    }
    rest.is_empty().then_some(found)
}
