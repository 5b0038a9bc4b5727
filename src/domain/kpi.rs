//! Key performance indicators: named PromQL queries with what their numbers mean.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::text::Text;

/// One indicator: the query, how to write its value, and when it is bad.
#[derive(Debug, Clone, PartialEq)]
pub struct Kpi {
    /// Short key used in the configuration and the journal: `error_rate`.
    pub id: Text,
    /// As on the tile: `Error rate`.
    pub title: Text,
    /// Instant value.
    pub query: Text,
    /// Change per second, shown as trend (`deriv`), where it means something.
    pub trend_query: Option<Text>,
    pub unit: Unit,
    pub role: Role,
    /// The deployment whose work it measures; none: no certain one.
    pub deployment: Option<Text>,
    pub direction: Direction,
    /// Amber from here on.
    pub warning: Option<f64>,
    /// Red `▲` from here on.
    pub critical: Option<f64>,
    /// A value older than this (by its own sample time) is stale even when Prometheus answers.
    pub freshness_limit: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A share of 1, written in percent: 0.118 is `11.8 %`.
    Ratio,
    /// `2.84 s`.
    Seconds,
    /// `4,210`.
    Count,
    /// A rate per second: `38/s`.
    PerSecond,
    /// `1.2 GiB`.
    Bytes,
}

/// What an indicator measures, and so what may be concluded from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Failures that users see: of several critical indicators a cure is judged by this one.
    Errors,
    /// How long users or callers wait: more replicas may help.
    Latency,
    /// How much is asked for. Nothing is concluded from it.
    Traffic,
    /// How full something is that more replicas do not make larger: connections, memory, disks.
    Saturation,
    /// Work that waits: more replicas may help.
    Queue,
    /// Nothing is concluded from it.
    Other,
}

impl Role {
    /// Whether it shrinks with more replicas.
    pub fn is_load(self) -> bool {
        matches!(self, Self::Latency | Self::Queue)
    }
}

/// Which side of a threshold is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    HigherIsWorse,
    LowerIsWorse,
}

/// Judgement of one value. `NoData` is never drawn like `Good`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    NoData,
    Good,
    Warning,
    Critical,
}

/// So far below 0 a share may lie, and still be 0: the rates of two counters that were scraped at different moments. The unit is 1.
const SHARE_NOISE: f64 = 0.01;
/// The same of everything else: what a subtraction leaves.
const NOISE: f64 = 1e-6;

impl Kpi {
    /// Whether this value can be a measurement. Nothing that is counted, waited for or filled is less than
    /// nothing: -1 is what an exporter writes for what it does not know. An indicator whose lower side is bad may be negative, as a
    /// forecast of free space or the rest of an error budget, and so may one without a certain role.
    pub fn is_possible(&self, value: f64) -> bool {
        let is_amount = self.role != Role::Other && self.direction == Direction::HigherIsWorse;
        let noise = if self.unit == Unit::Ratio { SHARE_NOISE } else { NOISE };
        !is_amount || value >= -noise
    }

    /// NaN, infinities and what cannot be are no data.
    pub fn level(&self, value: Option<f64>) -> Level {
        let Some(value) = value.filter(|value| value.is_finite() && self.is_possible(*value)) else { return Level::NoData };
        let beyond = |limit: Option<f64>| {
            limit.is_some_and(|limit| match self.direction {
                Direction::HigherIsWorse => value > limit,
                Direction::LowerIsWorse => value < limit,
            })
        };
        if beyond(self.critical) {
            Level::Critical
        } else if beyond(self.warning) {
            Level::Warning
        } else {
            Level::Good
        }
    }
}

/// What Prometheus answered for one indicator.
#[derive(Debug, Clone, PartialEq)]
pub struct KpiReading {
    pub id: Text,
    /// None for an empty result, NaN or Inf.
    pub value: Option<f64>,
    /// Units per second.
    pub trend: Option<f64>,
    /// Server time of the sample.
    pub at: Option<DateTime<Utc>>,
    /// Values at equal steps, oldest first; a gap is `None`. Empty when the range was not asked this time.
    pub history: Option<History>,
    /// The query's own error or warning, when it failed while others answered.
    pub problem: Option<Text>,
}

/// A range answer aligned to its step.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Server time of the first point.
    pub start: DateTime<Utc>,
    pub step: Duration,
    pub values: Vec<Option<f64>>,
}

impl History {
    /// Server time of a point.
    pub fn time_at(&self, index: usize) -> DateTime<Utc> {
        let millis = self.step.as_millis() * index as u128;
        let after = i64::try_from(millis).ok().and_then(chrono::Duration::try_milliseconds);
        after.and_then(|after| self.start.checked_add_signed(after)).unwrap_or(self.start)
    }

    /// The last value at `time` or at most `within` before it.
    pub fn value_at(&self, time: DateTime<Utc>, within: Duration) -> Option<f64> {
        let is_meant = |index: usize| (time - self.time_at(index)).to_std().is_ok_and(|before| before <= within);
        self.values.iter().enumerate().rev().filter(|(index, _)| is_meant(*index)).find_map(|(_, value)| *value)
    }

