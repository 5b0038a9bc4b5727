//! A line being typed: its text with the caret as a reversed cell (the terminal's own cursor stays hidden).

use ratatui::style::{Modifier, Style};
use unicode_segmentation::UnicodeSegmentation;

use super::canvas::{Pen, columns};
use crate::state::overlay::LineEdit;

/// Draws into the rest of the line; a long text is shifted so that the caret stays in sight.
pub fn render(pen: &mut Pen<'_, '_>, edit: &LineEdit, style: Style) {
    let split = edit.text.char_indices().nth(edit.caret).map_or(edit.text.len(), |(index, _)| index);
    render_parts(pen, &edit.text[..split], &edit.text[split..], Some(style.add_modifier(Modifier::REVERSED)), style);
}

/// A field whose caret is always at its end; without the focus it has none.
pub fn render_field(pen: &mut Pen<'_, '_>, text: &str, is_focused: bool, style: Style) {
    render_parts(pen, text, "", is_focused.then(|| style.add_modifier(Modifier::REVERSED)), style);
}

fn render_parts(pen: &mut Pen<'_, '_>, before: &str, after: &str, caret: Option<Style>, style: Style) {
    let mut after = after.graphemes(true);
    let under = after.next().unwrap_or(" ");
    let room = pen.left().saturating_sub(columns(under).max(1));
    let mut start = 0;
    while columns(&before[start..]) > room {
        start += before[start..].graphemes(true).next().map_or(before.len(), str::len);
    }
    pen.write(&before[start..], style);
    if let Some(caret) = caret {
        pen.write(under, caret);
        pen.write(after.as_str(), style);
    }
}
