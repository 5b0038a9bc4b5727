//! What is said to the person in passing, and what goes into the timeline with it.

use crate::domain::text::Text;

use super::{NOTICE_HOLDS, Notice, State, timeline::EntryKind};

impl State {
    /// A notice in passing.
    pub(super) fn say(&mut self, text: &str) {
        self.notify(Text::line(text), false);
    }

    /// Why something was not done.
    pub(super) fn refuse(&mut self, why: &str) {
        self.notify(Text::line(why), true);
    }

    pub(super) fn notify(&mut self, text: Text, is_error: bool) {
        self.notice = Some(Notice { text, is_error, until: self.in_real(NOTICE_HOLDS) });
        self.dirty = true;
    }

    pub(super) fn own_action(&mut self, text: &str) {
        self.timeline.add(self.server_now(), EntryKind::OwnAction, Text::line(text));
    }
}
