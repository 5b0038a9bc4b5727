//! Rows of a list that are too long for one line go on in the lines that the list leaves blank.

use ratatui::style::Style;

use crate::ui::canvas::{Pen, wrap_for};

/// A text in pieces of different inks.
pub type Parts = Vec<(String, Style)>;

/// Where one item of a list stands: its first line below the top of the list, and how many it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub index: usize,
    pub line: u16,
    pub lines: u16,
}

impl Place {
    /// The lines of the list that the item has.
    pub fn span(&self) -> std::ops::Range<u16> {
        self.line..self.line.saturating_add(self.lines)
    }
}

/// A list of `len` items from `top` on in `rows` lines. Every item has one line; those that the list leaves go to the items that
/// need more, to the chosen one first. `needed` says how many lines show an item whole.
pub fn places(rows: u16, top: usize, len: usize, chosen: Option<usize>, needed: impl Fn(usize) -> u16) -> Vec<Place> {
    let count = u16::try_from(len.saturating_sub(top)).unwrap_or(u16::MAX).min(rows);
    let mut spare = rows - count;
    let mut places: Vec<Place> = (0..count).map(|line| Place { index: top + usize::from(line), line, lines: 1 }).collect();
    let first = chosen.and_then(|chosen| places.iter().position(|place| place.index == chosen));
    for at in first.into_iter().chain((0..places.len()).filter(|at| Some(*at) != first)) {
        if spare == 0 {
            break;
        }
        let more = needed(places[at].index).saturating_sub(1).min(spare);
        places[at].lines += more;
        spare -= more;
    }
    let mut line = 0;
    for place in &mut places {
        place.line = line;
        line += place.lines;
    }
    places
}

/// The item of a line; none below the last.
pub fn at(places: &[Place], line: u16) -> Option<usize> {
    places.iter().find(|place| place.span().contains(&line)).map(|place| place.index)
}

/// A text broken into lines of `room` columns, each piece in its ink.
pub fn broken(parts: &[(String, Style)], room: u16, ascii: bool) -> Vec<Parts> {
    let whole: String = parts.iter().map(|(text, _)| text.as_str()).collect();
    let mut inks = parts.iter().flat_map(|(text, style)| text.chars().map(move |character| (character, *style)));
    let mut lines = Vec::new();
    for line in wrap_for(&whole, room, ascii) {
        let mut broken: Parts = Vec::new();
        for character in line.chars() {
            // Blanks at the end of a line are not in it.
            let Some((_, style)) = inks.by_ref().find(|(next, _)| *next == character) else { break };
            match broken.last_mut() {
                Some((text, last)) if *last == style => text.push(character),
                _ => broken.push((character.to_string(), style)),
            }
        }
        lines.push(broken);
    }
    lines
}

/// How many lines there are.
pub fn count(lines: usize) -> u16 {
    u16::try_from(lines).unwrap_or(u16::MAX)
}

/// Writes line `index` of an item that has `lines`; the last has all the rest, where its `…` shows that something is cut.
pub fn write(pen: &mut Pen<'_, '_>, broken: &[Parts], index: u16, lines: u16) {
    let at = usize::from(index);
    if index + 1 < lines || at + 1 == broken.len() {
        for (text, style) in broken.get(at).into_iter().flatten() {
            pen.write(text, *style);
        }
        return;
    }
    let mut rest: Parts = Vec::new();
    for line in broken.get(at..).unwrap_or_default() {
        if let Some((text, _)) = rest.last_mut() {
            text.push(' ');
        }
        rest.extend(line.iter().cloned());
    }
    for (part, (text, style)) in rest.iter().enumerate() {
        if pen.columns_of(text) < pen.left() {
            pen.write(text, *style);
        } else {
            // With all that follows, so that the `…` comes where the line is full.
            let all: String = rest[part..].iter().map(|(text, _)| text.as_str()).collect();
            pen.write(&all, *style);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rows: u16, len: usize, chosen: Option<usize>, needed: &[u16]) -> Vec<u16> {
        places(rows, 0, len, chosen, |index| needed[index]).iter().map(|place| place.lines).collect()
    }

    #[test]
    fn only_blank_lines_are_given_away_and_the_chosen_item_comes_first() {
        assert_eq!(lines(3, 3, Some(1), &[2, 2, 2]), [1, 1, 1]);
        assert_eq!(lines(4, 3, Some(1), &[2, 2, 2]), [1, 2, 1]);
        assert_eq!(lines(4, 3, None, &[2, 2, 2]), [2, 1, 1]);
        assert_eq!(lines(9, 3, None, &[2, 1, 9]), [2, 1, 6]);
        assert_eq!(lines(2, 3, Some(2), &[5, 5, 5]), [1, 1]);
    }

    #[test]
    fn every_line_of_an_item_is_the_item() {
        let places = places(6, 3, 5, Some(4), |index| if index == 4 { 3 } else { 1 });
        assert_eq!((0..6).map(|line| at(&places, line)).collect::<Vec<_>>(), [Some(3), Some(4), Some(4), Some(4), None, None]);
    }

    #[test]
    fn a_broken_text_keeps_its_inks() {
        let (one, other) = (Style::new(), Style::new().fg(ratatui::style::Color::Red));
        let broken = broken(&[("rev 41 ".to_owned(), one), ("by kubectl edit".to_owned(), other)], 10, false);
        let texts: Vec<Vec<(&str, Style)>> = broken.iter().map(|line| line.iter().map(|(text, style)| (text.as_str(), *style)).collect()).collect();
        assert_eq!(texts, [vec![("rev 41 ", one), ("by", other)], vec![("kubectl", other)], vec![("edit", other)]]);
    }
}
