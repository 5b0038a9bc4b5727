//! Moving about: cursors, panes, kinds, and what is focused.

use crate::domain::object::{Key, Kind, ObjectRef};

use super::{
    Screen, State,
    action::{Command, SCREENS},
    columns::{KINDS, ON_DEMAND, columns},
    indices::with_index,
    msg::Effect,
    overlay::Overlay,
    rows,
    screens::{cockpit::Pane, workloads::Left},
    table::Cursor,
};

/// Panes in `Tab` order.
const PANES: [Pane; 6] = [Pane::Tiles, Pane::Escalation, Pane::Pods, Pane::Errors, Pane::Changes, Pane::Suggestions];

/// Where a movement leads in a list of `len` rows of which `height` are visible.
fn moved(row: usize, len: usize, height: usize, command: &Command) -> usize {
    let page = height.max(2) - 1;
    let last = len.saturating_sub(1);
    match command {
        Command::Up => row.saturating_sub(1),
        Command::Down => row + 1,
        Command::PageUp => row.saturating_sub(page),
        Command::PageDown => row + page,
        Command::Bottom => last,
        _ => 0,
    }
    .min(last)
}

impl State {
    /// The object that `d y l m c` mean.
    pub fn focused(&self) -> Option<ObjectRef> {
        match self.screen {
            Screen::Workloads => self.cluster.reference(self.workloads.kind, self.workloads.detail.as_ref().or(self.workloads.focused.as_ref())?),
            Screen::Cockpit => match self.cockpit.focus {
                Pane::Changes => {
                    let object = &self.shown_changes().nth(self.cockpit.changes.row)?.object;
                    Some(self.cluster.reference(object.kind, &object.key).unwrap_or_else(|| object.clone()))
                }
                Pane::Errors => self.pod_of_pattern(),
                Pane::Suggestions => self.target_of_suggestion(),
                Pane::Pods | Pane::Tiles | Pane::Escalation => self.cluster.reference(Kind::Pod, self.cockpit.pod.as_ref()?),
            },
        }
    }

    /// The same, but for an event the object that it is about: what logs and mitigations mean.
    pub(super) fn meant(&self) -> Option<ObjectRef> {
        let focused = self.focused()?;
        if focused.kind != Kind::Event {
            return Some(focused);
        }
        let object = self.cluster.events.get(&focused.key)?.object()?;
        self.cluster.reference(object.kind, &object.key)
    }

    /// A pod that wrote the pattern's errors: the newest one that still exists.
    fn pod_of_pattern(&self) -> Option<ObjectRef> {
        let errors = self.errors.as_ref()?;
        let pattern = self.pattern_under_cursor()?;
        let of_service = errors.newest.iter().filter(|error| error.service == pattern.service);
        let mut pods = of_service.filter_map(|error| error.pod.as_ref());
        pods.find_map(|name| {
            let key = self.cluster.pods.objects.keys().find(|key| key.name == *name)?;
            self.cluster.reference(Kind::Pod, key)
        })
    }

    fn target_of_suggestion(&self) -> Option<ObjectRef> {
        let object = self.advice.suggestions.get(self.cockpit.suggestions.row)?.request.objects().into_iter().next()?;
        if object.uid.is_empty() { self.cluster.reference(object.kind, &object.key) } else { Some(object) }
    }

    /// A movement in the topmost list.
    pub(super) fn step(&mut self, command: &Command) {
        let heights = self.heights;
        let overlay_height = usize::from(heights.overlay);
        let lines = match self.overlays.last() {
            Some(Overlay::Help { .. }) => self.help().iter().map(|group| group.lines.len() + 2).sum(),
            // As many as there can be of long ones, which are wrapped: what is beyond the end is not scrolled to.
            Some(Overlay::Did { .. }) => {
                let width = usize::from(self.size.0.min(90)).saturating_sub(24).max(1);
                self.timeline.own().map(|entry| 1 + entry.text.chars().count() / width).sum()
            }
            _ => 0,
        };
        match self.overlays.last_mut() {
            Some(Overlay::Help { scroll } | Overlay::Did { scroll }) => {
                let row = moved(usize::from(*scroll), (lines + 1).saturating_sub(overlay_height), overlay_height, command);
                *scroll = u16::try_from(row).unwrap_or(u16::MAX);
            }
            Some(Overlay::Menu(menu)) => {
                menu.cursor.row = moved(menu.cursor.row, menu.items.len(), overlay_height, command);
                menu.cursor.clamp(menu.items.len(), overlay_height);
            }
            Some(Overlay::Palette(palette)) => {
                // The first step goes to the first entry, from where there was none.
                if std::mem::replace(&mut palette.is_chosen, !palette.matches.is_empty()) {
                    palette.cursor.row = moved(palette.cursor.row, palette.matches.len(), overlay_height, command);
                } else if !palette.matches.is_empty() {
                    palette.complaint = None;
                }
                palette.cursor.clamp(palette.matches.len(), overlay_height);
            }
            Some(Overlay::Viewer(viewer)) => {
                viewer.cursor.row = moved(viewer.cursor.row, viewer.lines.len(), overlay_height, command);
                viewer.moved(overlay_height);
            }
            Some(_) => {}
            None => self.step_screen(command),
        }
    }

