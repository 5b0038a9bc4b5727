//! Where a saved plan comes from: whether the journal of this machine knows it, and what that vouches for.

use std::path::Path;

use super::plan_file::{self, Frozen, Refusal};
use crate::{
    commands::home::Home,
    domain::{
        ask::Wish,
        mitigation::{Check, CheckKind, CheckResult, Plan},
        text::Text,
    },
    journal::SavedPlan,
};

/// A plan from a file.
pub struct Saved {
    frozen: Frozen,
    /// None: it was not saved on this machine, or was altered since.
    known: Option<SavedPlan>,
}

impl Saved {
    pub fn load(path: &Path, home: &Home) -> Result<Self, Refusal> {
        let frozen = plan_file::load(path)?;
        // Of the cluster that it names: that it is this one is seen later.
        let directory = home.journals.directory(frozen.cluster()).ok();
        let known = directory.and_then(|directory| frozen.known(&directory));
        Ok(Self { frozen, known })
    }

    pub fn wish(&self) -> Result<Wish, Text> {
        let hidden = self.known.as_ref().and_then(|known| known.hidden_words.as_deref());
        if self.frozen.is_hidden() && hidden.is_none() {
            return Err("the plan sets a value that is not shown in it, and that the journal of this machine does not have: ask for it anew".into());
        }
        self.frozen.wish(hidden.filter(|_| self.frozen.is_hidden()))
    }

    /// Why, as it was recorded when it was saved. What only a file says is nobody's word.
    pub fn reason(&self) -> Text {
        self.known.as_ref().map(|known| known.reason.clone()).unwrap_or_default()
    }

    pub fn differs(&self, plan: &Plan) -> Option<String> {
        self.frozen.differs(plan, self.known.is_some())
    }

    /// Says on the card where it comes from.
    pub fn check(&self) -> Check {
        let result = if let Some(known) = &self.known {
            CheckResult::Pass(Text::line(&format!("saved on this machine by {} at {}", known.by, known.time)))
        } else {
            let reason = if self.frozen.has_reason() { "; the reason in it is not taken over, --reason gives one" } else { "" };
            CheckResult::Warn(Text::line(&format!(
                "the journal of this machine does not know this plan: somebody else made it, or changed it{reason}"
            )))
        };
        Check { what: CheckKind::Origin, result }
    }
}
