//! Describe, YAML and logs: opening, lines coming in, moving and searching in them.

use std::borrow::Cow;

use crate::domain::{
    ask::Wish,
    asks::Run,
    log::LogContainer,
    mitigation::{Basis, CommandOutput},
    object::{Key, Kind, ObjectRef},
    text::Text,
};

use super::{
    State,
    action::Command,
    card::CardContent,
    msg::{Effect, LogNews},
    overlay::{LineEdit, Menu, MenuItem, Overlay, Viewer, ViewerId, ViewerKind},
    table::Cursor,
};

/// Lines kept in a viewer.
pub const LINES: usize = 10_000;

impl State {
    pub(super) fn open_viewer(&mut self, about: ObjectRef, what: ViewerKind, effects: &mut Vec<Effect>) {
        self.next_viewer += 1;
        let id = ViewerId(self.next_viewer);
        let follow = matches!(&what, ViewerKind::Logs { .. });
        let status = Text::line(&format!("waiting for the API server to answer about {about}"));
        self.overlays.push(Overlay::Viewer(Box::new(Viewer {
            id,
            about: about.clone(),
            what: what.clone(),
            lines: std::collections::VecDeque::new(),
            times: std::collections::VecDeque::new(),
            containers: Vec::new(),
            container: None,
            dropped: 0,
            cursor: Cursor::default(),
            follow,
            wrap: false,
            search: LineEdit::default(),
            searching: false,
            status,
        })));
        effects.push(Effect::Open { viewer: id, about, what });
    }

    /// What a command that only reads writes, once it has been run.
    pub(super) fn open_output(&mut self, run: Run, effects: &mut Vec<Effect>) {
        let pod = run.pod.clone().unwrap_or_default();
        let about = ObjectRef { kind: Kind::Pod, key: Key { namespace: run.namespace.clone(), name: pod }, uid: Text::default() };
        let title = Text::line(&Wish::new(run.clone()).words().join(" "));
        self.open_viewer(about, ViewerKind::Command { title, run: Some(run) }, effects);
        if let Some(viewer) = self.viewer_mut() {
            viewer.status = "running, and waiting for its output".into();
        }
    }

    /// The whole change of the card that lies on top, over it.
    pub(super) fn open_full_diff(&mut self, effects: &mut Vec<Effect>) {
        let Some(Overlay::Card(card)) = self.overlays.last_mut() else { return };
        let CardContent::Planned(plan) = &card.content else { return };
        let Some(Basis { object: about, .. }) = plan.targets.first().filter(|_| plan.has_full_diff()) else {
            card.complaint = Some("the card says it all: no fields of an object are written".into());
            return;
        };
        let (about, writes) = (about.clone(), plan.writes.clone());
        self.open_viewer(about, ViewerKind::Diff { writes }, effects);
        if let Some(viewer) = self.viewer_mut() {
            viewer.status = "asking the server what it would store".into();
        }
    }

    /// What a command from a card wrote: shown at once where nothing lies over the screen.
    pub(super) fn command_ended(&mut self, output: CommandOutput) {
        if !self.overlays.is_empty() {
            return self.own_action(&format!("{}: {}", output.title, output.summary));
        }
        let about = ObjectRef { kind: Kind::Pod, key: Key::new("", ""), uid: Text::default() };
        // Nothing is left to be read: what would open it is not performed.
        self.open_viewer(about, ViewerKind::Command { title: output.title, run: None }, &mut Vec::new());
        let id = ViewerId(self.next_viewer);
        self.lines(id, output.lines, Some(output.summary));
    }

    /// The pod whose logs are meant by what is focused: itself, or an unhealthy one of the deployment, or the first.
    pub(super) fn pod_for_logs(&mut self) -> Option<ObjectRef> {
        let focused = self.meant()?;
        if focused.kind == Kind::Pod {
            return Some(focused);
        }
        let cluster = &self.cluster;
        let is_its = |key: &&crate::domain::object::Key| {
            let is_of = |pod: &crate::domain::pod::Pod| match focused.kind {
                Kind::Deployment => cluster.deployment_of(pod).as_ref() == Some(&focused.key),
                Kind::StatefulSet | Kind::DaemonSet | Kind::Job => pod.owner.as_ref().is_some_and(|owner| owner.uid == focused.uid),
                _ => false,
            };
            key.namespace == focused.key.namespace && cluster.pods.get(key).is_some_and(is_of)
        };
        let key = cluster.unhealthy.iter().find(is_its).or_else(|| cluster.pods.objects.keys().find(is_its))?.clone();
        self.say(&format!("logs of {}, one of the pods of {}", key.name, focused.key.name));
        self.cluster.reference(Kind::Pod, &key)
    }