    fn step_screen(&mut self, command: &Command) {
        match self.screen {
            Screen::Workloads => {
                let height = usize::from(self.heights.table);
                let len = self.workloads.rows.len();
                self.workloads.cursor.row = moved(self.workloads.cursor.row, len, height, command);
                self.workloads.cursor.clamp(len, height);
                rows::refocus(&mut self.workloads);
                if self.workloads.detail.is_some() {
                    self.workloads.detail.clone_from(&self.workloads.focused);
                }
            }
            Screen::Cockpit => {
                let Some((len, height)) = self.pane_list(self.cockpit.focus) else { return };
                let focus = self.cockpit.focus;
                if let Some(cursor) = self.cockpit.cursor_mut(focus) {
                    cursor.row = moved(cursor.row, len, height, command);
                    cursor.clamp(len, height);
                }
                if focus == Pane::Pods {
                    self.take_pod_of_row();
                }
                self.stay_on_alert();
            }
        }
    }

    /// Length and visible rows of a pane's list; none where it has none.
    fn pane_list(&self, pane: Pane) -> Option<(usize, usize)> {
        let heights = &self.heights;
        let (len, height) = match pane {
            Pane::Tiles => return None,
            Pane::Escalation => (self.firing().count() + self.silenced().count(), heights.alerts),
            Pane::Pods => (self.narrowed(pane).1, heights.pods),
            Pane::Errors => (self.narrowed(pane).1, heights.errors),
            Pane::Changes => (self.narrowed(pane).1, heights.changes),
            Pane::Suggestions => (self.advice.suggestions.len(), heights.suggestions),
        };
        Some((len, usize::from(height)))
    }

    /// Cursors of the cockpit inside their lists.
    pub(super) fn clamp_cockpit(&mut self) {
        for pane in PANES {
            let Some((len, height)) = self.pane_list(pane) else { continue };
            if let Some(cursor) = self.cockpit.cursor_mut(pane) {
                cursor.clamp(len, height);
            }
        }
    }

    /// After the cursor of the escalation pane was moved by hand: it stays on the alert there, unless that is the first.
    pub(super) fn stay_on_alert(&mut self) {
        if self.cockpit.focus == Pane::Escalation {
            let is_first = self.cockpit.alerts.row == 0;
            self.cockpit.alert = self.alert_under_cursor().filter(|_| !is_first).map(|alert| alert.fingerprint.clone());
        }
    }

    /// The order of the alerts changes with the time. The cursor of their pane follows its alert; without the focus, or once that
    /// is gone, it is on the one that needs a person first.
    pub(super) fn follow_alert(&mut self) {
        let is_focused = self.cockpit.focus == Pane::Escalation;
        let row = self.cockpit.alert.as_ref().filter(|_| is_focused).and_then(|fingerprint| {
            let mut all = self.firing().map(|(alert, _)| alert).chain(self.silenced());
            all.position(|alert| alert.fingerprint == *fingerprint)
        });
        if row.is_none() {
            self.cockpit.alert = None;
        }
        self.cockpit.alerts.row = row.unwrap_or_default();
    }

