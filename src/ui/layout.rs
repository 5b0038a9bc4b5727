//! Where everything is: plain arithmetic from the terminal's size, the same for drawing, for the pointer and for the
//! number of visible rows. Sizes never depend on what the lists hold, so that panes do not jump when data changes.

use ratatui::layout::Rect;

use super::canvas::columns;
use crate::state::{Screen, State, screens::cockpit::Pane};

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// Below 20x5: the header alone.
    HeaderOnly,
    /// Below 60x15: one pane at a time.
    OnePane,
    Standard,
    /// 200x60 and more: escalation, timeline and suggestions have a column.
    Huge,
}

impl Room {
    pub fn of((width, height): (u16, u16)) -> Self {
        if width < 20 || height < 5 {
            Self::HeaderOnly
        } else if width < 60 || height < 15 {
            Self::OnePane
        } else if width >= 200 && height >= 60 {
            Self::Huge
        } else {
            Self::Standard
        }
    }
}

/// What every screen keeps, and the body between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shell {
    pub header: Rect,
    pub body: Rect,
    /// Mitigations in flight, their verdicts, and notices.
    pub status: Rect,
    pub footer: Rect,
}

/// The panes of the cockpit. One without rows is not on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CockpitPanes {
    pub tiles: Rect,
    /// How many indicators have a tile.
    pub tile_count: u16,
    /// One line for the indicators without a tile.
    pub others: Rect,
    pub escalation: Rect,
    pub pods: Rect,
    pub errors: Rect,
    /// Above the changes, on their room; none where there is nothing to warn of.
    pub warnings: Rect,
    pub changes: Rect,
    pub timeline: Rect,
    pub suggestions: Rect,
    /// Small screens: which of the panes is shown.
    pub notice: Rect,
}

/// Width of a tile at 80 columns, where there are three.
const TILE: u16 = 18;
/// Least width of each where there are more than three, and what a title has beside it: margins, bar and a marker with an age.
const WIDE_TILE: u16 = 23;
const BESIDE_TITLE: u16 = 9;

pub fn shell((width, height): (u16, u16)) -> Shell {
    let line = |y: u16, height: u16| Rect { x: 0, y, width, height };
    if width == 0 || height == 0 {
        return Shell::default();
    }
    let header = line(0, 1);
    if Room::of((width, height)) == Room::HeaderOnly {
        return Shell { header, ..Shell::default() };
    }
    // One row at a time, so that a taller screen takes none from its body.
    let status_rows = match height {
        0..8 => 0,
        8..40 => 1,
        40..44 => 2,
        _ => 3,
    };
    let body_rows = height - 2 - status_rows;
    Shell { header, body: line(1, body_rows), status: line(1 + body_rows, status_rows), footer: line(height - 1, 1) }
}

pub fn cockpit(state: &State) -> CockpitPanes {
    let body = shell(state.size).body;
    let room = Room::of(state.size);
    if room == Room::HeaderOnly || body.height == 0 {
        return CockpitPanes::default();
    }
    let kpis = Kpis::of(state);
    if room == Room::OnePane || state.cockpit.full_screen {
        let notice = u16::from(room == Room::OnePane && body.height >= 6);
        let mut panes = single(state.cockpit.focus, Rect { y: body.y + notice, height: body.height - notice, ..body }, kpis);
        panes.notice = Rect { height: notice, ..body };
        return panes;
    }
    let panes = if room == Room::Huge { huge(body, kpis) } else { standard(body, kpis) };
    if super::cockpit::warnings::are_there(state) { with_warnings(panes, state.cluster.changes.len()) } else { panes }
}

/// Warnings take rows from the changes below them, so that no other pane moves when they come and go. Two rows that hold two changes are
/// left alone: what changed is the likelier cause.
fn with_warnings(mut panes: CockpitPanes, changes: usize) -> CockpitPanes {
    // Both grow with the screen.
    let rows = match panes.changes.height {
        0 | 1 => 0,
        2 if changes > 1 => 0,
        rows => (rows / 3).max(1),
    };
    let mut stack = Stack { area: panes.changes };
    panes.warnings = stack.take(rows);
    panes.changes = stack.area;
    panes
}

