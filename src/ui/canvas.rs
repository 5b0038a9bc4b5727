//! Writing text into cells: clipped, cut with `…`, aligned for wide characters and combining marks, and never hostile.
//!
//! Text is cleaned where it enters the program (`domain::text`). This is the last line of defence: whatever a pane
//! passes here, no hostile code point gets into the buffer, and no text runs out of the columns it was given.

use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Modifier, Style},
};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{glyph, theme::Theme};
use crate::domain::text::is_hostile;

/// Code points kept in one cell: a base and a few marks. More is only ever abuse.
const CELL_LIMIT: usize = 6;

/// The frame being drawn, with the theme it is drawn in.
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    pub theme: &'a Theme,
    ascii: bool,
}

impl<'a> Canvas<'a> {
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme, ascii: bool) -> Self {
        Self { buffer, theme, ascii }
    }

    pub fn area(&self) -> Rect {
        self.buffer.area
    }

    /// Empties an area to the plain ink.
    pub fn clear(&mut self, area: Rect) {
        let mut blank = Cell::EMPTY;
        blank.set_symbol(" ").set_style(self.theme.plain);
        self.each(area, |cell| *cell = blank.clone());
    }

    /// Lays a style over what is written: the selected row, a stale pane.
    pub fn tint(&mut self, area: Rect, style: Style) {
        self.each(area, |cell| {
            cell.set_style(style);
        });
    }

    /// What is drawn so far.
    pub fn drawn(&self) -> &Buffer {
        self.buffer
    }

    /// Turns ink and ground round, so that it shows on any style, without colours too.
    pub fn invert(&mut self, area: Rect) {
        self.each(area, |cell| cell.modifier.toggle(Modifier::REVERSED));
    }

    /// A pen at the start of line `line` of `area`, which it never leaves.
    pub fn pen(&mut self, area: Rect, line: u16) -> Pen<'_, 'a> {
        let y = area.y.saturating_add(line);
        let inside = line < area.height && y < self.buffer.area.bottom();
        let right = area.right().min(self.buffer.area.right());
        let x = area.x.max(self.buffer.area.x);
        Pen { canvas: self, x, y, right: if inside { right.max(x) } else { x } }
    }

    /// Writes at the right end of a line and returns the columns that are left before it, as an area of one line.
    pub fn right(&mut self, area: Rect, line: u16, text: &str, style: Style) -> Rect {
        let wanted = self.columns(text).min(area.width);
        let start = area.right() - wanted;
        let end = Rect { x: start, width: wanted, ..area };
        self.pen(end, line).write(text, style);
        let y = area.y.saturating_add(line);
        Rect { y, width: area.width - wanted, height: u16::from(line < area.height), ..area }
    }

    /// Columns that a text takes on this canvas.
    pub fn columns(&self, text: &str) -> u16 {
        columns(text).saturating_add(self.widening(text))
    }

    /// Columns that a text takes more where it is written in ASCII.
    fn widening(&self, text: &str) -> u16 {
        if self.ascii { widening(text) } else { 0 }
    }

    /// [`wrap`] for this canvas, where signs may be written in ASCII, which takes more columns.
    pub fn wrap(&self, text: &str, room: u16) -> Vec<String> {
        wrap_for(text, room, self.ascii)
    }

    fn each(&mut self, area: Rect, mut change: impl FnMut(&mut Cell)) {
        let area = area.intersection(self.buffer.area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    change(cell);
                }
            }
        }
    }

    /// Places one symbol of `width` columns; a wide one that is half covered by it is removed whole.
    fn place(&mut self, x: u16, y: u16, symbol: &str, width: u16, style: Style) {
        if let Some(before) = x.checked_sub(1).and_then(|before| self.buffer.cell_mut((before, y)))
            && !before.symbol().is_ascii()
            && before.symbol().width() > 1
        {
            before.set_symbol(" ");
        }
        if let Some(cell) = self.buffer.cell_mut((x, y)) {
            cell.set_symbol(symbol).set_style(style);
        }
        for tail in 1..width {
            if let Some(cell) = self.buffer.cell_mut((x.saturating_add(tail), y)) {
                cell.set_symbol(" ").set_style(style);
            }
        }
    }
}

