//! What the pointer is on, and how many rows each list has: from the same layout as the drawing.

use ratatui::layout::{Position, Rect};

use super::{card, cockpit, footer, help, layout, menu, palette, prompt, theme::Theme, viewer, widgets::fold, workloads};
use crate::{
    domain::object::Kind,
    state::{
        Screen, State,
        action::Command,
        card::CardFocus,
        msg::{Heights, Hit},
        overlay::Overlay,
        screens::cockpit::Pane,
    },
};

/// Visible rows of each list, so that cursors stay in sight and a page is a page.
pub fn heights(state: &State) -> Heights {
    let mut heights = Heights::default();
    match state.screen {
        Screen::Cockpit => {
            let panes = layout::cockpit(state);
            heights.pods = list(state, Pane::Pods, &panes).height;
            heights.errors = list(state, Pane::Errors, &panes).height;
            heights.suggestions = list(state, Pane::Suggestions, &panes).height;
            heights.changes = list(state, Pane::Changes, &panes).height;
            heights.alerts = list(state, Pane::Escalation, &panes).height;
        }
        Screen::Workloads => heights.table = layout::workloads(state).rows.height,
    }
    heights.viewer = viewer::rows(state).height;
    heights.overlay = state.overlays.last().map_or(0, |overlay| overlay_rows(state, overlay).height);
    heights
}

/// What is drawn at a cell; none where nothing can be pointed at.
pub fn hit_test(state: &State, column: u16, row: u16) -> Option<Hit> {
    let at = Position { x: column, y: row };
    let shell = layout::shell(state.size);
    if let Some(overlay) = state.overlays.last() {
        let footer_is_typed_in = matches!(overlay, Overlay::Filter(_) | Overlay::Note(_));
        if shell.footer.contains(at) && !footer_is_typed_in {
            return footer_hit(state, shell.footer, column).or(Some(Hit::Outside));
        }
        return Some(overlay_hit(state, overlay, at));
    }
    if shell.footer.contains(at) {
        return footer_hit(state, shell.footer, column);
    }
    match state.screen {
        Screen::Cockpit => cockpit_hit(state, at),
        Screen::Workloads => workloads_hit(state, at),
    }
}

fn footer_hit(state: &State, area: Rect, column: u16) -> Option<Hit> {
    let places = footer::places(state, area).into_iter();
    places.filter(|(_, start, end)| (*start..*end).contains(&column)).map(|(entry, _, _)| Hit::Command(entry.command)).next()
}

/// The rows of a pane's list, without rule and titles.
fn list(state: &State, pane: Pane, panes: &layout::CockpitPanes) -> Rect {
    match pane {
        Pane::Tiles => Rect::default(),
        Pane::Pods => layout::below(panes.pods, 2),
        Pane::Errors => cockpit::errors::list(panes.errors),
        Pane::Suggestions => layout::below(panes.suggestions, 1),
        Pane::Changes => cockpit::changes::list(panes.changes),
        Pane::Escalation => {
            let rows = cockpit::escalation::visible_alerts(panes.escalation, state);
            layout::below(panes.escalation, panes.escalation.height - rows)
        }
    }
}

fn cockpit_hit(state: &State, at: Position) -> Option<Hit> {
    let panes = layout::cockpit(state);
    let all = [
        (Pane::Tiles, panes.tiles),
        (Pane::Escalation, panes.escalation),
        (Pane::Pods, panes.pods),
        (Pane::Errors, panes.errors),
        (Pane::Changes, panes.changes),
        (Pane::Suggestions, panes.suggestions),
    ];
    if panes.warnings.contains(at) {
        return Some(Hit::Command(Command::Kind(Kind::Event)));
    }
    let (pane, _) = all.into_iter().find(|(_, area)| area.contains(at))?;
    let rows = list(state, pane, &panes);
    let row = rows.contains(at).then(|| fold::at(&cockpit::places(state, pane, &panes), at.y - rows.y)).flatten();
    Some(Hit::Pane(pane, row))
}

fn row_in(rows: Rect, at: Position, top: usize, len: usize) -> Option<usize> {
    rows.contains(at).then(|| top + usize::from(at.y - rows.y)).filter(|row| *row < len)
}

