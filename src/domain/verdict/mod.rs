//! Whether a mitigation helped: every indicator before it and after it.

mod course;
mod series;
#[cfg(test)]
mod tests;
mod track;
mod words;

use std::time::Duration;

use super::{
    kpi::{Direction, Kpi, Level, Role, Unit},
    text::Text,
};

pub use course::Course;
use course::{Limits, Look, Moment};
pub(super) use series::median;
pub use track::Track;
pub use words::in_sentence;

/// No verdict before this: queries look back minutes and a write takes seconds.
pub const EARLIEST: Duration = Duration::from_mins(1);
/// Worse is said after this: a rollout under way makes numbers jump.
pub const WORSE_AFTER: Duration = Duration::from_mins(1);
/// After this, nothing seen means no effect.
pub const WINDOW: Duration = Duration::from_mins(3);
/// An indicator that is getting better has this long before no effect is said: usual queries average over five minutes,
/// so that a cure shows whole only after them.
pub const RECOVERY: Duration = Duration::from_mins(7);
/// When what was started never converges, it is judged this long after the write.
pub const GIVE_UP: Duration = Duration::from_mins(6);
/// Mitigations whose effects begin within this cannot be told apart.
pub const TOGETHER: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Judgement {
    Helped,
    /// It got better since the write, and nothing ties what was written to to the trouble: it may have come by itself.
    Better,
    NoEffect,
    /// It was within its limits at the write and is: what it would have been without it cannot be seen.
    InOrder,
    /// It gets better, as it did before the write: not by it.
    AlreadyRecovering,
    Worse,
    /// Not enough time has passed to tell.
    TooEarly,
    /// The indicator has no values before or after, or something else was done before it could be told.
    NoData,
}

/// One indicator before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub kpi: Text,
    pub title: Text,
    pub unit: Unit,
    pub before: Option<f64>,
    pub after: Option<f64>,
    /// What that means, by its trend.
    pub course: Course,
    /// Whether it was in order at the write and is not now, whatever its trend.
    pub went_bad: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub judgement: Judgement,
    /// Time since the write.
    pub after: Duration,
    /// The indicator that decided, then the others.
    pub comparisons: Vec<Comparison>,
    /// Whether the one that decided is on its way to the better by this mitigation.
    pub getting_better: bool,
    /// Whether it is worse only in that it was getting better before, and does no longer.
    pub is_stopped: bool,
    /// Titles of other mitigations that cannot be told apart from it.
    pub together_with: Vec<Text>,
    /// Why it had no effect, as was known before the write.
    pub without_effect: Option<Text>,
    /// What was done shortly before it and may be the cause.
    pub after_unjudged: Option<Text>,
}

/// What a verdict rests on besides the indicators.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Circumstances {
    /// Id of the indicator that it is meant to better; none: the one that was worst.
    pub aim: Option<Text>,
    /// Since the answer to the write.
    pub since_write: Duration,
    /// Since the end of what it started; none while that is under way.
    pub since_effect: Option<Duration>,
    /// Something else was done this long after the write: what came later says nothing of it.
    pub until: Option<Duration>,
    pub together_with: Vec<Text>,
    /// The first of these was written this long before it: the trend is read from before that.
    pub earlier: Duration,
    pub without_effect: Option<Text>,
    /// Nothing besides the time tied what was written to to the trouble.
    pub is_untied: bool,
    /// Something that was done before it was at work already: what gets better is credited to that.
    pub is_recovering: bool,
    /// For so long before the write that recovery had gone its way; none where that is not known.
    pub recovering_for: Option<Duration>,
    /// Title of something that was done shortly before it and could not be judged: either may be the cause.
    pub after_unjudged: Option<Text>,
    /// It takes back what had helped, or was about to. The harm of that comes as slowly as the trouble did, and what gets better meanwhile
    /// is what the other had begun.
    pub takes_back_a_cure: bool,
}

impl Circumstances {
    /// It was watched for so long when nothing seen means no effect.
    pub fn window(&self) -> Duration {
        if self.takes_back_a_cure { RECOVERY } else { WINDOW }
    }
}

/// One indicator as it is judged.
pub struct Watched<'a> {
    pub kpi: &'a Kpi,
    pub track: &'a Track,
    pub comparison: Comparison,
}

impl Judgement {
    /// Whether what it was judged by got better since, by it or not.
    pub fn is_better(self) -> bool {
        matches!(self, Self::Helped | Self::Better)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Helped => "helped",
            Self::Better => "better since",
            Self::NoEffect => "no effect",
            Self::InOrder => "within its limits",
            Self::AlreadyRecovering => "already recovering",
            Self::Worse => "worse",
            Self::TooEarly => "too early to tell",
            Self::NoData => "no data to tell by",
        }
    }
}

