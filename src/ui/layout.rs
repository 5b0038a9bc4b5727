//! Where everything is: plain arithmetic from the terminal's size, the same for drawing, for the pointer and for the
//! number of visible rows. Sizes never depend on what the lists hold, so that panes do not jump when data changes.

use ratatui::layout::Rect;

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

/// Width of a tile at 80 columns, and least width of one that is a chart.
const TILE: u16 = 18;
const CHART_TILE: u16 = 24;

pub fn shell((width, height): (u16, u16)) -> Shell {
    let line = |y: u16, height: u16| Rect { x: 0, y, width, height };
    if width == 0 || height == 0 {
        return Shell::default();
    }
    let header = line(0, 1);
    if Room::of((width, height)) == Room::HeaderOnly {
        return Shell { header, ..Shell::default() };
    }
    let status_rows = match height {
        0..8 => 0,
        8..40 => 1,
        _ => 3,
    };
    let body_rows = height - 2 - status_rows;
    Shell { header, body: line(1, body_rows), status: line(1 + body_rows, status_rows), footer: line(height - 1, 1) }
}

pub fn cockpit(state: &State) -> CockpitPanes {
    let body = shell(state.size).body;
    let kpis = u16::try_from(state.kpis.len()).unwrap_or(u16::MAX);
    let room = Room::of(state.size);
    if room == Room::HeaderOnly || body.height == 0 {
        return CockpitPanes::default();
    }
    if room == Room::OnePane || state.cockpit.full_screen {
        let notice = u16::from(room == Room::OnePane && body.height >= 6);
        let mut panes = single(state.cockpit.focus, Rect { y: body.y + notice, height: body.height - notice, ..body }, kpis);
        panes.notice = Rect { height: notice, ..body };
        return panes;
    }
    let panes = if room == Room::Huge { huge(body, kpis) } else { standard(body, kpis) };
    if super::cockpit::warnings::are_there(state) { with_warnings(panes) } else { panes }
}

/// Warnings take rows from the changes below them, so that no other pane moves when they come and go.
fn with_warnings(mut panes: CockpitPanes) -> CockpitPanes {
    let rows = match panes.changes.height {
        0 | 1 => 0,
        2..6 => 1,
        rows => rows / 2,
    };
    let mut stack = Stack { area: panes.changes };
    panes.warnings = stack.take(rows);
    panes.changes = stack.area;
    panes
}

fn single(pane: Pane, area: Rect, kpis: u16) -> CockpitPanes {
    let mut panes = CockpitPanes::default();
    match pane {
        Pane::Tiles => {
            panes.tile_count = (area.width / TILE).clamp(1, kpis.max(1));
            let others = u16::from(kpis > panes.tile_count && area.height > 3);
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

fn standard(body: Rect, kpis: u16) -> CockpitPanes {
    let is_tall = body.height >= 35;
    let is_wide = body.width >= 120;
    let tiles_rows = match body.height {
        0..18 => 3,
        18..24 => 6,
        24..35 => 7,
        _ => 12,
    };
    let (tile, ladder) = if is_wide && is_tall { (CHART_TILE, 32) } else { (TILE, 26) };
    let tile_count = (body.width.saturating_sub(ladder) / tile).clamp(1, kpis.max(1));
    let others_rows = u16::from(kpis > tile_count);
    let mut stack = Stack { area: body };
    let top = stack.take(tiles_rows);
    let tiles_width = (tile * tile_count).max(body.width.saturating_sub(ladder.max(body.width / 4)) / tile_count * tile_count).min(top.width);
    let others = stack.take(others_rows);
    let rest = share(stack.area.height, is_wide);
    let tables = stack.take(rest.tables);
    let (pods, errors) = if is_wide {
        let left = body.width * 11 / 20;
        (Rect { width: left - 1, ..tables }, Rect { x: tables.x + left, width: tables.width - left, ..tables })
    } else {
        let errors_rows = rest.errors;
        (Rect { height: tables.height - errors_rows, ..tables }, Rect { y: tables.bottom() - errors_rows, height: errors_rows, ..tables })
    };
    CockpitPanes {
        tiles: Rect { width: tiles_width, ..top },
        tile_count,
        others,
        escalation: Rect { x: top.x + tiles_width, width: top.width - tiles_width, ..top },
        pods,
        errors,
        changes: stack.take(rest.changes),
        suggestions: stack.area,
        ..CockpitPanes::default()
    }
}

fn huge(body: Rect, kpis: u16) -> CockpitPanes {
    let column = (body.width * 3 / 10).clamp(60, 90);
    let left = Rect { width: body.width - column - 1, ..body };
    let right = Rect { x: body.x + left.width + 1, width: column, ..body };
    let tile_count = (left.width / CHART_TILE).clamp(1, kpis.max(1));
    let mut stack = Stack { area: left };
    let tiles = stack.take(14);
    let others = stack.take(u16::from(kpis > tile_count));
    let changes_rows = 7;
    let tables = Rect { height: stack.area.height.saturating_sub(changes_rows), ..stack.area };
    let pods_rows = tables.height * 3 / 5;
    let mut column = Stack { area: right };
    let escalation = column.take(16);
    let suggestions_rows = 10.min(column.area.height / 2);
    CockpitPanes {
        tiles: Rect { width: left.width / tile_count * tile_count, ..tiles },
        tile_count,
        others,
        escalation,
        pods: Rect { height: pods_rows, ..tables },
        errors: Rect { y: tables.y + pods_rows, height: tables.height - pods_rows, ..tables },
        changes: Rect { y: tables.bottom(), height: left.bottom() - tables.bottom(), ..left },
        timeline: Rect { height: column.area.height - suggestions_rows, ..column.area },
        suggestions: Rect { y: right.bottom() - suggestions_rows, height: suggestions_rows, ..right },
        ..CockpitPanes::default()
    }
}

/// Rows of the panes below the tiles, their rules and titles included.
struct Share {
    /// Pods and errors together.
    tables: u16,
    /// Errors, when they stand below the pods.
    errors: u16,
    changes: u16,
}

/// Hands out rows one by one in a fixed order of need, so that a larger screen never shows less of anything.
fn share(rows: u16, side_by_side: bool) -> Share {
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
    const AFTER: [To; 3] = [P, P, E];
    let (mut pods, mut errors, mut changes) = (2, 1, 0);
    let overhead = if side_by_side { 2 + 1 } else { 2 + 1 + 1 };
    let mut left = rows.saturating_sub(overhead);
    for to in FIRST.into_iter().chain(THEN).chain(AFTER.into_iter().cycle()) {
        if left == 0 {
            break;
        }
        match to {
            P => pods += 1,
            // Side by side the errors have the rows of the pods.
            E if side_by_side => continue,
            E => errors += 1,
            C => changes += 1,
            // Suggestions have what the others leave.
            S => {}
        }
        left -= 1;
    }
    if side_by_side {
        errors = 0;
    }
    let tables: u16 = (pods + errors).min(rows);
    changes = changes.min(rows - tables);
    Share { tables, errors: errors.min(tables), changes }
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
