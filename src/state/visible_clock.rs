//! What on the screen depends on the time alone: so that a tick redraws only when one of these texts changes, and the
//! next tick comes when the first of them will (law 8).

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use chrono::{DateTime, Utc};

use crate::domain::{health::Freshness, object::Kind, time::Mono, units};

use super::{Screen, State, card::Stage, cluster::Index, indices::with_index, overlay::Overlay, rows::Row, screens::cockpit::Pane};

/// Longest time between two ticks.
const LONGEST: Duration = Duration::from_mins(1);
/// How often a mitigation that is watched is looked at.
const WATCH: Duration = Duration::from_secs(5);
/// Warnings that may be on the screen.
const WARNINGS: usize = 8;
/// How long the view keeps the line of a finished mitigation.
const KEPT: Duration = Duration::from_mins(15);

/// Takes each time-dependent text as (what it shows, time until it shows something else).
struct Texts<'a> {
    state: &'a State,
    hasher: DefaultHasher,
    next: Duration,
}

impl State {
    /// When the next tick is needed, at most a minute from now: in less than a second while a countdown runs.
    pub fn next_wake(&self) -> Option<Mono> {
        let wait = Texts::read(self).next.max(Duration::from_millis(1));
        Some(self.now.mono.plus(wait))
    }

    /// The same number as long as time has changed no shown text.
    pub(super) fn visible_clock(&self) -> u64 {
        Texts::read(self).hasher.finish()
    }
}

impl<'a> Texts<'a> {
    fn read(state: &'a State) -> Self {
        let mut texts = Self { state, hasher: DefaultHasher::new(), next: LONGEST };
        texts.header();
        texts.sources();
        texts.ladders();
        texts.mitigations();
        texts.ages();
        texts
    }

    fn show(&mut self, what: impl Hash, holds: Duration) {
        what.hash(&mut self.hasher);
        self.wake(holds);
    }

    fn wake(&mut self, after: Duration) {
        self.next = self.next.min(after);
    }

    /// A coarse age, as `units::age` writes it.
    fn age(&mut self, age: Duration) {
        let holds = units::age_holds(age);
        self.show(age.saturating_add(holds).as_nanos(), holds);
    }

    fn age_since(&mut self, at: DateTime<Utc>) {
        let age = self.state.server_now().signed_duration_since(at).to_std().unwrap_or_default();
        self.age(age);
    }

    fn header(&mut self) {
        let now = self.state.server_now();
        let minute = now.timestamp().div_euclid(60);
        let millis = now.timestamp_millis().rem_euclid(60_000);
        let left = u64::try_from(60_000 - millis).unwrap_or(60_000);
        self.show(minute, Duration::from_millis(left));
        if let Some(notice) = &self.state.notice {
            self.wake(notice.until.since(self.state.now.mono));
        }
        if let Some(holds) = self.state.warnings_hold() {
            self.wake(holds);
        }
        if let Some((due, _)) = self.state.cluster.maturing.first() {
            self.wake(due.signed_duration_since(now).to_std().unwrap_or_default());
        }
    }

    fn sources(&mut self) {
        for &source in self.state.sources.keys() {
            match self.state.freshness(source) {
                Freshness::Never => {}
                Freshness::Live => {
                    let confirmed = self.state.sources.get(&source).and_then(|source| source.confirmed).unwrap_or_default();
                    let age = self.state.now.mono.since(confirmed);
                    self.show(source, just_after(self.state.session.speed.counted(source.expected_within()), age));
                }
                Freshness::Aging(age) => {
                    self.show((source, 'a'), just_after(self.state.session.speed.counted(source.stale_after()), age));
                    self.age(age);
                }
                Freshness::Stale(age) => {
                    self.show((source, 's'), LONGEST);
                    self.age(age);
                }
            }
        }
        let now = self.state.now.utc;
        for kpi in &self.state.kpis {
            let Some(at) = kpi.reading.as_ref().and_then(|reading| reading.at) else { continue };
            let age = (now + self.state.session.clock_offset).signed_duration_since(at).to_std().unwrap_or_default();
            if age > kpi.spec.freshness_limit {
                self.age(age);
            } else {
                self.wake(just_after(kpi.spec.freshness_limit, age));
            }
        }
    }