    /// After unhealthy pods came or went: the cursor stays on its pod, or takes the one in its place.
    pub(super) fn refocus_cockpit(&mut self) {
        let is_whole = self.filter_of(Pane::Pods).is_empty();
        let pod = self.cockpit.pod.as_ref().filter(|pod| self.cluster.unhealthy.contains(*pod));
        // Without a filter the row was moved with the pod.
        let row = pod.and_then(|pod| if is_whole { Some(self.cockpit.pods.row) } else { self.shown_pods().position(|key| key == pod) });
        self.cockpit.pods.row = row.unwrap_or(self.cockpit.pods.row);
        let (len, height) = (self.narrowed(Pane::Pods).1, usize::from(self.heights.pods));
        self.cockpit.pods.clamp(len, height);
        if row.is_none() {
            self.take_pod_of_row();
        }
    }

    pub(super) fn turn_pane(&mut self, steps: usize) {
        let at = PANES.iter().position(|pane| *pane == self.cockpit.focus).unwrap_or(0);
        self.cockpit.focus = PANES[(at + steps) % PANES.len()];
    }

    pub(super) fn turn_kind(&mut self, steps: usize) {
        let at = KINDS.iter().position(|kind| *kind == self.workloads.kind).unwrap_or(0);
        self.show_kind(KINDS[(at + steps) % KINDS.len()]);
    }

    /// The table of a kind, on its screen. Filter and marks belong to the kind that was left.
    pub(super) fn show_kind(&mut self, kind: Kind) {
        if !KINDS.contains(&kind) {
            return;
        }
        if self.workloads.kind != kind {
            self.workloads.kind = kind;
            self.workloads.filter.clear();
            self.workloads.marks.clear();
            self.workloads.sort = super::table::Sort::default();
            self.workloads.cursor = Cursor::default();
            self.workloads.focused = None;
            self.workloads.detail = None;
            self.workloads.left = None;
        }
        self.screen = Screen::Workloads;
        self.resort();
    }

    /// A kind that is watched on demand is so from when its table is first on the screen.
    pub(super) fn want_shown(&mut self, effects: &mut Vec<Effect>) {
        let kind = self.workloads.kind;
        if self.screen == Screen::Workloads && ON_DEMAND.contains(&kind) && self.wanted.insert(kind) {
            effects.push(Effect::Watch(kind));
        }
    }

    /// Rows anew; the cursor follows its object.
    pub(super) fn resort(&mut self) {
        rows::rebuild(&self.cluster, &mut self.workloads);
        let height = usize::from(self.heights.table);
        self.workloads.cursor.clamp(self.workloads.rows.len(), height);
    }

    pub(super) fn show_screen(&mut self, number: u8) {
        match number {
            1 => self.screen = Screen::Cockpit,
            2 => self.show_kind(self.workloads.kind),
            other => {
                let name = SCREENS.iter().find(|(number, ..)| *number == other).map_or("that screen", |(_, name, _)| name);
                self.say(&format!("{name} is not in this version: 1 Cockpit, 2 Workloads"));
            }
        }
    }

    pub(super) fn sort_by(&mut self, steps: usize) {
        let count = columns(self.workloads.kind).len();
        self.workloads.sort.column = (self.workloads.sort.column + steps) % count;
        self.say_sort();
    }

    /// A click on a column title, or the reverse key on the sorted one.
    pub(super) fn sort_column(&mut self, column: usize) {
        if column >= columns(self.workloads.kind).len() {
            return;
        }
        let sort = &mut self.workloads.sort;
        sort.descending = sort.column == column && !sort.descending;
        sort.column = column;
        self.say_sort();
    }

    fn say_sort(&mut self) {
        self.resort();
        let sort = self.workloads.sort;
        let title = columns(self.workloads.kind).get(sort.column).map_or("", |column| column.title());
        self.say(&format!("sorted by {title}, {}", if sort.descending { "descending" } else { "ascending" }));
    }

    pub(super) fn mark(&mut self) {
        let Some(key) = self.workloads.focused.clone() else { return };
        if !self.workloads.marks.remove(&key) {
            self.workloads.marks.insert(key);
        }
        self.step_screen(&Command::Down);
    }

