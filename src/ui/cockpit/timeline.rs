//! What happened and what was done, newest first; only the largest screens have room for it.

use ratatui::layout::Rect;

use crate::{
    state::{State, timeline::EntryKind},
    ui::{canvas::Canvas, clock, glyph, layout::below, widgets::rule},
};

pub fn render(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    if area.height == 0 {
        return;
    }
    let theme = canvas.theme;
    rule::render_marked(canvas, area, "Timeline", &[("newest first", theme.label)], None, false);
    let rows = below(area, 1);
    if state.timeline.entries.is_empty() {
        super::say(canvas, rows, "Nothing happened since sev1 was started.", theme.label);
        return;
    }
    for (line, entry) in (0..rows.height).zip(state.timeline.entries.iter().rev()) {
        let (sign, ink) = match entry.what {
            EntryKind::OwnAction => (glyph::MARK, theme.own),
            EntryKind::Verdict => (glyph::ARROW, theme.own),
            EntryKind::Alert => (glyph::CRITICAL, theme.plain),
            EntryKind::Change => (glyph::CHANGE, theme.plain),
            EntryKind::Note => (glyph::DOT, theme.plain),
        };
        let mut pen = canvas.pen(rows, line);
        pen.skip(1).write(&clock::moment(state, entry.at), theme.label).skip(1).write(sign, ink).skip(1).write(&entry.text, ink);
    }
}