    fn ladders(&mut self) {
        let now = self.state.now.mono;
        let counts = self.countdown_is_shown();
        for ladder in self.state.ladders.values() {
            if let Some(left) = ladder.left(now) {
                let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
                let fraction = Duration::from_nanos(left.subsec_nanos().into());
                if counts {
                    self.show(seconds, if fraction.is_zero() { Duration::from_millis(1) } else { fraction });
                }
                self.wake(left);
            }
            if let Some(ack) = &ladder.ack {
                self.wake(ack.expires.saturating_sub(ladder.age(now)));
            }
            if let Some((_, step)) = ladder.current().filter(|(_, step)| step.call.is_none() && ladder.ack.is_none()) {
                self.age(ladder.age(now).saturating_sub(step.due));
            }
            self.age(ladder.age(now));
        }
    }

    /// Only the cockpit counts down, and not under a viewer or another pane that fills the screen.
    fn countdown_is_shown(&self) -> bool {
        let cockpit = &self.state.cockpit;
        let covered = cockpit.full_screen && cockpit.focus != Pane::Escalation || matches!(self.state.overlays.last(), Some(Overlay::Viewer(_)));
        self.state.screen == Screen::Cockpit && !covered
    }

    fn mitigations(&mut self) {
        let now = self.state.now.mono;
        for mitigation in self.state.mitigations.all.iter().rev().take(20) {
            let since = now.since(mitigation.done_at.unwrap_or(mitigation.confirmed_at));
            if matches!(mitigation.stage, Stage::Watching { .. } | Stage::Converging { .. }) {
                self.wake(WATCH);
            } else {
                let is_kept = since <= KEPT;
                self.show((mitigation.id, is_kept), if is_kept { just_after(KEPT, since) } else { LONGEST });
            }
        }
    }

    fn ages(&mut self) {
        if matches!(self.state.overlays.last(), Some(Overlay::Viewer(_))) {
            return;
        }
        let state = self.state;
        let cluster = &state.cluster;
        match state.screen {
            Screen::Cockpit if !state.absolute_times => {
                let shown = state.shown_pods().skip(state.cockpit.pods.top).take(usize::from(state.heights.pods));
                for pod in shown.filter_map(|key| cluster.pods.get(key)) {
                    self.age_since(pod.created);
                }
                for warning in state.warnings.list.iter().take(WARNINGS) {
                    self.age_since(warning.last_seen);
                }
            }
            Screen::Cockpit => {}
            Screen::Workloads => {
                with_index!(cluster, state.workloads.kind, index => self.table(index));
                let detail = state.workloads.detail.as_ref().filter(|_| state.workloads.kind == Kind::Pod);
                if let Some(restart) = detail.and_then(|key| cluster.pods.get(key)?.last_restart) {
                    self.age_since(restart);
                }
            }
        }
    }

    fn table<T: Row>(&mut self, index: &Index<T>) {
        let workloads = &self.state.workloads;
        let shown = workloads.rows.iter().skip(workloads.cursor.top).take(usize::from(self.state.heights.table));
        let detail = workloads.detail.as_ref().and_then(|key| index.get(key));
        let ages = |object: &T| [Some(object.created())].into_iter().chain(object.moments()).flatten().collect::<Vec<_>>();
        for object in shown.filter_map(|key| index.get(key)).chain(detail) {
            if let Some(since) = object.runs_since() {
                self.age_since(since);
            }
            if !self.state.absolute_times {
                for at in ages(object) {
                    self.age_since(at);
                }
            }
        }
        // There ages are ages, whatever the table shows.
        for at in detail.map(ages).into_iter().flatten() {
            self.age_since(at);
        }
    }
}

/// Time until an age is beyond a limit that still counts as within.
fn just_after(limit: Duration, age: Duration) -> Duration {
    limit.saturating_sub(age).saturating_add(Duration::from_millis(1))
}
