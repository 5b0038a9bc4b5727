//! Text of the screen selected with the mouse: as cells, since only the view knows what is written in them.

use std::time::Duration;

use crate::domain::time::Mono;

use super::{
    Screen, State,
    msg::{Cells, Effect, Mouse},
};

/// Two clicks on one cell within this are a double click.
const DOUBLE: Duration = Duration::from_millis(500);

/// A run of text, line by line inside the pane where it began, so that what stands beside that pane is not selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// The pane or overlay where the button was pressed.
    pub pane: Cells,
    /// Column and row where it was pressed, and where the pointer was last inside the pane.
    pub anchor: (u16, u16),
    pub head: (u16, u16),
    /// A double click: both ends reach to the end of their word.
    pub by_words: bool,
    /// It means nothing on any other.
    on: Place,
}

/// Screen, number of overlays, size of the terminal.
type Place = (Screen, usize, (u16, u16));

/// What the button is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Button {
    #[default]
    Up,
    /// Pressed, and not moved to another cell yet.
    Pressed(Selection),
    Dragging,
}

/// The last click, for the next to be a double one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LastClick {
    at: (u16, u16),
    when: Mono,
}

impl Selection {
    /// Each selected line: row, first column, and the column after the last.
    pub fn runs(&self) -> impl Iterator<Item = (u16, u16, u16)> + use<> {
        let Self { pane, anchor, head, .. } = *self;
        let order = |cell: (u16, u16)| (cell.1, cell.0);
        let (first, last) = if order(anchor) <= order(head) { (anchor, head) } else { (head, anchor) };
        (first.1..=last.1).map(move |row| {
            let start = if row == first.1 { first.0 } else { pane.column };
            let end = if row == last.1 { last.0.saturating_add(1) } else { pane.column.saturating_add(pane.width) };
            (row, start, end)
        })
    }
}

impl State {
    pub(super) fn place(&self) -> Place {
        (self.screen, self.overlays.len(), self.size)
    }

    /// The button went down, and what a click does was done: a selection may begin here, or a word is meant.
    pub(super) fn pressed(&mut self, mouse: &Mouse, place_before: Place) {
        let at = (mouse.column, mouse.row);
        let now = self.now.mono;
        let before = self.last_click.replace(LastClick { at, when: now });
        self.button = Button::Up;
        let on = self.place();
        let Some(pane) = mouse.pane.filter(|pane| pane.contains(at) && on == place_before) else { return };
        let by_words = before.is_some_and(|before| before.at == at && self.real_since(before.when) <= DOUBLE);
        let selection = Selection { pane, anchor: at, head: at, by_words, on };
        if by_words {
            self.last_click = None;
            self.select(selection);
            self.button = Button::Dragging;
        } else {
            self.button = Button::Pressed(selection);
        }
    }

    pub(super) fn dragged(&mut self, cell: (u16, u16)) {
        let ((Button::Pressed(begun), _) | (Button::Dragging, Some(begun))) = (self.button, self.selection) else { return };
        let head = begun.pane.nearest(cell);
        if head == begun.head {
            return;
        }
        self.button = Button::Dragging;
        self.last_click = None;
        self.select(Selection { head, ..begun });
    }

    pub(super) fn released(&mut self, effects: &mut Vec<Effect>) {
        if std::mem::take(&mut self.button) == Button::Dragging && self.selection.is_some() {
            effects.push(Effect::CopySelected);
        }
    }

    fn select(&mut self, selection: Selection) {
        if selection.on != self.place() {
            return;
        }
        // Lines that come in must not move under the pointer.
        if let Some(viewer) = self.viewer_mut() {
            viewer.follow = false;
        }
        self.selection = Some(selection);
        self.dirty = true;
    }

    /// Says whether there was one.
    pub(super) fn deselect(&mut self) -> bool {
        let was = self.selection.take().is_some();
        self.dirty |= was;
        was
    }

    /// What is selected on one screen is not on another.
    pub(super) fn deselect_elsewhere(&mut self) {
        if self.selection.is_some_and(|selection| selection.on != self.place()) {
            self.deselect();
            self.button = Button::Up;
        }
    }
}
