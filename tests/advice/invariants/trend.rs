//! The change that stands beside a value agrees with the points: a value that fell all of the last minute is not said to rise,
//! and the other way round.

use std::time::Duration;

use sev1::domain::{kpi::Unit, units};

use crate::look::Look;

/// Looks half a minute and a minute ago.
const HALF: usize = 6;
/// Less than this share of a value is noise.
const NOISE: f64 = 0.1;

pub fn check(past: &[Look], look: &Look) -> Vec<String> {
    if past.len() < 2 * HALF || look.at < Duration::from_mins(1) {
        return Vec::new();
    }
    let (half, whole) = (&past[past.len() - HALF], &past[past.len() - 2 * HALF]);
    let mut wrong = Vec::new();
    for indicator in &look.indicators {
        let (Some(trend), Some(now)) = (indicator.trend.filter(|trend| is_shown(*trend)), indicator.value) else { continue };
        let (Some(then), Some(earlier)) = (half.value(&indicator.id), whole.value(&indicator.id)) else { continue };
        let noise = NOISE * earlier.abs().max(now.abs());
        let fell = now < then && then < earlier && earlier - now > noise;
        let rose = now > then && then > earlier && now - earlier > noise;
        if (trend > 0.0 && fell) || (trend < 0.0 && rose) {
            wrong.push(format!("{} {earlier:.4} → {then:.4} → {now:.4} in a minute, and beside it {trend:+.4}/s", indicator.id));
        }
    }
    wrong
}

/// What rounds to nothing is called steady.
fn is_shown(trend: f64) -> bool {
    units::value(trend.abs(), Unit::PerSecond).contains(|digit: char| ('1'..='9').contains(&digit))
}
