//! The signs of trouble that are there now, for the episode.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::{
    alert::{Alert, AlertStatus, Severity},
    episode::{Present, Sign, Symptom},
    health::{Health, SourceId},
    kpi::Level,
};

use super::{KpiState, State};

/// Signs looked at; an avalanche of alerts beyond it begins no earlier.
const LOOKED_AT: usize = 2_000;

impl State {
    /// When the present trouble began, by the servers' time.
    pub fn trouble_began(&self) -> Option<DateTime<Utc>> {
        self.episodes.present.as_ref().map(|episode| episode.began)
    }

    /// How old the trouble is that an alert belongs to.
    pub fn trouble_of(&self, alert: &Alert) -> Option<Duration> {
        let episode = self.episodes.present.as_ref()?;
        episode.since(&Symptom::Alert(alert.fingerprint.clone()))?;
        self.server_now().signed_duration_since(episode.began).to_std().ok()
    }

    /// Since when an indicator is bad, and whether it may be for longer.
    pub fn bad_since(&self, kpi: &KpiState) -> Option<(DateTime<Utc>, bool)> {
        let part = self.episodes.present.as_ref()?.since(&Symptom::Indicator(kpi.spec.id.clone()))?;
        Some((part.began, part.or_earlier))
    }

    /// Takes what is known now into the episode. Says whether anything of it changed.
    pub(crate) fn renew_episode(&mut self) -> bool {
        let (present, now) = (self.present_trouble(), self.server_now());
        self.episodes.see(&present, now)
    }

    /// Every indicator is known and in order, no alert fires, and no pod is unhealthy.
    pub(super) fn is_all_good(&self) -> bool {
        self.alerts.is_some()
            && self.firing().next().is_none()
            && self.cluster.unhealthy.is_empty()
            && self.kpis.iter().all(|kpi| kpi.level() == Level::Good)
    }

    fn present_trouble(&self) -> Present {
        let alerts = || self.alerts.iter().flat_map(|list| &list.alerts).filter(|alert| alert.severity > Severity::Info);
        let firing = alerts().filter(|alert| alert.status == AlertStatus::Firing).map(|alert| Sign {
            symptom: Symptom::Alert(alert.fingerprint.clone()),
            began: alert.true_since.unwrap_or(alert.starts_at),
            or_earlier: alert.true_since.is_none() && !alert.is_start_known,
        });
        let pending = alerts().filter(|alert| alert.status == AlertStatus::Pending).map(|alert| alert.starts_at);
        let is_bad = |kpi: &KpiState, value: f64| kpi.spec.level(Some(value)) >= Level::Warning;
        let past = self.kpis.iter().filter_map(|kpi| Some((kpi, kpi.reading.as_ref()?.history.as_ref()?)));
        Present {
            signs: self.kpis.iter().filter_map(sign).chain(firing).take(LOOKED_AT).collect(),
            pending: pending.take(LOOKED_AT).collect(),
            past: past.flat_map(|(kpi, history)| history.bad_runs(|value| is_bad(kpi, value))).collect(),
            is_settled: [SourceId::Metrics, SourceId::Alerts].into_iter().all(|source| self.has_answered(source)),
            is_fresh: [SourceId::Metrics, SourceId::Alerts].into_iter().all(|source| self.freshness(source).is_live() || self.is_missing(source)),
        }
    }

    /// Whether it has said all it can say at first, or is known to say nothing.
    fn has_answered(&self, source: SourceId) -> bool {
        let has_said = match source {
            SourceId::Metrics => {
                self.kpis.iter().all(|kpi| kpi.reading.as_ref().is_some_and(|reading| reading.history.is_some() || reading.value.is_none()))
            }
            _ => self.alerts.is_some(),
        };
        has_said || self.is_missing(source) || matches!(self.sources.get(&source).map(|state| &state.health), Some(Health::Failed { .. }))
    }

    pub(super) fn is_missing(&self, source: SourceId) -> bool {
        matches!(self.sources.get(&source).map(|state| &state.health), Some(Health::Absent { .. } | Health::Forbidden { .. }))
    }
}

/// An indicator that is beyond a threshold now.
fn sign(kpi: &KpiState) -> Option<Sign> {
    if kpi.level() < Level::Warning {
        return None;
    }
    let reading = kpi.reading.as_ref()?;
    let history = reading.history.as_ref();
    let is_bad = |value: f64| kpi.spec.level(Some(value)) >= Level::Warning;
    let began = history.and_then(|history| history.bad_since(is_bad)).or(reading.at)?;
    // Bad from the first point on.
    let or_earlier = history.is_some_and(|history| history.first().is_some_and(|(at, value)| at == began && is_bad(value)));
    Some(Sign { symptom: Symptom::Indicator(kpi.spec.id.clone()), began, or_earlier })
}