impl Verdict {
    /// Judges by the indicator that was aimed at, else by the one that was worst, and looks at all others too. Says also
    /// whether the verdict is final.
    pub fn of(watched: Vec<Watched<'_>>, circumstances: &Circumstances) -> (Self, bool) {
        let time = Time::of(circumstances);
        let aim = circumstances.aim.as_ref();
        let aimed_at = watched.iter().position(|one| aim == Some(&one.comparison.kpi) && one.comparison.before.is_some());
        let decider = aimed_at.unwrap_or_else(|| worst_before(&watched));
        let is_good = |one: &Watched<'_>, value| one.kpi.level(value) == Level::Good;
        let is_calm = watched.get(decider).is_some_and(|one| is_good(one, one.comparison.before));
        let orders: Vec<bool> = watched.iter().map(|one| is_good(one, one.comparison.before) && is_good(one, one.comparison.after)).collect();
        // A share of requests below a time falls ever faster on its way back, whoever caused that.
        let is_latency: Vec<bool> = watched.iter().map(|one| one.kpi.role == Role::Latency).collect();
        let mut looks: Vec<(Comparison, Look)> = watched
            .into_iter()
            .map(|one| {
                let look = one.track.look(one.kpi, time);
                (Comparison { course: look.course, went_bad: look.went_bad, ..one.comparison }, look)
            })
            .collect();
        let (judgement, leader) = judge(&looks, &orders, (decider, is_calm), time);
        let is_faster = looks.get(leader).is_some_and(|(_, look)| look.is_faster) && is_latency.get(leader) != Some(&true);
        let is_low = looks.get(leader).is_some_and(|(_, look)| look.is_in_order);
        // Known from the start, it is said as soon as nothing else can be meant by waiting.
        let judgement = match judgement {
            Judgement::TooEarly => Judgement::TooEarly,
            // What a cure had begun goes on for minutes after it was taken back.
            Judgement::Helped | Judgement::AlreadyRecovering if circumstances.takes_back_a_cure && !time.is_end() => Judgement::TooEarly,
            _ if circumstances.without_effect.is_some() => Judgement::NoEffect,
            Judgement::Helped if circumstances.takes_back_a_cure || (circumstances.is_recovering && !is_faster) => Judgement::AlreadyRecovering,
            Judgement::Helped if circumstances.after_unjudged.is_some() => Judgement::NoData,
            Judgement::Helped if circumstances.is_untied => Judgement::Better,
            Judgement::NoEffect if orders.get(leader).copied().unwrap_or_default() && is_low => Judgement::InOrder,
            other => other,
        };
        let getting_better = looks.get(decider).is_some_and(|(_, look)| matches!(look.course, Course::Better | Course::Turning));
        let is_stopped = judgement == Judgement::Worse && looks.get(leader).is_some_and(|(_, look)| look.is_stopped);
        if leader < looks.len() {
            looks[..=leader].rotate_right(1);
        }
        let verdict = Self {
            judgement,
            after: circumstances.until.unwrap_or(circumstances.since_write),
            comparisons: looks.into_iter().map(|(comparison, _)| comparison).collect(),
            getting_better: getting_better && circumstances.without_effect.is_none() && !circumstances.takes_back_a_cure,
            is_stopped,
            together_with: circumstances.together_with.clone(),
            without_effect: circumstances.without_effect.clone(),
            after_unjudged: circumstances.after_unjudged.clone(),
        };
        (verdict, judgement != Judgement::TooEarly)
    }

    /// Whether what it is judged by is on its way to the better.
    pub fn is_getting_better(&self) -> bool {
        self.getting_better
    }
}

/// How far the watching is.
#[derive(Clone, Copy)]
struct Time {
    moment: Moment,
    /// Seconds after the write that say something of it, and how long before it the trend is read.
    until: Option<f64>,
    earlier: Duration,
    /// As far as it says something: since the write, and since the end of what that started.
    since_write: Duration,
    watched: Duration,
    /// As long must it have been watched.
    window: Duration,
}

impl Time {
    fn of(circumstances: &Circumstances) -> Self {
        let until = circumstances.until.filter(|until| *until < circumstances.since_write);
        let since_write = until.unwrap_or(circumstances.since_write);
        let hidden = circumstances.since_write.saturating_sub(since_write);
        let since_effect = circumstances.since_effect.map(|since| since.saturating_sub(hidden));
        Self {
            moment: Moment {
                since_write: (since_write + circumstances.earlier).as_secs_f64(),
                since_effect: since_effect.map(|since| since.as_secs_f64()),
                recovering_for: circumstances.recovering_for.map(|recovering| recovering.as_secs_f64()),
            },
            until: until.map(|until| (until + circumstances.earlier).as_secs_f64()),
            earlier: circumstances.earlier,
            since_write,
            watched: since_effect.unwrap_or_default(),
            window: circumstances.window(),
        }
    }

