//! The asks that evidence can speak for, and so are known outside of the engine too.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{
    ask::Ask,
    conceal,
    object::{Key, Kind, ObjectRef, Subject},
    silence::Matcher,
    text::Text,
};

/// Kinds of whose objects the screen knows how they are.
pub const PAUSE: &str = "pause";
pub const RESUME: &str = "resume";
pub const SWITCH_SERVICE: &str = "switch-service";
pub const SET_HPA_BOUNDS: &str = "set-hpa-bounds";

/// Set the replicas of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    pub workload: Subject,
    pub replicas: u32,
}

/// Delete unhealthy pods by uid, at most `at_once` at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartUnhealthy {
    /// Whose pods they are, for the title.
    pub app: Text,
    pub pods: Unhealthy,
    /// None: as many as the configuration allows.
    pub at_once: Option<u8>,
    /// Their nodes do not answer, or are gone: what the pods say of themselves is from before.
    pub is_lost: bool,
}

/// Which pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unhealthy {
    /// These; an empty uid means whichever has the name.
    Listed(Vec<ObjectRef>),
    /// All of a workload that are unhealthy when the plan is made.
    Of(Subject),
}

/// Set one key of a ConfigMap (the circuit breaker), or remove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetConfigKey {
    pub config_map: Key,
    pub name: String,
    pub value: Option<String>,
}

/// Bring a workload back to a revision; none means the one before the current.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoRollout {
    pub workload: Subject,
    pub to_revision: Option<u64>,
}

/// Set the bounds between which an autoscaler keeps a workload; at least one of the two is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetHpaBounds {
    pub autoscaler: Subject,
    pub min: Option<u64>,
    pub max: Option<u64>,
}

/// Roll the same template out again, so that every pod is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    pub workload: Subject,
    /// RFC 3339. None: when the plan is made.
    pub at: Option<String>,
}

/// Restart cluster DNS.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RestartDns {
    /// RFC 3339. None: when the plan is made.
    pub at: Option<String>,
}

/// Silence alerts in Alertmanager. Without an end it lasts an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    pub matchers: Vec<Matcher>,
    pub lasts: Option<Duration>,
    /// When it begins; none: at once.
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    /// Id of a silence that was ended and is made again: it may hide whatever that one did.
    pub again: Option<Text>,
    /// Fingerprint of the one alert that is meant, if it is about one.
    pub meant: Option<Text>,
    /// By which it is known again; none: one is made when it is planned.
    pub mark: Option<Text>,
}

/// Run a command of the list in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub entry: String,
    /// By field.
    pub values: Vec<(String, String)>,
    /// Where it is asked for; the entry may have its own.
    pub namespace: Text,
    /// None: a ready one that fits.
    pub pod: Option<Text>,
}

impl Scale {
    pub const NAME: &'static str = "scale";

    pub fn deployment(deployment: Key, replicas: u32) -> Self {
        Self { workload: Subject { kind: Kind::Deployment, key: deployment }, replicas }
    }
}

impl Ask for Scale {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn objects(&self) -> Vec<ObjectRef> {
        vec![self.workload.reference()]
    }

    fn words(&self) -> Vec<String> {
        vec![self.workload.to_string(), self.replicas.to_string()]
    }
}

impl RestartUnhealthy {
    pub const NAME: &'static str = "restart-unhealthy";
    /// Most pods of one plan: what a person can still look over.
    pub const MOST: usize = 100;

    /// Whether the pods are those of an app of this name: each has it before a dash.
    pub fn is_app_of(app: &str, pods: &[ObjectRef]) -> bool {
        pods.iter().all(|pod| pod.key.name.strip_prefix(app).is_some_and(|rest| rest.starts_with('-')))
    }
}

impl Ask for RestartUnhealthy {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn objects(&self) -> Vec<ObjectRef> {
        match &self.pods {
            Unhealthy::Listed(pods) => pods.clone(),
            Unhealthy::Of(workload) => vec![workload.reference()],
        }
    }

    fn about(&self) -> String {
        self.app.to_string()
    }

    fn words(&self) -> Vec<String> {
        let objects = self.objects().into_iter().map(|object| object.to_string());
        let app = match &self.pods {
            Unhealthy::Listed(pods) if Self::is_app_of(&self.app, pods) => Some(format!("app={}", self.app)),
            _ => None,
        };
        let lost = self.is_lost.then(|| "node=lost".to_owned());
        objects.chain(self.at_once.map(|at_once| format!("at-once={at_once}"))).chain(app).chain(lost).collect()
    }
}

impl SetConfigKey {
    pub const NAME: &'static str = "set-config-key";

    pub fn set(config_map: Key, name: &str, value: &str) -> Self {
        Self { config_map, name: name.to_owned(), value: Some(value.to_owned()) }
    }

