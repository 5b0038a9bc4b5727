//! Whether a mitigation helped: the indicators before it and after it.

use std::time::Duration;

use super::{
    kpi::{Direction, Kpi, Level, Unit},
    text::Text,
    units,
};

/// No verdict before this: queries look back minutes and a write takes seconds.
pub const EARLIEST: Duration = Duration::from_secs(30);
/// Worse is said after this: a rollout under way makes numbers jump.
pub const WORSE_AFTER: Duration = Duration::from_mins(1);
/// After this, nothing seen means no effect.
pub const WINDOW: Duration = Duration::from_mins(3);
/// An indicator that is getting better has this long before no effect is said: usual queries average over five minutes,
/// so that a cure shows whole only after them.
pub const RECOVERY: Duration = Duration::from_mins(7);
/// From this share on, a change to the better counts as getting better.
const GETTING_BETTER: f64 = 0.1;
/// When what was started never converges, it is judged this long after the write.
pub const GIVE_UP: Duration = Duration::from_mins(6);

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Judgement {
    Helped,
    NoEffect,
    Worse,
    /// Not enough time has passed to tell.
    TooEarly,
    /// The indicator has no values before or after.
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
}

#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub judgement: Judgement,
    /// Time since the write.
    pub after: Duration,
    /// The indicator that decided, then the others.
    pub comparisons: Vec<Comparison>,
    /// Whether the one that decided is on its way to the better.
    pub getting_better: bool,
}

impl Comparison {
    /// `error rate 11.9 → 8.1 %`.
    pub fn words(&self) -> String {
        let title = self.title.to_string();
        // A title that begins with an abbreviation, as `DB connections`, keeps it.
        let title = if title.chars().nth(1).is_some_and(char::is_lowercase) { title.to_lowercase() } else { title };
        format!("{title} {}", units::change(self.before, self.after, self.unit))
    }
}

impl Judgement {
    pub fn word(self) -> &'static str {
        match self {
            Self::Helped => "helped",
            Self::NoEffect => "no effect",
            Self::Worse => "worse",
            Self::TooEarly => "too early to tell",
            Self::NoData => "no data to tell by",
        }
    }
}

impl Verdict {
    /// Judges by the indicator with the id `aim`, else by the one that was worst at confirmation. `since_write` counts from
    /// the answer to the write, `since_converged` from the end of the rollout. Says also whether the verdict is final.
    pub fn of(
        kpis: &[Kpi],
        mut comparisons: Vec<Comparison>,
        aim: Option<&str>,
        since_write: Duration,
        since_converged: Option<Duration>,
    ) -> (Self, bool) {
        let aimed_at = comparisons.iter().position(|comparison| aim == Some(comparison.kpi.as_str()) && comparison.before.is_some());
        let decider = aimed_at.unwrap_or_else(|| worst_before(kpis, &comparisons));
        if decider < comparisons.len() {
            comparisons.swap(0, decider);
        }
        let change = comparisons.first().map_or(Judgement::NoData, |decider| {
            kpis.iter().find(|kpi| kpi.id == decider.kpi).map_or(Judgement::NoData, |kpi| compare(kpi, decider.before, decider.after))
        });
        let watched = since_converged.unwrap_or_default();
        let over = watched >= WINDOW || since_write >= GIVE_UP.max(WINDOW);
        let getting_better = comparisons.first().is_some_and(|decider| is_getting_better(kpis, decider));
        let judgement = match change {
            Judgement::NoEffect if getting_better && since_write < RECOVERY => Judgement::TooEarly,
            Judgement::Helped if since_write >= EARLIEST => Judgement::Helped,
            Judgement::Worse if watched >= WORSE_AFTER || over => Judgement::Worse,
            other if over && other != Judgement::TooEarly => other,
            _ => Judgement::TooEarly,
        };
        (Self { judgement, after: since_write, comparisons, getting_better }, judgement != Judgement::TooEarly)
    }

    /// Whether what it is judged by is on its way to the better.
    pub fn is_getting_better(&self) -> bool {
        self.getting_better
    }