    /// It was watched for long enough: nothing seen by now means no effect.
    fn was_watched(self) -> bool {
        self.watched >= self.window || self.since_write >= GIVE_UP.max(self.window)
    }

    /// Something else was done before it was watched for long enough.
    fn is_cut(self) -> bool {
        self.until.is_some() && !self.was_watched()
    }

    /// More is not to be waited for, unless something is on its way.
    fn is_over(self) -> bool {
        self.was_watched() || self.until.is_some()
    }

    /// What is on its way gets no more time.
    fn is_end(self) -> bool {
        (self.was_watched() && self.since_write >= RECOVERY) || self.until.is_some()
    }

    fn may_be_worse(self) -> bool {
        self.watched >= WORSE_AFTER || self.was_watched()
    }
}

/// The judgement, and the place of the indicator that it is of. `orders`: which were in order at the write and are. `is_calm`: the one
/// that decides was in order at the write.
fn judge(looks: &[(Comparison, Look)], orders: &[bool], (decider, is_calm): (usize, bool), time: Time) -> (Judgement, usize) {
    let Some((_, aim)) = looks.get(decider) else {
        return (if time.is_over() { Judgement::NoData } else { Judgement::TooEarly }, decider);
    };
    let other = |wanted: Course| looks.iter().enumerate().position(|(index, (_, look))| index != decider && look.course == wanted);
    // What is better within its limits makes up for nothing.
    let other_cured = || looks.iter().enumerate().position(|(index, (_, look))| index != decider && look.course == Course::Better && !orders[index]);
    let others_may_get_worse = looks.iter().enumerate().any(|(index, (_, look))| index != decider && look.is_worsening);
    let too_early = (Judgement::TooEarly, decider);
    match aim.course {
        Course::Better if time.since_write < EARLIEST || (others_may_get_worse && !time.is_over()) => too_early,
        Course::Better => (Judgement::Helped, decider),
        Course::Worse if time.may_be_worse() => (Judgement::Worse, decider),
        _ if !time.is_over() => too_early,
        Course::Worse => (Judgement::NoData, decider),
        Course::Turning | Course::Unclear if !time.is_end() => too_early,
        Course::Turning if aim.is_somewhat_better => (Judgement::Helped, decider),
        // Averages over minutes rise as slowly as the trouble shows in them.
        _ if is_calm && (aim.is_worsening || others_may_get_worse) && !time.is_end() => too_early,
        course => match (other(Course::Worse), other_cured()) {
            (Some(worse), _) if time.may_be_worse() => (Judgement::Worse, worse),
            (_, Some(better)) => (Judgement::Helped, better),
            _ if course == Course::NoData || time.is_cut() => (Judgement::NoData, decider),
            _ if course == Course::Recovering => (Judgement::AlreadyRecovering, decider),
            _ => (Judgement::NoEffect, decider),
        },
    }
}

impl Limits {
    /// Of an indicator, so that higher is worse.
    fn of(kpi: &Kpi) -> Self {
        let limit = |limit: Option<f64>| limit.map(|limit| limit * worse(kpi.direction));
        Self { warning: limit(kpi.warning), critical: limit(kpi.critical) }
    }
}

/// Factor that makes higher values the worse ones.
fn worse(direction: Direction) -> f64 {
    match direction {
        Direction::HigherIsWorse => 1.0,
        Direction::LowerIsWorse => -1.0,
    }
}

/// The indicator with the worst level before, and among equals the one furthest beyond its threshold, or nearest to it; the first with
/// data where none was near.
fn worst_before(watched: &[Watched<'_>]) -> usize {
    let badness = |one: &Watched<'_>| -> (Level, f64) {
        let level = one.kpi.level(one.comparison.before);
        let excess = match (one.comparison.before, one.kpi.critical.or(one.kpi.warning)) {
            (Some(value), Some(limit)) if limit != 0.0 && value != 0.0 => match one.kpi.direction {
                Direction::HigherIsWorse => value / limit,
                Direction::LowerIsWorse => limit / value,
            },
            _ => 0.0,
        };
        // One that is near its limit already may be what an alert is about.
        let is_raised = one.comparison.before.is_some_and(|value| Limits::of(one.kpi).is_near(value * worse(one.kpi.direction)));
        (level, if is_raised { excess } else { 0.0 })
    };
    let mut worst = 0;
    for (index, one) in watched.iter().enumerate().skip(1) {
        let (this, most) = (badness(one), badness(&watched[worst]));
        if this.0 > most.0 || (this.0 == most.0 && this.1 > most.1) {
            worst = index;
        }
    }
    worst
}
