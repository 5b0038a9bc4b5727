//! The change of a value beside it: of the last minute, and never against what was seen last.

use super::{
    kpi::{Kpi, KpiReading},
    verdict::median,
};

/// The rate is taken over about this long, in seconds: to the last point that is at least so old, and at most twice.
const SPAN: (f64, f64) = (45.0, 120.0);

/// Change per second over the last minute, by points of time (seconds) and value, oldest first. None where too little is
/// known of it, and where the last step went the other way: what is turning has no trend to be told.
pub fn last_minute(points: &[(f64, f64)]) -> Option<f64> {
    let known: Vec<(f64, f64)> = points.iter().copied().filter(|(at, value)| at.is_finite() && value.is_finite()).collect();
    let [earlier @ .., (now, value)] = known.as_slice() else { return None };
    let (_, previous) = earlier.iter().rev().find(|(at, _)| at < now)?;
    let (_, rate) = minute(earlier, (*now, *value))?;
    let step = value - previous;
    (rate * step >= 0.0).then_some(rate)
}

/// When the minute that ends with a point began, and the change per second over it. `earlier` are the points before, oldest first.
fn minute(earlier: &[(f64, f64)], (now, value): (f64, f64)) -> Option<(f64, f64)> {
    let (then, before) = earlier.iter().rev().find(|(at, _)| now - at >= SPAN.0).filter(|(at, _)| now - at <= SPAN.1)?;
    Some((*then, (value - before) / (now - then)))
}

/// The same of a reading: its history, and its value as the newest point. Where the history has no points of the last
/// minute, what Prometheus says itself, unless the last step contradicts it.
pub fn of(reading: &KpiReading) -> Option<f64> {
    let value = reading.value.filter(|value| value.is_finite())?;
    let history = reading.history.as_ref()?;
    let seconds = |at: chrono::DateTime<chrono::Utc>| (at - history.start).as_seconds_f64();
    let past = history.values.iter().enumerate().filter_map(|(index, value)| Some((seconds(history.time_at(index)), (*value)?)));
    let last = history.time_at(history.values.len().saturating_sub(1));
    let now = seconds(reading.at.unwrap_or(last));
    let mut points: Vec<(f64, f64)> = past.filter(|(at, _)| *at < now).collect();
    let is_fine = history.step.as_secs_f64() <= SPAN.1 - SPAN.0;
    let previous = points.last().map(|(_, previous)| *previous);
    points.push((now, value));
    if is_fine {
        return last_minute(&points);
    }
    reading.trend.filter(|trend| trend.is_finite() && previous.is_some_and(|previous| trend * (value - previous) >= 0.0))
}

/// The trend as it is told: steady where it moves in a minute by less than a twentieth of the threshold (of the value itself where
/// none is set), as the noise of an ordinary day does, or by no more than it wobbled before.
pub fn told(kpi: &Kpi, reading: &KpiReading) -> Option<f64> {
    let rate = of(reading)?;
    let limit = kpi.critical.or(kpi.warning).or(reading.value).map_or(0.0, f64::abs);
    let change = (rate * 60.0).abs();
    let is_steady = change < limit / 20.0 || wobble(reading).is_some_and(|wobble| change < MEANT * wobble);
    Some(if is_steady { 0.0 } else { rate })
}

/// A change is meant from so many times the usual difference between one minute and another on: of noise one minute in a hundred
/// or fewer is beyond it.
const MEANT: f64 = 4.0;
/// What it did before is looked at over so many seconds.
const LOOKED_BACK: f64 = 900.0;
/// With fewer minutes to compare nobody can tell what is usual.
const FEWEST: usize = 5;