    /// `error rate 11.8 % → 0.4 % in 2 min: helped`.
    pub fn sentence(&self) -> Text {
        let after = units::spoken(self.after);
        let Some(decider) = self.comparisons.first() else { return Text::line(&format!("{} after {after}", self.judgement.word())) };
        let write = |value: Option<f64>| value.map_or_else(|| "no data".to_owned(), |value| units::value(value, decider.unit));
        let mut title = decider.title.to_string();
        if title.chars().nth(1).is_some_and(char::is_lowercase) {
            title = title.to_lowercase();
        }
        let change = format!("{title} {} → {}", write(decider.before), write(decider.after));
        Text::line(&match self.judgement {
            Judgement::NoEffect => format!("{change}: no effect after {after}"),
            Judgement::NoData => format!("{change}: no data to tell by after {after}"),
            other => format!("{change} in {after}: {}", other.word()),
        })
    }
}

/// What the change of one indicator means, whatever the time.
///
/// Helped: it fell back under its threshold (by at least a tenth, so that noise around the threshold does not count), or
/// by half or more. Worse: it rose by a quarter or more, and is beyond a threshold.
fn compare(kpi: &Kpi, before: Option<f64>, after: Option<f64>) -> Judgement {
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    let (Some(before), Some(after)) = (finite(before), finite(after)) else { return Judgement::NoData };
    let worse_by = match kpi.direction {
        Direction::HigherIsWorse => after - before,
        Direction::LowerIsWorse => before - after,
    };
    let share = if before == 0.0 { worse_by.signum() * f64::from(u8::from(worse_by != 0.0)) } else { worse_by / before.abs() };
    let was_bad = beyond(kpi, before);
    if was_bad > Level::Good && (share <= -0.5 || (beyond(kpi, after) < was_bad && share <= -0.1)) {
        Judgement::Helped
    } else if share >= 0.25 && beyond(kpi, after) > Level::Good {
        Judgement::Worse
    } else {
        Judgement::NoEffect
    }
}

/// Whether the indicator moved to the better, without having got far enough to say that it helped.
fn is_getting_better(kpis: &[Kpi], decider: &Comparison) -> bool {
    let (Some(before), Some(after)) = (decider.before, decider.after) else { return false };
    let Some(kpi) = kpis.iter().find(|kpi| kpi.id == decider.kpi) else { return false };
    let better_by = match kpi.direction {
        Direction::HigherIsWorse => before - after,
        Direction::LowerIsWorse => after - before,
    };
    better_by > GETTING_BETTER * before.abs()
}

fn beyond(kpi: &Kpi, value: f64) -> Level {
    kpi.level(Some(value))
}

