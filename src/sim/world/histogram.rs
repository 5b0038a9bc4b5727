//! Latencies as Prometheus histograms: cumulative counts per bucket, from a mixture of log-normal distributions.

/// Upper bounds, seconds; `+Inf` follows.
pub const BOUNDS: [f64; 15] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0];

/// A part of the requests: share, median (seconds), spread of the logarithm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    pub share: f64,
    pub median_s: f64,
    pub sigma: f64,
}

/// A histogram's counters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {
    buckets: [f64; BOUNDS.len()],
    pub count: f64,
    pub sum: f64,
}

impl Histogram {
    /// Adds `requests` whose latencies are spread as the parts say; the shares are taken as they are.
    pub fn observe(&mut self, requests: f64, parts: &[Part]) {
        for part in parts {
            let here = requests * part.share;
            for (bucket, bound) in self.buckets.iter_mut().zip(BOUNDS) {
                *bucket += here * below(bound, *part);
            }
            self.count += here;
            self.sum += here * part.median_s * (part.sigma * part.sigma / 2.0).exp();
        }
    }

    /// Whole counts for each bound, never more than the total.
    pub fn counts(&self) -> impl Iterator<Item = (f64, f64)> {
        BOUNDS.into_iter().zip(self.buckets).map(|(bound, count)| (bound, count.floor()))
    }
}

/// The share of a part that is at most `bound`. The normal distribution by its logistic approximation (error below 0.01).
fn below(bound: f64, part: Part) -> f64 {
    let z = (bound / part.median_s).ln() / part.sigma;
    1.0 / (1.0 + (-1.5976 * z - 0.070_565 * z * z * z).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_lies_below_the_median_and_counts_rise() {
        let mut histogram = Histogram::default();
        histogram.observe(1000.0, &[Part { share: 1.0, median_s: 0.1, sigma: 0.7 }]);
        let counts: Vec<_> = histogram.counts().collect();
        assert!(counts.windows(2).all(|pair| pair[0].1 <= pair[1].1));
        let at_median = counts.iter().find(|(bound, _)| (*bound - 0.1).abs() < 1e-9).unwrap().1;
        assert!((499.0..=501.0).contains(&at_median), "{at_median}");
        assert!(counts.last().unwrap().1 <= histogram.count);
    }
}
