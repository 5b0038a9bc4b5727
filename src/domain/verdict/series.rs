//! What a series of values says by itself: its level, its trend and its noise.
//!
//! Times are seconds from the write, negative before it. Higher values are worse.

/// Points closer together than this are one: instant queries repeat a sample until the next scrape.
const GRID: f64 = 30.0;
/// From the median absolute deviation to a standard deviation, for normal noise.
const MAD: f64 = 1.4826;
/// Steps of the grid over which the noise of slow swings is measured: two minutes. Longer ones would take the beginning of the
/// trouble for a swing.
const SLOW: usize = 4;
/// No series is taken to be more exact than this share of its level.
const LEAST_NOISE: f64 = 0.015;
/// The same while too few values are known to tell.
const UNKNOWN_NOISE: f64 = 0.05;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub at: f64,
    pub value: f64,
}

/// Finite values, oldest first, at most one in each 30 s.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    points: Vec<Point>,
}

impl Series {
    /// Of each 30 s, counted from the write, the last value is kept.
    pub fn new(points: impl IntoIterator<Item = Point>) -> Self {
        let mut all: Vec<Point> = points.into_iter().filter(|point| point.at.is_finite() && point.value.is_finite()).collect();
        all.sort_by(|one, other| one.at.total_cmp(&other.at));
        let mut points: Vec<Point> = Vec::with_capacity(all.len());
        for point in all {
            let cell = |point: &Point| (point.at / GRID).ceil();
            match points.last_mut() {
                Some(last) if cell(last).total_cmp(&cell(&point)).is_eq() => *last = point,
                _ => points.push(point),
            }
        }
        Self { points }
    }

    /// The same as it was at a time.
    pub fn until(&self, time: f64) -> Self {
        Self { points: self.between(f64::NEG_INFINITY, time).to_vec() }
    }

    pub fn last(&self) -> Option<Point> {
        self.points.last().copied()
    }

    /// Points after `from` up to and with `to`.
    pub fn between(&self, from: f64, to: f64) -> &[Point] {
        let start = self.points.partition_point(|point| point.at <= from);
        let end = self.points.partition_point(|point| point.at <= to);
        &self.points[start..end.max(start)]
    }

    /// Standard deviation of one value around its trend, before `to`, where the level is about `level`.
    ///
    /// From second differences, in which a straight trend cancels out; medians, so that the beginning of the trouble does
    /// not count as noise. Noise may grow with the level: the values near this level have a word of their own.
    pub fn noise(&self, to: f64, level: f64) -> f64 {
        let before: Vec<f64> = self.between(f64::NEG_INFINITY, to).iter().map(|point| point.value).collect();
        let near: Vec<f64> = before.iter().copied().filter(|value| value.abs() >= level.abs() / 2.0).collect();
        let known = [spread(&before, 1, 5), spread(&near, 1, 5)].into_iter().flatten().fold(f64::NAN, f64::max);
        let least = if known.is_nan() { UNKNOWN_NOISE } else { LEAST_NOISE };
        known.max(level.abs() * least)
    }

    /// Standard deviation of the difference of two medians of `of` values each, some minutes apart. Slow swings make it
    /// larger than the noise of single values would.
    pub fn noise_of_medians(&self, to: f64, level: f64, of: usize) -> f64 {
        let before: Vec<f64> = self.between(f64::NEG_INFINITY, to).iter().map(|point| point.value).collect();
        let smooth: Vec<f64> = before.windows(of).filter_map(|values| median(values.to_vec())).collect();
        // In a short past the beginning of the trouble, or of its end, would be most of it.
        let slow = spread(&smooth, SLOW, 20).unwrap_or(0.0);
        // A median of a few values strays 1.25 times as far as their mean (normal noise).
        let fast = self.noise(to, level) * 1.25 / count(of).sqrt();
        slow.max(fast) * std::f64::consts::SQRT_2
    }
}

/// Standard deviation of single values by their second differences `lag` apart; none of fewer than `least`.
fn spread(values: &[f64], lag: usize, least: usize) -> Option<f64> {
    let differences: Vec<f64> = values.windows(2 * lag + 1).map(|values| (values[0] - 2.0 * values[lag] + values[2 * lag]).abs()).collect();
    if differences.len() < least {
        return None;
    }
    // The weights 1, -2, 1 add six times the variance of one value.
    median(differences).map(|median| median * MAD / 6.0_f64.sqrt())
}

pub fn median(mut values: Vec<f64>) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    Some(if values.len().is_multiple_of(2) { f64::midpoint(values[middle - 1], values[middle]) } else { values[middle] })
}

/// Median of the slopes between every two points (Theil and Sen), per second: one wild value does not move it.
pub fn slope(points: &[Point]) -> Option<f64> {
    let pairs = points.iter().enumerate().flat_map(|(index, one)| points[index + 1..].iter().map(move |other| (one, other)));
    median(pairs.filter(|(one, other)| other.at > one.at).map(|(one, other)| (other.value - one.value) / (other.at - one.at)).collect())
}

/// How far the ends of a line through `of` points of this noise stray from one another: standard deviation of the slope,
/// times the span (least squares, equal steps).
pub fn stray(noise: f64, of: usize) -> f64 {
    noise * (12.0 / count(of)).sqrt()
}

#[expect(clippy::cast_precision_loss, reason = "a few points")]
fn count(number: usize) -> f64 {
    number.max(1) as f64
}
