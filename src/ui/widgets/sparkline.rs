//! A history in one line of block characters. A gap is a blank, never a zero.

use ratatui::style::Style;

use crate::{
    domain::kpi::Direction,
    ui::{canvas::Pen, glyph},
};

/// Brings a history to `width` columns, each the worst of the values that fall into it; newest at the right. A history
/// shorter than the width leaves the columns at the left without a value.
pub fn resample(values: &[Option<f64>], width: usize, direction: Direction) -> Vec<Option<f64>> {
    if width == 0 {
        return Vec::new();
    }
    let finite = |value: &Option<f64>| value.filter(|value| value.is_finite());
    if values.len() <= width {
        let lead = width - values.len();
        return std::iter::repeat_n(None, lead).chain(values.iter().map(finite)).collect();
    }
    let worst = |one: f64, other: f64| match direction {
        Direction::HigherIsWorse => one.max(other),
        Direction::LowerIsWorse => one.min(other),
    };
    (0..width)
        .map(|column| {
            let (start, end) = (column * values.len() / width, (column + 1) * values.len() / width);
            values[start..end].iter().filter_map(finite).reduce(worst)
        })
        .collect()
}

/// The top of the scale: the highest value, or the threshold when all stay below it, so that a quiet line looks quiet.
pub fn top(values: &[Option<f64>], threshold: Option<f64>) -> f64 {
    values.iter().flatten().copied().chain(threshold).filter(|value| value.is_finite()).fold(0.0, f64::max)
}

/// Height of a value in steps of `1 / steps` of the scale; at least one, since a blank is a gap.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1..=steps")]
pub fn height(value: f64, top: f64, steps: usize) -> usize {
    if top <= 0.0 {
        return 1;
    }
    ((value / top * steps as f64).round().clamp(1.0, steps as f64)) as usize
}

pub fn render(pen: &mut Pen<'_, '_>, values: &[Option<f64>], threshold: Option<f64>, direction: Direction, style: Style) {
    let values = resample(values, usize::from(pen.left()), direction);
    let top = top(&values, threshold);
    for value in values {
        match value {
            Some(value) => pen.repeat(glyph::LEVELS[height(value, top, glyph::LEVELS.len()) - 1], 1, style),
            None => pen.skip(1),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_keeps_the_worst_of_its_values() {
        let values: Vec<_> = [1.0, 9.0, 2.0, 3.0].map(Some).to_vec();
        assert_eq!(resample(&values, 2, Direction::HigherIsWorse), [Some(9.0), Some(3.0)]);
        assert_eq!(resample(&values, 2, Direction::LowerIsWorse), [Some(1.0), Some(2.0)]);
    }

    #[test]
    fn a_gap_stays_a_gap_and_zero_does_not() {
        assert_eq!(resample(&[None, Some(f64::NAN), Some(0.0)], 4, Direction::HigherIsWorse), [None, None, None, Some(0.0)]);
        assert_eq!(resample(&[None, None, Some(1.0), None], 2, Direction::HigherIsWorse), [None, Some(1.0)]);
        assert_eq!(height(0.0, 10.0, 8), 1);
        assert_eq!(height(0.0, 0.0, 8), 1);
    }

    #[test]
    fn a_quiet_line_looks_quiet() {
        assert_eq!(height(0.003, top(&[Some(0.003)], Some(0.05)), 8), 1);
        assert_eq!(height(0.118, top(&[Some(0.118)], Some(0.05)), 8), 8);
    }
}