/// Writes from left to right on one line.
pub struct Pen<'c, 'a> {
    canvas: &'c mut Canvas<'a>,
    x: u16,
    y: u16,
    right: u16,
}

impl Pen<'_, '_> {
    /// Columns left.
    pub fn left(&self) -> u16 {
        self.right.saturating_sub(self.x)
    }

    /// Columns that a text takes when it is written.
    pub fn columns_of(&self, text: &str) -> u16 {
        self.canvas.columns(text)
    }

    /// The column of the next character.
    pub fn column(&self) -> u16 {
        self.x
    }

    pub fn skip(&mut self, columns: u16) -> &mut Self {
        self.x = self.x.saturating_add(columns).min(self.right);
        self
    }

    /// Writes as much as fits; what does not is marked with `…`.
    pub fn write(&mut self, text: &str, style: Style) -> &mut Self {
        let room = self.left();
        self.write_in(room, text, style)
    }

    /// Writes in at most `room` columns, and stops after the last character.
    pub fn write_in(&mut self, room: u16, text: &str, style: Style) -> &mut Self {
        let room = room.min(self.left());
        if room == 0 {
            return self;
        }
        let fits = self.canvas.columns(text) <= room;
        let end = self.x + if fits { room } else { room - 1 };
        for (symbol, width) in symbols(text, self.canvas.ascii) {
            if self.x + width > end {
                break;
            }
            self.canvas.place(self.x, self.y, &symbol, width, style);
            self.x += width;
        }
        if !fits {
            let ellipsis = if self.canvas.ascii { glyph::twin(glyph::ELLIPSIS).unwrap_or("~") } else { glyph::ELLIPSIS };
            self.canvas.place(self.x, self.y, ellipsis, 1, style);
            self.x += 1;
        }
        self
    }

    /// Writes left-aligned in exactly `room` columns, and in as many more as signs take in ASCII.
    pub fn cell(&mut self, room: u16, text: &str, style: Style) -> &mut Self {
        let room = if columns(text) <= room { room.saturating_add(self.canvas.widening(text)) } else { room };
        let end = self.x.saturating_add(room).min(self.right);
        self.write_in(room, text, style);
        self.x = end;
        self
    }

    /// Writes right-aligned in exactly `room` columns.
    pub fn cell_right(&mut self, room: u16, text: &str, style: Style) -> &mut Self {
        let room = room.min(self.left());
        self.x += room - columns(text).min(room);
        self.write_in(columns(text).min(room), text, style)
    }

    /// Writes a name in exactly `room` columns; a long one loses its middle, since names differ at their ends.
    pub fn cell_name(&mut self, room: u16, name: &str, style: Style) -> &mut Self {
        let short = cut_middle(name, room);
        self.cell(room, &short, style)
    }

    /// Fills the rest of the line.
    pub fn fill(&mut self, symbol: &str, style: Style) -> &mut Self {
        let count = self.left();
        self.repeat(symbol, count, style)
    }

    pub fn repeat(&mut self, symbol: &str, count: u16, style: Style) -> &mut Self {
        let symbol = if self.canvas.ascii { glyph::twin(symbol).unwrap_or(symbol) } else { symbol };
        for _ in 0..count.min(self.left()) {
            self.canvas.place(self.x, self.y, symbol, 1, style);
            self.x += 1;
        }
        self
    }
}

/// Columns that a text takes on this screen.
pub fn columns(text: &str) -> u16 {
    if text.is_ascii() {
        return u16::try_from(text.len()).unwrap_or(u16::MAX);
    }
    symbols(text, false).fold(0, |sum, (_, width)| sum.saturating_add(width))
}

/// Columns that the signs of a text take in ASCII beyond their one.
pub fn widening(text: &str) -> u16 {
    if text.is_ascii() {
        return 0;
    }
    text.graphemes(true).filter_map(glyph::twin).fold(0, |sum, twin| sum.saturating_add(u16::try_from(twin.len().saturating_sub(1)).unwrap_or(0)))
}