/// How many indicators are configured, and the width that shows the longest of their titles whole.
#[derive(Debug, Clone, Copy)]
struct Kpis {
    count: u16,
    whole: u16,
}

impl Kpis {
    fn of(state: &State) -> Self {
        let longest = state.kpis.iter().map(|kpi| columns(&kpi.spec.title)).max().unwrap_or_default();
        let whole = longest.saturating_add(BESIDE_TITLE).clamp(WIDE_TILE, 2 * WIDE_TILE);
        Self { count: u16::try_from(state.kpis.len()).unwrap_or(u16::MAX), whole }
    }

    /// How many tiles stand side by side: up to three as narrow as at 80 columns, and a further one only where all are wide.
    fn beside(self, width: u16) -> u16 {
        (width / self.whole).max((width / TILE).min(3)).clamp(1, self.count.max(1))
    }
}

fn single(pane: Pane, area: Rect, kpis: Kpis) -> CockpitPanes {
    let mut panes = CockpitPanes::default();
    match pane {
        Pane::Tiles => {
            panes.tile_count = kpis.beside(area.width);
            let others = u16::from(kpis.count > panes.tile_count && area.height > 3);
            panes.tiles = Rect { height: area.height - others, ..area };
            panes.others = Rect { y: area.bottom() - others, height: others, ..area };
        }
        Pane::Escalation => panes.escalation = area,
        Pane::Pods => panes.pods = area,
        Pane::Errors => panes.errors = area,
        Pane::Changes => panes.changes = area,
        Pane::Suggestions => panes.suggestions = area,
    }
    panes
}

/// Rows of the tiles. They grow one by one, so that a taller screen leaves no fewer rows to the lists below.
fn tile_rows(body: u16) -> u16 {
    match body {
        0..16 => 3,
        16 => 4,
        17 => 5,
        18..24 => 6,
        24..28 => 7,
        28..36 => 8 + (body - 28) / 2,
        36..45 => 12,
        45..50 => 13,
        _ => 14,
    }
}

/// Width of the ladder beside the tiles, which have the rest: with the width of the screen neither becomes narrower.
fn ladder_width(width: u16) -> u16 {
    match width {
        0..120 => 26 + width.saturating_sub(80) * 3 / 20,
        _ => (32 + (width - 120) / 3).min(60),
    }
}

fn standard(body: Rect, kpis: Kpis) -> CockpitPanes {
    let ladder = ladder_width(body.width).min(body.width);
    let tiles_room = body.width - ladder;
    let tile_count = kpis.beside(tiles_room);
    let mut stack = Stack { area: body };
    let top = stack.take(tile_rows(body.height));
    let tiles_width = tiles_room / tile_count * tile_count;
    let others = stack.take(u16::from(kpis.count > tile_count));
    let rows = share(stack.area.height, true);
    CockpitPanes {
        tiles: Rect { width: tiles_width, ..top },
        tile_count,
        others,
        escalation: Rect { x: top.right() - ladder, width: ladder, ..top },
        pods: stack.take(rows.pods),
        errors: stack.take(rows.errors),
        changes: stack.take(rows.changes),
        suggestions: stack.area,
        ..CockpitPanes::default()
    }
}

