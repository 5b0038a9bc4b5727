//! Functions of a window of samples: rates, differences, aggregates over time.

use super::eval::Window;
use super::value::{KahanSum, mean, quantile, variance_over_time};
use crate::sim::tsdb::Sample;

/// A function of one window; `None` where it has no value (too few samples).
pub type WindowFunction = fn(&Window<'_>) -> Option<f64>;

/// The function of that name, if it takes nothing but a window.
pub fn by_name(name: &str) -> Option<WindowFunction> {
    Some(match name {
        "rate" => |window| extrapolated(window, true, true),
        "increase" => |window| extrapolated(window, true, false),
        "delta" => |window| extrapolated(window, false, false),
        "irate" => |window| last_two(window, true),
        "idelta" => |window| last_two(window, false),
        "deriv" => |window| {
            let first = window.samples.first().filter(|_| window.samples.len() > 1)?;
            Some(regression(&window.samples, first.t_ms).0)
        },
        "avg_over_time" => |window| non_empty(window).map(|values| mean(&values)),
        "sum_over_time" => |window| non_empty(window).map(KahanSum::of),
        "count_over_time" => |window| non_empty(window).map(|values| values.len() as f64),
        "max_over_time" => |window| non_empty(window).and_then(|values| values.into_iter().reduce(|a, b| if b > a || a.is_nan() { b } else { a })),
        "min_over_time" => |window| non_empty(window).and_then(|values| values.into_iter().reduce(|a, b| if b < a || a.is_nan() { b } else { a })),
        "last_over_time" => |window| window.samples.last().map(|sample| sample.value),
        "first_over_time" => |window| window.samples.first().map(|sample| sample.value),
        "present_over_time" => |window| non_empty(window).map(|_| 1.0),
        "stdvar_over_time" => |window| non_empty(window).map(|values| variance_over_time(&values)),
        "stddev_over_time" => |window| non_empty(window).map(|values| variance_over_time(&values).sqrt()),
        "changes" => |window| pairs(window, changed),
        "resets" => |window| pairs(window, |before, after| after < before),
        _ => return None,
    })
}

/// Of one window, with the quantile first.
pub fn quantile_over_time(q: f64, window: &Window<'_>) -> Option<f64> {
    non_empty(window).map(|values| quantile(q, values))
}

/// Where the trend of the window leads `seconds` after `t_ms`.
pub fn predict_linear(window: &Window<'_>, t_ms: i64, seconds: f64) -> Option<f64> {
    if window.samples.len() < 2 {
        return None;
    }
    let (slope, intercept) = regression(&window.samples, t_ms);
    Some(slope * seconds + intercept)
}

/// Whether the metric's name stays with the result.
pub fn keeps_name(function: &str) -> bool {
    matches!(function, "last_over_time" | "first_over_time")
}

/// Two NaNs in a row are no change.
#[expect(clippy::float_cmp, reason = "any other number is a change, however near")]
fn changed(before: f64, after: f64) -> bool {
    before != after && !(before.is_nan() && after.is_nan())
}

fn non_empty(window: &Window<'_>) -> Option<Vec<f64>> {
    (!window.samples.is_empty()).then(|| window.samples.iter().map(|sample| sample.value).collect())
}

fn pairs(window: &Window<'_>, counts: fn(f64, f64) -> bool) -> Option<f64> {
    non_empty(window).map(|values| values.windows(2).filter(|pair| counts(pair[0], pair[1])).count() as f64)
}

/// The difference over the window, extrapolated to its ends (Prometheus, `extrapolatedRate`). Half an average interval is
/// added where the first or last sample is further than 1.1 of them from the end; a counter is never extended below zero.
fn extrapolated(window: &Window<'_>, counter: bool, per_second: bool) -> Option<f64> {
    let samples = &window.samples;
    let (first, last) = (samples.first()?, samples.last()?);
    if samples.len() < 2 {
        return None;
    }
    let mut difference = last.value - first.value;
    if counter {
        for pair in samples.windows(2) {
            if pair[1].value < pair[0].value {
                difference += pair[0].value;
            }
        }
    }
    let mut lead = seconds(first.t_ms - window.after_ms);
    let mut trail = seconds(window.until_ms - last.t_ms);
    let span = seconds(last.t_ms - first.t_ms);
    let average = span / (samples.len() - 1) as f64;
    let threshold = average * 1.1;
    if lead >= threshold {
        lead = average / 2.0;
    }
    if counter && difference > 0.0 && first.value >= 0.0 {
        lead = lead.min(span * (first.value / difference));
    }
    if trail >= threshold {
        trail = average / 2.0;
    }
    let mut factor = (span + lead + trail) / span;
    if per_second {
        factor /= seconds(window.until_ms - window.after_ms);
    }
    Some(difference * factor)
}

/// From the last two samples alone.
fn last_two(window: &Window<'_>, per_second: bool) -> Option<f64> {
    let [.., before, last] = &*window.samples else { return None };
    let interval = seconds(last.t_ms - before.t_ms);
    if interval <= 0.0 {
        return None;
    }
    let reset = per_second && last.value < before.value;
    let difference = if reset { last.value } else { last.value - before.value };
    Some(if per_second { difference / interval } else { difference })
}

/// Least squares: slope per second, and value at `intercept_ms`.
fn regression(samples: &[Sample], intercept_ms: i64) -> (f64, f64) {
    let start = samples.first().map_or(0.0, |sample| sample.value);
    #[expect(clippy::float_cmp, reason = "a constant series is one whose values are all the same bits")]
    let constant = samples.iter().all(|sample| sample.value == start);
    if constant {
        return if start.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, start) };
    }
    let x = |sample: &Sample| seconds(sample.t_ms - intercept_ms);
    let count = samples.len() as f64;
    let sum_x = KahanSum::of(samples.iter().map(x));
    let sum_y = KahanSum::of(samples.iter().map(|sample| sample.value));
    let products = KahanSum::of(samples.iter().map(|sample| x(sample) * sample.value));
    let squares = KahanSum::of(samples.iter().map(|sample| x(sample) * x(sample)));
    let slope = (products - sum_x * sum_y / count) / (squares - sum_x * sum_x / count);
    (slope, sum_y / count - slope * sum_x / count)
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
