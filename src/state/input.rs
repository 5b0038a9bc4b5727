//! Keys, the mouse and pasted text: to the topmost overlay, else to the screen.

use std::time::Duration;

use serde_json::json;

use crate::domain::{object::Kind, text::Text};

use super::{
    Notice, Screen, State,
    action::Command,
    card::CardFocus,
    msg::{Effect, Hit, Key, KeyCode, Mouse, MouseKind},
    overlay::{LineEdit, Overlay, Palette, ViewerKind},
    rows,
    screens::cockpit::Pane,
    timeline::EntryKind,
};

/// Two `Ctrl-C` within this leave.
const INTERRUPT_TWICE: Duration = Duration::from_secs(2);
/// Rows that one notch of the wheel moves.
const WHEEL: usize = 3;
/// Longest note kept, in characters.
const NOTE: usize = 512;

impl State {
    pub(super) fn key(&mut self, key: Key, effects: &mut Vec<Effect>) {
        let key = key.normal();
        if key == Key::ctrl('c') {
            return self.interrupt(effects);
        }
        self.interrupted = None;
        // Hands that know a shell end programs or lines with these: here they do nothing at all.
        if key == Key::ctrl('d') || key == Key::ctrl('k') {
            return;
        }
        self.renew_acks();
        if self.notice.take().is_some() {
            self.dirty = true;
        }
        match self.overlays.last() {
            Some(Overlay::Card(_)) => self.card_key(key, effects),
            Some(Overlay::Filter(_) | Overlay::Note(_) | Overlay::Replicas(_) | Overlay::Palette(_)) => self.typed(key, effects),
            Some(Overlay::Viewer(viewer)) if viewer.searching => self.searched(key),
            Some(Overlay::QuitQuestion { .. } | Overlay::EscalateQuestion { .. }) => self.answered(key, effects),
            Some(Overlay::Menu(menu)) => {
                let chosen = match key.code {
                    KeyCode::Char(character) if !key.ctrl && !key.alt => menu.items.iter().position(|item| item.key == character),
                    _ => None,
                };
                match chosen {
                    Some(index) => {
                        self.dirty = true;
                        self.choose(index, effects);
                    }
                    None => self.mapped(key, effects),
                }
            }
            _ => self.mapped(key, effects),
        }
    }

    /// The palette, with `line` typed already.
    pub(super) fn compose(&mut self, line: &str) {
        let mut palette = Palette { line: LineEdit::of(line), ..Palette::default() };
        self.match_palette(&mut palette);
        self.overlays.push(Overlay::Palette(palette));
    }

    fn mapped(&mut self, key: Key, effects: &mut Vec<Effect>) {
        let Some(action) = self.keymap.action(key, &self.places()) else { return };
        self.run(&action.command.clone(), effects);
    }

    fn interrupt(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now.mono;
        if self.interrupted.is_some_and(|before| now.since(before) <= INTERRUPT_TWICE) {
            effects.push(Effect::Quit { code: 130 });
            return;
        }
        self.interrupted = Some(now);
        self.notice = Some(Notice { text: "Ctrl-C again leaves at once; q asks first".into(), is_error: false, until: now.plus(INTERRUPT_TWICE) });
        self.dirty = true;
    }

    /// A line overlay is being typed into.
    fn typed(&mut self, key: Key, effects: &mut Vec<Effect>) {
        self.dirty = true;
        match key.code {
            KeyCode::Esc => self.leave_line(),
            KeyCode::Enter => self.line_entered(effects),
            KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown | KeyCode::Tab | KeyCode::BackTab => {
                let command = match key.code {
                    KeyCode::Up | KeyCode::BackTab => Command::Up,
                    KeyCode::PageUp => Command::PageUp,
                    KeyCode::PageDown => Command::PageDown,
                    _ => Command::Down,
                };
                match self.overlays.last() {
                    // The table can be walked while its filter is typed.
                    Some(Overlay::Filter(_)) => self.step_under_filter(&command),
                    _ => self.step(&command),
                }
            }
            _ => {
                let Some(line) = self.line_mut() else { return };
                let was_empty = line.text.is_empty();
                if key.code == KeyCode::Backspace && was_empty {
                    return self.leave_line();
                }
                if line.edit(key) {
                    self.line_changed();
                }
            }
        }
    }

