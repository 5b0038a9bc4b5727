//! The mouse: the wheel, clicks on what is drawn under the pointer, and dragging.

use super::{
    Screen, State,
    action::Command,
    card::CardFocus,
    input::Haste,
    msg::{Effect, Hit, Mouse, MouseKind},
    overlay::Overlay,
    rows,
    screens::cockpit::Pane,
};

/// Rows that one notch of the wheel moves.
const WHEEL: usize = 3;

impl State {
    pub(super) fn mouse(&mut self, mouse: &Mouse, effects: &mut Vec<Effect>) {
        match mouse.what {
            MouseKind::WheelUp | MouseKind::WheelDown => self.wheel(mouse),
            MouseKind::Click => {
                self.deselect();
                let place = self.place();
                if let Some(hit) = &mouse.hit {
                    self.renew_acks(effects);
                    self.click(hit, effects);
                }
                self.pressed(mouse, place);
            }
            MouseKind::Drag => self.dragged((mouse.column, mouse.row)),
            MouseKind::Release => self.released(effects),
        }
    }

    fn wheel(&mut self, mouse: &Mouse) {
        self.deselect();
        if let (true, Some(Hit::Pane(pane, _))) = (self.overlays.is_empty(), &mouse.hit) {
            self.cockpit.focus = *pane;
        }
        self.dirty = true;
        let command = if mouse.what == MouseKind::WheelUp { Command::Up } else { Command::Down };
        if let Some(Overlay::Card(card)) = self.overlays.last_mut() {
            card.scroll = if mouse.what == MouseKind::WheelUp { card.scroll.saturating_sub(1) } else { (card.scroll + 1).min(200) };
            return;
        }
        for _ in 0..WHEEL {
            self.step(&command);
        }
    }

    fn click(&mut self, hit: &Hit, effects: &mut Vec<Effect>) {
        let was_dirty = std::mem::replace(&mut self.dirty, true);
        match (hit, self.overlays.last_mut()) {
            (Hit::Command(command), _) => {
                let command = command.clone();
                self.clicked_command(&command, effects);
            }
            // A click never confirms.
            (Hit::Card(CardFocus::Cancel), Some(Overlay::Card(_))) => self.close_card(effects),
            (Hit::Card(focus), Some(Overlay::Card(card))) if card.shown_at.is_some() => card.focus = *focus,
            (Hit::OverlayRow(row), Some(Overlay::Menu(_))) => self.choose(*row, effects),
            (Hit::OverlayRow(row), Some(Overlay::Palette(palette))) => {
                palette.cursor.row = (*row).min(palette.matches.len().saturating_sub(1));
                palette.is_chosen = true;
                self.line_entered(Haste::ByItself, effects);
            }
            (Hit::OverlayRow(row), Some(Overlay::Viewer(viewer))) => {
                viewer.cursor.row = *row;
                viewer.moved(usize::from(self.heights.viewer));
            }
            (Hit::Outside, Some(Overlay::Help { .. } | Overlay::Did { .. } | Overlay::Menu(_) | Overlay::Palette(_))) => {
                self.overlays.pop();
            }
            (Hit::Pane(pane, row), None) => self.click_pane(*pane, *row),
            (Hit::Row(row), None) if self.screen == Screen::Workloads => {
                self.workloads.cursor.row = *row;
                rows::refocus(&mut self.workloads);
                if self.workloads.detail.is_some() {
                    self.workloads.detail.clone_from(&self.workloads.focused);
                }
            }
            (Hit::Column(column), None) if self.screen == Screen::Workloads => self.sort_column(*column),
            (Hit::Tab(kind), None) => self.show_kind(*kind),
            _ => self.dirty = was_dirty,
        }
    }

    /// The footer does what its keys do where they are drawn: not while something is typed or asked.
    fn clicked_command(&mut self, command: &Command, effects: &mut Vec<Effect>) {
        let is_offered = self.footer().iter().any(|entry| entry.command == *command);
        let is_suggested = self.overlays.is_empty()
            && matches!(
                command,
                Command::UndoRollout | Command::RestartUnhealthy | Command::Breaker | Command::Scale | Command::Screen(_) | Command::Kind(_)
            );
        if is_offered || is_suggested {
            self.run(command, effects);
        }
    }

    fn click_pane(&mut self, pane: Pane, row: Option<usize>) {
        match row {
            Some(row) => self.cockpit.point(pane, row),
            None => self.cockpit.focus = pane,
        }
        self.stay_on_alert();
        self.clamp_cockpit();
        if pane == Pane::Pods {
            self.take_pod_of_row();
        }
    }
}
