//! What was done about the present trouble, by sev1 or by somebody else, and whether it is at work.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{
    asks::SetConfigKey,
    change::{Change, ChangeKind},
    kpi::Level,
    suggestion::{Touched, Tried},
    text::Text,
    units,
    verdict::{Judgement, in_sentence},
};

use super::{
    KpiState, State,
    card::{Mitigation, Stage},
    credit::{BETTER, gain, value_at},
    tied::Ties,
};

/// Nothing can be seen before this: queries look back minutes and a rollout takes its time.
pub(super) const TOO_EARLY: TimeDelta = TimeDelta::seconds(120);
/// Beyond this nobody waits any more for what somebody else did.
pub(super) const NO_LONGER: TimeDelta = TimeDelta::minutes(10);
/// A recovery that has not moved by this share of itself within the last minutes has stalled.
pub(super) const STALLED: f64 = 0.01;
/// How far back "lately" reaches: two points of the default history.
const LATELY: TimeDelta = TimeDelta::seconds(75);
/// After a mitigation that helped, this long passes before mere coincidence in time counts again.
const CURED_FOR: TimeDelta = TimeDelta::minutes(10);

/// Something that was done.
pub(super) struct Attempt {
    pub at: DateTime<Utc>,
    /// `undo rollout of api-gateway`.
    pub what: String,
    /// Name of what somebody else gave more room or started anew: more than relief that is not.
    relief: Option<Text>,
    /// Something besides the time ties what was changed to the trouble.
    pub is_tied: bool,
    /// It takes back what was done here: nobody hopes for it to help.
    takes_back: bool,
    /// By whom, and of one of ours what it has done so far.
    pub by: By,
}

/// Who made an attempt.
pub(super) enum By {
    Others,
    /// One of ours that has no outlook to tell yet, or none any more.
    Us,
    /// Whether its indicator is better than before it, and not only no longer getting worse.
    UsAtWork(Text, bool),
}

impl State {
    /// What to wait for, while something that was done works or may still work.
    pub(super) fn at_work(&self) -> Option<Text> {
        self.episodes.present.as_ref().filter(|episode| episode.good_since().is_none())?;
        let mut attempts = self.attempts();
        attempts.sort_by_key(|attempt| std::cmp::Reverse(attempt.at));
        let newer = |index: usize| index.checked_sub(1).and_then(|newer| attempts.get(newer));
        // What nothing ties to the trouble does not take the place of what something does.
        let (tied, others): (Vec<_>, Vec<_>) = attempts.iter().enumerate().partition(|(_, attempt)| attempt.is_tied);
        let waiting = tied.into_iter().chain(others).find_map(|(index, attempt)| self.outlook(attempt, newer(index), &attempts));
        let waiting = waiting.or_else(|| self.still_recovering())?;
        let said = waiting.to_lowercase();
        let beside = self.worsening().find(|kpi| !said.contains(&kpi.spec.title.to_lowercase())).and_then(with_value);
        Some(beside.map_or(waiting.clone(), |worse| Text::line(&format!("{waiting}; meanwhile {worse} gets worse"))))
    }

    /// What was done here last, while it is not judged: `Undo rollout · api-gateway is not judged yet: error rate 12.0 → 11.6 %, judged by 17:56`.
    pub(super) fn not_judged(&self) -> Option<Text> {
        let began = self.trouble_began()?;
        let open = self.mitigations.all.iter().rev().find(|mitigation| {
            let has_effect = mitigation.takes_effect_later.is_none() && !mitigation.targets.is_empty();
            mitigation.is_open() && has_effect && mitigation.confirmed_on >= began
        })?;
        let so_far = open.outlook().map(|outlook| format!(": {outlook}")).unwrap_or_default();
        let said = so_far.to_lowercase();
        let beside = self
            .kpis
            .iter()
            .filter(|kpi| kpi.level() == Level::Critical)
            .find(|kpi| !said.contains(&kpi.spec.title.to_lowercase()))
            .and_then(with_value);
        let beside = beside.map(|beside| format!("; {beside} is critical")).unwrap_or_default();
        Some(Text::line(&format!("{} is not judged yet{so_far}{beside}", open.title)))
    }