/// The indicator with the worst level before, and among equals the one furthest beyond its threshold; the first with
/// data where none was bad.
fn worst_before(kpis: &[Kpi], comparisons: &[Comparison]) -> usize {
    let badness = |comparison: &Comparison| -> (Level, f64) {
        let Some(kpi) = kpis.iter().find(|kpi| kpi.id == comparison.kpi) else { return (Level::NoData, 0.0) };
        let level = kpi.level(comparison.before);
        let excess = match (comparison.before, kpi.critical.or(kpi.warning)) {
            (Some(value), Some(limit)) if limit != 0.0 && value != 0.0 => match kpi.direction {
                Direction::HigherIsWorse => value / limit,
                Direction::LowerIsWorse => limit / value,
            },
            _ => 0.0,
        };
        (level, if level > Level::Good { excess } else { 0.0 })
    };
    let mut worst = 0;
    for (index, comparison) in comparisons.iter().enumerate().skip(1) {
        let (one, other) = (badness(comparison), badness(&comparisons[worst]));
        if one.0 > other.0 || (one.0 == other.0 && one.1 > other.1) {
            worst = index;
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kpi(id: &str, critical: f64) -> Kpi {
        Kpi {
            id: id.into(),
            title: "Error rate".into(),
            query: "q".into(),
            trend_query: None,
            unit: Unit::Ratio,
            direction: Direction::HigherIsWorse,
            warning: None,
            critical: Some(critical),
            freshness_limit: Duration::from_mins(1),
        }
    }

    fn change(id: &str, before: f64, after: Option<f64>) -> Comparison {
        Comparison { kpi: id.into(), title: "Error rate".into(), unit: Unit::Ratio, before: Some(before), after }
    }

    fn judge(before: f64, after: Option<f64>, write: u64, converged: Option<u64>) -> (Judgement, bool) {
        let (verdict, is_final) =
            Verdict::of(&[kpi("e", 0.05)], vec![change("e", before, after)], None, Duration::from_secs(write), converged.map(Duration::from_secs));
        (verdict.judgement, is_final)
    }

    #[test]
    fn helps_when_it_falls_under_its_threshold_or_by_half() {
        assert_eq!(judge(0.118, Some(0.004), 120, Some(60)), (Judgement::Helped, true));
        assert_eq!(judge(0.5, Some(0.25), 60, None), (Judgement::Helped, true));
        assert_eq!(judge(0.118, Some(0.004), 20, None), (Judgement::TooEarly, false));
        assert_eq!(judge(0.0501, Some(0.0499), 600, Some(600)), (Judgement::NoEffect, true), "noise around the threshold");
    }

    #[test]
    fn tells_worse_from_no_effect_from_no_data() {
        assert_eq!(judge(0.1, Some(0.13), 100, Some(70)), (Judgement::Worse, true));
        assert_eq!(judge(0.1, Some(0.13), 50, Some(20)), (Judgement::TooEarly, false));
        assert_eq!(judge(0.1, Some(0.1), 170, Some(150)), (Judgement::TooEarly, false));
        assert_eq!(judge(0.1, Some(0.1), 190, Some(180)), (Judgement::NoEffect, true));
        assert_eq!(judge(0.1, None, 190, Some(180)), (Judgement::NoData, true));
        assert_eq!(judge(0.1, Some(f64::NAN), 190, Some(180)), (Judgement::NoData, true));
        assert_eq!(judge(0.001, Some(0.002), 190, Some(180)), (Judgement::NoEffect, true), "doubled, and still healthy");
    }

    #[test]
    fn a_rollout_that_never_converges_is_judged_in_the_end() {
        assert_eq!(judge(0.1, Some(0.1), 359, None), (Judgement::TooEarly, false));
        assert_eq!(judge(0.1, Some(0.1), 360, None), (Judgement::NoEffect, true));
    }

    #[test]
    fn the_worst_indicator_decides_and_leads_the_sentence() {
        let kpis = [kpi("calm", 10.0), kpi("e", 0.05)];
        let comparisons = vec![change("calm", 0.1, Some(9.0)), change("e", 0.118, Some(0.004))];
        let (verdict, _) = Verdict::of(&kpis, comparisons, None, Duration::from_mins(2), Some(Duration::from_mins(1)));
        assert_eq!(verdict.sentence(), "error rate 11.8 % → 0.4 % in 2 min: helped");
    }

    #[test]
    fn what_a_mitigation_is_aimed_at_decides_though_another_indicator_is_worse() {
        let kpis = [kpi("backlog", 0.1), kpi("e", 0.05)];
        let comparisons = vec![change("backlog", 9.0, Some(9.0)), change("e", 0.118, Some(0.004))];
        let minutes = |minutes| Duration::from_mins(minutes);
        let (verdict, _) = Verdict::of(&kpis, comparisons.clone(), Some("e"), minutes(2), Some(minutes(1)));
        assert_eq!((verdict.judgement, &*verdict.comparisons[0].kpi), (Judgement::Helped, "e"));
        let (verdict, _) = Verdict::of(&kpis, comparisons, Some("gone"), minutes(4), Some(minutes(3)));
        assert_eq!((verdict.judgement, &*verdict.comparisons[0].kpi), (Judgement::NoEffect, "backlog"));
    }
}