    pub(super) fn lines(&mut self, id: ViewerId, lines: Vec<Text>, ended: Option<Text>) {
        let height = usize::from(self.heights.viewer);
        let Some(viewer) = self.viewer_with(id) else { return };
        if lines.is_empty() && ended.is_none() {
            return;
        }
        viewer.lines.extend(lines);
        viewer.times.resize(viewer.lines.len(), None);
        let surplus = viewer.lines.len().saturating_sub(LINES);
        viewer.lines.drain(..surplus);
        viewer.times.drain(..surplus);
        viewer.dropped += surplus as u64;
        viewer.cursor.row = viewer.cursor.row.saturating_sub(surplus);
        viewer.cursor.top = viewer.cursor.top.saturating_sub(surplus);
        if viewer.follow {
            viewer.cursor.row = viewer.lines.len().saturating_sub(1);
        }
        viewer.cursor.clamp(viewer.lines.len(), height);
        viewer.status = match ended {
            Some(why) => why,
            None if matches!(viewer.what, ViewerKind::Logs { .. }) => Text::default(),
            None => std::mem::take(&mut viewer.status),
        };
        self.dirty = true;
    }

    /// What was heard of a log that is followed.
    pub(super) fn log_news(&mut self, id: ViewerId, news: LogNews) {
        let Some(viewer) = self.viewer_with(id) else { return };
        match news {
            LogNews::Containers { all, shown } => {
                viewer.containers = all;
                viewer.container = Some(shown);
            }
            LogNews::Waiting(why) => viewer.status = why,
            LogNews::Lines(lines) => {
                viewer.times.extend(lines.iter().map(|line| Some(line.at.clone()).filter(|at| !at.is_empty())));
                return self.lines(id, lines.into_iter().map(|line| line.text).collect(), None);
            }
        }
        self.dirty = true;
    }

    fn viewer_with(&mut self, id: ViewerId) -> Option<&mut Viewer> {
        self.overlays.iter_mut().find_map(|overlay| match overlay {
            Overlay::Viewer(viewer) if viewer.id == id => Some(&mut **viewer),
            _ => None,
        })
    }

    /// The containers whose logs can be read in place of the one that lies open, by what they are called in the palette.
    pub(super) fn containers_shown(&self) -> impl Iterator<Item = (String, Command)> {
        let viewer = self.overlays.iter().rev().find_map(|overlay| match overlay {
            Overlay::Viewer(viewer) => Some(viewer),
            _ => None,
        });
        let containers = viewer.into_iter().flat_map(|viewer| &viewer.containers);
        containers.map(|container| (format!("container {}", container.sentence()), Command::Container(container.name.clone())))
    }

    fn open_containers(&mut self) {
        let Some(viewer) = self.viewer_mut() else { return };
        if !matches!(viewer.what, ViewerKind::Logs { .. }) {
            return self.say("only logs have containers");
        }
        if viewer.containers.is_empty() {
            return self.say("the API server has not said yet which containers there are");
        }
        let item = |(index, container): (usize, &LogContainer)| MenuItem {
            key: char::from_digit(u32::try_from(index + 1).unwrap_or(u32::MAX).min(10), 10),
            title: Text::line(&container.sentence()),
            disabled: None,
            compose: None,
            request: None,
            command: Some(Command::Container(container.name.clone())),
        };
        let items = viewer.containers.iter().enumerate().map(item).collect();
        let row = viewer.containers.iter().position(|container| Some(&container.name) == viewer.container.as_ref()).unwrap_or(0);
        let title = Text::line(&format!("Containers of {}", viewer.about.key.name));
        self.overlays.push(Overlay::Menu(Menu { title, items, cursor: Cursor { row, top: 0 } }));
    }

    /// Another log of the pod in place of the one that lies open.
    fn reopen_log(&mut self, container: Option<Text>, previous: bool, effects: &mut Vec<Effect>) {
        let Some(Overlay::Viewer(viewer)) = self.overlays.pop() else { return };
        effects.push(Effect::Close { viewer: viewer.id });
        let (containers, search, wrap) = (viewer.containers, viewer.search, viewer.wrap);
        self.open_viewer(viewer.about, ViewerKind::Logs { container: container.clone(), previous }, effects);
        if let Some(viewer) = self.viewer_mut() {
            (viewer.containers, viewer.container, viewer.search, viewer.wrap) = (containers, container, search, wrap);
        }
    }

