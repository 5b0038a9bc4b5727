//! What is seen at one look: what the cockpit says, beside what is true on the platform.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use sev1::{
    domain::{alert::Severity, kpi::Level, mitigation::MitigationId, suggestion::Suggestion},
    state::State,
};

use crate::{
    acts::of_suggestion,
    cockpit::{Cockpit, Progress, progress},
    episode::Episode,
    running::{Running, Set, breaker_is_on, deployments, replica_sets, template_at},
    truth::Act,
};

/// What changed so soon after the beginning may have been before it: points of a history are half a minute apart, and clocks of two
/// servers may differ by as much.
const TOLERANCE: TimeDelta = TimeDelta::minutes(1);

/// What has to be remembered from look to look.
#[derive(Default)]
pub struct Past {
    episode: Episode,
    /// Replica sets by deployment as they were at the first look, by revision.
    first: Option<BTreeMap<String, Vec<Set>>>,
    /// Templates by deployment as they ran at the looks before, oldest first, with the time of the look.
    templates: Vec<(DateTime<Utc>, BTreeMap<String, String>)>,
    /// How many setbacks were seen.
    setbacks: usize,
}

#[derive(Clone)]
pub struct Look {
    /// Since the launch.
    pub at: Duration,
    pub indicators: Vec<Indicator>,
    pub suggestions: Vec<Suggested>,
    pub own: Vec<Own>,
    /// Progress that counted backwards since the look before.
    pub setbacks: Vec<String>,
    pub deployments: BTreeMap<String, Running>,
    pub breaker_is_on: bool,
    pub ladders: Vec<LadderSeen>,
    /// Fingerprint of the alert whose ladder is shown.
    pub ladder_shown: Option<String>,
    /// When the cockpit says that the trouble began.
    pub said_beginning: Option<DateTime<Utc>>,
    /// Whether any indicator is critical, or an alert fires.
    pub is_troubled: bool,
    /// Nothing fires, every indicator is in order and no pod is unhealthy.
    pub is_all_good: bool,
}

#[derive(Clone)]
pub struct Indicator {
    pub id: String,
    pub value: Option<f64>,
    pub trend: Option<f64>,
    pub level: Level,
}

#[derive(Clone)]
pub struct Suggested {
    /// What it would have one do, in each way that a truth may say it.
    pub acts: Vec<Act>,
    pub words: String,
    pub evidence: String,
    /// The revision that an undo leads to; none where it is the one before.
    pub to_revision: Option<u64>,
    /// Replicas that a scale sets.
    pub replicas: Option<u32>,
}

/// A mitigation of ours.
#[derive(Clone)]
pub struct Own {
    pub id: MitigationId,
    pub kind: &'static str,
    pub title: String,
    /// Names of what was written to.
    pub targets: Vec<String>,
    pub stage: Progress,
    pub is_taken_back: bool,
    pub takes_back: bool,
    /// The word, the deciding indicator, and the sentence.
    pub verdict: Option<Said>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub word: String,
    pub indicator: String,
    pub sentence: String,
}

#[derive(Clone)]
pub struct LadderSeen {
    pub fingerprint: String,
    pub name: String,
    pub severity: Severity,
    pub is_acked: bool,
    /// Until it needs somebody: nothing where a step has come and no call is noted. None: everybody was called.
    pub left: Option<Duration>,
}

