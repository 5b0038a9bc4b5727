//! What was done from here and has to be turned round.

use crate::domain::{
    ask::{Finished, Request, RequestKind},
    asks::{RestartUnhealthy, SET_HPA_BOUNDS, Scale, SetConfigKey, UndoRollout},
    suggestion::Reversal,
    text::Text,
    verdict::{Judgement, Verdict},
};

use super::{State, card::Mitigation};

impl State {
    pub(super) fn reversals(&self) -> Vec<Reversal> {
        self.to_take_back().chain(self.to_do_again()).collect()
    }

    /// Mitigations that made things worse and can be taken back, as long as anything is bad: what is over by itself leaves them among what
    /// is still in force.
    fn to_take_back(&self) -> impl Iterator<Item = Reversal> {
        let is_bad = !self.is_all_good();
        let is_worse = move |mitigation: &&Mitigation| {
            is_bad && { mitigation.undone_by.is_none() && mitigation.verdict.as_ref().is_some_and(|verdict| verdict.judgement == Judgement::Worse) }
        };
        self.mitigations.all.iter().filter(is_worse).filter_map(|mitigation| {
            let (of, key) = self.finished(mitigation)?;
            Some(Reversal {
                key,
                title: Text::line(&format!("take back: {}", mitigation.title)),
                evidence: mitigation.verdict.as_ref().map(Verdict::sentence).unwrap_or_default(),
                request: Request { kind: RequestKind::Undo { of }, reason: Text::line(&format!("takes back: {}", mitigation.title)) },
                aim: mitigation.aim.clone(),
            })
        })
    }

    /// By what it is taken back, and with which key; none where it cannot be, or where [`State::to_do_again`] has it.
    fn finished(&self, mitigation: &Mitigation) -> Option<(Finished, char)> {
        let Some(intent) = mitigation.recorded else {
            return (mitigation.undoable && mitigation.undoes.is_none()).then_some((Finished::Here(mitigation.id), 'U'));
        };
        let known = self.mitigations.undoable.iter().find(|one| one.id == intent)?;
        // `U` never goes forth.
        Some((Finished::Recorded(intent), if known.is_undo { ' ' } else { 'U' }))
    }

    /// Mitigations that were taken back for nothing: what they had set is set once more, unless somebody wrote there since.
    fn to_do_again(&self) -> impl Iterator<Item = Reversal> {
        self.mitigations.all.iter().filter_map(|taking| {
            let taken =
                self.mitigations.all.iter().find(|mitigation| taking.undoes == Some(mitigation.id) && mitigation.undone_by == Some(taking.id))?;
            let since = taking.verdict.as_ref().map(|verdict| verdict.judgement);
            let (is_due, why, reason) = match &taken.verdict {
                Some(helped) if helped.judgement == Judgement::Helped => {
                    let came_again = since == Some(Judgement::Worse) || self.trouble_began().is_some_and(|began| began > taking.confirmed_on);
                    (came_again, helped.sentence(), "the trouble came again")
                }
                // Taken back, or followed by something else, before it could be judged.
                Some(verdict) if verdict.judgement != Judgement::NoData => return None,
                _ => {
                    let is_vain = since.is_some_and(|judgement| !judgement.is_better()) && self.worst_indicator().is_some();
                    let is_still = matches!(since, Some(Judgement::NoEffect | Judgement::InOrder));
                    (is_vain, "it was not judged".into(), if is_still { "nothing got better" } else { "the trouble came again" })
                }
            };
            let (done_at, wish) = (taking.done_at?, taking.inverse.as_ref()?);
            let is_last = |mitigation: &Mitigation| {
                let is_there = mitigation.targets.iter().any(|target| taking.targets.contains(target));
                !is_there || mitigation.done_at.is_none_or(|at| at <= done_at)
            };
            (is_due && self.mitigations.all.iter().all(is_last)).then(|| Reversal {
                key: key_of(wish.kind()),
                title: Text::line(&format!("again: {}", taken.title)),
                evidence: Text::line(&format!("{why}; taken back at {}, {reason} since", taking.confirmed_on.format("%H:%M"))),
                request: Request {
                    kind: RequestKind::Do(wish.clone()),
                    reason: Text::line(&format!("{reason} after it was taken back: {}", taken.title)),
                },
                aim: taken.aim.clone(),
            })
        })
    }
}

/// The key of its kind on the cockpit; a blank for one that has none.
fn key_of(kind: &str) -> char {
    match kind {
        UndoRollout::NAME => 'u',
        RestartUnhealthy::NAME => 'r',
        SetConfigKey::NAME => 'b',
        Scale::NAME | SET_HPA_BOUNDS => 's',
        _ => ' ',
    }
}