    pub(super) fn viewer_mut(&mut self) -> Option<&mut Viewer> {
        match self.overlays.last_mut() {
            Some(Overlay::Viewer(viewer)) => Some(viewer),
            _ => None,
        }
    }

    /// Commands that mean something else in a viewer, or only there. Says whether it was one.
    pub(super) fn viewer_command(&mut self, command: &Command, effects: &mut Vec<Effect>) -> bool {
        let (height, times) = (usize::from(self.heights.viewer), self.log_times);
        let Some(viewer) = self.viewer_mut() else { return false };
        match command {
            Command::Filter => viewer.searching = true,
            Command::NextMatch => viewer.find(1, height, times),
            Command::PreviousMatch => viewer.find(-1, height, times),
            Command::Wrap => viewer.wrap = !viewer.wrap,
            Command::Follow | Command::Live => {
                viewer.follow = *command == Command::Live || !viewer.follow;
                if viewer.follow {
                    viewer.cursor.row = viewer.lines.len().saturating_sub(1);
                    viewer.cursor.clamp(viewer.lines.len(), height);
                }
            }
            Command::Copy => {
                let line = viewer.lines.get(viewer.cursor.row).map(|_| viewer.line(viewer.cursor.row, times).into_owned());
                effects.extend(line.map(Effect::Copy));
            }
            Command::PreviousLogs => {
                let ViewerKind::Logs { container, previous } = viewer.what.clone() else { return true };
                // The one that is shown, even where it was not chosen.
                let container = viewer.container.clone().or(container);
                self.reopen_log(container, !previous, effects);
            }
            Command::Containers => self.open_containers(),
            Command::Container(name) => {
                let ViewerKind::Logs { .. } = viewer.what else { return true };
                self.reopen_log(Some(name.clone()), false, effects);
            }
            Command::LogTimes => self.log_times = !self.log_times,
            _ => return false,
        }
        true
    }
}

/// An RFC 3339 time without what is finer than a millisecond; anything else as it is.
fn to_the_millisecond(at: &str) -> Cow<'_, str> {
    let Some((before, fraction)) = at.split_once('.') else { return Cow::Borrowed(at) };
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if digits <= 3 { Cow::Borrowed(at) } else { Cow::Owned(format!("{before}.{}{}", &fraction[..3], &fraction[digits..])) }
}

impl Viewer {
    /// A line as it is shown: with its time in front, where those are wanted.
    pub fn line(&self, row: usize, times: bool) -> Cow<'_, str> {
        let text = self.lines.get(row).map_or("", Text::as_str);
        match self.times.get(row).filter(|_| times) {
            Some(Some(at)) => Cow::Owned(format!("{} {text}", to_the_millisecond(at))),
            _ => Cow::Borrowed(text),
        }
    }

    /// After the cursor was moved by hand: the end of a log is followed exactly while the cursor is on it.
    pub(super) fn moved(&mut self, height: usize) {
        self.cursor.clamp(self.lines.len(), height);
        let at_end = self.cursor.row + 1 >= self.lines.len();
        self.follow = at_end && matches!(self.what, ViewerKind::Logs { .. });
    }

    /// Moves to the next line (or the one before) that contains the searched text, around the ends.
    pub(super) fn find(&mut self, direction: isize, height: usize, times: bool) {
        let wanted = self.search.text.to_lowercase();
        let len = self.lines.len();
        if wanted.is_empty() || len == 0 {
            return;
        }
        let backward = direction < 0;
        let found = (1..=len).map(|step| if backward { (self.cursor.row + len - step) % len } else { (self.cursor.row + step) % len });
        if let Some(row) = found.into_iter().find(|row| self.line(*row, times).to_lowercase().contains(&wanted)) {
            self.cursor.row = row;
            self.moved(height);
            self.follow = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::to_the_millisecond;

    #[test]
    fn a_time_is_shown_to_the_millisecond() {
        let shown = [
            ("2026-11-30T10:41:44.123456789Z", "2026-11-30T10:41:44.123Z"),
            ("2026-11-30T10:41:44.1234+02:00", "2026-11-30T10:41:44.123+02:00"),
            ("2026-11-30T10:41:44.1Z", "2026-11-30T10:41:44.1Z"),
            ("2026-11-30T10:41:44Z", "2026-11-30T10:41:44Z"),
        ];
        for (at, wanted) in shown {
            assert_eq!(to_the_millisecond(at), wanted);
        }
    }
}
