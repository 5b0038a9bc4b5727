//! `histogram_quantile` over classic buckets, edge cases included (Prometheus, `promql/quantile.go`).

use std::collections::HashMap;

use super::value::Element;
use crate::sim::tsdb::Labels;

const BUCKET_LABEL: &str = "le";

/// Relative difference under which a falling cumulative count counts as rounding.
const TOLERANCE: f64 = 1e-12;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    upper_bound: f64,
    /// Cumulative.
    count: f64,
}

/// One quantile for each histogram among the elements; elements whose `le` is not a number are no buckets.
pub fn histogram_quantile(q: f64, elements: &[Element]) -> Vec<Element> {
    let mut histograms: Vec<(Labels, Vec<Bucket>)> = Vec::new();
    let mut places: HashMap<Labels, usize> = HashMap::new();
    for element in elements {
        let Some(upper_bound) = element.labels.get(BUCKET_LABEL).and_then(parse_bound) else { continue };
        let labels = element.labels.retain(|name| name != BUCKET_LABEL);
        let place = *places.entry(labels.clone()).or_insert_with(|| {
            histograms.push((labels, Vec::new()));
            histograms.len() - 1
        });
        histograms[place].1.push(Bucket { upper_bound, count: element.value });
    }
    histograms.into_iter().map(|(labels, buckets)| Element { labels: labels.without_name(), value: bucket_quantile(q, buckets) }).collect()
}

fn parse_bound(text: &str) -> Option<f64> {
    match text {
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        _ => text.parse().ok(),
    }
}

fn bucket_quantile(q: f64, buckets: Vec<Bucket>) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let mut buckets = coalesced(buckets);
    if buckets.last().is_none_or(|last| last.upper_bound != f64::INFINITY) {
        return f64::NAN;
    }
    make_monotonic(&mut buckets);
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if last == 0 || observations == 0.0 || observations.is_nan() {
        return f64::NAN;
    }
    let mut rank = q * observations;
    let found = buckets[..last].partition_point(|bucket| bucket.count < rank);
    if found == last {
        return buckets[last - 1].upper_bound;
    }
    if found == 0 && buckets[0].upper_bound <= 0.0 {
        return buckets[0].upper_bound;
    }
    let mut start = 0.0;
    let mut count = buckets[found].count;
    if found > 0 {
        start = buckets[found - 1].upper_bound;
        count -= buckets[found - 1].count;
        rank -= buckets[found - 1].count;
    }
    start + (buckets[found].upper_bound - start) * (rank / count)
}

/// Sorted by bound, buckets of the same bound added up.
fn coalesced(mut buckets: Vec<Bucket>) -> Vec<Bucket> {
    buckets.sort_by(|a, b| a.upper_bound.total_cmp(&b.upper_bound));
    let mut result: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match result.last_mut() {
            #[expect(clippy::float_cmp, reason = "the same bound is the same number")]
            Some(last) if last.upper_bound == bucket.upper_bound => last.count += bucket.count,
            _ => result.push(bucket),
        }
    }
    result
}

/// Cumulative counts never fall: small steps down are rounding, larger ones come from series scraped at different times.
fn make_monotonic(buckets: &mut [Bucket]) {
    let Some(mut previous) = buckets.first().map(|bucket| bucket.count) else { return };
    for bucket in &mut buckets[1..] {
        if almost_equal(previous, bucket.count) || bucket.count < previous {
            bucket.count = previous;
        } else {
            previous = bucket.count;
        }
    }
}

#[expect(clippy::float_cmp, reason = "exact equality is the first of the comparisons")]
fn almost_equal(a: f64, b: f64) -> bool {
    if a == b {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}
