//! Whose doing it is that an indicator gets better, where several things were done about a trouble.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{
    kpi::{Direction, Level},
    units,
};

use super::{
    KpiState, State,
    attempts::{Attempt, By, NO_LONGER, STALLED},
};

/// A share of its value that an indicator must have lost to be getting better.
pub(super) const BETTER: f64 = 0.08;
/// An indicator turns at most this long after what turns it: pods take their time to start, queries average.
const TURNS_WITHIN: TimeDelta = TimeDelta::seconds(150);

impl State {
    /// `error rate 11.9 → 8.1 %`, where that is the doing of this attempt as far as anybody can tell. What somebody else did has to be tied to
    /// the trouble unless nothing else is at work, the indicator has to have turned soon after it, and nothing before it to have turned it.
    pub(super) fn credited(&self, attempt: &Attempt, all: &[Attempt]) -> Option<String> {
        if !matches!(attempt.by, By::Others) {
            return self.bettered(attempt.at, |_| true);
        }
        let helped = self.mitigations.all.iter().filter(|own| {
            let is_better = own.verdict.as_ref().is_some_and(|verdict| verdict.judgement.is_better());
            is_better && own.undone_by.is_none() && (attempt.at - own.confirmed_on).abs() <= NO_LONGER
        });
        let helped: Vec<DateTime<Utc>> = helped.map(|own| own.confirmed_on).collect();
        let others = || all.iter().filter(|other| !std::ptr::eq(*other, attempt) && other.is_tied);
        if !attempt.is_tied && (others().next().is_some() || !helped.is_empty()) {
            return None;
        }
        let earlier: Vec<DateTime<Utc>> = others().map(|other| other.at).chain(helped).filter(|at| *at < attempt.at).collect();
        let began_before = |kpi: &KpiState| earlier.iter().any(|earlier| is_bettered(kpi, *earlier, attempt.at) && turned(kpi, *earlier));
        self.bettered(attempt.at, |kpi| turned(kpi, attempt.at) && !began_before(kpi))
    }

    /// Whether an indicator that was bad at a moment was better at another.
    pub(super) fn was_bettered(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        self.kpis.iter().any(|kpi| is_bettered(kpi, from, to))
    }

    /// The indicator that was bad at a moment and has got better by most since, if it still does, of those that `counts` lets pass.
    fn bettered(&self, at: DateTime<Utc>, counts: impl Fn(&KpiState) -> bool) -> Option<String> {
        let better = self.kpis.iter().filter(|kpi| counts(kpi)).filter_map(|kpi| {
            let (before, now) = (value_at(kpi, at)?, kpi.reading.as_ref()?.value?);
            let gain = gain(kpi, before, now);
            let goes_on = kpi.spec.level(Some(now)) <= Level::Good || self.gain_lately(kpi).is_none_or(|share| share > STALLED);
            (kpi.spec.level(Some(before)) >= Level::Warning && gain >= BETTER && goes_on).then_some((gain, kpi, before, now))
        });
        let (_, kpi, before, now) = better.max_by(|one, other| one.0.total_cmp(&other.0))?;
        let written = |value: f64| units::value(value, kpi.spec.unit);
        Some(format!("{} {} → {}", kpi.spec.title, written(before), written(now)))
    }
}

fn is_bettered(kpi: &KpiState, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
    let (Some(before), Some(after)) = (value_at(kpi, from), value_at(kpi, to)) else { return false };
    kpi.spec.level(Some(before)) >= Level::Warning && gain(kpi, before, after) >= BETTER
}

/// Whether the worst that an indicator has been since a moment lies soon after it. One without a history tells nothing against that.
fn turned(kpi: &KpiState, at: DateTime<Utc>) -> bool {
    let Some(history) = kpi.reading.as_ref().and_then(|reading| reading.history.as_ref()) else { return true };
    let since = history.values.iter().enumerate().filter_map(|(index, value)| Some((history.time_at(index), (*value)?)));
    let mut since = since.filter(|(then, _)| *then >= at);
    // The first of several that are as bad.
    let worst = since.by_ref().reduce(|worst, next| if gain(kpi, worst.1, next.1) < 0.0 { next } else { worst });
    worst.is_none_or(|(then, _)| then - at <= TURNS_WITHIN)
}

/// By which share of the first value the second is better.
pub(super) fn gain(kpi: &KpiState, from: f64, to: f64) -> f64 {
    let better = if kpi.spec.direction == Direction::HigherIsWorse { from - to } else { to - from };
    better / from.abs().max(f64::MIN_POSITIVE)
}

/// What an indicator was at a moment, as far as its history tells.
pub(super) fn value_at(kpi: &KpiState, at: DateTime<Utc>) -> Option<f64> {
    let history = kpi.reading.as_ref()?.history.as_ref()?;
    history.value_at(at, super::confirm::RECENT.max(history.step))
}
