//! What happened and what was done, newest first; only the largest screens have room for it.

use ratatui::layout::Rect;

use crate::{
    domain::alert::Severity,
    state::{
        State,
        timeline::{Entry, EntryKind},
    },
    ui::{
        canvas::{Canvas, columns},
        clock, glyph,
        layout::below,
        widgets::{fold, rule},
    },
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
    let entries: Vec<_> = state.timeline.entries.iter().rev().take(usize::from(rows.height)).collect();
    let broken = |entry: &Entry, ink| {
        let room = rows.width.saturating_sub(columns(&clock::moment(state, entry.at)) + 4);
        fold::broken(&[(entry.text.to_string(), ink)], room, state.ascii)
    };
    for place in fold::places(rows.height, 0, entries.len(), None, |index| fold::count(broken(entries[index], theme.plain).len())) {
        let entry = entries[place.index];
        let (sign, ink) = match entry.what {
            EntryKind::OwnAction => (glyph::MARK, theme.own),
            EntryKind::Verdict => (glyph::ARROW, theme.own),
            EntryKind::Fires(Severity::Critical) => (glyph::CRITICAL, theme.plain),
            EntryKind::Fires(Severity::Warning) => (glyph::WARNING, theme.plain),
            EntryKind::Ended => (glyph::OK, theme.plain),
            EntryKind::Change => (glyph::CHANGE, theme.plain),
            EntryKind::Fires(Severity::Info) | EntryKind::Call | EntryKind::Note => (glyph::DOT, theme.plain),
        };
        let moment = clock::moment(state, entry.at);
        for (index, line) in (0..).zip(place.span()) {
            let mut pen = canvas.pen(rows, line);
            pen.skip(1);
            if index == 0 {
                pen.write(&moment, theme.label).skip(1).write(sign, ink).skip(1);
            } else {
                pen.skip(columns(&moment) + 3);
            }
            fold::write(&mut pen, &broken(entry, ink), index, place.lines);
        }
    }
}