    /// When the values began to leave their usual height on their way to the limit that they crossed at `crossed`: the last point
    /// before it that had gone less than a tenth of the way. None where the history shows no usual height before it.
    pub fn onset(&self, crossed: DateTime<Utc>, limit: f64) -> Option<DateTime<Utc>> {
        let before: Vec<(DateTime<Utc>, f64)> = self
            .values
            .iter()
            .enumerate()
            .filter_map(|(index, value)| Some((self.time_at(index), (*value)?)))
            .take_while(|(at, _)| *at < crossed)
            .collect();
        // The calmest half of what came before: a slow rise is no part of it.
        let mut distances: Vec<f64> = before.iter().map(|(_, value)| (limit - value).abs()).collect();
        distances.sort_by(|one, other| other.total_cmp(one));
        let usual = distances.get(distances.len() / 4).copied().filter(|_| before.len() >= 4)?;
        before.iter().rev().find(|(_, value)| (limit - value).abs() >= usual * 0.9).map(|(at, _)| *at)
    }

    /// The first point that has a value.
    pub fn first(&self) -> Option<(DateTime<Utc>, f64)> {
        self.values.iter().enumerate().find_map(|(index, value)| Some((self.time_at(index), (*value)?)))
    }

    /// Runs of bad values that ended, as (first bad point, first good point after it). Gaps belong to the run they are in.
    pub fn bad_runs(&self, is_bad: impl Fn(f64) -> bool) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        let mut runs = Vec::new();
        let mut start = None;
        for (index, value) in self.values.iter().enumerate() {
            match (value, start) {
                (Some(value), None) if is_bad(*value) => start = Some(index),
                (Some(value), Some(first)) if !is_bad(*value) => {
                    runs.push((self.time_at(first), self.time_at(index)));
                    start = None;
                }
                _ => {}
            }
        }
        runs
    }

    /// When the run of bad values that reaches the last point began; none when the last point is not bad.
    pub fn bad_since(&self, is_bad: impl Fn(f64) -> bool) -> Option<DateTime<Utc>> {
        let mut start = None;
        for (index, value) in self.values.iter().enumerate().rev() {
            match value {
                Some(value) if is_bad(*value) => start = Some(index),
                Some(_) => break,
                None => {}
            }
        }
        start.map(|index| self.time_at(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kpi(role: Role, direction: Direction, unit: Unit) -> Kpi {
        Kpi {
            id: "x".into(),
            title: "X".into(),
            query: "x".into(),
            trend_query: None,
            unit,
            role,
            deployment: None,
            direction,
            warning: None,
            critical: Some(0.5),
            freshness_limit: Duration::from_mins(2),
        }
    }

    #[test]
    fn less_than_nothing_is_no_measurement_and_never_healthy() {
        use {Direction::*, Role::*};
        for (role, unit, value) in [
            (Errors, Unit::Ratio, -1.0),
            (Latency, Unit::Seconds, -5.0),
            (Traffic, Unit::PerSecond, -0.1),
            (Saturation, Unit::Ratio, -0.2),
            (Queue, Unit::Count, -1.0),
        ] {
            let kpi = kpi(role, HigherIsWorse, unit);
            assert_eq!(kpi.level(Some(value)), Level::NoData, "{role:?}");
            assert!(!kpi.is_possible(value), "{role:?}");
            for nothing in [0.0, -0.0, -1e-12] {
                assert_eq!(kpi.level(Some(nothing)), Level::Good, "{role:?} {nothing}");
            }
        }
        assert_eq!(kpi(Errors, HigherIsWorse, Unit::Ratio).level(Some(-0.004)), Level::Good, "rates of two scrapes");
        assert_eq!(kpi(Other, HigherIsWorse, Unit::Count).level(Some(-40.0)), Level::Good, "a drift");
        assert_eq!(kpi(Saturation, LowerIsWorse, Unit::Bytes).level(Some(-40.0)), Level::Critical, "free space as it will be");
    }

    #[test]
    fn a_rise_began_where_it_left_its_usual_height() {
        let start = DateTime::UNIX_EPOCH;
        let values =
            (0..40).map(|minute| Some(if minute < 20 { 40.0 + f64::from(minute % 3) } else { 42.0 + f64::from(minute - 20) * 5.0 })).collect();
        let history = History { start, step: Duration::from_mins(1), values };
        let minute = |minute: i64| start + chrono::Duration::minutes(minute);
        let onset = history.onset(minute(30), 90.0).unwrap();
        assert!((minute(19)..=minute(21)).contains(&onset), "{onset}");
        assert_eq!(history.onset(minute(2), 90.0), None, "too little came before");
    }

    #[test]
    fn runs_that_ended_are_told_apart_from_the_one_that_lasts() {
        let start = DateTime::UNIX_EPOCH;
        let values = [1.0, 9.0, f64::NAN, 9.0, 1.0, 9.0].map(|value| (!f64::is_nan(value)).then_some(value));
        let history = History { start, step: Duration::from_mins(1), values: values.to_vec() };
        let minute = |minute: i64| start + chrono::Duration::minutes(minute);
        assert_eq!(history.bad_runs(|value| value > 5.0), [(minute(1), minute(4))]);
        assert_eq!(history.bad_since(|value| value > 5.0), Some(minute(5)));
        assert_eq!(history.first(), Some((start, 1.0)));
    }

    #[test]
    fn the_value_of_a_moment_is_the_last_one_before_it() {
        let start = DateTime::UNIX_EPOCH;
        let history = History { start, step: Duration::from_mins(1), values: vec![Some(1.0), Some(2.0), None, Some(4.0)] };
        let at = |seconds| history.value_at(start + chrono::Duration::seconds(seconds), Duration::from_secs(90));
        let expected = [(-1, None), (0, Some(1.0)), (59, Some(1.0)), (60, Some(2.0)), (140, Some(2.0)), (151, None), (180, Some(4.0)), (271, None)];
        for (seconds, value) in expected {
            assert_eq!(at(seconds), value, "after {seconds} s");
        }
    }
}