fn workloads_hit(state: &State, at: Position) -> Option<Hit> {
    let panes = layout::workloads(state);
    let under = |places: Vec<(usize, u16, u16)>| places.into_iter().find(|(_, start, end)| (*start..*end).contains(&at.x)).map(|(index, ..)| index);
    if panes.rule.contains(at) {
        let tabs = workloads::tabs::tabs(state, panes.rule).into_iter();
        return tabs.filter(|tab| (tab.start..tab.end).contains(&at.x)).map(|tab| Hit::Tab(tab.kind)).next();
    }
    if panes.titles.contains(at) {
        return under(workloads::table::title_places(state, panes.titles)).map(Hit::Column);
    }
    let places = panes.rows.contains(at).then(|| workloads::chosen::places(state, panes.rows))?;
    fold::at(&places, at.y - panes.rows.y).map(Hit::Row)
}

/// The area of an overlay and the rows of its list.
fn overlay_rows(state: &State, overlay: &Overlay) -> Rect {
    let inside = |area: Rect| Rect { height: area.height.saturating_sub(2), y: area.y + 1.min(area.height), ..area };
    match overlay {
        Overlay::Help { .. } | Overlay::Did { .. } => inside(help::area(state)),
        Overlay::Palette(palette) => palette::rows(state, palette),
        Overlay::Menu(menu) => menu::rows(state, menu),
        Overlay::Viewer(_) => viewer::rows(state),
        Overlay::Card(card) => card::places(state, &Theme::mono(), card).details,
        Overlay::Filter(_)
        | Overlay::Note(_)
        | Overlay::QuitQuestion { .. }
        | Overlay::EscalateQuestion { .. }
        | Overlay::UncallQuestion { .. }
        | Overlay::SwitchQuestion(_)
        | Overlay::Replicas(_) => Rect::default(),
    }
}

fn overlay_hit(state: &State, overlay: &Overlay, at: Position) -> Hit {
    let rows = overlay_rows(state, overlay);
    let (area, row) = match overlay {
        Overlay::Help { .. } | Overlay::Did { .. } => (help::area(state), None),
        Overlay::Palette(palette) => (palette::area(state), row_in(rows, at, palette.cursor.top, palette.matches.len())),
        Overlay::Menu(menu) => (menu::area(state, menu), row_in(rows, at, menu.cursor.top, menu.items.len())),
        Overlay::Viewer(viewer) => (viewer::area(state), row_in(rows, at, viewer.cursor.top, viewer.lines.len())),
        Overlay::Card(card) => return card_hit(state, card, at),
        Overlay::Filter(_) | Overlay::Note(_) => (layout::shell(state.size).footer, None),
        Overlay::QuitQuestion { why } => (prompt::question_area(state, &prompt::quit_text(why)), None),
        Overlay::EscalateQuestion { alert, who, .. } => (prompt::question_area(state, &prompt::escalate_text(alert, who)), None),
        Overlay::UncallQuestion { alert, who, .. } => (prompt::question_area(state, &prompt::uncall_text(alert, who)), None),
        Overlay::SwitchQuestion(question) => (prompt::switch_area(state, question), None),
        Overlay::Replicas(_) => (prompt::replicas_area(state), None),
    };
    match row {
        Some(row) => Hit::OverlayRow(row),
        None if area.contains(at) => Hit::Overlay,
        None => Hit::Outside,
    }
}

fn card_hit(state: &State, card: &crate::state::card::Card, at: Position) -> Hit {
    let places = card::places(state, &Theme::mono(), card);
    if places.confirm.contains(at) {
        let end = places.confirm.x + 1 + super::canvas::columns(card::CANCEL);
        let is_cancel = places.confirm.width >= 44 && at.x < end;
        return Hit::Card(if is_cancel { CardFocus::Cancel } else { CardFocus::Word });
    }
    if places.reason.contains(at) {
        return Hit::Card(CardFocus::Reason);
    }
    if places.details.contains(at) {
        return Hit::Card(CardFocus::Details);
    }
    if places.area.contains(at) { Hit::Overlay } else { Hit::Outside }
}
