//! Evaluation of the guide's alert rules, `for` included, and the sending of what fires to the Alertmanager.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::answer;
use super::parameters::parse_duration;
use super::template::expand;
use crate::sim::alertmanager::{Alertmanager, PostedAlert};
use crate::sim::promql::{self, Element, Query, Value, exponential};
use crate::sim::tsdb::{Labels, METRIC_NAME, RETENTION_MS, SeriesId, Tsdb};

/// Time between two evaluations, in ms of simulated time.
pub const EVALUATION_INTERVAL_MS: i64 = 15_000;

/// An alert that goes on firing is sent again after this.
const RESEND: TimeDelta = TimeDelta::minutes(1);

/// A resolved alert is remembered, and sent as resolved, for this long.
const RESOLVED_RETENTION: TimeDelta = TimeDelta::minutes(15);

/// Without another word the Alertmanager takes an alert for resolved after this.
const VALID_FOR: TimeDelta = TimeDelta::minutes(4);

/// Labels put on what leaves Prometheus, as its configuration's `external_labels`.
const EXTERNAL_LABELS: [(&str, &str); 1] = [("environment", "production")];

const FILE: &str = "/etc/prometheus/rules.yml";

/// Why a rule file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GuideRulesError {
    #[error("reading the rule file: {0}; correct src/sim/prometheus/rules.yml")]
    Yaml(String),
    #[error("rule {rule}: {why}; correct it in the rule file")]
    Rule { rule: String, why: String },
}

#[derive(Debug, Deserialize)]
struct FileShape {
    groups: Vec<GroupShape>,
}

#[derive(Debug, Deserialize)]
struct GroupShape {
    name: String,
    rules: Vec<RuleShape>,
}