    /// Whether its value, or a part of it, is not to be shown.
    pub fn is_hidden(&self) -> bool {
        self.value.as_deref().is_some_and(|value| conceal::value(&self.name, value) != value)
    }
}

impl Ask for SetConfigKey {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn objects(&self) -> Vec<ObjectRef> {
        vec![ObjectRef { kind: Kind::ConfigMap, key: self.config_map.clone(), uid: Text::default() }]
    }

    fn about(&self) -> String {
        format!("{}/{} {}", self.config_map.namespace, self.config_map.name, self.name)
    }

    fn words(&self) -> Vec<String> {
        let change = match &self.value {
            Some(value) => format!("{}={value}", self.name),
            None => format!("{}-", self.name),
        };
        vec![format!("configmap/{}", self.config_map.name), change]
    }

    fn shown_words(&self) -> Vec<String> {
        // The key alone sets nothing: it needs a value, or a dash.
        if self.is_hidden() { vec![format!("configmap/{}", self.config_map.name), self.name.clone()] } else { self.words() }
    }
}

impl UndoRollout {
    pub const NAME: &'static str = "undo-rollout";

    pub fn deployment(deployment: Key, to_revision: Option<u64>) -> Self {
        Self { workload: Subject { kind: Kind::Deployment, key: deployment }, to_revision }
    }
}

impl Ask for UndoRollout {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn objects(&self) -> Vec<ObjectRef> {
        vec![self.workload.reference()]
    }

    fn words(&self) -> Vec<String> {
        std::iter::once(self.workload.to_string()).chain(self.to_revision.map(|revision| revision.to_string())).collect()
    }
}

impl SetHpaBounds {
    pub fn of(autoscaler: Key, min: Option<u64>, max: Option<u64>) -> Self {
        Self { autoscaler: Subject { kind: Kind::HorizontalPodAutoscaler, key: autoscaler }, min, max }
    }
}

impl Ask for SetHpaBounds {
    fn kind(&self) -> &'static str {
        SET_HPA_BOUNDS
    }

    fn objects(&self) -> Vec<ObjectRef> {
        vec![self.autoscaler.reference()]
    }

    fn words(&self) -> Vec<String> {
        let bound = |name: &str, bound: Option<u64>| bound.map(|bound| format!("{name}={bound}"));
        std::iter::once(self.autoscaler.to_string()).chain(bound("min", self.min)).chain(bound("max", self.max)).collect()
    }
}

impl Restart {
    pub const NAME: &'static str = "restart";

    pub fn deployment(deployment: Key) -> Self {
        Self { workload: Subject { kind: Kind::Deployment, key: deployment }, at: None }
    }
}

impl Ask for Restart {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn objects(&self) -> Vec<ObjectRef> {
        vec![self.workload.reference()]
    }

    fn words(&self) -> Vec<String> {
        std::iter::once(self.workload.to_string()).chain(self.at.as_ref().map(|at| format!("at={at}"))).collect()
    }
}

impl RestartDns {
    pub const NAME: &'static str = "restart-dns";
}

impl Ask for RestartDns {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    /// Which deployment it is, is read.
    fn objects(&self) -> Vec<ObjectRef> {
        Vec::new()
    }

    fn words(&self) -> Vec<String> {
        self.at.iter().map(|at| format!("at={at}")).collect()
    }
}

impl Silence {
    pub const NAME: &'static str = "silence";
}

impl Ask for Silence {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn objects(&self) -> Vec<ObjectRef> {
        Vec::new()
    }

    fn about(&self) -> String {
        self.matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    fn words(&self) -> Vec<String> {
        let mut words: Vec<_> = self.matchers.iter().map(ToString::to_string).collect();
        words.extend(self.lasts.map(|lasts| format!("for={}", humantime::format_duration(lasts).to_string().replace(' ', ""))));
        let moment = |name: &str, at: DateTime<Utc>| format!("{name}={}", at.to_rfc3339_opts(SecondsFormat::Secs, true));
        words.extend(self.from.map(|from| moment("from", from)));
        words.extend(self.until.map(|until| moment("until", until)));
        words.extend(self.again.as_ref().map(|id| format!("again={id}")));
        words.extend(self.meant.as_ref().map(|meant| format!("of={meant}")));
        words.extend(self.mark.as_ref().map(|mark| format!("mark={mark}")));
        words
    }
}

impl Run {
    pub const NAME: &'static str = "run";
}

impl Ask for Run {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn objects(&self) -> Vec<ObjectRef> {
        let pod = |name: &Text| ObjectRef { kind: Kind::Pod, key: Key::new(&self.namespace, name), uid: Text::default() };
        self.pod.iter().map(pod).collect()
    }

    fn words(&self) -> Vec<String> {
        let values = self.values.iter().map(|(name, value)| format!("{name}={value}"));
        std::iter::once(self.entry.clone()).chain(values).chain(self.pod.iter().map(|pod| format!("pod/{pod}"))).collect()
    }
}
