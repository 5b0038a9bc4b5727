//! The box of a dialog: a border with a title and, at the right, where it takes effect.

use ratatui::{layout::Rect, style::Style};

use crate::ui::{
    canvas::{Canvas, columns},
    glyph,
};

/// Clears `area`, draws the border and returns what is inside it, with a blank column at either side.
pub fn render(canvas: &mut Canvas<'_>, area: Rect, title: &str, banner: &[(&str, Style)]) -> Rect {
    let area = area.intersection(canvas.area());
    canvas.clear(area);
    let theme = canvas.theme;
    if area.height < 2 || area.width < 4 {
        return area;
    }
    let edge = |canvas: &mut Canvas<'_>, line: u16, corners: [&str; 2]| {
        let mut pen = canvas.pen(area, line);
        pen.write(corners[0], theme.label);
        let width = pen.left() - 1;
        pen.repeat(glyph::RULE, width, theme.label).write(corners[1], theme.label);
    };
    edge(canvas, 0, [glyph::CORNERS[0], glyph::CORNERS[1]]);
    edge(canvas, area.height - 1, [glyph::CORNERS[2], glyph::CORNERS[3]]);
    for line in 1..area.height - 1 {
        canvas.pen(area, line).write(glyph::BAR, theme.label);
        canvas.pen(Rect { x: area.right() - 1, width: 1, ..area }, line).write(glyph::BAR, theme.label);
    }
    let inner = Rect { x: area.x + 1, width: area.width - 2, ..area };
    let wanted: u16 = banner.iter().fold(0, |sum, (text, _)| sum.saturating_add(columns(text)));
    // Where it takes effect comes first: the title is cut for it, not the other way round.
    let right = if wanted == 0 { 0 } else { (wanted + 3).min(inner.width) };
    let left = Rect { width: inner.width - right, ..inner };
    if !title.is_empty() && left.width > 3 {
        let mut pen = canvas.pen(Rect { width: left.width, ..left }, 0);
        let room = pen.left() - 2;
        pen.write(" ", theme.plain).write_in(room, title, theme.title).write(" ", theme.plain);
    }
    if right > 0 {
        let mut pen = canvas.pen(Rect { x: inner.x + inner.width - right, width: right.saturating_sub(1), ..inner }, 0);
        pen.write(" ", theme.plain);
        for (text, style) in banner {
            pen.write(text, *style);
        }
        if pen.left() > 0 {
            pen.write(" ", theme.plain);
        }
    }
    Rect { x: area.x + 2, y: area.y + 1, width: area.width - 4, height: area.height - 2 }
}

/// A box of at most `width` by `height` in the middle of `area`.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}
