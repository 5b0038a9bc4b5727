//! A history in several lines, with the threshold as a line across and markers for what happened.

use chrono::{DateTime, Utc};
use ratatui::{layout::Rect, style::Style};

use super::sparkline::{height, resample, top};
use crate::{
    domain::kpi::{Direction, History},
    ui::{canvas::Canvas, glyph},
};

/// Something to mark on the time axis.
pub struct Marker {
    pub at: DateTime<Utc>,
    pub glyph: &'static str,
    pub style: Style,
}

/// What to draw besides the values.
pub struct Chart<'a> {
    pub history: &'a History,
    pub threshold: Option<f64>,
    pub direction: Direction,
    /// Values on the good side, on the bad side.
    pub inks: (Style, Style),
    pub markers: &'a [Marker],
}

/// Draws into the whole area; markers take its first line when it has three or more.
pub fn render(canvas: &mut Canvas<'_>, area: Rect, chart: &Chart<'_>) {
    let head = u16::from(area.height >= 3 && !chart.markers.is_empty());
    let plot = Rect { y: area.y + head, height: area.height.saturating_sub(head), ..area };
    let values = resample(&chart.history.values, usize::from(plot.width), chart.direction);
    let steps = usize::from(plot.height) * 8;
    if steps == 0 {
        return;
    }
    let top = top(&values, chart.threshold);
    let is_bad = |value: f64| {
        chart.threshold.is_some_and(|limit| match chart.direction {
            Direction::HigherIsWorse => value > limit,
            Direction::LowerIsWorse => value < limit,
        })
    };
    let threshold_row = chart.threshold.filter(|limit| *limit > 0.0 && plot.height >= 3).map(|limit| (height(limit, top, steps) - 1) / 8);
    let theme = canvas.theme;
    for (index, row) in (0..plot.height).rev().enumerate() {
        let base = index * 8;
        let mut pen = canvas.pen(plot, row);
        for value in &values {
            let filled = value.map_or(0, |value| height(value, top, steps)).saturating_sub(base).min(8);
            let ink = if value.is_some_and(is_bad) { chart.inks.1 } else { chart.inks.0 };
            match filled {
                0 if threshold_row == Some(index) => pen.repeat(glyph::THRESHOLD, 1, theme.label),
                0 => pen.skip(1),
                level => pen.repeat(glyph::LEVELS[level - 1], 1, ink),
            };
        }
    }
    if head == 1 {
        for marker in chart.markers {
            if let Some(column) = column_of(chart.history, marker.at, plot.width) {
                canvas.pen(Rect { x: area.x + column, width: 1, ..area }, 0).write(marker.glyph, marker.style);
            }
        }
    }
}

/// The column in which a time falls; none outside the history.
pub fn column_of(history: &History, at: DateTime<Utc>, width: u16) -> Option<u16> {
    let step = i64::try_from(history.step.as_millis()).ok().filter(|step| *step > 0)?;
    let index = usize::try_from(at.signed_duration_since(history.start).num_milliseconds().div_euclid(step)).ok()?;
    let (count, width) = (history.values.len(), usize::from(width));
    // The newest point is a step old at most: what happened within it belongs to it.
    let index = if index == count { index.checked_sub(1)? } else { index };
    if index >= count {
        return None;
    }
    let column = if count <= width { width - count + index } else { ((index + 1) * width - 1) / count };
    u16::try_from(column).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_marker_stands_over_the_value_of_its_time() {
        let start = DateTime::<Utc>::from_timestamp(1_000_000, 0).unwrap();
        for (count, width) in [(10, 20), (60, 20), (61, 17), (20, 20)] {
            for index in 0..count {
                let mut values = vec![Some(0.0); count];
                values[index] = Some(1.0);
                let history = History { start, step: Duration::from_secs(30), values };
                let column = column_of(&history, history.time_at(index), width).unwrap();
                let drawn = resample(&history.values, usize::from(width), Direction::HigherIsWorse);
                assert_eq!(drawn[usize::from(column)], Some(1.0), "{index} of {count} in {width}");
            }
        }
    }

    #[test]
    fn a_time_outside_has_no_column() {
        let start = DateTime::<Utc>::from_timestamp(1_000_000, 0).unwrap();
        let history = History { start, step: Duration::from_secs(30), values: vec![None; 10] };
        assert_eq!(column_of(&history, start - chrono::Duration::seconds(1), 10), None);
        assert_eq!(column_of(&history, start + chrono::Duration::hours(1), 10), None);
        assert_eq!(column_of(&History { values: Vec::new(), ..history }, start, 10), None);
    }
}