    /// `Enter` on a screen.
    pub(super) fn open(&mut self, effects: &mut Vec<Effect>) {
        match self.screen {
            Screen::Workloads if self.workloads.kind == Kind::Event => self.open_object_of_event(effects),
            Screen::Workloads => self.workloads.detail.clone_from(&self.workloads.focused),
            Screen::Cockpit => match self.cockpit.focus {
                Pane::Pods => {
                    if let Some(pod) = self.cockpit.pod.clone() {
                        self.show_object(Kind::Pod, &pod);
                    }
                }
                Pane::Suggestions => {
                    let request = self.advice.suggestions.get(self.cockpit.suggestions.row).map(|suggestion| suggestion.request.clone());
                    if let Some(request) = request {
                        self.request(request, effects);
                    }
                }
                Pane::Changes => {
                    let object = self.shown_changes().nth(self.cockpit.changes.row).map(|change| change.object.clone());
                    match object {
                        Some(object) if KINDS.contains(&object.kind) => self.show_object(object.kind, &object.key),
                        Some(object) => self.open_viewer(object, super::overlay::ViewerKind::Describe, effects),
                        None => {}
                    }
                }
                Pane::Escalation if self.alert_under_cursor().is_some() => self.open_alert(),
                Pane::Errors if self.pattern_under_cursor().is_some() => self.open_pattern(),
                Pane::Tiles | Pane::Escalation | Pane::Errors => self.cockpit.full_screen = !self.cockpit.full_screen,
            },
        }
    }

    /// What the focused event is about: its row where its kind has a table, else its description.
    fn open_object_of_event(&mut self, effects: &mut Vec<Effect>) {
        let Some(event) = self.workloads.focused.as_ref().and_then(|key| self.cluster.events.get(key)) else { return };
        let Some(object) = event.object() else {
            let what = event.about.0.clone();
            return self.say(&format!("nothing more is known here of a {what}: d describes the event"));
        };
        let left = Left { event: Some(event.key.clone()), sort: self.workloads.sort, filter: self.workloads.filter.clone() };
        // Of a kind that was not listed nobody knows whether it is there.
        let is_shown = KINDS.contains(&object.kind) && with_index!(self.cluster, object.kind, index => index.is_complete);
        let is_there = self.cluster.reference(object.kind, &object.key).is_some_and(|known| object.uid.is_empty() || known.uid == object.uid);
        match object.kind {
            _ if is_shown && is_there => {
                self.show_object(object.kind, &object.key);
                self.workloads.left = Some(left);
            }
            _ if is_shown => self.say(&format!("{object} is not in the cluster any more: d describes the event")),
            _ => self.open_viewer(object, super::overlay::ViewerKind::Describe, effects),
        }
    }

    /// Back in the table of events, as it was left.
    fn return_to_events(&mut self, left: Left) {
        self.show_kind(Kind::Event);
        self.workloads.sort = left.sort;
        self.workloads.filter = left.filter;
        self.workloads.focused = left.event;
        self.resort();
    }

    /// One object in its table, with its detail.
    fn show_object(&mut self, kind: Kind, key: &Key) {
        self.show_kind(kind);
        self.workloads.filter.clear();
        self.workloads.focused = Some(key.clone());
        self.resort();
        self.workloads.detail.clone_from(&self.workloads.focused);
    }

    /// `Esc` on a screen: one step back, never out.
    pub(super) fn back(&mut self) {
        match self.screen {
            Screen::Workloads => {
                if self.workloads.detail.take().is_some() {
                    if let Some(left) = self.workloads.left.take() {
                        self.return_to_events(left);
                    }
                } else if !self.workloads.marks.is_empty() {
                    self.workloads.marks.clear();
                } else if !self.workloads.filter.is_empty() {
                    self.workloads.filter.clear();
                    self.resort();
                } else {
                    self.screen = Screen::Cockpit;
                }
            }
            Screen::Cockpit if self.cockpit.full_screen => self.cockpit.full_screen = false,
            Screen::Cockpit => _ = self.unfilter_cockpit(),
        }
    }
}

impl super::screens::cockpit::Cockpit {
    fn cursor_mut(&mut self, pane: Pane) -> Option<&mut Cursor> {
        match pane {
            Pane::Tiles => None,
            Pane::Escalation => Some(&mut self.alerts),
            Pane::Pods => Some(&mut self.pods),
            Pane::Errors => Some(&mut self.errors),
            Pane::Changes => Some(&mut self.changes),
            Pane::Suggestions => Some(&mut self.suggestions),
        }
    }

    /// Puts the cursor of a pane on a row.
    pub(super) fn point(&mut self, pane: Pane, row: usize) {
        self.focus = pane;
        if let Some(cursor) = self.cursor_mut(pane) {
            cursor.row = row;
        }
    }
}
