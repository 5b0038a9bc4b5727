//! The change of a value beside it: of the last minute, and never against what was seen last.

use super::kpi::{Kpi, KpiReading};

/// The rate is taken over about this long, in seconds: to the last point that is at least so old, and at most twice.
const SPAN: (f64, f64) = (45.0, 120.0);

/// Change per second over the last minute, by points of time (seconds) and value, oldest first. None where too little is
/// known of it, and where the last step went the other way: what is turning has no trend to be told.
pub fn last_minute(points: &[(f64, f64)]) -> Option<f64> {
    let known: Vec<(f64, f64)> = points.iter().copied().filter(|(at, value)| at.is_finite() && value.is_finite()).collect();
    let [earlier @ .., (now, value)] = known.as_slice() else { return None };
    let (_, previous) = earlier.iter().rev().find(|(at, _)| at < now)?;
    let (then, before) = earlier.iter().rev().find(|(at, _)| now - at >= SPAN.0).filter(|(at, _)| now - at <= SPAN.1)?;
    let rate = (value - before) / (now - then);
    let step = value - previous;
    (rate * step >= 0.0).then_some(rate)
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

/// The trend as it is told: one that moves less than a twentieth of the threshold in a minute is steady, as the noise of an
/// ordinary day is.
pub fn told(kpi: &Kpi, reading: &KpiReading) -> Option<f64> {
    let rate = of(reading)?;
    let limit = kpi.critical.or(kpi.warning).map_or(0.0, f64::abs);
    Some(if (rate * 60.0).abs() < limit / 20.0 { 0.0 } else { rate })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_backlog_that_drains_is_not_said_to_grow() {
        let points = [(0.0, 900.0), (30.0, 1_504.0), (60.0, 1_400.0), (90.0, 130.0)];
        assert_eq!(last_minute(&points), Some((130.0 - 1_504.0) / 60.0));
        assert_eq!(last_minute(&[(0.0, 900.0), (30.0, 1_504.0), (60.0, 1_400.0)]), None, "it turns");
        assert_eq!(last_minute(&[(0.0, 5.0), (30.0, 5.0), (60.0, 5.0)]), Some(0.0));
        assert_eq!(last_minute(&[(0.0, 5.0), (300.0, 6.0)]), None, "five minutes are not one");
        assert_eq!(last_minute(&[(0.0, f64::NAN), (60.0, 6.0)]), None);
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