impl Look {
    pub fn of(cockpit: &Cockpit, past: &mut Past) -> Self {
        let state = &cockpit.state;
        let now = state.server_now();
        past.episode.look(state);
        let began = past.episode.began();
        let store = cockpit.platform.world.store();
        let first = past.first.get_or_insert_with(|| replica_sets(store));
        let mut deployments = deployments(store, now);
        let present = deployments.iter().map(|(name, running)| (name.clone(), running.template.clone())).collect();
        if let Some(began) = began {
            let began = began + TOLERANCE;
            let seen = past.templates.iter().rev().find(|(at, _)| *at <= began);
            for (name, running) in &mut deployments {
                running.at_beginning = match seen {
                    Some((_, templates)) => templates.get(name).cloned(),
                    None => first.get(name).and_then(|sets| template_at(sets, began)),
                };
            }
        }
        past.templates.push((now, present));
        Self {
            at: cockpit.elapsed(),
            indicators: state.kpis.iter().map(indicator).collect(),
            suggestions: state.advice.suggestions.iter().map(|suggestion| suggested(suggestion, state)).collect(),
            own: state.mitigations.all.iter().map(own).collect(),
            setbacks: cockpit.setbacks[std::mem::replace(&mut past.setbacks, cockpit.setbacks.len())..].to_vec(),
            deployments,
            breaker_is_on: breaker_is_on(store),
            ladders: state
                .firing()
                .filter(|(_, ladder)| !ladder.rung.path.is_empty())
                .map(|(alert, ladder)| LadderSeen {
                    fingerprint: alert.fingerprint.to_string(),
                    name: alert.name.to_string(),
                    severity: alert.severity,
                    is_acked: ladder.held_by(state.now.mono).is_some(),
                    left: if ladder.current().is_none_or(|(_, step)| step.call.is_none()) {
                        Some(Duration::ZERO)
                    } else {
                        ladder.left(state.now.mono)
                    },
                })
                .collect(),
            ladder_shown: state.escalation().map(|shown| shown.alert.fingerprint.to_string()),
            said_beginning: state.trouble_began(),
            is_troubled: is_troubled(state),
            is_all_good: state.alerts.is_some()
                && state.firing().next().is_none()
                && state.cluster.unhealthy.is_empty()
                && state.kpis.iter().map(indicator).all(|indicator| indicator.value.is_some() && indicator.level == Level::Good),
        }
    }

    pub fn value(&self, indicator: &str) -> Option<f64> {
        self.indicators.iter().find(|known| known.id == indicator)?.value
    }
}

fn is_troubled(state: &State) -> bool {
    let level = |kpi: &sev1::state::KpiState| kpi.spec.level(kpi.reading.as_ref().and_then(|reading| reading.value));
    state.kpis.iter().any(|kpi| level(kpi) == Level::Critical) || state.firing().any(|(alert, _)| alert.severity > Severity::Info)
}

fn indicator(kpi: &sev1::state::KpiState) -> Indicator {
    let reading = kpi.reading.as_ref();
    let value = reading.and_then(|reading| reading.value);
    Indicator {
        id: kpi.spec.id.to_string(),
        value,
        trend: reading.filter(|_| kpi.spec.trend_query.is_some()).and_then(|reading| sev1::domain::trend::told(&kpi.spec, reading)),
        level: kpi.spec.level(value),
    }
}

fn suggested(suggestion: &Suggestion, state: &State) -> Suggested {
    use sev1::domain::asks::{Scale, UndoRollout};
    Suggested {
        acts: of_suggestion(suggestion, &state.cluster),
        words: suggestion.title.to_string(),
        evidence: suggestion.evidence.to_string(),
        to_revision: suggestion.request.get::<UndoRollout>().and_then(|undo| undo.to_revision),
        replicas: suggestion.request.get::<Scale>().map(|scale| scale.replicas),
    }
}

pub fn own(mitigation: &sev1::state::card::Mitigation) -> Own {
    let said = mitigation.verdict.as_ref().and_then(|verdict| {
        let decider = verdict.comparisons.first()?;
        Some(Said { word: verdict.judgement.word().to_owned(), indicator: decider.kpi.to_string(), sentence: verdict.sentence().to_string() })
    });
    Own {
        id: mitigation.id,
        kind: mitigation.kind,
        title: mitigation.title.to_string(),
        targets: mitigation.targets.iter().map(|target| target.key.name.to_string()).collect(),
        stage: progress(mitigation),
        is_taken_back: mitigation.undone_by.is_some(),
        takes_back: mitigation.undoes.is_some(),
        verdict: said,
    }
}
