//! What a query answers, and how Prometheus writes numbers.

use crate::sim::tsdb::{Labels, Sample};

/// One element of an instant vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    pub labels: Labels,
    pub value: f64,
}

/// One series of a matrix, in order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub labels: Labels,
    pub samples: Vec<Sample>,
}

/// An answer. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Scalar { t_ms: i64, value: f64 },
    String { t_ms: i64, text: String },
    Vector { t_ms: i64, elements: Vec<Element> },
    Matrix(Vec<Series>),
}

/// A sample's value as in the HTTP API: shortest digits that read back the same, an exponent only below 1e-6 and from
/// 1e21 on, `NaN`, `+Inf`, `-Inf` (Prometheus, `util/jsonutil`).
pub fn format_value(value: f64) -> String {
    if let Some(word) = special(value) {
        return word.into();
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) { exponential(value) } else { format!("{value}") }
}

/// Like [`format_value`] but never with an exponent: how scalars, and labels made of values, are written.
pub fn format_plain(value: f64) -> String {
    special(value).map_or_else(|| format!("{value}"), str::to_owned)
}

/// As Go's `%e` with shortest digits: `1.5e+03`; how alerts carry their value.
pub fn exponential(value: f64) -> String {
    if let Some(word) = special(value) {
        return word.into();
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(("+", exponent), |rest| ("-", rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else {
        None
    }
}

/// Adds with the rounding error carried along (Kahan and Neumaier), as Prometheus sums.
#[derive(Debug, Clone, Copy, Default)]
pub struct KahanSum {
    sum: f64,
    carried: f64,
}

impl KahanSum {
    pub fn add(&mut self, value: f64) {
        let total = self.sum + value;
        self.carried = if total.is_infinite() {
            0.0
        } else if self.sum.abs() >= value.abs() {
            self.carried + ((self.sum - total) + value)
        } else {
            self.carried + ((value - total) + self.sum)
        };
        self.sum = total;
    }

    pub fn total(self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.carried }
    }

    pub fn of(values: impl IntoIterator<Item = f64>) -> f64 {
        let mut sum = Self::default();
        values.into_iter().for_each(|value| sum.add(value));
        sum.total()
    }
}

/// The mean; of values whose sum overflows, added up in parts.
pub fn mean(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let sum = KahanSum::of(values.iter().copied());
    if sum.is_finite() || !values.iter().all(|value| value.is_finite()) {
        return sum / count;
    }
    KahanSum::of(values.iter().map(|value| value / count))
}

/// The population variance, by Welford's method.
pub fn variance(values: &[f64]) -> f64 {
    let (mut mean, mut squares) = (0.0, 0.0);
    for (position, value) in values.iter().enumerate() {
        let delta = value - mean;
        mean += delta / (position as f64 + 1.0);
        squares += delta * (value - mean);
    }
    squares / values.len() as f64
}

/// The population variance of one series' values over time, its rounding errors carried along as in Prometheus.
pub fn variance_over_time(values: &[f64]) -> f64 {
    let (mut mean, mut squares) = (KahanSum::default(), KahanSum::default());
    for (position, value) in values.iter().enumerate() {
        let delta = value - mean.total();
        mean.add(delta / (position as f64 + 1.0));
        squares.add(delta * (value - mean.total()));
    }
    squares.total() / values.len() as f64
}

/// The q-quantile with linear interpolation between ranks; outside 0..=1 an infinity, of nothing NaN.
pub fn quantile(q: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    // NaN counts as the smallest, as in Prometheus.
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan())));
    let last = values.len() - 1;
    let rank = q * last as f64;
    let lower = floor_index(rank, last);
    let upper = (lower + 1).min(last);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank between 0 and the last index")]
fn floor_index(rank: f64, last: usize) -> usize {
    (rank.floor().max(0.0) as usize).min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_prometheus_writes_them() {
        for (value, text) in [
            (1.0, "1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (-0.0, "-0"),
            (1e21, "1e+21"),
            (123_456_789_012_345_680.0, "123456789012345680"),
            (1e-7, "1e-07"),
            (0.000_001, "0.000001"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(format_value(value), text);
        }
        assert_eq!(format_plain(1e-7), "0.0000001");
        assert_eq!(exponential(1500.0), "1.5e+03");
        assert_eq!(exponential(0.0), "0e+00");
    }

    #[test]
    fn quantiles_interpolate() {
        assert!((quantile(0.5, vec![1.0, 2.0, 3.0, 4.0]) - 2.5).abs() < 1e-12);
        assert!((quantile(1.0, vec![3.0, 1.0]) - 3.0).abs() < 1e-12);
        assert_eq!(format_value(quantile(-0.1, vec![1.0])), "-Inf");
        assert_eq!(format_value(quantile(1.1, vec![1.0])), "+Inf");
        assert!(quantile(0.5, vec![]).is_nan());
    }

    #[test]
    fn small_values_survive_beside_large_ones() {
        assert!((KahanSum::of([1.0, 1e100, 1.0, -1e100]) - 2.0).abs() < f64::EPSILON);
        assert!(mean(&[f64::MAX, f64::MAX]).is_finite());
        assert!((variance(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]) - 4.0).abs() < 1e-12);
    }
}
