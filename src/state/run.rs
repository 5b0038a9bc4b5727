//! Runs a command, whether a key, the palette or the mouse asked for it.

use super::{
    Screen, State,
    action::Command,
    msg::Effect,
    overlay::{LineEdit, Overlay, Palette, ViewerKind},
    switch::Namespaces,
};

impl State {
    pub(super) fn run(&mut self, command: &Command, effects: &mut Vec<Effect>) {
        let was_dirty = std::mem::replace(&mut self.dirty, true);
        if *command == Command::Copy && self.selection.is_some() {
            effects.push(Effect::CopySelected);
            return;
        }
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
            Command::Compose(line) => {
                self.compose(line);
                self.ask_for_namespaces(effects);
            }
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

    /// The palette, with `line` typed already.
    pub(super) fn compose(&mut self, line: &str) {
        // What could not be listed may be listed another time.
        if matches!(self.destinations.namespaces, Namespaces::Unknown(_)) {
            self.destinations.namespaces = Namespaces::NotAsked;
        }
        let mut palette = Palette { line: LineEdit::of(line), ..Palette::default() };
        self.match_palette(&mut palette);
        self.overlays.push(Overlay::Palette(palette));
    }

    fn run_on_screen(&mut self, command: &Command, effects: &mut Vec<Effect>) {
        match command {
            Command::NextPane => self.turn_pane(1),
            Command::PreviousPane => self.turn_pane(5),
            Command::NextKind => self.turn_kind(1),
            Command::PreviousKind => self.turn_kind(super::columns::KINDS.len() - 1),
            Command::Screen(number) => self.show_screen(*number),
            Command::Kind(kind) => self.show_kind(*kind),
            Command::Filter => {
                let pane = (self.screen == Screen::Cockpit).then(|| self.pane_to_filter());
                let filter = pane.map_or(self.workloads.filter.as_str(), |pane| self.filter_of(pane)).to_owned();
                self.overlays.push(Overlay::Filter(LineEdit::of(&filter)));
                self.filter_before = Some((pane, filter));
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
            Command::LogTimes => self.log_times = !self.log_times,
            Command::Containers | Command::Container(_) => self.say("open a log first: l"),
            Command::Did => self.overlays.push(Overlay::Did { scroll: 0 }),
            Command::SortNext => self.sort_by(1),
            Command::SortPrevious => self.sort_by(super::columns::columns(self.workloads.kind).len() - 1),
            Command::SortReverse => self.sort_column(self.workloads.sort.column),
            Command::Ack => self.acknowledge(effects),
            Command::Unack => self.take_ack_back(effects),
            Command::Called => self.note_call(effects),
            Command::Switch(to) => self.ask_to_switch(to),
            Command::Uncall => self.ask_to_take_call_back(),
            Command::Escalate => self.ask_to_escalate(),
            Command::Stop => self.stop_writing(effects),
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
            None => self.say("logs need a pod, or something that has pods: choose one"),
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

    pub(super) fn close_or_back(&mut self, effects: &mut Vec<Effect>) {
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

    pub(super) fn close_overlays(&mut self, effects: &mut Vec<Effect>) {
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
}