fn huge(body: Rect, kpis: Kpis) -> CockpitPanes {
    let column = (body.width * 3 / 10).clamp(60, 90);
    let left = Rect { width: body.width - column - 1, ..body };
    let right = Rect { x: body.x + left.width + 1, width: column, ..body };
    let tile_count = kpis.beside(left.width);
    let mut stack = Stack { area: left };
    let tiles = stack.take(tile_rows(body.height));
    let others = stack.take(u16::from(kpis.count > tile_count));
    let rows = share(stack.area.height, false);
    let mut column = Stack { area: right };
    let escalation = column.take(16);
    // What happened is many lines, what is suggested a few.
    let suggestions_rows = column.area.height / 3;
    CockpitPanes {
        tiles: Rect { width: left.width / tile_count * tile_count, ..tiles },
        tile_count,
        others,
        escalation,
        pods: stack.take(rows.pods),
        errors: stack.take(rows.errors),
        changes: stack.area,
        suggestions: column.take(suggestions_rows),
        timeline: column.area,
        ..CockpitPanes::default()
    }
}

/// Rows of the panes below the tiles, their rules and titles included.
struct Share {
    pods: u16,
    errors: u16,
    changes: u16,
}

/// Hands out rows one by one in a fixed order of need, so that a taller screen never shows less of anything. Suggestions have what
/// the others leave, or a column of their own.
fn share(rows: u16, with_suggestions: bool) -> Share {
    #[derive(Clone, Copy)]
    enum To {
        Pods,
        Errors,
        Changes,
        Suggestions,
    }
    use To::{Changes as C, Errors as E, Pods as P, Suggestions as S};
    const FIRST: [To; 12] = [C, P, S, E, P, S, E, P, C, S, E, P];
    const THEN: [To; 7] = [P, E, P, C, E, P, S];
    const AFTER: [To; 7] = [P, E, S, P, E, C, P];
    let (mut pods, mut errors, mut changes) = (2, 1, 0);
    let overhead = 2 + 1 + u16::from(with_suggestions);
    let mut left = rows.saturating_sub(overhead);
    for to in FIRST.into_iter().chain(THEN).chain(AFTER.into_iter().cycle()) {
        if left == 0 {
            break;
        }
        match to {
            P => pods += 1,
            E => errors += 1,
            C => changes += 1,
            S if with_suggestions => {}
            S => continue,
        }
        left -= 1;
    }
    let pods = pods.min(rows);
    let errors = errors.min(rows - pods);
    Share { pods, errors, changes: changes.min(rows - pods - errors) }
}

/// An area from whose top lines are taken.
struct Stack {
    area: Rect,
}

impl Stack {
    fn take(&mut self, rows: u16) -> Rect {
        let rows = rows.min(self.area.height);
        let taken = Rect { height: rows, ..self.area };
        self.area.y += rows;
        self.area.height -= rows;
        taken
    }
}

/// The table of the workloads screen, and the detail beside or over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkloadsPanes {
    /// Kinds, counts and filter: one line.
    pub rule: Rect,
    pub titles: Rect,
    pub rows: Rect,
    pub detail: Rect,
}

pub fn workloads(state: &State) -> WorkloadsPanes {
    let body = shell(state.size).body;
    if body.height == 0 {
        return WorkloadsPanes::default();
    }
    let has_detail = state.workloads.detail.is_some();
    if has_detail && body.width < 120 {
        return WorkloadsPanes { detail: body, ..WorkloadsPanes::default() };
    }
    let detail_width = if has_detail && !state.workloads.full_screen { body.width * 2 / 5 } else { 0 };
    let table = Rect { width: body.width - detail_width, ..body };
    let mut stack = Stack { area: table };
    WorkloadsPanes {
        rule: stack.take(1),
        titles: stack.take(1),
        rows: stack.area,
        detail: if detail_width == 0 { Rect::default() } else { Rect { x: table.right() + 1, width: detail_width - 1, ..body } },
    }
}

/// The area of the screen that is shown under the overlays.
pub fn body_of(state: &State) -> Rect {
    match state.screen {
        Screen::Cockpit | Screen::Workloads => shell(state.size).body,
    }
}

/// What is below the first `lines` lines.
pub fn below(area: Rect, lines: u16) -> Rect {
    let lines = lines.min(area.height);
    Rect { y: area.y + lines, height: area.height - lines, ..area }
}