/// Shortens to `room` columns by leaving out the middle.
pub fn cut_middle(text: &str, room: u16) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    let kept = room.saturating_sub(1);
    let (head, tail) = (kept / 2, kept - kept / 2);
    let mut short = take(text.graphemes(true), head).concat();
    if room > 0 {
        short.push_str(glyph::ELLIPSIS);
    }
    let mut end = take(text.graphemes(true).rev(), tail);
    end.reverse();
    short.push_str(&end.concat());
    short
}

/// Breaks a text into lines of at most `room` columns, at spaces where there are any.
pub fn wrap(text: &str, room: u16) -> Vec<String> {
    wrap_after(text, room, &[' '])
}

/// [`wrap`] for a screen where signs may be written in ASCII, which takes more columns.
pub fn wrap_for(text: &str, room: u16, ascii: bool) -> Vec<String> {
    wrap(text, narrowed(text, room, ascii))
}

/// The columns that a text may take, so that its signs have room in ASCII too.
pub fn narrowed(text: &str, room: u16, ascii: bool) -> u16 {
    if ascii { room.saturating_sub(widening(text)).max(room.min(1)) } else { room }
}

/// Breaks a name into lines of at most `room` columns, after its hyphens, slashes and spaces where there are any.
pub fn wrap_name(name: &str, room: u16) -> Vec<String> {
    wrap_after(name, room, &[' ', '-', '/'])
}

fn wrap_after(text: &str, room: u16, ends: &[char]) -> Vec<String> {
    let mut lines = vec![String::new()];
    if room == 0 {
        return lines;
    }
    let mut used = 0;
    for word in text.split_inclusive(ends) {
        let width = columns(word.trim_end_matches(' '));
        if used > 0 && used + width > room {
            lines.push(String::new());
            used = 0;
        }
        for grapheme in word.graphemes(true) {
            let width = columns(grapheme);
            if used + width > room {
                if grapheme == " " {
                    continue;
                }
                lines.push(String::new());
                used = 0;
            }
            // Graphemes may join into something wider or narrower than their sum: the line itself is measured.
            if let Some(line) = lines.last_mut() {
                line.push_str(grapheme);
                used = columns(line);
                if used > room && line.len() > grapheme.len() {
                    line.truncate(line.len() - grapheme.len());
                    lines.push(grapheme.to_owned());
                    used = width;
                }
            }
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end_matches(' ').len());
    }
    lines
}

fn take<'t>(graphemes: impl Iterator<Item = &'t str>, room: u16) -> Vec<&'t str> {
    let mut used = 0;
    graphemes
        .take_while(|grapheme| {
            used += columns(grapheme);
            used <= room
        })
        .collect()
}

/// What goes into the cells: one symbol for each, with its width. Widths are those of [`UnicodeWidthStr`] after
/// variation selectors, which terminals disagree about, are taken out.
fn symbols(text: &str, ascii: bool) -> impl Iterator<Item = (String, u16)> {
    text.graphemes(true).flat_map(move |grapheme| pieces(grapheme, ascii))
}

