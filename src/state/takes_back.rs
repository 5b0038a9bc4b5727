//! Whether a card would take back what sev1 did before, and what that has done so far.

use chrono::DateTime;

use crate::domain::{
    ask::{Finished, RequestKind},
    text::Text,
    units,
    verdict::Comparison,
};

use super::{
    State,
    card::{Card, CardContent, Mitigation},
};

impl State {
    /// `this takes back “Undo rollout · api-gateway” of 17:50 (Error rate 13.0 % → 9.7 % since)`; none where it takes nothing back.
    pub fn takes_back(&self, card: &Card) -> Option<Text> {
        let Some(taken) = self.taken_back_by(card) else { return self.takes_back_recorded(card) };
        let since = self.since(taken).map(|since| format!(" ({since} since)")).unwrap_or_default();
        Some(Text::line(&format!("this takes back “{}” of {}{since}", taken.title, taken.confirmed_on.format("%H:%M"))))
    }

    /// What a run before this one did: of that only the journal knows, which has no figures.
    fn takes_back_recorded(&self, card: &Card) -> Option<Text> {
        let RequestKind::Undo { of: Finished::Recorded(id) } = card.request.kind else { return None };
        let known = self.mitigations.undoable.iter().find(|one| one.id == id)?;
        let at = DateTime::parse_from_rfc3339(&known.time).map_or_else(|_| known.time.to_string(), |at| at.format("%H:%M").to_string());
        Some(Text::line(&format!("this takes back “{}” of {at} by {}", known.title, known.by)))
    }

    fn taken_back_by(&self, card: &Card) -> Option<&Mitigation> {
        let done = || self.mitigations.all.iter().rev().filter(|mitigation| mitigation.done_at.is_some() && mitigation.undone_by.is_none());
        if let RequestKind::Undo { of: Finished::Here(id) } = card.request.kind {
            return done().find(|mitigation| mitigation.id == id);
        }
        // Asked for in another way, it is the same write.
        let CardContent::Planned(plan) = &card.content else { return None };
        done().find(|mitigation| mitigation.inverse.as_ref() == Some(&plan.wish))
    }

    /// The indicator it is aimed at, and those that are worse off, at its confirmation and now.
    fn since(&self, mitigation: &Mitigation) -> Option<String> {
        let aimed_at = mitigation.before.iter().find(|before| mitigation.aim.as_ref() == Some(&before.kpi));
        let first = aimed_at.or(mitigation.before.first())?;
        let mut said = vec![self.then_and_now(first)?.1];
        let others = mitigation.before.iter().filter(|other| other.kpi != first.kpi);
        said.extend(others.filter_map(|other| self.then_and_now(other)).filter(|(is_worse, _)| *is_worse).map(|(_, words)| words));
        Some(said.join(", "))
    }

    /// `Error rate 13.0 % → 9.7 %`, and whether its level is a worse one now.
    fn then_and_now(&self, then: &Comparison) -> Option<(bool, String)> {
        let kpi = self.kpis.iter().find(|kpi| kpi.spec.id == then.kpi)?;
        let (before, now) = (then.before?, kpi.reading.as_ref()?.value?);
        let is_worse = kpi.spec.level(Some(now)) > kpi.spec.level(Some(before));
        let written = |value: f64| units::value(value, then.unit);
        Some((is_worse, format!("{} {} → {}", then.title, written(before), written(now))))
    }
}