    /// What somebody else changed a moment ago that can be no more than relief: it holds up its like, and not what takes a cause away.
    pub(super) fn touched(&self) -> Vec<Touched> {
        let attempts = self.attempts();
        let fresh = attempts.iter().filter_map(|attempt| {
            let name = attempt.relief.clone().filter(|_| self.is_too_early(attempt))?;
            Some(Touched { name, waiting: too_early(attempt) })
        });
        fresh.collect()
    }

    /// What was done here in the present episode and had no effect.
    pub(super) fn without_effect(&self) -> Vec<Tried> {
        let Some(began) = self.trouble_began() else { return Vec::new() };
        let tried = self.mitigations.all.iter().filter(|mitigation| {
            let judged = mitigation.verdict.as_ref().map(|verdict| verdict.judgement);
            judged == Some(Judgement::NoEffect) && mitigation.undone_by.is_none() && mitigation.confirmed_on >= began
        });
        tried.filter_map(|mitigation| Some(Tried { title: mitigation.title.clone(), wish: mitigation.wish.clone()? })).collect()
    }

    /// The setting of ours that is in force and made an indicator bad that still is.
    pub(super) fn price(&self) -> Option<Text> {
        let now_bad = |id: &Text| self.kpis.iter().find(|kpi| kpi.spec.id == *id && kpi.level() >= Level::Warning);
        let in_force = self.mitigations.all.iter().rev().filter(|mitigation| mitigation.undone_by.is_none() && mitigation.undoable);
        in_force.filter(|mitigation| is_setting(mitigation)).find_map(|mitigation| {
            let mut worse = mitigation.verdict.as_ref()?.comparisons.iter().filter(|one| one.got_worse());
            let bad = worse.find_map(|one| now_bad(&one.kpi))?;
            Some(Text::line(&format!("{} is in force, and {} got worse by it", mitigation.title, with_value(bad)?)))
        })
    }

    fn is_too_early(&self, attempt: &Attempt) -> bool {
        self.server_now() - attempt.at < TOO_EARLY
    }

    /// After a mitigation that helped: what was bad at it and gets better still, as long as nothing else is wrong. What is suggested
    /// meanwhile would compete with a recovery that needs its time.
    fn still_recovering(&self) -> Option<Text> {
        let helped = self.mitigations.all.iter().rev().find(|mitigation| {
            mitigation.undone_by.is_none() && mitigation.verdict.as_ref().is_some_and(|verdict| verdict.judgement == Judgement::Helped)
        })?;
        if !self.cluster.unhealthy.is_empty() {
            return None;
        }
        let was_bad = |kpi: &KpiState| kpi.spec.level(value_at(kpi, helped.confirmed_on)) >= Level::Warning;
        let bad = || self.kpis.iter().filter(|kpi| kpi.level() >= Level::Warning);
        let first = bad().next()?;
        let gets_better = |kpi: &KpiState| was_bad(kpi) && self.gain_lately(kpi).is_some_and(|share| share > STALLED);
        if !bad().all(gets_better) {
            return None;
        }
        Some(Text::line(&format!("{} helped: wait, {} gets better still ({})", helped.title, in_sentence(&first.spec.title), written(first)?)))
    }

    /// An indicator that is bad and got worse within the last minute: `Sync backlog 12,161`.
    pub(super) fn got_worse(&self) -> Option<Text> {
        self.worsening().find_map(with_value)
    }

    /// The indicators that are bad and got worse within the last minute, and not better again since the point before the last.
    fn worsening(&self) -> impl Iterator<Item = &KpiState> {
        let turns = |kpi: &KpiState| {
            let reading = kpi.reading.as_ref()?;
            let at = reading.at.unwrap_or_else(|| self.metrics_now());
            // A point of the history may be the very sample that was read.
            let value = reading.value?;
            Some(gain(kpi, kpi.track.value_before(at, value, LATELY.to_std().ok()?)?, value) > 0.0)
        };
        let gets_worse = move |kpi: &&KpiState| self.gain_lately(kpi).is_some_and(|share| share < -STALLED) && turns(kpi) != Some(true);
        self.kpis.iter().filter(|kpi| kpi.level() >= Level::Warning).filter(gets_worse)
    }