fn pieces(grapheme: &str, ascii: bool) -> Vec<(String, u16)> {
    if grapheme.len() == 1 && grapheme.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return vec![(grapheme.to_owned(), 1)];
    }
    let mut pieces: Vec<(String, usize, usize)> = Vec::new();
    for character in grapheme.chars().filter(|character| !matches!(character, '\u{fe00}'..='\u{fe0f}')) {
        if is_hostile(character) {
            pieces.push((glyph::REPLACEMENT.to_owned(), 1, CELL_LIMIT));
            continue;
        }
        match character.width().unwrap_or(0) {
            0 => match pieces.last_mut() {
                Some((_, _, count)) if *count >= CELL_LIMIT => {}
                Some((symbol, _, count)) => {
                    symbol.push(character);
                    *count += 1;
                }
                None => pieces.push((format!("{}{character}", glyph::CARRIER), 1, 2)),
            },
            width => pieces.push((character.to_string(), width, 1)),
        }
    }
    pieces
        .into_iter()
        .map(|(symbol, base, _)| {
            // A mark may change the width of what it stands on; the cell has to agree with the terminal library.
            let width = if symbol.width() == base { base } else { symbol.width().clamp(1, 2) };
            (symbol, width)
        })
        .flat_map(|(symbol, width)| match (ascii, glyph::twin(&symbol)) {
            (false, _) => vec![(symbol, u16::try_from(width).unwrap_or(1))],
            (true, Some(twin)) => twin.chars().map(|character| (character.to_string(), 1)).collect(),
            (true, None) => vec![("?".to_owned(), 1); width],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drawn(text: &str, room: u16, ascii: bool) -> Buffer {
        let theme = Theme::by_name("night").unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 1));
        Canvas::new(&mut buffer, &theme, ascii).pen(Rect::new(2, 0, room, 1), 0).write(text, theme.plain);
        buffer
    }

    fn line(buffer: &Buffer) -> String {
        let mut skip = 0;
        buffer
            .content()
            .iter()
            .filter_map(|cell| {
                if skip > 0 {
                    skip -= 1;
                    return None;
                }
                skip = cell.symbol().width().saturating_sub(1);
                Some(cell.symbol())
            })
            .collect()
    }

    #[test]
    fn what_does_not_fit_is_marked() {
        assert_eq!(line(&drawn("api-gateway", 5, false)).trim_end(), "  api-…");
        assert_eq!(line(&drawn("api-gateway", 11, false)).trim_end(), "  api-gateway");
        assert_eq!(line(&drawn("api-gateway", 5, true)).trim_end(), "  api-~");
    }

    #[test]
    fn a_wide_character_is_not_cut_in_half() {
        assert_eq!(line(&drawn("名前名前", 4, false)).trim_end(), "  名…");
        assert_eq!(columns("名前e\u{301}"), 5);
    }

    #[test]
    fn names_keep_both_ends() {
        assert_eq!(cut_middle("api-gateway-7c9f6d5b8-x2xqk", 13), "api-ga…-x2xqk");
        assert_eq!(cut_middle("short", 13), "short");
        assert_eq!(cut_middle("anything", 0), "");
    }

    #[test]
    fn writing_over_half_of_a_wide_character_removes_it() {
        let theme = Theme::by_name("night").unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 1));
        let mut canvas = Canvas::new(&mut buffer, &theme, false);
        canvas.pen(Rect::new(0, 0, 6, 1), 0).write("名前", theme.plain);
        canvas.pen(Rect::new(1, 0, 1, 1), 0).write("x", theme.plain);
        assert_eq!(line(&buffer).trim_end(), " x前");
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("pool timed out after 30 ms", 10), ["pool timed", "out after", "30 ms"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4), [""]);
        assert!(wrap("a\u{a9b4}\u{f72}", 2).iter().all(|line| columns(line) <= 2));
    }

    proptest! {
        /// Law 7: whatever is written, no cell holds a hostile code point, and nothing leaves its columns.
        #[test]
        fn nothing_hostile_gets_through(text in any::<String>(), room in 0_u16..30, ascii in any::<bool>()) {
            let buffer = drawn(&text, room, ascii);
            for (index, cell) in buffer.content().iter().enumerate() {
                prop_assert!(!cell.symbol().chars().any(is_hostile), "{:?}", cell.symbol());
                prop_assert!(!ascii || cell.symbol().is_ascii(), "{:?}", cell.symbol());
                let outside = index < 2 || index >= 2 + usize::from(room);
                prop_assert!(!outside || cell.symbol() == " ", "column {index} holds {:?}", cell.symbol());
                let end = index + cell.symbol().width();
                prop_assert!(outside || end <= 2 + usize::from(room), "column {index} holds {:?}", cell.symbol());
            }
        }

        #[test]
        fn shortened_names_fit(text in any::<String>(), room in 0_u16..30) {
            prop_assert!(columns(&cut_middle(&text, room)) <= room);
        }

        #[test]
        fn wrapped_lines_fit(text in any::<String>(), room in 2_u16..30) {
            for line in wrap(&text, room) {
                // One grapheme may be three columns wide; nothing can be taken from it, and the pen clips it.
                prop_assert!(columns(&line) <= room || line.graphemes(true).count() == 1, "{line:?}");
            }
        }
    }
}