    fn line_mut(&mut self) -> Option<&mut LineEdit> {
        match self.overlays.last_mut()? {
            Overlay::Filter(line) | Overlay::Note(line) => Some(line),
            Overlay::Palette(palette) => Some(&mut palette.line),
            Overlay::Replicas(prompt) => {
                prompt.complaint = None;
                Some(&mut prompt.line)
            }
            Overlay::Viewer(viewer) if viewer.searching => Some(&mut viewer.search),
            _ => None,
        }
    }

    /// What follows from a changed line at once.
    fn line_changed(&mut self) {
        match self.overlays.last() {
            Some(Overlay::Filter(line)) => {
                self.workloads.filter.clone_from(&line.text);
                self.refilter();
            }
            Some(Overlay::Palette(_)) => {
                if let Some(Overlay::Palette(mut palette)) = self.overlays.pop() {
                    self.match_palette(&mut palette);
                    self.overlays.push(Overlay::Palette(palette));
                }
            }
            _ => {}
        }
    }

    /// While a filter is typed the cursor is on the first row, where the best match is looked for.
    fn refilter(&mut self) {
        self.workloads.focused = None;
        self.workloads.cursor = super::table::Cursor::default();
        rows::rebuild(&self.cluster, &mut self.workloads);
    }

    fn step_under_filter(&mut self, command: &Command) {
        let overlay = self.overlays.pop();
        self.step(command);
        self.overlays.extend(overlay);
    }

    fn leave_line(&mut self) {
        if let Some(Overlay::Filter(_)) = self.overlays.pop() {
            let (screen, filter) = self.filter_before.take().unwrap_or((self.screen, String::new()));
            self.workloads.filter = filter;
            self.screen = screen;
            self.resort();
        }
    }

    fn line_entered(&mut self, effects: &mut Vec<Effect>) {
        match self.overlays.last() {
            Some(Overlay::Replicas(_)) => self.replicas_entered(effects),
            Some(Overlay::Palette(palette)) => {
                let command = palette.matches.get(palette.cursor.row).map(|entry| entry.command.clone());
                let typed = palette.line.text.clone();
                self.overlays.pop();
                match command {
                    Some(command) => {
                        self.close_overlays(effects);
                        self.run(&command, effects);
                    }
                    None if typed.trim().is_empty() => {}
                    None => self.refuse(&format!("“{typed}” is no command: type a part of its name, or ? for help")),
                }
            }
            Some(Overlay::Note(line)) => {
                let note = Text::bounded(line.text.trim(), NOTE);
                self.overlays.pop();
                if !note.is_empty() {
                    let by = self.session.identity.as_ref().map(|identity| identity.cluster.user.clone());
                    effects.push(Effect::Record { kind: "note", fields: json!({ "text": note, "by": by }) });
                    self.timeline.add(self.server_now(), EntryKind::Note, note);
                    self.say("noted");
                }
            }
            Some(Overlay::Filter(_)) => {
                self.overlays.pop();
                self.filter_before = None;
            }
            _ => {}
        }
    }

    /// `/` in a viewer.
    fn searched(&mut self, key: Key) {
        self.dirty = true;
        let height = usize::from(self.heights.overlay);
        let Some(viewer) = self.viewer_mut() else { return };
        match key.code {
            KeyCode::Esc => {
                viewer.searching = false;
                viewer.search = LineEdit::default();
            }
            KeyCode::Enter => {
                viewer.searching = false;
                let here = viewer.cursor.row;
                viewer.cursor.row = here.checked_sub(1).unwrap_or(viewer.lines.len().saturating_sub(1));
                viewer.find(1, height);
                if !viewer.lines.get(viewer.cursor.row).is_some_and(|line| line.to_lowercase().contains(&viewer.search.text.to_lowercase())) {
                    viewer.cursor.row = here;
                    let missing = viewer.search.text.clone();
                    self.say(&format!("“{missing}” is not in these lines"));
                }
            }
            _ => {
                viewer.search.edit(key);
            }
        }
    }