    /// By which share of itself an indicator got better within the last minute; negative where it got worse.
    pub(super) fn gain_lately(&self, kpi: &KpiState) -> Option<f64> {
        Some(gain(kpi, value_at(kpi, self.server_now() - LATELY)?, kpi.reading.as_ref()?.value?))
    }

    /// Whether a mitigation helped and nothing has gone wrong since.
    pub(super) fn was_cured(&self) -> bool {
        let Some(episode) = &self.episodes.present else { return false };
        let now = self.server_now();
        let is_quiet_since = |at: DateTime<Utc>| episode.parts.values().all(|part| part.began <= at);
        let own = self.mitigations.all.iter().any(|mitigation| {
            let helped = mitigation.verdict.as_ref().is_some_and(|verdict| verdict.judgement.is_better());
            helped && mitigation.undone_by.is_none() && now - mitigation.confirmed_on <= CURED_FOR && is_quiet_since(mitigation.confirmed_on)
        });
        let attempts = self.attempts();
        let others = attempts.iter().any(|attempt| {
            let is_recent = now - attempt.at <= CURED_FOR;
            matches!(attempt.by, By::Others) && is_recent && is_quiet_since(attempt.at) && self.credited(attempt, &attempts).is_some()
        });
        let elsewhere = self.mitigations.cured_elsewhere.iter().any(|at| now - *at <= CURED_FOR && is_quiet_since(*at));
        own || elsewhere || others
    }

    fn attempts(&self) -> Vec<Attempt> {
        let Some(began) = self.trouble_began() else { return Vec::new() };
        let own = self.mitigations.all.iter().filter(|mitigation| {
            let is_open = matches!(mitigation.stage, Stage::Executing { .. } | Stage::Converging { .. } | Stage::Watching { .. });
            let has_effect = mitigation.takes_effect_later.is_none() && !mitigation.targets.is_empty();
            // What gets better after a cure was taken back is what the cure had begun.
            let is_hope = !self.takes_back_a_cure(mitigation) || self.server_now() - mitigation.confirmed_on < TOO_EARLY;
            is_open && has_effect && is_hope && mitigation.verdict.is_none() && mitigation.undone_by.is_none()
        });
        let own = own.map(|mitigation| Attempt {
            at: mitigation.confirmed_on,
            what: mitigation.title.to_string(),
            relief: None,
            is_tied: true,
            takes_back: mitigation.undoes.is_some(),
            by: mitigation
                .outlook()
                .filter(|_| mitigation.is_working())
                .map_or(By::Us, |outlook| By::UsAtWork(outlook, self.is_clearly_better(mitigation))),
        });
        let now = self.server_now();
        let is_of_it = |change: &&Change| change.at.is_some_and(|at| at >= began && now - at <= NO_LONGER);
        let mut others = self.cluster.changes.iter().filter(|change| !change.is_own()).filter(is_of_it).peekable();
        // What ties it to the trouble is looked for only where there is something.
        let ties = others.peek().is_some().then(|| self.ties());
        let others = others.filter_map(|change| self.attempt_of(change, ties.as_ref()?));
        own.chain(others).filter(|attempt| self.server_now() - attempt.at <= NO_LONGER).collect()
    }

    /// What somebody else changed while the trouble lasted, where it may be meant against it. Settings are changed every day: one counts
    /// only where something ties it to the trouble.
    fn attempt_of(&self, change: &Change, ties: &Ties) -> Option<Attempt> {
        let is_tied = match &change.what {
            ChangeKind::ConfigChanged { keys } => self.is_setting_tied(change, keys, ties),
            _ => self.is_object_tied(&change.object, ties),
        };
        let is_meant = match &change.what {
            ChangeKind::Rollout { .. } => change.goes_back(),
            ChangeKind::Scaled { from, to } => from.is_none_or(|from| from < *to),
            ChangeKind::BoundsChanged { .. } | ChangeKind::PodsDeleted { .. } => true,
            ChangeKind::ConfigChanged { .. } => is_tied,
            ChangeKind::NodeNotReady { .. } => false,
        };
        let is_relief = matches!(change.what, ChangeKind::Scaled { .. } | ChangeKind::BoundsChanged { .. } | ChangeKind::PodsDeleted { .. });
        let relief = is_relief.then(|| change.object.key.name.clone());
        let what = format!("{}{}", change.what_happened(), change.by_whom());
        is_meant.then_some(()).and(change.at).map(|at| Attempt { at, what, relief, is_tied, takes_back: false, by: By::Others })
    }

