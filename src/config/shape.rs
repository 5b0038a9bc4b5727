//! Every setting with its default. What a file may say is exactly this.

use std::{collections::BTreeMap, time::Duration};

use crate::domain::{catalogue::Level, command::CommandEntry, escalation::Matrix, kpi::Kpi, text::Text};

/// The whole configuration after all layers are merged.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub servers: Servers,
    pub looks: Looks,
    pub kpis: Vec<Kpi>,
    pub escalation: Matrix,
    pub production: Production,
    pub mitigations: Mitigations,
    pub alerts: Alerts,
    pub errors: Errors,
    pub refresh: Refresh,
    /// Action id (`undo`, `filter`, …) to key names (`ctrl-u`, `F5`); replaces the action's default keys.
    pub keys: BTreeMap<String, Vec<String>>,
    pub read_only: bool,
}

/// Where the three servers are. None: found in the cluster and reached through the API server's service proxy.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Servers {
    /// `http(s)://host:port/path` or `k8s://namespace/service:port`.
    pub prometheus: Option<Server>,
    pub alertmanager: Option<Server>,
    pub elasticsearch: Option<Server>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    pub url: String,
    pub auth: Option<Auth>,
    /// PEM file with the CA to trust, besides the system's.
    pub ca_file: Option<std::path::PathBuf>,
    pub insecure_skip_tls_verify: bool,
    /// Its login may be sent by plain http, where it can be read on the way.
    pub login_over_http: bool,
}

/// Where a secret comes from. Never its value.
#[derive(Debug, Clone, PartialEq)]
pub enum Auth {
    BearerFile(std::path::PathBuf),
    BearerEnv(String),
    Basic { user: String, password: Secret },
    ApiKey(Secret),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Secret {
    File(std::path::PathBuf),
    Env(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Looks {
    /// Name of an embedded theme.
    pub theme: String,
    /// ASCII twins for every glyph; none: by the locale.
    pub ascii: Option<bool>,
    pub mouse: bool,
}

/// What counts as production, and the word to type there.
#[derive(Debug, Clone, PartialEq)]
pub struct Production {
    /// Substrings of a context's name that make it production.
    pub patterns: Vec<String>,
    /// Whole words of a context's name that are known not to be production (a substring would take `localgov` for
    /// `local`). Contexts in neither list count as production.
    pub non_production: Vec<String>,
    /// Environment word by context name; `prod` otherwise.
    pub words: BTreeMap<String, String>,
}

/// What a context is, decided by `Production`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    pub is_production: bool,
    /// `PRODUCTION`, `STAGING`, `DEVELOPMENT`, `DEMO` …, for the header; `PRODUCTION?` where nothing says what it is.
    pub banner: Text,
    /// The word a disruptive card asks for.
    pub word: Text,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Mitigations {
    /// ConfigMap, key and the two values of the circuit breaker.
    pub breaker: Breaker,
    /// Most unhealthy pods deleted at the same time.
    pub restart_at_once: u8,
    /// How long a request that was sent may still be carried out: only then does what is as before count as not written.
    pub arrival_timeout: Duration,
    /// Whether an empty reason is refused.
    pub reason_required: bool,
    /// Kinds that are switched off, by name.
    pub disabled: Vec<String>,
    /// By context: from which level on a second person has to agree.
    pub two_person: BTreeMap<String, Level>,
    /// What may be run in a container, by name.
    pub commands: Vec<CommandEntry>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Breaker {
    pub config_map: String,
    pub key: String,
    pub on: String,
    pub off: String,
    /// Services whose callers it spares; empty: not known.
    pub guards: Vec<String>,
}

/// Alerts that fire by design, besides those of severity `none`.
#[derive(Debug, Clone, PartialEq)]
pub struct Alerts {
    /// Names of those that fire always, to show that alerts arrive: one that stops is news.
    pub watchdogs: Vec<String>,
    /// Names of those that fire and stop, and tell of no trouble.
    pub apart: Vec<String>,
}

/// Where errors are in Elasticsearch, and the names of the fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Errors {
    pub index: String,
    /// A date; `@timestamp` almost everywhere.
    pub time_field: String,
    pub level_field: String,
    /// Several with commas; each is looked for in capitals, small and capitalised.
    pub level: String,
    pub service_field: String,
    pub message_field: String,
    pub pod_field: String,
    pub error_field: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Refresh {
    pub metrics: Duration,
    pub alerts: Duration,
    pub errors: Duration,
    /// Range and step of the tiles' history.
    pub history: Duration,
    pub history_step: Duration,
}
