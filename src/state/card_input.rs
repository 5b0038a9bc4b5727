//! Keys on a confirmation card. Nothing but `y`, or the word and `Enter`, confirms; keys that came before the card was
//! on the screen do not count for it, and neither do those that came as in a paste.

use crate::domain::{
    ask::{Request, RequestKind},
    mitigation::Friction,
    text::Text,
};

use super::{
    State,
    card::{ALTERNATIVE_KEY, Card, CardContent, CardFocus},
    input::Haste,
    msg::{Effect, Key, KeyCode},
    overlay::Overlay,
};

/// A word that was pasted is nobody's decision, however long ago that was.
pub(super) const PASTED: &str = "the word came as in a paste: Ctrl-U clears it, then type it";

/// Longest word or reason that can be typed.
const LIMIT: usize = 256;

impl State {
    pub(super) fn card_key(&mut self, key: Key, haste: Haste, effects: &mut Vec<Effect>) {
        if key.code == KeyCode::Esc {
            return self.close_card(effects);
        }
        let Some(Overlay::Card(card)) = self.overlays.last_mut() else { return };
        let friction = match &card.content {
            CardContent::Planned(plan) => plan.friction.clone(),
            CardContent::Impossible(_) if matches!(key.code, KeyCode::Enter | KeyCode::Char('q')) => return self.close_card(effects),
            _ => return,
        };
        if card.shown_at.is_none() || key.alt {
            return;
        }
        self.dirty = true;
        match (card.focus, key.code) {
            (_, KeyCode::Tab) => card.move_focus(&friction, 1),
            (_, KeyCode::BackTab) => card.move_focus(&friction, 3),
            (CardFocus::Word, KeyCode::Enter) => {
                let typed = card.typed.clone();
                self.confirm(&typed, haste, effects);
            }
            (CardFocus::Word, _) => {
                type_into(&mut card.typed, key, &mut card.complaint);
                card.hasty.resize(card.typed.chars().count(), haste == Haste::Hasty);
            }
            (CardFocus::Reason, KeyCode::Enter) => card.focus = first(&friction),
            (CardFocus::Reason, _) => type_into(&mut card.reason, key, &mut card.complaint),
            (CardFocus::Cancel, KeyCode::Enter) => self.close_card(effects),
            (CardFocus::Cancel | CardFocus::Details, KeyCode::Char('y')) if friction == Friction::Key && !key.ctrl => {
                self.confirm("y", haste, effects);
            }
            (CardFocus::Cancel | CardFocus::Details, KeyCode::Char('d')) if !key.ctrl => self.open_full_diff(effects),
            (CardFocus::Cancel | CardFocus::Details, KeyCode::Char(ALTERNATIVE_KEY)) if !key.ctrl => self.take_alternative(effects),
            (CardFocus::Details, code) => card.scroll_by(code),
            (CardFocus::Cancel, _) => {}
        }
    }

    /// The card of another way to the same end, in the place of this one.
    fn take_alternative(&mut self, effects: &mut Vec<Effect>) {
        let Some(Overlay::Card(card)) = self.overlays.last() else { return };
        let CardContent::Planned(plan) = &card.content else { return };
        let Some(alternative) = plan.alternative.clone() else { return };
        let (reason, aim) = (Text::line(&card.reason), card.aim.clone());
        self.close_card(effects);
        self.open_card(Request { kind: RequestKind::Do(alternative.wish), reason }, effects);
        if let Some(Overlay::Card(card)) = self.overlays.last_mut() {
            card.aim = aim;
        }
    }

    /// Text is pasted into the reason only: the word has to be typed.
    pub(super) fn card_paste(&mut self, text: &str) {
        let Some(Overlay::Card(card)) = self.overlays.last_mut() else { return };
        match card.focus {
            CardFocus::Reason => {
                for character in text.chars().map(|character| if character.is_whitespace() { ' ' } else { character }) {
                    type_into(&mut card.reason, Key::char(character), &mut card.complaint);
                }
            }
            CardFocus::Word => card.complaint = Some("the word has to be typed, not pasted".into()),
            CardFocus::Cancel | CardFocus::Details => {}
        }
    }
}

impl Card {
    /// Half of the word's characters, or more, came faster than hands type: fast hands, or a slow line, make a few of them so.
    pub(super) fn is_pasted(&self) -> bool {
        let hasty = self.hasty.iter().filter(|is_hasty| **is_hasty).count();
        hasty > 0 && hasty * 2 >= self.hasty.len()
    }

    pub(super) fn move_focus(&mut self, friction: &Friction, steps: usize) {
        let ring: [CardFocus; 4] = [CardFocus::Word, CardFocus::Reason, CardFocus::Details, CardFocus::Cancel];
        let at = ring.iter().position(|focus| *focus == self.focus).unwrap_or(0);
        let mut next = (at + steps) % 4;
        if *friction == Friction::Key && ring[next] == CardFocus::Word {
            next = (next + steps) % 4;
        }
        self.focus = ring[next];
    }

    fn scroll_by(&mut self, code: KeyCode) {
        self.scroll = match code {
            KeyCode::Down | KeyCode::Char('j') => self.scroll.saturating_add(1),
            KeyCode::Up | KeyCode::Char('k') => self.scroll.saturating_sub(1),
            KeyCode::PageDown => self.scroll.saturating_add(8),
            KeyCode::PageUp => self.scroll.saturating_sub(8),
            KeyCode::Home | KeyCode::Char('g') => 0,
            _ => self.scroll,
        };
        let lines = match &self.content {
            CardContent::Planned(plan) => plan.what.len() + plan.diff.len() + self.checks.len() + 4,
            _ => 0,
        };
        self.scroll = self.scroll.min(u16::try_from(lines).unwrap_or(u16::MAX));
    }
}

fn first(friction: &Friction) -> CardFocus {
    match friction {
        Friction::Key => CardFocus::Cancel,
        Friction::Word(_) => CardFocus::Word,
    }
}

fn type_into(field: &mut String, key: Key, complaint: &mut Option<Text>) {
    match key.code {
        KeyCode::Char('u') if key.ctrl => field.clear(),
        KeyCode::Char(character) if !key.ctrl && field.chars().count() < LIMIT && !crate::domain::text::is_hostile(character) => {
            field.push(character);
        }
        KeyCode::Backspace => {
            field.pop();
        }
        _ => return,
    }
    *complaint = None;
}