    /// Whether it takes back what helped, or what might yet have helped.
    pub(super) fn takes_back_a_cure(&self, mitigation: &Mitigation) -> bool {
        let undone = mitigation.undoes.and_then(|undone| self.mitigations.all.iter().find(|other| other.id == undone));
        undone.is_some_and(|undone| undone.verdict.is_none() || undone.has_worked())
    }

    /// Whether the indicator that it is judged by is better than at the write, by as much as counts.
    fn is_clearly_better(&self, mitigation: &Mitigation) -> bool {
        let first = mitigation.so_far.as_ref().and_then(|verdict| verdict.comparisons.first());
        let Some((kpi, first)) = first.and_then(|first| Some((self.kpis.iter().find(|kpi| kpi.spec.id == first.kpi)?, first))) else { return false };
        let (Some(before), Some(after)) = (first.before, first.after) else { return false };
        gain(kpi, before, after) >= BETTER
    }

    /// What others did about the present trouble, latest first. What another run of this program did is watched as a mitigation.
    pub(super) fn done_by_others(&self) -> Vec<Attempt> {
        let mut attempts = self.attempts();
        attempts.retain(|attempt| matches!(attempt.by, By::Others) && !self.is_ours_too(attempt));
        attempts.sort_by_key(|attempt| std::cmp::Reverse(attempt.at));
        attempts
    }

    /// What an attempt gives hope of; none when it has done nothing, or nothing more. `newer` is the one after it: what got better only
    /// since that may be its doing.
    fn outlook(&self, attempt: &Attempt, newer: Option<&Attempt>, all: &[Attempt]) -> Option<Text> {
        let what = &attempt.what;
        if self.is_too_early(attempt) {
            return attempt.relief.is_none().then(|| too_early(attempt));
        }
        let better = match &attempt.by {
            By::UsAtWork(outlook, true) => return Some(Text::line(&format!("{what} seems to help: {outlook}"))),
            // It stopped getting worse, and no more.
            By::UsAtWork(outlook, false) => return Some(Text::line(&format!("{what}: too early to tell, {outlook}"))),
            By::Us | By::Others => self.credited(attempt, all)?,
        };
        let what = match newer.filter(|newer| newer.is_tied && !self.was_bettered(attempt.at, newer.at)) {
            Some(newer) => format!("{what} or {}", newer.what),
            None => what.clone(),
        };
        Some(Text::line(&format!("{what} seems to help: {better}")))
    }

    /// Whether a mitigation that is watched here wrote to the same workload at the same time: it is one and the same act.
    fn is_ours_too(&self, attempt: &Attempt) -> bool {
        let Some(name) = &attempt.relief else { return false };
        let is_of = |target: &Text| target == name || target.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('-'));
        self.mitigations.all.iter().any(|mitigation| {
            let is_at_once = (mitigation.confirmed_on - attempt.at).abs() <= TOO_EARLY;
            is_at_once && mitigation.targets.iter().any(|target| is_of(&target.key.name))
        })
    }
}

/// The value of an indicator with its unit; none where it has none.
fn written(kpi: &KpiState) -> Option<String> {
    Some(units::value(kpi.reading.as_ref()?.value?, kpi.spec.unit))
}

/// `sync backlog 12,161`.
fn with_value(kpi: &KpiState) -> Option<Text> {
    Some(Text::line(&format!("{} {}", in_sentence(&kpi.spec.title), written(kpi)?)))
}

fn is_setting(mitigation: &Mitigation) -> bool {
    mitigation.wish.as_ref().is_some_and(|wish| wish.kind() == SetConfigKey::NAME)
}

fn too_early(attempt: &Attempt) -> Text {
    let does = if attempt.takes_back { "what it does" } else { "whether it helps" };
    Text::line(&format!("{} at {}: too early to see {does}", attempt.what, attempt.at.format("%H:%M")))
}
