//! A line that is being typed: filter, palette, note, replicas, search; and text pasted into it.

use crate::domain::{
    escalation::{LONGEST_NOTE, Recalled},
    text::Text,
};

use super::{
    Screen, State,
    action::Command,
    input::Haste,
    msg::{Effect, Key, KeyCode},
    overlay::{LineEdit, Overlay},
    rows,
    timeline::EntryKind,
};

impl State {
    /// A line overlay is being typed into.
    pub(super) fn typed(&mut self, key: Key, haste: Haste, effects: &mut Vec<Effect>) {
        self.dirty = true;
        match key.code {
            KeyCode::Esc => self.leave_line(),
            KeyCode::Enter => self.line_entered(haste, effects),
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
                    self.ask_for_namespaces(effects);
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
                let filter = line.text.clone();
                match self.screen {
                    Screen::Cockpit => self.filter_pane(self.cockpit.focus, &filter),
                    Screen::Workloads => {
                        self.workloads.filter = filter;
                        self.refilter();
                    }
                }
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

    /// Matches the palette's line anew, where it is open.
    pub(super) fn match_palette_again(&mut self) {
        if let Some(Overlay::Palette(_)) = self.overlays.last() {
            self.line_changed();
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

    pub(super) fn leave_line(&mut self) {
        if let Some(Overlay::Filter(_)) = self.overlays.pop() {
            let (pane, filter) = self.filter_before.take().unwrap_or_default();
            if let Some(pane) = pane {
                self.filter_pane(pane, &filter);
            } else {
                self.workloads.filter = filter;
                self.resort();
            }
        }
    }

    pub(super) fn line_entered(&mut self, haste: Haste, effects: &mut Vec<Effect>) {
        match self.overlays.last() {
            Some(Overlay::Replicas(_)) => self.replicas_entered(effects),
            Some(Overlay::Palette(palette)) => {
                let chosen = palette.matches.get(palette.cursor.row).filter(|_| palette.is_chosen);
                let objection = chosen.filter(|entry| !entry.command.only_looks()).and_then(|_| haste.objects("Enter"));
                match chosen.map(|entry| entry.command.clone()) {
                    Some(_) if objection.is_some() => {
                        if let Some(Overlay::Palette(palette)) = self.overlays.last_mut() {
                            palette.complaint = objection.as_deref().map(Text::line);
                        }
                    }
                    Some(command) => {
                        // Those are about the log under the palette.
                        if matches!(command, Command::Container(_) | Command::Containers) {
                            self.overlays.pop();
                        } else {
                            self.close_overlays(effects);
                        }
                        self.run(&command, effects);
                    }
                    None if palette.line.text.trim().is_empty() => _ = self.overlays.pop(),
                    // What is wrong stands below the line, which is mended and not typed again.
                    None if palette.complaint.is_some() => {}
                    None => {
                        let why = self.undecided(palette);
                        if let Some(Overlay::Palette(palette)) = self.overlays.last_mut() {
                            palette.complaint = Some(why);
                        }
                    }
                }
            }
            Some(Overlay::Note(line)) => {
                let note = Text::bounded(line.text.trim(), LONGEST_NOTE);
                self.overlays.pop();
                if !note.is_empty() {
                    effects.push(Effect::Record { kind: "note", fields: Recalled::note(self.server_now(), &self.us(), &note) });
                    self.timeline.add(self.server_now(), EntryKind::Note, note);
                    self.say("noted: @ shows it, also after a restart");
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
    pub(super) fn searched(&mut self, key: Key) {
        self.dirty = true;
        let (height, times) = (usize::from(self.heights.viewer), self.log_times);
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
                viewer.find(1, height, times);
                if !viewer.line(viewer.cursor.row, times).to_lowercase().contains(&viewer.search.text.to_lowercase()) {
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
}
