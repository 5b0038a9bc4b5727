//! Keys: to the topmost overlay, else to the screen.

use std::time::Duration;

use super::{
    Notice, State,
    action::{CONFIRM_KEY, Command},
    card::Stage,
    msg::{Effect, Key, KeyCode},
    overlay::Overlay,
};

/// Two `Ctrl-C` within this leave.
const INTERRUPT_TWICE: Duration = Duration::from_secs(2);

/// How a key came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Haste {
    ByItself,
    /// As those of pasted text do.
    Hasty,
}

impl Haste {
    /// Why `key` did not confirm anything, and what to do; none: it does.
    pub(super) fn objects(self, key: &str) -> Option<String> {
        (self == Self::Hasty).then(|| format!("{key} came too close to another key, as in a paste: press {key} again"))
    }
}

impl State {
    pub(super) fn key(&mut self, key: Key, haste: Haste, effects: &mut Vec<Effect>) {
        let key = key.normal();
        if key == Key::ctrl('c') {
            return self.interrupt(effects);
        }
        if key == Key::ctrl('z') {
            return self.suspend(effects);
        }
        self.interrupted = None;
        // Hands that know a shell end programs or lines with these: here they do nothing at all.
        if key == Key::ctrl('d') || key == Key::ctrl('k') {
            return;
        }
        self.renew_acks(effects);
        if self.notice.take().is_some() {
            self.dirty = true;
        }
        if self.selection.is_some() && self.only_deselects(key) {
            return;
        }
        match self.overlays.last() {
            Some(Overlay::Card(_)) => self.card_key(key, haste, effects),
            Some(Overlay::Filter(_) | Overlay::Note(_) | Overlay::Replicas(_) | Overlay::Palette(_)) => self.typed(key, haste, effects),
            Some(Overlay::Viewer(viewer)) if viewer.searching => self.searched(key),
            Some(Overlay::QuitQuestion { .. } | Overlay::EscalateQuestion { .. } | Overlay::UncallQuestion { .. }) => {
                self.answered(key, haste, effects);
            }
            Some(Overlay::SwitchQuestion(_)) => self.switch_answered(key, haste, effects),
            Some(Overlay::Menu(menu)) => {
                let chosen = match key.code {
                    KeyCode::Char(character) if !key.ctrl && !key.alt => menu.items.iter().position(|item| item.key == Some(character)),
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

    /// Any key takes the selection away, since it may move what is selected; but not the one that copies. `Esc` does
    /// nothing else then, except where it says no.
    fn only_deselects(&mut self, key: Key) -> bool {
        if self.keymap.action(key, &self.places()).is_some_and(|action| action.command == Command::Copy) {
            return false;
        }
        self.deselect();
        let says_no = matches!(
            self.overlays.last(),
            Some(
                Overlay::Card(_)
                    | Overlay::QuitQuestion { .. }
                    | Overlay::EscalateQuestion { .. }
                    | Overlay::UncallQuestion { .. }
                    | Overlay::SwitchQuestion(_)
            )
        );
        key.code == KeyCode::Esc && !says_no
    }

    /// A stopped program hears no answer to what it has sent: so not while something is being written.
    pub(super) fn suspend(&mut self, effects: &mut Vec<Effect>) {
        let writing = self.mitigations.all.iter().rev().find(|mitigation| matches!(mitigation.stage, Stage::Executing { .. }));
        match writing.map(|mitigation| mitigation.title.clone()) {
            Some(title) => self.refuse(&format!("{title} is being written: Ctrl-Z works once that is done")),
            None => effects.push(Effect::Suspend),
        }
    }

    fn mapped(&mut self, key: Key, effects: &mut Vec<Effect>) {
        let Some(action) = self.keymap.action(key, &self.places()) else { return };
        self.run(&action.command.clone(), effects);
    }

    pub(super) fn interrupt(&mut self, effects: &mut Vec<Effect>) {
        if self.interrupted.is_some_and(|before| self.real_since(before) <= INTERRUPT_TWICE) {
            effects.push(Effect::Quit { code: 130 });
            return;
        }
        self.interrupted = Some(self.now.mono);
        self.notice =
            Some(Notice { text: "Ctrl-C again leaves at once; q asks first".into(), is_error: false, until: self.in_real(INTERRUPT_TWICE) });
        self.dirty = true;
    }

    /// A question: `y` does it, anything that means no does not.
    fn answered(&mut self, key: Key, haste: Haste, effects: &mut Vec<Effect>) {
        self.dirty = true;
        let is_yes = key.code == KeyCode::Char('y') && !key.ctrl && !key.alt;
        if let Some(why) = haste.objects(CONFIRM_KEY).filter(|_| is_yes) {
            return self.refuse(&why);
        }
        match key.code {
            KeyCode::Char('y') if is_yes => match self.overlays.pop() {
                Some(Overlay::QuitQuestion { .. }) => effects.push(Effect::Quit { code: 0 }),
                Some(Overlay::EscalateQuestion { fingerprint, .. }) => self.escalate_now(&fingerprint, effects),
                Some(Overlay::UncallQuestion { fingerprint, .. }) => self.take_call_back(&fingerprint, effects),
                _ => {}
            },
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('n') => {
                self.overlays.pop();
            }
            _ => {}
        }
    }
}
