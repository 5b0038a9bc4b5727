//! From a wish to a confirmed card, by the keys that a person presses.

use std::time::Duration;

use sev1::{
    domain::mitigation::{CheckResult, Friction},
    state::{card::CardContent, overlay::Overlay},
};

use crate::cockpit::Cockpit;

/// Longest wait for a card and its checks.
const PATIENCE: Duration = Duration::from_secs(20);
const GLANCE: Duration = Duration::from_millis(200);

impl Cockpit {
    /// Types a line into the palette and confirms the card that it opens; says why it could not.
    pub async fn mitigate(&mut self, line: &str) -> Result<(), String> {
        self.press("Esc");
        self.type_(":");
        self.type_(line);
        self.enter();
        self.confirm(line).await
    }

    /// Presses the key of a suggestion; the replicas that a scale asks for are taken as offered.
    pub async fn follow(&mut self, place: usize) -> Result<(), String> {
        self.press("Esc");
        let suggestion = &self.state.advice.suggestions[place];
        let (key, words) = (suggestion.key.to_string(), suggestion.title.to_string());
        self.type_(&key);
        if matches!(self.state.overlays.last(), Some(Overlay::Replicas(_))) {
            self.enter();
        }
        self.confirm(&words).await
    }

    /// Acknowledges the ladder that is shown.
    pub fn acknowledge(&mut self) {
        self.press("Esc");
        self.type_("a");
    }

    /// Takes the last mitigation back; nothing where it cannot be, as a restart of pods.
    pub async fn take_back(&mut self) -> Result<(), String> {
        if self.state.mitigations.last_undoable().is_none() {
            return Ok(());
        }
        self.press("Esc");
        self.type_("U");
        self.confirm("U").await
    }

    async fn confirm(&mut self, line: &str) -> Result<(), String> {
        let limit = self.elapsed() + PATIENCE;
        loop {
            let Some(Overlay::Card(card)) = self.state.overlays.last() else {
                let notice = self.state.notice.as_ref().map(|notice| notice.text.to_string()).unwrap_or_default();
                return Err(format!("{line}: no card: {notice}"));
            };
            let blocked = card.checks.iter().find_map(|check| match &check.result {
                CheckResult::Block(why) => Some(why.to_string()),
                _ => None,
            });
            let why = match &card.content {
                CardContent::Impossible(why) => why.to_string(),
                CardContent::Planned(_) if blocked.is_some() => blocked.unwrap_or_default(),
                CardContent::Planned(plan) => {
                    let friction = plan.friction.clone();
                    match friction {
                        Friction::Key => self.type_("y"),
                        Friction::Word(word) => {
                            for _ in 0..word.chars().count() {
                                self.press("Backspace");
                            }
                            self.type_(&word);
                            self.enter();
                        }
                    }
                    match self.state.overlays.last() {
                        Some(Overlay::Card(card)) => card.complaint.as_ref().map(ToString::to_string).unwrap_or_default(),
                        _ => return Ok(()),
                    }
                }
                CardContent::Planning => "still planning".to_owned(),
            };
            if self.elapsed() >= limit
                || matches!(self.state.overlays.last(), Some(Overlay::Card(card)) if matches!(card.content, CardContent::Impossible(_)))
            {
                self.press("Esc");
                return Err(format!("{line}: {why}"));
            }
            let at = self.elapsed() + GLANCE;
            self.until(at).await;
        }
    }
}
