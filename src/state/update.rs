//! `update`: the only function that changes the state.

use crate::domain::time::{Mono, Now};

use super::{
    State,
    input::Haste,
    msg::{Effect, Msg},
    overlay::Overlay,
};

/// Applies one message. Never blocks, never fails; what has to be done outside comes back as effects. Sets
/// `State::dirty` only when something that is shown changed.
pub fn update(state: &mut State, message: Msg) -> Vec<Effect> {
    let mut effects = Vec::new();
    match message {
        Msg::Key(key) => state.key(key, Haste::ByItself, &mut effects),
        Msg::HastyKey(key) => state.key(key, Haste::Hasty, &mut effects),
        Msg::Mouse(mouse) => state.mouse(&mouse, &mut effects),
        Msg::Suspend => state.suspend(&mut effects),
        Msg::Paste(text) => state.paste(&text),
        Msg::Resize { columns, rows } => {
            state.size = (columns, rows);
            state.dirty = true;
        }
        Msg::Layout(heights) => state.heights = heights,
        Msg::Tick(now) => state.tick(now, &mut effects),
        Msg::Observation(observation) => {
            state.catch_up(observation.observed_at);
            state.observe(observation, &mut effects);
        }
        Msg::Recalled(all) => state.recalled(all, &mut effects),
        Msg::Recorded(all) => state.heard_of_others(&all),
        Msg::Action(event) => state.action_event(event, &mut effects),
        Msg::Lines { viewer, lines, ended } => state.lines(viewer, lines, ended),
        Msg::Log { viewer, news } => state.log_news(viewer, news),
        Msg::CardShown { card, at } => {
            if let Some(Overlay::Card(shown)) = state.overlays.last_mut()
                && shown.id == card
            {
                shown.shown_at.get_or_insert(at.mono);
            }
        }
        Msg::Namespaces(read) => state.namespaces_read(read),
        Msg::Notice { text, is_error } => state.notify(text, is_error),
    }
    state.want_shown(&mut effects);
    state.fit();
    state.deselect_elsewhere();
    state.settle();
    let clock = state.visible_clock();
    if clock != state.clock_shown {
        state.clock_shown = clock;
        state.dirty = true;
    }
    effects
}

impl State {
    /// Time goes on; the monotonic clock only forward, the wall clock wherever it was set.
    fn tick(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let minute = |state: &Self| state.server_now().timestamp().div_euclid(60);
        let before = minute(self);
        self.now = Now { mono: self.now.mono.max(now.mono), utc: now.utc };
        if self.notice.take_if(|notice| notice.until <= now.mono).is_some() {
            self.dirty = true;
        }
        self.advance_ladders(effects);
        let server_now = self.server_now();
        if self.cluster.mature(server_now) {
            self.refocus_cockpit();
            self.due.suggestions = true;
            self.dirty = true;
        }
        self.watch_mitigations(effects);
        // What is recent, and so what is suggested, depends on the time.
        self.due.changes |= before != minute(self);
    }

    /// An observation made after the last tick moves both clocks.
    fn catch_up(&mut self, at: Mono) {
        let ahead = at.since(self.now.mono);
        self.now.mono = self.now.mono.plus(ahead);
        self.now.utc += chrono::Duration::from_std(ahead).unwrap_or_default();
    }

    /// Cursors inside their lists and windows.
    fn fit(&mut self) {
        self.workloads.height = self.heights.table;
        self.workloads.cursor.clamp(self.workloads.rows.len(), usize::from(self.heights.table));
        let height = usize::from(self.heights.overlay);
        match self.overlays.last_mut() {
            Some(Overlay::Viewer(viewer)) => viewer.cursor.clamp(viewer.lines.len(), usize::from(self.heights.viewer)),
            Some(Overlay::Menu(menu)) => menu.cursor.clamp(menu.items.len(), height),
            Some(Overlay::Palette(palette)) => palette.cursor.clamp(palette.matches.len(), height),
            _ => {}
        }
        self.follow_alert();
        self.clamp_cockpit();
    }
}
