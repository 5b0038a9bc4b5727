//! The episode by the test's own reckoning: from the first breach of an indicator or beginning of an alert, until all was
//! good for five minutes.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use sev1::{
    domain::{alert::Severity, kpi::Level},
    state::State,
};

const GOOD_FOR: TimeDelta = TimeDelta::minutes(5);

#[derive(Default)]
pub struct Episode {
    began: Option<DateTime<Utc>>,
    /// The last moment at which something was wrong.
    bad: Option<DateTime<Utc>>,
    has_history: bool,
}

impl Episode {
    pub fn began(&self) -> Option<DateTime<Utc>> {
        self.began
    }

    pub fn look(&mut self, state: &State) {
        let now = state.server_now();
        if !self.has_history {
            self.has_history = self.look_back(state);
        }
        let is_critical = |kpi: &sev1::state::KpiState| kpi.spec.level(kpi.reading.as_ref().and_then(|reading| reading.value)) == Level::Critical;
        let alerts = state.firing().filter(|(alert, _)| alert.severity > Severity::Info).map(|(alert, _)| alert.starts_at);
        let first_alert = alerts.min();
        if state.kpis.iter().any(is_critical) || first_alert.is_some() {
            self.wrong(first_alert.unwrap_or(now).min(now));
            self.bad = Some(now);
        } else if self.bad.is_some_and(|bad| now - bad >= GOOD_FOR) {
            (self.began, self.bad) = (None, None);
        }
    }

    fn wrong(&mut self, at: DateTime<Utc>) {
        self.began = Some(self.began.map_or(at, |began| if began - at <= GOOD_FOR { began.min(at) } else { began }));
    }

    /// The run of bad points that reaches the present, with no more than five good minutes between them.
    fn look_back(&mut self, state: &State) -> bool {
        let mut points: BTreeMap<DateTime<Utc>, bool> = BTreeMap::new();
        for kpi in &state.kpis {
            let Some(history) = kpi.reading.as_ref().and_then(|reading| reading.history.as_ref()) else { return false };
            for (index, value) in history.values.iter().enumerate() {
                *points.entry(history.time_at(index)).or_default() |= kpi.spec.level(*value) == Level::Critical;
            }
        }
        let mut later = state.server_now();
        for (at, _) in points.into_iter().rev().filter(|(_, is_bad)| *is_bad) {
            if later - at > GOOD_FOR {
                break;
            }
            self.began = Some(at);
            self.bad.get_or_insert(at);
            later = at;
        }
        true
    }
}
