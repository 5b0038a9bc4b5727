//! `m`: what can be done with what is focused.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, columns},
    glyph,
    widgets::dialog,
};
use crate::state::{State, overlay::Menu};

pub fn area(state: &State, menu: &Menu) -> Rect {
    let (width, height) = state.size;
    let widest = menu.items.iter().map(|item| columns(&item.title) + item.disabled.as_ref().map_or(0, |why| columns(why) + 4)).max().unwrap_or(0);
    let wanted = widest.max(columns(&menu.title) + 20).saturating_add(12).max(50);
    let items = u16::try_from(menu.items.len()).unwrap_or(u16::MAX).max(1);
    dialog::centred(Rect { x: 0, y: 0, width, height }, wanted, items.saturating_add(2))
}

pub fn rows(state: &State, menu: &Menu) -> Rect {
    let area = area(state, menu);
    Rect { x: area.x + 2.min(area.width), y: area.y + 1.min(area.height), width: area.width.saturating_sub(4), height: area.height.saturating_sub(2) }
}

pub fn render(canvas: &mut Canvas<'_>, state: &State, menu: &Menu) {
    let theme = canvas.theme;
    let inner = dialog::render(canvas, area(state, menu), &menu.title, &[("Esc closes", theme.label)]);
    if menu.items.is_empty() {
        canvas.pen(inner, 0).write("nothing can be done with this", theme.label);
    }
    for (row, (index, item)) in (0..inner.height).zip(menu.items.iter().enumerate().skip(menu.cursor.top)) {
        let mut pen = canvas.pen(inner, row);
        pen.skip(2);
        let key = item.key.unwrap_or(' ').to_string();
        match &item.disabled {
            None => pen.write(&key, theme.key).skip(2).write(&item.title, theme.plain),
            Some(why) => pen.write(&format!("{key}  {}", item.title), theme.label).write(&format!("  {} {why}", glyph::WARNING), theme.warning),
        };
        if index == menu.cursor.row {
            let here = Rect { y: inner.y + row, height: 1, ..inner };
            canvas.tint(here, theme.selection);
            canvas.pen(here, 0).write(glyph::CURSOR, theme.focus);
        }
    }
}
