//! What was seen of one indicator, kept from before a write until it is judged.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{
    Limits, Look, Time, course,
    series::{Point, Series},
    worse,
};
use crate::domain::{
    kpi::{Kpi, KpiReading},
    text::Text,
};

/// As much is kept: the noise before the write is read from it.
const KEPT: Duration = Duration::from_mins(45);

/// Values of one indicator by the time of its server, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    pub kpi: Text,
    /// When the write was done, by the same clock; none before.
    pub written: Option<DateTime<Utc>>,
    points: Vec<(DateTime<Utc>, f64)>,
}

impl Track {
    pub fn new(kpi: Text) -> Self {
        Self { kpi, written: None, points: Vec::new() }
    }

    /// Takes what an answer says beyond what is known. `now` dates a value without a time.
    pub fn learn(&mut self, reading: &KpiReading, now: DateTime<Utc>) {
        if let Some(history) = &reading.history {
            for (index, value) in history.values.iter().enumerate() {
                if let Some(value) = value {
                    self.add(history.time_at(index), *value);
                }
            }
        }
        if let Some(value) = reading.value {
            self.add(reading.at.unwrap_or(now), value);
        }
        let oldest = now - chrono::Duration::from_std(KEPT).unwrap_or_default();
        let old = self.points.partition_point(|(at, _)| *at < oldest);
        self.points.drain(..old);
    }

    fn add(&mut self, at: DateTime<Utc>, value: f64) {
        let place = self.points.partition_point(|(known, _)| *known < at);
        let is_known = self.points.get(place).is_some_and(|(known, _)| *known == at);
        if value.is_finite() && !is_known {
            self.points.insert(place, (at, value));
        }
    }

    /// The last value at `time` or at most `within` before it.
    pub fn value_at(&self, time: DateTime<Utc>, within: Duration) -> Option<f64> {
        let (at, value) = self.points[..self.points.partition_point(|(at, _)| *at <= time)].last()?;
        (time - *at).to_std().is_ok_and(|before| before <= within).then_some(*value)
    }

    /// The last value before `time`, at most `within` before it, that is another than `value`.
    pub fn value_before(&self, time: DateTime<Utc>, value: f64, within: Duration) -> Option<f64> {
        let earlier = &self.points[..self.points.partition_point(|(at, _)| *at < time)];
        let near = |at: DateTime<Utc>| (time - at).to_std().is_ok_and(|before| before <= within);
        let mut earlier = earlier.iter().rev().take_while(|(at, _)| near(*at)).map(|(_, value)| *value);
        earlier.find(|other| (other - value).abs() > f64::EPSILON * value.abs())
    }

    /// What it did since the write.
    pub(super) fn look(&self, kpi: &Kpi, time: Time) -> Look {
        let earlier = chrono::Duration::from_std(time.earlier).unwrap_or_default();
        let Some(written) = self.written.map(|written| written - earlier) else { return Look::NO_DATA };
        let factor = worse(kpi.direction);
        let series = Series::new(self.points.iter().map(|(at, value)| Point { at: (*at - written).as_seconds_f64(), value: value * factor }));
        let series = time.until.map_or_else(|| series.clone(), |until| series.until(until));
        course::look(&series, Limits::of(kpi), time.moment)
    }
}
