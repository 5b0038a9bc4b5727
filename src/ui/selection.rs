//! Text selected with the mouse: the panes it stays in, how it is shown, and what it says.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Position, Rect},
};
use unicode_width::UnicodeWidthStr;

use super::{Theme, canvas::Canvas, card, help, layout, menu, palette, prompt, root, viewer};
use crate::state::{
    Screen, State,
    msg::Cells,
    overlay::{Overlay, Viewer},
    selection::Selection,
};

/// What belongs to a word besides letters and digits: of names, images, addresses and paths, and where a name was cut.
const WORD: &str = "-_./:@%+=&?#~…";

/// Selected cells of one row, as whole characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    pub row: u16,
    pub start: u16,
    /// The column after the last.
    pub end: u16,
}

/// The pane or overlay that a cell is in; none on a border or beside an overlay.
pub fn pane_at(state: &State, column: u16, row: u16) -> Option<Cells> {
    let at = Position { x: column, y: row };
    let pane = panes(state).into_iter().find(|area| area.contains(at))?;
    Some(Cells { column: pane.x, row: pane.y, width: pane.width, height: pane.height })
}

fn panes(state: &State) -> Vec<Rect> {
    let shell = layout::shell(state.size);
    let mut panes = match state.overlays.last() {
        None | Some(Overlay::Filter(_) | Overlay::Note(_)) => on_screen(state),
        Some(overlay) => on_overlay(state, overlay),
    };
    panes.extend([shell.header, shell.footer]);
    panes
}

fn on_screen(state: &State) -> Vec<Rect> {
    let mut panes = match state.screen {
        Screen::Cockpit => {
            let panes = layout::cockpit(state);
            let width = panes.tiles.width / panes.tile_count.max(1);
            let tiles = (0..panes.tile_count).map(|index| Rect { x: panes.tiles.x + index * width, width: width.saturating_sub(1), ..panes.tiles });
            let others = [panes.others, panes.escalation, panes.pods, panes.errors, panes.changes, panes.timeline, panes.suggestions, panes.notice];
            tiles.chain(others).collect()
        }
        Screen::Workloads => {
            let panes = layout::workloads(state);
            vec![panes.rule.union(panes.titles).union(panes.rows), panes.detail]
        }
    };
    panes.push(layout::shell(state.size).status);
    panes
}

fn on_overlay(state: &State, overlay: &Overlay) -> Vec<Rect> {
    let inside = |area: Rect| vec![area.inner(Margin::new(2, 1))];
    match overlay {
        Overlay::Viewer(_) => vec![viewer::rows(state), Rect { height: 1, ..viewer::area(state) }],
        Overlay::Help { .. } | Overlay::Did { .. } => inside(help::area(state)),
        Overlay::Palette(_) => inside(palette::area(state)),
        Overlay::Menu(menu) => inside(menu::area(state, menu)),
        Overlay::Card(card) => inside(card::places(state, &Theme::mono(), card).area),
        Overlay::QuitQuestion { why } => inside(prompt::question_area(state, &prompt::quit_text(why))),
        Overlay::EscalateQuestion { alert, who, .. } => inside(prompt::question_area(state, &prompt::escalate_text(alert, who))),
        Overlay::UncallQuestion { alert, who, .. } => inside(prompt::question_area(state, &prompt::uncall_text(alert, who))),
        Overlay::SwitchQuestion(question) => inside(prompt::switch_area(state, question)),
        Overlay::Replicas(_) => inside(prompt::replicas_area(state)),
        Overlay::Filter(_) | Overlay::Note(_) => Vec::new(),
    }
}

/// Shows the selection over what is drawn.
pub fn render(canvas: &mut Canvas<'_>, state: &State) {
    let Some(selection) = &state.selection else { return };
    for Run { row, start, end } in runs(canvas.drawn(), selection) {
        canvas.invert(Rect { x: start, y: row, width: end - start, height: 1 });
    }
}

/// What the selection covers: of a viewer its lines' own text, elsewhere what is drawn. None where nothing is selected.
pub fn selected_text(state: &State, theme: &Theme) -> Option<String> {
    let selection = state.selection.as_ref()?;
    let (width, height) = state.size;
    let mut drawn = Buffer::empty(Rect { x: 0, y: 0, width, height });
    root::render(&mut Canvas::new(&mut drawn, theme, state.ascii), state);
    let runs = runs(&drawn, selection);
    if let Some(viewer) = viewer_under(state, selection) {
        return Some(viewer::text_under(viewer, viewer::rows(state), &runs, state.log_times));
    }
    let lines = runs.iter().map(|run| {
        let all = symbols(&drawn, selection.pane, run.row).into_iter();
        let text: String = all.filter(|symbol| (run.start..run.end).contains(&symbol.column)).map(|symbol| symbol.text).collect();
        text.trim_end().to_owned()
    });
    Some(lines.collect::<Vec<_>>().join("\n"))
}

fn viewer_under<'s>(state: &'s State, selection: &Selection) -> Option<&'s Viewer> {
    let rows = viewer::rows(state);
    match state.overlays.last() {
        Some(Overlay::Viewer(viewer)) if !viewer.lines.is_empty() && selection.pane.row == rows.y => Some(viewer),
        _ => None,
    }
}

/// The selected cells: both halves of a wide character, and whole words after a double click.
fn runs(drawn: &Buffer, selection: &Selection) -> Vec<Run> {
    let wanted: Vec<_> = selection.runs().collect();
    let last_row = wanted.last().map(|(row, ..)| *row);
    let widened = wanted.iter().enumerate().filter_map(|(index, &(row, start, end))| {
        let symbols = symbols(drawn, selection.pane, row);
        let mut first = symbols.iter().position(|symbol| symbol.end() > start)?;
        let mut last = symbols.iter().rposition(|symbol| symbol.column < end)?;
        if selection.by_words {
            while index == 0 && first > 0 && symbols[first].is_of_word() && symbols[first - 1].is_of_word() {
                first -= 1;
            }
            while Some(row) == last_row && symbols[last].is_of_word() && symbols.get(last + 1).is_some_and(Symbol::is_of_word) {
                last += 1;
            }
        }
        Some(Run { row, start: symbols[first].column, end: symbols[last].end() })
    });
    widened.collect()
}

/// A character of the screen with the columns it takes.
struct Symbol<'b> {
    column: u16,
    width: u16,
    text: &'b str,
}

impl Symbol<'_> {
    fn end(&self) -> u16 {
        self.column + self.width
    }

    fn is_of_word(&self) -> bool {
        self.text.chars().all(|character| character.is_alphanumeric() || WORD.contains(character))
    }
}

fn symbols(drawn: &Buffer, pane: Cells, row: u16) -> Vec<Symbol<'_>> {
    let mut symbols = Vec::with_capacity(pane.width.into());
    let mut column = pane.column;
    while column < pane.column + pane.width {
        let Some(cell) = drawn.cell((column, row)) else { break };
        let width = u16::try_from(cell.symbol().width()).unwrap_or(1).max(1);
        symbols.push(Symbol { column, width, text: cell.symbol() });
        column += width;
    }
    symbols
}