/// By how much a value wobbles, as a change of one minute: by how much each minute differs from the one before it. Zero for what climbs
/// evenly, however steeply, and also where it began to do so meanwhile; none where too little is known.
fn wobble(reading: &KpiReading) -> Option<f64> {
    let history = reading.history.as_ref()?;
    let last = history.time_at(history.values.len().checked_sub(1)?);
    let known: Vec<(f64, f64)> = history
        .values
        .iter()
        .enumerate()
        .filter_map(|(index, value)| Some(((history.time_at(index) - last).as_seconds_f64(), (*value).filter(|value| value.is_finite())?)))
        .filter(|(at, _)| *at >= -LOOKED_BACK)
        .collect();
    let ending_at = |index: usize| {
        let (then, rate) = minute(&known[..index], known[index])?;
        Some((then, known[index].0, rate * 60.0))
    };
    let changes: Vec<(f64, f64, f64)> = (0..known.len()).filter_map(ending_at).collect();
    // The minute before begins where this one does not overlap it.
    let differs = |(from, _, change): &(f64, f64, f64)| {
        let (.., before) = changes.iter().rev().find(|(_, until, _)| until <= from).filter(|(_, until, _)| from - until <= SPAN.1)?;
        Some((change - before).abs())
    };
    let differences: Vec<f64> = changes.iter().filter_map(differs).collect();
    // Of noise, the difference of two changes strays the square root of three times as far as one.
    let is_enough = differences.len() >= FEWEST;
    median(differences).filter(|_| is_enough).map(|median| median / 3.0_f64.sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::kpi::{Direction, History, Role, Unit};

    #[test]
    fn a_backlog_that_drains_is_not_said_to_grow() {
        let points = [(0.0, 900.0), (30.0, 1_504.0), (60.0, 1_400.0), (90.0, 130.0)];
        assert_eq!(last_minute(&points), Some((130.0 - 1_504.0) / 60.0));
        assert_eq!(last_minute(&[(0.0, 900.0), (30.0, 1_504.0), (60.0, 1_400.0)]), None, "it turns");
        assert_eq!(last_minute(&[(0.0, 5.0), (30.0, 5.0), (60.0, 5.0)]), Some(0.0));
        assert_eq!(last_minute(&[(0.0, 5.0), (300.0, 6.0)]), None, "five minutes are not one");
        assert_eq!(last_minute(&[(0.0, f64::NAN), (60.0, 6.0)]), None);
    }

    /// A reading of points every 20 s, the last of them its value now.
    fn reading(values: &[f64]) -> KpiReading {
        let [past @ .., now] = values else { panic!("no value") };
        let start = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let step = std::time::Duration::from_secs(20);
        let history = History { start, step, values: past.iter().map(|value| Some(*value)).collect() };
        let at = history.time_at(past.len());
        KpiReading { id: "x".into(), value: Some(*now), trend: None, at: Some(at), history: Some(history), problem: None }
    }

    fn told_of(values: &[f64], critical: Option<f64>) -> Option<f64> {
        let kpi = Kpi {
            id: "x".into(),
            title: "X".into(),
            query: "x".into(),
            trend_query: None,
            unit: Unit::Count,
            role: Role::Queue,
            deployment: None,
            direction: Direction::HigherIsWorse,
            warning: None,
            critical,
            freshness_limit: std::time::Duration::from_mins(2),
        };
        told(&kpi, &reading(values))
    }

    /// Numbers that look drawn by lot, from -1 to 1.
    fn noise(count: u32) -> Vec<f64> {
        let mut state: u32 = 7;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1_u32 << 23) - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn what_only_wobbles_is_steady_whatever_its_threshold() {
        let noise = noise(400);
        let (mut moves, mut all) = (0, 0);
        for end in 45..noise.len() {
            let wobbling: Vec<f64> = noise[end - 45..=end].iter().map(|noise| 110.0 + 9.0 * noise).collect();
            for critical in [None, Some(1.0), Some(100.0)] {
                all += 1;
                moves += usize::from(told_of(&wobbling, critical).is_some_and(|rate| rate != 0.0));
            }
        }
        assert!(moves * 100 <= all * 2, "{moves} of {all} say that it moves");
    }

    #[test]
    fn what_moves_is_told_also_after_noise() {
        let noise = noise(46);
        let rises =
            |by: f64| -> Vec<f64> { noise.iter().zip(0_i32..).map(|(noise, at)| 110.0 + 3.0 * noise + by * f64::from((at - 41).max(0))).collect() };
        assert!(told_of(&rises(20.0), Some(200.0)).is_some_and(|rate| rate > 0.0));
        assert!(told_of(&rises(-20.0), Some(200.0)).is_some_and(|rate| rate < 0.0));
        let climbs: Vec<f64> = (0..46_i32).map(|at| f64::from(at) * 50.0).collect();
        assert_eq!(told_of(&climbs, Some(1_000.0)), Some(2.5), "evenly for a quarter of an hour");
        // However much of what is looked at it takes.
        for since in 1..45_i32 {
            let began: Vec<f64> = noise.iter().zip(0_i32..).map(|(noise, at)| 80.0 + 5.0 * noise + 50.0 * f64::from((at - since).max(0))).collect();
            let told = told_of(&began, Some(1_000.0));
            let is_short = 45 - since < 3;
            assert!(is_short || told.is_some_and(|rate| rate > 0.0), "rising since {} s: {told:?}", (45 - since) * 20);
        }
        let doubles: Vec<f64> = (0..20_i32).map(|at| 2_f64.powi(at)).collect();
        assert!(told_of(&doubles, Some(1_000.0)).is_some_and(|rate| rate > 0.0));
    }

    #[test]
    fn without_a_threshold_a_small_part_of_the_value_is_steady() {
        assert_eq!(told_of(&[1_000.0, 1_001.0, 1_002.0, 1_003.0, 1_004.0], None), Some(0.0));
    }

    proptest! {
        #[test]
        fn its_sign_never_contradicts_the_two_last_points(steps in prop::collection::vec((1.0_f64..40.0, -1e6_f64..1e6), 0..40)) {
            let mut at = 0.0;
            let points: Vec<(f64, f64)> = steps.iter().map(|(step, value)| { at += step; (at, *value) }).collect();
            if let Some(rate) = last_minute(&points) {
                let [.., (_, previous), (_, last)] = points.as_slice() else { panic!("a rate of {points:?}") };
                prop_assert!(rate * (last - previous) >= 0.0);
                let least = points.iter().filter(|(then, _)| at - then <= SPAN.1).map(|(_, value)| *value).fold(*last, f64::min);
                prop_assert!(rate <= (last - least) / SPAN.0 + 1e-9, "no steeper than anything of the last two minutes");
            }
        }
    }
}
