//! No verdict against the truth: none says that a useless action helped without which it would have gone the same way, and none
//! that one that helps did nothing, or harm, without which it would have been much worse. What would have been is played: the same
//! seed without it.

use std::time::Duration;

use crate::look::{Look, Said};

/// An action that helps makes it better by this share at least, soon after the verdict at the latest.
const BETTER: f64 = 0.9;
/// One that made it better by this share had an effect, whoever looks.
const MUCH_BETTER: f64 = 0.6;
/// Indicators average over minutes, so that what helps may show a little later.
const SOON: usize = 36;

/// Verdicts against the truth, and when they were said. `is_right`: the last thing done is one that helps.
pub fn check(with: &[Look], without: &[Look], is_right: bool) -> Vec<(Duration, String)> {
    let mut wrong = Vec::new();
    for (index, look) in with.iter().enumerate() {
        // The last thing done is what the other play is without.
        let Some(own) = look.own.last() else { continue };
        if without.get(index).is_some_and(|other| other.own.iter().any(|known| known.id == own.id)) {
            continue;
        }
        let is_news = index == 0 || with[index - 1].own.iter().all(|before| before.id != own.id || before.verdict.is_none());
        let Some(said) = own.verdict.as_ref().filter(|_| is_news && !own.takes_back && !own.is_taken_back) else { continue };
        let least = share(with, without, index, said);
        let is_wrong = match (said.word.as_str(), least) {
            ("helped", Some(least)) => !is_right && least > BETTER,
            ("no effect" | "already recovering" | "worse", Some(least)) => is_right && least < MUCH_BETTER && was_bad(&without[index], said),
            _ => false,
        };
        if is_wrong {
            let share = least.unwrap_or_default() * 100.0;
            wrong
                .push((look.at, format!("{}: {}; by then {} was {share:.0} % of what it would have been", own.title, said.sentence, said.indicator)));
        }
    }
    wrong
}

/// The deciding indicator over what it would have been without the action: the least from the verdict on, for a while.
fn share(with: &[Look], without: &[Look], from: usize, said: &Said) -> Option<f64> {
    let looks = with.iter().zip(without).skip(from).take(SOON);
    let shares = looks.filter_map(|(one, other)| {
        let (one, other) = (one.value(&said.indicator)?, other.value(&said.indicator)?);
        (other > 0.0).then(|| one / other)
    });
    shares.reduce(f64::min)
}

fn was_bad(look: &Look, said: &Said) -> bool {
    look.indicators.iter().any(|indicator| indicator.id == said.indicator && indicator.level > sev1::domain::kpi::Level::Good)
}