#[derive(Debug, Deserialize)]
struct RuleShape {
    alert: Option<String>,
    record: Option<String>,
    expr: String,
    #[serde(rename = "for", default)]
    hold: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleState {
    /// No longer true; kept for a while so that its end is sent.
    Inactive,
    /// True, but not yet for the rule's `for`.
    Pending,
    Firing,
}

impl RuleState {
    fn word(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

#[derive(Debug, Clone)]
struct Alert {
    labels: Labels,
    annotations: BTreeMap<String, String>,
    state: RuleState,
    value: f64,
    active_at: DateTime<Utc>,
    fired_at: Option<DateTime<Utc>>,
    resolved_at: Option<DateTime<Utc>>,
    last_sent: Option<DateTime<Utc>>,
}

#[derive(Debug)]
enum Kind {
    Alerting { hold: TimeDelta, annotations: BTreeMap<String, String>, alerts: BTreeMap<Labels, Alert> },
    Recording,
}

#[derive(Debug)]
struct Rule {
    name: String,
    query: Query,
    labels: BTreeMap<String, String>,
    kind: Kind,
    last_error: Option<String>,
    /// The series written at the last evaluation: those not written again end.
    written: HashSet<SeriesId>,
}

#[derive(Debug)]
struct Group {
    name: String,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct State {
    groups: Vec<Group>,
    last_evaluation: Option<DateTime<Utc>>,
}

/// The rules and what they found; clones share it.
#[derive(Debug, Clone)]
pub struct Rules {
    state: Arc<Mutex<State>>,
    store: Tsdb,
    alertmanager: Alertmanager,
}

impl Rules {
    /// The operations guide's sixteen alerts and the recorded error ratio.
    pub fn guide(store: Tsdb, alertmanager: Alertmanager) -> Result<Self, GuideRulesError> {
        Self::parse(include_str!("rules.yml"), store, alertmanager)
    }

    /// Rules from a Prometheus rule file's text.
    pub fn parse(text: &str, store: Tsdb, alertmanager: Alertmanager) -> Result<Self, GuideRulesError> {
        let file: FileShape = serde_saphyr::from_str(text).map_err(|why| GuideRulesError::Yaml(why.to_string()))?;
        let mut groups = Vec::new();
        for group in file.groups {
            let rules = group.rules.into_iter().map(Rule::new).collect::<Result<_, _>>()?;
            groups.push(Group { name: group.name, rules });
        }
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { state: Arc::new(Mutex::new(State { groups, last_evaluation: None })), store, alertmanager })
    }

    /// Evaluates every due moment (multiples of the interval) since the last evaluation up to `now`. Cheap when none is due.
    pub fn evaluate(&self, now: DateTime<Utc>) {
        let now_ms = now.timestamp_millis();
        let newest = now_ms.div_euclid(EVALUATION_INTERVAL_MS) * EVALUATION_INTERVAL_MS;
        let next = match self.lock().last_evaluation {
            None => newest,
            Some(last) => (last.timestamp_millis().div_euclid(EVALUATION_INTERVAL_MS) + 1) * EVALUATION_INTERVAL_MS,
        };
        let mut due = next.max(newest - RETENTION_MS);
        while due <= newest {
            if let Some(t) = DateTime::from_timestamp_millis(due) {
                self.evaluate_at(t);
            }
            due += EVALUATION_INTERVAL_MS;
        }
    }

    /// Evaluates all rules once, as of `t`; to be called in order of time (an earlier `t` than the last is ignored).
    pub fn evaluate_at(&self, t: DateTime<Utc>) {
        let mut state = self.lock();
        if state.last_evaluation.is_some_and(|last| t <= last) {
            return;
        }
        state.last_evaluation = Some(t);
        let mut to_send = Vec::new();
        for rule in state.groups.iter_mut().flat_map(|group| &mut group.rules) {
            rule.evaluate(&self.store, t, &mut to_send);
        }
        drop(state);
        self.alertmanager.receive(to_send, t);
    }

    /// Name, labels, state and start of every pending and firing alert.
    pub fn active(&self) -> Vec<(Labels, RuleState, DateTime<Utc>)> {
        let state = self.lock();
        let alerts = state.groups.iter().flat_map(|group| &group.rules).flat_map(Rule::alerts);
        alerts.map(|alert| (alert.labels.clone(), alert.state, alert.active_at)).collect()
    }

    /// The answer of `/api/v1/alerts`.
    pub(super) fn alerts_json(&self) -> Json {
        let state = self.lock();
        state.groups.iter().flat_map(|group| &group.rules).flat_map(Rule::alerts).map(Alert::json).collect()
    }

    /// The groups of `/api/v1/rules`, of the rules that pass (by group and rule name, and whether they alert).
    pub(super) fn groups_json(&self, passes: impl Fn(&str, &str, bool) -> bool, with_alerts: bool) -> Json {
        let state = self.lock();
        let evaluated = state.last_evaluation.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), rfc3339);
        let mut groups = Vec::new();
        for group in &state.groups {
            let rules: Vec<Json> = group
                .rules
                .iter()
                .filter(|rule| passes(&group.name, &rule.name, matches!(rule.kind, Kind::Alerting { .. })))
                .map(|rule| rule.json(&evaluated, with_alerts))
                .collect();
            if !rules.is_empty() {
                groups.push(json!({
                    "name": group.name, "file": FILE, "rules": rules, "interval": EVALUATION_INTERVAL_MS / 1000, "limit": 0,
                    "evaluationTime": 0.002, "lastEvaluation": evaluated,
                }));
            }
        }
        Json::Array(groups)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    fn new(shape: RuleShape) -> Result<Self, GuideRulesError> {
        let name = shape.alert.clone().or(shape.record).unwrap_or_default();
        let wrong = |why: String| GuideRulesError::Rule { rule: name.clone(), why };
        if name.is_empty() {
            return Err(wrong("it has neither alert nor record".into()));
        }
        let query = Query::parse(&shape.expr).map_err(|why| wrong(why.to_string()))?;
        let kind = if shape.alert.is_some() {
            let hold = shape.hold.as_deref().unwrap_or("0s");
            let hold = parse_duration(hold).ok_or_else(|| wrong(format!("{hold:?} is not a duration")))?;
            Kind::Alerting { hold: TimeDelta::milliseconds(hold), annotations: shape.annotations, alerts: BTreeMap::new() }
        } else {
            Kind::Recording
        };
        Ok(Self { name, query, labels: shape.labels, kind, last_error: None, written: HashSet::new() })
    }

    fn evaluate(&mut self, store: &Tsdb, t: DateTime<Utc>, to_send: &mut Vec<PostedAlert>) {
        let elements = match self.query.instant(store, t.timestamp_millis()).and_then(elements) {
            Ok(elements) => elements,
            Err(why) => {
                self.last_error = Some(why.to_string());
                return;
            }
        };
        self.last_error = None;
        let generator = generator_url(&self.query.to_string());
        let mut samples: Vec<(Labels, f64)> = Vec::new();
        match &mut self.kind {
            Kind::Recording => {
                for Element { labels, value } in elements {
                    let labels = self.labels.iter().fold(labels.with(METRIC_NAME, &self.name), |labels, (name, text)| labels.with(name, text));
                    samples.push((labels, value));
                }
            }
            Kind::Alerting { hold, annotations, alerts } => {
                let mut found = BTreeMap::new();
                for Element { labels, value } in elements {
                    let base = labels.without_name();
                    let labels = self.labels.iter().fold(base.clone(), |labels, (name, text)| labels.with(name, &expand(text, &base, value)));
                    let filled = annotations.iter().map(|(name, text)| (name.clone(), expand(text, &base, value))).collect();
                    found.insert(labels.with("alertname", &self.name), (filled, value));
                }
                advance(alerts, found, *hold, t);
                for alert in alerts.values_mut() {
                    if let Some(posted) = alert.due(t, &generator) {
                        to_send.push(posted);
                    }
                    if alert.state != RuleState::Inactive {
                        let named = |name: &str| alert.labels.clone().with(METRIC_NAME, name);
                        samples.push((named("ALERTS").with("alertstate", alert.state.word()), 1.0));
                        samples.push((named("ALERTS_FOR_STATE"), alert.active_at.timestamp() as f64));
                    }
                }
            }
        }
        self.write(store, t.timestamp_millis(), samples);
    }

    /// Appends the rule's own series and ends those that it no longer writes.
    fn write(&mut self, store: &Tsdb, t_ms: i64, samples: Vec<(Labels, f64)>) {
        let mut written = HashSet::new();
        for (labels, value) in samples {
            let id = store.series(&labels);
            store.append_id(id, t_ms, value);
            self.written.remove(&id);
            written.insert(id);
        }
        for id in &self.written {
            store.mark_stale(*id, t_ms);
        }
        self.written = written;
    }

    /// Those that are pending or firing.
    fn alerts(&self) -> impl Iterator<Item = &Alert> {
        let alerts = match &self.kind {
            Kind::Alerting { alerts, .. } => Some(alerts),
            Kind::Recording => None,
        };
        alerts.into_iter().flat_map(BTreeMap::values).filter(|alert| alert.state != RuleState::Inactive)
    }

    fn json(&self, evaluated: &str, with_alerts: bool) -> Json {
        let health = if self.last_error.is_some() { "err" } else { "ok" };
        let mut rule = match &self.kind {
            Kind::Recording => {
                json!({ "name": self.name, "query": self.query.to_string(), "labels": self.labels })
            }
            Kind::Alerting { hold, annotations, .. } => {
                let state = self.alerts().map(|alert| alert.state).max().unwrap_or(RuleState::Inactive);
                let alerts: Vec<Json> = if with_alerts { self.alerts().map(Alert::json).collect() } else { Vec::new() };
                json!({
                    "state": state.word(), "name": self.name, "query": self.query.to_string(), "duration": hold.num_seconds(),
                    "keepFiringFor": 0, "labels": self.labels, "annotations": annotations, "alerts": alerts,
                })
            }
        };
        rule["health"] = health.into();
        if let Some(why) = &self.last_error {
            rule["lastError"] = why.as_str().into();
        }
        rule["evaluationTime"] = json!(0.000_2);
        rule["lastEvaluation"] = evaluated.into();
        rule["type"] = if matches!(self.kind, Kind::Recording) { "recording" } else { "alerting" }.into();
        rule
    }
}

/// Brings a rule's alerts up to date with what its expression found (Prometheus, `AlertingRule.Eval`).
fn advance(alerts: &mut BTreeMap<Labels, Alert>, found: BTreeMap<Labels, (BTreeMap<String, String>, f64)>, hold: TimeDelta, t: DateTime<Utc>) {
    alerts.retain(|labels, alert| {
        if found.contains_key(labels) {
            return true;
        }
        let forgotten = alert.resolved_at.is_some_and(|resolved| t - resolved > RESOLVED_RETENTION);
        if alert.state == RuleState::Pending || forgotten {
            return false;
        }
        if alert.state == RuleState::Firing {
            alert.state = RuleState::Inactive;
            alert.resolved_at = Some(t);
        }
        true
    });
    for (labels, (annotations, value)) in found {
        let alert = match alerts.entry(labels) {
            std::collections::btree_map::Entry::Occupied(known) if known.get().state != RuleState::Inactive => known.into_mut(),
            entry => {
                let alert = Alert {
                    labels: entry.key().clone(),
                    annotations: BTreeMap::new(),
                    state: RuleState::Pending,
                    value,
                    active_at: t,
                    fired_at: None,
                    resolved_at: None,
                    last_sent: None,
                };
                entry.insert_entry(alert).into_mut()
            }
        };
        (alert.annotations, alert.value) = (annotations, value);
        if alert.state == RuleState::Pending && t - alert.active_at >= hold {
            alert.state = RuleState::Firing;
            alert.fired_at = Some(t);
        }
    }
}

impl Alert {
    /// What to tell the Alertmanager at `t`, if anything is due.
    fn due(&mut self, t: DateTime<Utc>, generator: &str) -> Option<PostedAlert> {
        let fired_at = self.fired_at?;
        let newly_resolved = self.resolved_at.is_some_and(|resolved| self.last_sent.is_none_or(|sent| resolved > sent));
        if !newly_resolved && self.last_sent.is_some_and(|sent| t - sent < RESEND) {
            return None;
        }
        self.last_sent = Some(t);
        let labels = EXTERNAL_LABELS.iter().fold(
            self.labels.clone(),
            |labels, (name, value)| {
                if labels.get(name).is_some() { labels } else { labels.with(name, value) }
            },
        );
        Some(PostedAlert {
            labels,
            annotations: self.annotations.clone(),
            starts_at: fired_at,
            ends_at: self.resolved_at.unwrap_or(t + VALID_FOR),
            generator_url: generator.to_owned(),
        })
    }

    fn json(&self) -> Json {
        json!({
            "labels": answer::labels(&self.labels), "annotations": self.annotations, "state": self.state.word(),
            "activeAt": rfc3339(self.active_at), "value": exponential(self.value),
        })
    }
}

fn elements(value: Value) -> Result<Vec<Element>, promql::Error> {
    match value {
        Value::Vector { elements, .. } => Ok(elements),
        Value::Scalar { value, .. } => Ok(vec![Element { labels: Labels::default(), value }]),
        Value::String { .. } | Value::Matrix(_) => Err(promql::Error::Execution("rule result is not a vector or scalar".into())),
    }
}

fn generator_url(expression: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(expression.as_bytes()).collect();
    format!("http://prometheus.monitoring.svc:9090/graph?g0.expr={encoded}&g0.tab=1")
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}