    /// A question: `y` does it, anything that means no does not.
    fn answered(&mut self, key: Key, effects: &mut Vec<Effect>) {
        self.dirty = true;
        match key.code {
            KeyCode::Char('y') if !key.ctrl && !key.alt => match self.overlays.pop() {
                Some(Overlay::QuitQuestion { .. }) => effects.push(Effect::Quit { code: 0 }),
                Some(Overlay::EscalateQuestion { fingerprint, .. }) => self.escalate_now(&fingerprint, effects),
                _ => {}
            },
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('n') => {
                self.overlays.pop();
            }
            _ => {}
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.dirty = true;
        if let Some(Overlay::Card(_)) = self.overlays.last() {
            return self.card_paste(text);
        }
        if let Some(line) = self.line_mut() {
            line.paste(text);
            self.line_changed();
        }
    }

    /// Runs a command of the keymap, the palette or the mouse.
    pub(super) fn run(&mut self, command: &Command, effects: &mut Vec<Effect>) {
        let was_dirty = std::mem::replace(&mut self.dirty, true);
        if self.viewer_command(command, effects) {
            return;
        }
        match command {
            Command::Quit => self.quit(effects),
            Command::Interrupt => self.interrupt(effects),
            Command::Back => self.close_or_back(effects),
            Command::Open => self.enter(effects),
            Command::Up | Command::Down | Command::PageUp | Command::PageDown | Command::Top | Command::Bottom => self.step(command),
            Command::Help => match self.overlays.last() {
                Some(Overlay::Help { .. }) => {
                    self.overlays.pop();
                }
                _ => self.overlays.push(Overlay::Help { scroll: 0 }),
            },
            Command::Palette => self.compose(""),
            Command::Compose(line) => self.compose(line),
            Command::Reconnect => {
                effects.push(Effect::Reconnect);
                self.say("every source tries again now");
            }
            Command::Theme(name) => {
                self.theme = name.to_string();
                effects.push(Effect::Theme(name.to_string()));
            }
            Command::Live if self.overlays.is_empty() => {
                self.cockpit.full_screen = false;
                self.step(&Command::Top);
            }
            Command::Live => self.step(&Command::Top),
            _ if !self.overlays.is_empty() => self.dirty = was_dirty,
            on_screen => self.run_on_screen(on_screen, effects),
        }
    }

    fn run_on_screen(&mut self, command: &Command, effects: &mut Vec<Effect>) {
        match command {
            Command::NextPane => self.turn_pane(1),
            Command::PreviousPane => self.turn_pane(5),
            Command::NextKind => self.turn_kind(1),
            Command::PreviousKind => self.turn_kind(4),
            Command::Screen(number) => self.show_screen(*number),
            Command::Kind(kind) => self.show_kind(*kind),
            Command::Filter => {
                self.filter_before = Some((self.screen, self.workloads.filter.clone()));
                if self.screen == Screen::Cockpit {
                    self.show_kind(Kind::Pod);
                }
                self.overlays.push(Overlay::Filter(LineEdit::of(&self.workloads.filter)));
            }
            Command::Describe => self.view(ViewerKind::Describe, effects),
            Command::Yaml => self.view(ViewerKind::Yaml, effects),
            Command::Logs => self.view_logs(false, effects),
            Command::PreviousLogs => self.view_logs(true, effects),
            Command::Copy => match self.focused() {
                Some(focused) => effects.push(Effect::Copy(focused.key.name.to_string())),
                None => self.say("nothing is focused"),
            },
            Command::Mark => self.mark(),
            Command::FullScreen => match self.screen {
                Screen::Cockpit => self.cockpit.full_screen = !self.cockpit.full_screen,
                Screen::Workloads => self.workloads.full_screen = !self.workloads.full_screen,
            },
            Command::Times => self.absolute_times = !self.absolute_times,
            Command::Did => self.overlays.push(Overlay::Did { scroll: 0 }),
            Command::SortNext => self.sort_by(1),
            Command::SortPrevious => self.sort_by(super::columns::columns(self.workloads.kind).len() - 1),
            Command::SortReverse => self.sort_column(self.workloads.sort.column),
            Command::Ack => self.acknowledge(effects),
            Command::Escalate => self.ask_to_escalate(),
            Command::Note => self.overlays.push(Overlay::Note(LineEdit::default())),
            mitigation => self.mitigate(mitigation, effects),
        }
    }

    fn view(&mut self, what: ViewerKind, effects: &mut Vec<Effect>) {
        match self.focused() {
            Some(focused) => self.open_viewer(focused, what, effects),
            None => self.say("nothing is focused"),
        }
    }

    fn view_logs(&mut self, previous: bool, effects: &mut Vec<Effect>) {
        match self.pod_for_logs() {
            Some(pod) => self.open_viewer(pod, ViewerKind::Logs { container: None, previous }, effects),
            None => self.say("logs need a pod or a deployment with pods: choose one"),
        }
    }

    fn quit(&mut self, effects: &mut Vec<Effect>) {
        if !self.overlays.is_empty() {
            return self.close_or_back(effects);
        }
        match self.in_flight() {
            Some(why) => self.overlays.push(Overlay::QuitQuestion { why }),
            None => effects.push(Effect::Quit { code: 0 }),
        }
    }

    fn close_or_back(&mut self, effects: &mut Vec<Effect>) {
        match self.overlays.last() {
            None => self.back(),
            Some(Overlay::Card(_)) => self.close_card(effects),
            Some(Overlay::Filter(_)) => self.leave_line(),
            Some(_) => {
                if let Some(Overlay::Viewer(viewer)) = self.overlays.pop() {
                    effects.push(Effect::Close { viewer: viewer.id });
                }
            }
        }
    }

    fn close_overlays(&mut self, effects: &mut Vec<Effect>) {
        while !self.overlays.is_empty() {
            self.close_or_back(effects);
        }
    }

    fn enter(&mut self, effects: &mut Vec<Effect>) {
        match self.overlays.last() {
            None => self.open(effects),
            Some(Overlay::Menu(menu)) => self.choose(menu.cursor.row, effects),
            Some(_) => {}
        }
    }

    pub(super) fn mouse(&mut self, mouse: &Mouse, effects: &mut Vec<Effect>) {
        match mouse.what {
            MouseKind::WheelUp | MouseKind::WheelDown => self.wheel(mouse),
            MouseKind::Click => {
                if let Some(hit) = &mouse.hit {
                    self.renew_acks();
                    self.click(hit, effects);
                }
            }
            MouseKind::Drag | MouseKind::Release => {}
        }
    }

    fn wheel(&mut self, mouse: &Mouse) {
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
                self.line_entered(effects);
            }
            (Hit::OverlayRow(row), Some(Overlay::Viewer(viewer))) => {
                viewer.cursor.row = *row;
                viewer.moved(usize::from(self.heights.overlay));
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
        self.clamp_cockpit();
        if pane == Pane::Pods {
            self.cockpit.pod = self.cluster.unhealthy.iter().nth(self.cockpit.pods.row).cloned();
        }
    }

    /// A notice in passing.
    pub(super) fn say(&mut self, text: &str) {
        self.notify(Text::line(text), false);
    }

    /// Why something was not done.
    pub(super) fn refuse(&mut self, why: &str) {
        self.notify(Text::line(why), true);
    }

    pub(super) fn notify(&mut self, text: Text, is_error: bool) {
        self.notice = Some(Notice { text, is_error, until: self.now.mono.plus(super::NOTICE_HOLDS) });
        self.dirty = true;
    }

    pub(super) fn own_action(&mut self, text: &str) {
        self.timeline.add(self.server_now(), EntryKind::OwnAction, Text::line(text));
    }
}
