//! Verdicts over whole series: flat and noisy ones, cures, harms and recoveries, as a query over five minutes shows them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::*;
use crate::domain::kpi::{History, KpiReading, Role};

/// Seconds before the write from which on values are known.
const PAST: i64 = 1_800;
const STEP: i64 = 30;

/// Noise that depends on its seed alone, about normal, of standard deviation 1.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        let mut sum = -6.0;
        for _ in 0..12 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            sum += f64::from(u32::try_from(self.0 >> 32).unwrap()) / f64::from(u32::MAX);
        }
        sum
    }
}

/// What is measured each second, and how it is shown.
struct Story<'a> {
    raw: &'a dyn Fn(f64) -> f64,
    /// Seconds that the query averages over.
    over: f64,
    /// Standard deviation of one value, as a share of it.
    noise: f64,
    seed: u64,
    limit: f64,
    /// Seconds from the write to the end of its rollout.
    converges: u64,
    role: Role,
}

impl Story<'_> {
    fn of(raw: &dyn Fn(f64) -> f64) -> Story<'_> {
        Story { raw, over: 300.0, noise: 0.02, seed: 1, limit: 0.05, converges: 30, role: Role::Other }
    }

    /// The value that a query shows at a time.
    fn shown(&self, at: f64) -> f64 {
        if self.over == 0.0 {
            return (self.raw)(at);
        }
        let parts = (0..30).map(|part| (self.raw)(at - self.over * (f64::from(part) + 0.5) / 30.0));
        parts.sum::<f64>() / 30.0
    }

    /// The whole of it, from half an hour before the write to ten minutes after it.
    fn history(&self) -> History {
        let mut noise = Noise(self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let offset = i64::try_from(self.seed % 30).unwrap();
        let times = (0..(PAST + 600) / STEP).map(|index| index * STEP - PAST + offset);
        let values = times.map(|at| Some((self.shown(f64::from(i32::try_from(at).unwrap())) * (1.0 + self.noise * noise.next())).max(0.0)));
        History { start: written() + chrono::Duration::seconds(offset - PAST), step: Duration::from_secs(30), values: values.collect() }
    }

    /// The first verdict that is final, and the seconds until it.
    fn verdict(&self) -> (Verdict, u64) {
        self.verdict_until(None)
    }

    fn verdict_until(&self, until: Option<u64>) -> (Verdict, u64) {
        let whole = self.history();
        (0..1_200)
            .step_by(5)
            .map(|second| (self.look(&whole, second, until), second))
            .find(|((_, is_final), _)| *is_final)
            .map(|((verdict, _), second)| (verdict, second))
            .unwrap()
    }

    fn look(&self, whole: &History, second: u64, until: Option<u64>) -> (Verdict, bool) {
        self.look_at(whole, second, Circumstances { until: until.map(Duration::from_secs), ..Circumstances::default() })
    }

    fn look_at(&self, whole: &History, second: u64, circumstances: Circumstances) -> (Verdict, bool) {
        let now = written() + chrono::Duration::seconds(i64::try_from(second).unwrap());
        let known = whole.values.iter().enumerate().take_while(|(index, _)| whole.time_at(*index) <= now).map(|(_, value)| *value).collect();
        let kpi = Kpi { role: self.role, ..kpi("e", self.limit) };
        let judged = [(kpi, History { values: known, ..whole.clone() })];
        let circumstances = Circumstances {
            since_write: Duration::from_secs(second),
            since_effect: second.checked_sub(self.converges).map(Duration::from_secs),
            ..circumstances
        };
        verdict_of(&judged, now, &circumstances)
    }

    fn word(&self) -> Judgement {
        self.verdict().0.judgement
    }
}

fn written() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn kpi(id: &str, critical: f64) -> Kpi {
    Kpi {
        id: id.into(),
        title: if id == "e" { "Error rate".into() } else { id.into() },
        query: "q".into(),
        trend_query: None,
        unit: if critical < 1.0 { Unit::Ratio } else { Unit::Count },
        role: Role::Other,
        deployment: None,
        direction: Direction::HigherIsWorse,
        warning: None,
        critical: Some(critical),
        freshness_limit: Duration::from_mins(1),
    }
}

fn verdict_of(judged: &[(Kpi, History)], now: DateTime<Utc>, circumstances: &Circumstances) -> (Verdict, bool) {
    let tracks: Vec<Track> = judged
        .iter()
        .map(|(kpi, history)| {
            let mut track = Track::new(kpi.id.clone());
            track.written = Some(written());
            let reading = KpiReading { id: kpi.id.clone(), value: None, trend: None, at: None, history: Some(history.clone()), problem: None };
            track.learn(&reading, now);
            track
        })
        .collect();
    let watched = judged.iter().zip(&tracks).map(|((kpi, _), track)| {
        let value = |at| track.value_at(at, Duration::from_mins(2));
        let comparison = Comparison {
            kpi: kpi.id.clone(),
            title: kpi.title.clone(),
            unit: kpi.unit,
            before: value(written()),
            after: value(now),
            course: Course::NoData,
            went_bad: false,
        };
        Watched { kpi, track, comparison }
    });
    Verdict::of(watched.collect(), circumstances)
}

/// Beyond its limit from `from` to `to`, in order else.
fn bad(from: f64, to: f64) -> impl Fn(f64) -> f64 {
    move |at| if at > from && at < to { 0.12 } else { 0.001 }
}

/// Of a hundred seeds, those whose verdict is as wanted; times of the story are spread with the seed.
fn of_a_hundred(is_wanted: impl Fn(u64, f64) -> bool) -> usize {
    (1..=100_u32).filter(|seed| is_wanted(u64::from(*seed), f64::from(seed * 37 % 100) / 100.0)).count()
}

#[test]
fn a_flat_noisy_series_shows_no_effect() {
    for (level, noise, over) in [(0.12, 0.02, 300.0), (0.12, 0.1, 300.0), (0.12, 0.3, 0.0), (0.052, 0.05, 300.0)] {
        let raw = move |_| level;
        // What swings around its limit may be below it all the while.
        let is_none = |word| word == Judgement::NoEffect || (level < 0.06 && word == Judgement::InOrder);
        let none = of_a_hundred(|seed, _| is_none(Story { over, noise, seed, ..Story::of(&raw) }.word()));
        assert!(none >= 99, "{none} of 100 at a level of {level} with noise of {noise}");
    }
}

/// The trouble began at any time before the write, the cure comes with it or with the end of its rollout.
#[test]
fn a_cure_seen_through_five_minutes_helped_within_seven() {
    let helped = of_a_hundred(|seed, spread| {
        let converges = seed % 60;
        let raw = bad(-150.0 - 1_200.0 * spread, f64::from(u32::try_from(converges).unwrap()));
        let (verdict, after) = Story { seed, converges, ..Story::of(&raw) }.verdict();
        verdict.judgement == Judgement::Helped && after <= 420
    });
    assert!(helped >= 98, "{helped} of 100");
}

#[test]
fn a_recovery_that_began_before_is_not_helped() {
    let recovering = of_a_hundred(|seed, spread| {
        let raw = bad(-1_200.0, -70.0 - 90.0 * spread);
        let (verdict, _) = Story { seed, ..Story::of(&raw) }.verdict();
        assert_ne!(verdict.judgement, Judgement::Worse);
        verdict.judgement == Judgement::AlreadyRecovering && verdict.sentence().starts_with("already recovering before it: error rate")
    });
    assert!(recovering >= 98, "{recovering} of 100");
}

/// What leaks memory gets better with each restart, and bad again.
#[test]
fn what_had_turned_to_the_worse_again_before_the_write_is_no_recovery() {
    let helped = of_a_hundred(|seed, spread| {
        let again = -60.0 - 40.0 * spread;
        let raw = move |at: f64| match at {
            at if at < -400.0 => 4.4,
            at if at < again => 4.4 - 1.5 * (at + 400.0) / (again + 400.0),
            at if at < 10.0 => 2.9 + 0.9 * (at - again) / (10.0 - again),
            at => (3.8 * (1.0 - (at - 10.0) / 300.0)).max(0.3),
        };
        Story { over: 0.0, noise: 0.01, limit: 2.0, seed, ..Story::of(&raw) }.word() == Judgement::Helped
    });
    assert!(helped >= 98, "{helped} of 100");
}

/// A backlog that drains, and stops to.
#[test]
fn a_recovery_that_stops_is_worse() {
    let worse = of_a_hundred(|seed, spread| {
        let (began, pace) = (170.0 + 110.0 * spread, 6.0 + 8.0 * spread);
        let raw = move |at: f64| 6_000.0 - pace * (at.clamp(-began, 0.0) + began);
        Story { over: 0.0, noise: 0.005, limit: 1_000.0, converges: 0, seed, ..Story::of(&raw) }.word() == Judgement::Worse
    });
    assert!(worse >= 98, "{worse} of 100");
}

/// The errors come back while the average over five minutes still forgets the first ones.
#[test]
fn a_harm_in_the_middle_of_a_recovery_is_worse() {
    let worse = of_a_hundred(|seed, spread| {
        let ended = 100.0 + 50.0 * spread;
        let raw = move |at: f64| if (at > -900.0 && at < -ended) || at > 20.0 { 0.12 } else { 0.001 };
        Story { seed, ..Story::of(&raw) }.word() == Judgement::Worse
    });
    assert!(worse >= 98, "{worse} of 100");
}

#[test]
fn what_was_fine_and_goes_bad_is_worse_and_what_grew_before_is_no_doing_of_the_write() {
    let harmed = bad(10.0, f64::INFINITY);
    let worse = of_a_hundred(|seed, _| Story { seed, ..Story::of(&harmed) }.word() == Judgement::Worse);
    let none = of_a_hundred(|seed, spread| {
        let growing = bad(-80.0 - 120.0 * spread, f64::INFINITY);
        Story { seed, ..Story::of(&growing) }.word() == Judgement::NoEffect
    });
    assert!(worse >= 98 && none >= 98, "{worse} and {none} of 100");
}

proptest! {
    /// Whatever the values: no panic, a verdict in the end, and none without data.
    #[test]
    fn every_series_gets_a_verdict(values in prop::collection::vec(prop_oneof![Just(None), Just(Some(f64::NAN)), (0.0_f64..1e9).prop_map(Some), Just(Some(f64::INFINITY))], 0..90), cut in 0_u64..600) {
        let history = History { start: written() - chrono::Duration::seconds(PAST), step: Duration::from_secs(30), values };
        let circumstances = Circumstances { since_write: Duration::from_mins(15), until: (cut > 0).then_some(Duration::from_secs(cut)), ..Circumstances::default() };
        let (verdict, is_final) = verdict_of(&[(kpi("e", 0.05), history)], written() + chrono::Duration::seconds(900), &circumstances);
        prop_assert!(is_final);
        prop_assert!(!verdict.sentence().is_empty());
    }
}

#[test]
fn gaps_and_nan_are_no_data() {
    let story = bad(-600.0, 0.0);
    let story = Story::of(&story);
    let whole = story.history();
    let silenced = |from: usize, value: Option<f64>| {
        let values = whole.values.iter().enumerate().map(|(index, known)| if index >= from { value } else { *known });
        History { values: values.collect(), ..whole.clone() }
    };
    for value in [None, Some(f64::NAN), Some(f64::INFINITY)] {
        let (verdict, is_final) = story.look(&silenced(60, value), 400, None);
        assert_eq!((verdict.judgement, is_final), (Judgement::NoData, true));
        assert_eq!(verdict.sentence(), "cannot tell whether it helped: no data before or after");
    }
    let (verdict, _) = story.look(&silenced(0, None), 400, None);
    assert_eq!(verdict.judgement, Judgement::NoData);
}

#[test]
fn nothing_is_said_too_early_and_a_rollout_that_never_converges_is_judged_in_the_end() {
    let flat = |_| 0.12;
    let story = Story { converges: 10_000, ..Story::of(&flat) };
    assert_eq!(story.verdict().1, 360);
    let cured = bad(-900.0, 0.0);
    assert!(Story::of(&cured).verdict().1 >= EARLIEST.as_secs());
    let story = Story { converges: 120, ..Story::of(&flat) };
    assert_eq!(story.verdict().1, 300, "three minutes after its end");
}

#[test]
fn what_was_done_later_gets_no_say() {
    let by_the_later = bad(-900.0, 200.0);
    let story = Story { converges: 0, ..Story::of(&by_the_later) };
    assert_eq!(story.verdict_until(Some(200)).0.judgement, Judgement::NoEffect);
    let verdict = story.verdict_until(Some(100)).0;
    assert_eq!(verdict.judgement, Judgement::NoData, "100 s are too short to tell");
    assert!(verdict.sentence().starts_with("cannot tell whether it helped: something else was done 2 min later"), "{}", verdict.sentence());
    let by_this = bad(-900.0, 0.0);
    assert_eq!(Story { converges: 0, ..Story::of(&by_this) }.verdict_until(Some(200)).0.judgement, Judgement::Helped);
}

/// Error rate and backlog, three minutes and more after the write.
fn two(errors: &dyn Fn(f64) -> f64, backlog: &dyn Fn(f64) -> f64, second: i64, aim: Option<&str>) -> Verdict {
    let now = written() + chrono::Duration::seconds(second);
    let until = |story: Story<'_>| {
        let whole = story.history();
        let values = whole.values.iter().enumerate().take_while(|(index, _)| whole.time_at(*index) <= now).map(|(_, value)| *value);
        History { values: values.collect(), ..whole.clone() }
    };
    let judged = [
        (kpi("Sync backlog", 1_000.0), until(Story { over: 0.0, noise: 0.01, ..Story::of(backlog) })),
        (kpi("e", 0.05), until(Story { noise: 0.01, ..Story::of(errors) })),
    ];
    let since = Duration::from_secs(u64::try_from(second).unwrap());
    let circumstances = Circumstances { aim: aim.map(Into::into), since_write: since, since_effect: Some(since), ..Circumstances::default() };
    verdict_of(&judged, now, &circumstances).0
}

#[test]
fn what_gets_worse_is_named_beside_what_was_helped() {
    let cured = bad(-900.0, 0.0);
    let verdict = two(&cured, &|at| if at < 0.0 { 800.0 } else { 800.0 + 50.0 * at }, 240, Some("e"));
    assert_eq!(verdict.judgement, Judgement::Helped);
    let sentence = verdict.sentence();
    assert!(sentence.starts_with("helped: error rate 12.") && sentence.contains(" % in 4 min; worse: sync backlog "), "{sentence}");
    let verdict = two(&cured, &|_| 800.0, 240, Some("e"));
    assert!(!verdict.sentence().contains("worse"), "{}", verdict.sentence());
}

#[test]
fn what_is_aimed_at_decides_though_another_indicator_is_worse_and_no_other_harm_is_passed_over() {
    let cured = bad(-900.0, 0.0);
    let verdict = two(&cured, &|_| 9_000.0, 240, Some("e"));
    assert_eq!((verdict.judgement, &*verdict.comparisons[0].kpi), (Judgement::Helped, "e"));
    let verdict = two(&|_| 0.12, &|at| if at < 0.0 { 500.0 } else { 500.0 + 40.0 * at }, 240, Some("e"));
    assert_eq!((verdict.judgement, &*verdict.comparisons[0].kpi), (Judgement::Worse, "Sync backlog"));
    let verdict = two(&|_| 0.12, &|_| 9_000.0, 240, Some("gone"));
    assert_eq!((verdict.judgement, &*verdict.comparisons[0].kpi), (Judgement::NoEffect, "Sync backlog"), "the worst, where the aim is not known");
}

#[test]
fn what_only_grows_since_the_write_is_on_its_way_to_nothing_better() {
    let cured = bad(-900.0, 0.0);
    let growing = |at: f64| if at < 0.0 { 1_828.0 + 2.0 * at } else { 1_828.0 + 130.0 * at };
    for seconds in (60..=300).step_by(15) {
        let verdict = two(&cured, &growing, seconds, Some("e"));
        let backlog = verdict.comparisons.iter().find(|comparison| &*comparison.kpi == "Sync backlog").unwrap();
        assert_ne!(backlog.course, Course::Turning, "after {seconds} s");
        assert!(seconds < 90 || backlog.course == Course::Worse, "{:?} after {seconds} s", backlog.course);
    }
    assert!(two(&cured, &growing, 240, Some("e")).sentence().contains("; worse: sync backlog"));
}

/// Of an error rate that was cured at the write, five minutes later.
fn of_a_cure(circumstances: Circumstances) -> (Verdict, bool) {
    let cured = bad(-900.0, 0.0);
    let five = Duration::from_mins(5);
    let circumstances = Circumstances { since_write: five, since_effect: Some(five), ..circumstances };
    verdict_of(&[(kpi("e", 0.05), Story::of(&cured).history())], written() + chrono::Duration::minutes(5), &circumstances)
}

#[test]
fn a_write_without_effect_gets_no_credit() {
    let (verdict, is_final) = of_a_cure(Circumstances {
        without_effect: Some("no effect until restarted: read as environment by deployment/api".into()),
        ..Circumstances::default()
    });
    assert_eq!((verdict.judgement, is_final, verdict.is_getting_better()), (Judgement::NoEffect, true, false));
    assert_eq!(verdict.sentence(), "no effect until restarted: read as environment by deployment/api");
}

#[test]
fn what_nothing_tied_to_the_trouble_is_not_credited_with_its_end() {
    let (verdict, is_final) = of_a_cure(Circumstances { is_untied: true, ..Circumstances::default() });
    assert_eq!((verdict.judgement, is_final), (Judgement::Better, true));
    assert!(verdict.sentence().starts_with("better since: error rate "), "{}", verdict.sentence());
    assert!(verdict.sentence().ends_with("perhaps by itself, nothing tied this to the trouble"), "{}", verdict.sentence());
}

#[test]
fn what_cannot_be_told_apart_is_named_together() {
    let cured = bad(-900.0, 0.0);
    let circumstances = Circumstances {
        since_write: Duration::from_mins(4),
        since_effect: Some(Duration::from_mins(4)),
        together_with: vec!["Scale · api".into()],
        ..Circumstances::default()
    };
    let (verdict, _) = verdict_of(&[(kpi("e", 0.05), Story::of(&cured).history())], written() + chrono::Duration::minutes(4), &circumstances);
    assert!(verdict.sentence().starts_with("helped, together with Scale · api: error rate "), "{}", verdict.sentence());
}

/// An undo had begun the recovery; a share of requests below a time falls ever faster on its way back.
#[test]
fn a_latency_that_falls_ever_faster_does_so_by_what_began_it() {
    let falls = |at: f64| match at {
        at if at < -90.0 => 4.4,
        at if at < 5.0 => 4.4 - 0.01 * (at + 90.0),
        at => (3.45 - 0.03 * (at - 5.0)).max(0.4),
    };
    let of = |role: Role| {
        let story = Story { over: 0.0, noise: 0.005, limit: 2.0, converges: 5, role, ..Story::of(&falls) };
        in_a_recovery(&story, 75)
    };
    assert_eq!((of(Role::Queue), of(Role::Latency)), (Judgement::Helped, Judgement::AlreadyRecovering));
}

#[test]
fn what_is_better_within_its_limits_makes_up_for_nothing() {
    let bad = |_: f64| 0.13;
    let queue = |at: f64| if at < 10.0 { 356.0 } else { 26.0 };
    let since = Duration::from_mins(8);
    let circumstances = Circumstances { since_write: since, since_effect: Some(since), ..Circumstances::default() };
    let of = |limit: f64| {
        let all = [(kpi("e", 0.05), Story::of(&bad).history()), (kpi("queue", limit), Story { over: 0.0, ..Story::of(&queue) }.history())];
        verdict_of(&all, written() + chrono::Duration::minutes(8), &circumstances).0.judgement
    };
    assert_eq!((of(1_000.0), of(100.0)), (Judgement::NoEffect, Judgement::Helped));
}

#[test]
fn lower_may_be_the_worse_side() {
    let story = bad(-900.0, 0.0);
    let history = Story::of(&story).history();
    let values = history.values.iter().map(|value| value.map(|value| 100.0 - 500.0 * value)).collect();
    let lower = Kpi { direction: Direction::LowerIsWorse, ..kpi("logins", 90.0) };
    let circumstances = Circumstances { since_write: Duration::from_mins(5), since_effect: Some(Duration::from_mins(5)), ..Circumstances::default() };
    let (verdict, _) = verdict_of(&[(lower, History { values, ..history })], written() + chrono::Duration::minutes(5), &circumstances);
    assert_eq!(verdict.judgement, Judgement::Helped);
}

#[test]
fn what_was_a_little_below_its_limit_and_lost_half_was_helped() {
    let cured = |at: f64| if at < 10.0 { 0.045 } else { 0.004 };
    assert_eq!(Story::of(&cured).word(), Judgement::Helped);
    let low = |at: f64| if at < 10.0 { 0.02 } else { 0.004 };
    assert_eq!(Story::of(&low).word(), Judgement::InOrder, "that far below it is ordinary");
    let less = |at: f64| if at < 10.0 { 0.045 } else { 0.03 };
    let (verdict, _) = Story::of(&less).verdict();
    assert_eq!(verdict.judgement, Judgement::InOrder);
    assert!(verdict.sentence().starts_with("stayed within its limits: error rate 4."), "{}", verdict.sentence());
}

#[test]
fn the_harm_of_taking_a_cure_back_is_waited_for() {
    // Slots fill up for four minutes before anything fails.
    let raw = |at: f64| if at < 240.0 { 0.001 } else { 0.2 };
    let story = Story::of(&raw);
    assert_eq!(story.word(), Judgement::InOrder, "of anything else it would be said after three minutes");
    let whole = story.history();
    let back = Circumstances { takes_back_a_cure: true, ..Circumstances::default() };
    let said = (0..1_200).step_by(5).map(|second| story.look_at(&whole, second, back.clone())).find(|(_, is_final)| *is_final).unwrap().0;
    assert_eq!(said.judgement, Judgement::Worse, "{}", said.sentence());
    // The cure had been at work for three minutes, and what it began goes on for two more.
    let raw = |at: f64| if (-180.0..150.0).contains(&at) { 0.001 } else { 0.2 };
    let story = Story::of(&raw);
    let whole = story.history();
    let said = (0..1_200).step_by(5).map(|second| story.look_at(&whole, second, back.clone())).find(|(_, is_final)| *is_final).unwrap().0;
    assert_eq!(said.judgement, Judgement::Worse, "{}", said.sentence());
}

#[test]
fn a_queue_that_grew_and_drains_slowly_was_helped() {
    // It grew by 68 a second, and falls by 44 a second since: after seven minutes it has lost a sixth.
    let raw = |at: f64| if at < 20.0 { 101_000.0 + 68.0 * at } else { 102_360.0 - 44.0 * (at - 20.0) };
    let story = Story { over: 0.0, limit: 1_000.0, ..Story::of(&raw) };
    assert_eq!(story.word(), Judgement::Helped);
}

#[test]
fn a_recovery_that_stops_is_not_called_worse_by_falling_numbers_alone() {
    let raw = |at: f64| if at < 0.0 { 0.094 - 0.0001 * at } else { 0.094 };
    let story = Story { over: 0.0, noise: 0.005, ..Story::of(&raw) };
    let (verdict, _) = story.verdict();
    assert_eq!(verdict.judgement, Judgement::Worse);
    assert!(verdict.sentence().starts_with("worse: the recovery stopped, "), "{}", verdict.sentence());
}

/// Errors that begin some minutes before the write, too slowly to say so yet when the time of a write without effect is over.
#[test]
fn what_leaves_its_limits_is_neither_within_them_nor_without_effect_before_it_is_known() {
    for began in [20.0, 40.0, 60.0, 80.0] {
        for seed in 1..=20 {
            let raw = move |at: f64| if at > began { 0.001 + 0.0009 * (at - began) } else { 0.001 };
            let story = Story { seed, converges: 5, ..Story::of(&raw) };
            let (verdict, after) = story.verdict();
            let sentence = verdict.sentence();
            let is_beyond = verdict.comparisons[0].after.is_some_and(|after| after > 0.05);
            assert!(!(is_beyond && sentence.contains("within its limits")), "{sentence}");
            assert!(verdict.judgement != Judgement::NoEffect || after >= RECOVERY.as_secs(), "after {after} s: {sentence}");
        }
    }
}

#[test]
fn what_was_far_above_the_ordinary_within_its_limits_and_is_ordinary_again_was_helped() {
    let helped = of_a_hundred(|seed, spread| {
        let raw = move |at: f64| if at > -300.0 - 300.0 * spread && at < 10.0 { 0.033 } else { 0.0015 };
        Story { seed, noise: 0.05, ..Story::of(&raw) }.word() == Judgement::Helped
    });
    assert!(helped >= 98, "{helped} of 100");
    let low = |at: f64| if at > -500.0 && at < 10.0 { 0.009 } else { 0.0015 };
    assert_eq!(Story::of(&low).word(), Judgement::InOrder, "too little to be worth a word");
}

/// Something else had begun the recovery, well before the write.
fn in_a_recovery(story: &Story<'_>, recovering_for: u64) -> Judgement {
    let whole = story.history();
    let circumstances = Circumstances { is_recovering: true, recovering_for: Some(Duration::from_secs(recovering_for)), ..Circumstances::default() };
    let mut looks = (0..1_200).step_by(5).map(|second| story.look_at(&whole, second, circumstances.clone()));
    looks.find(|(_, is_final)| *is_final).unwrap().0.judgement
}

#[test]
fn a_second_one_by_which_a_queue_drains_faster_helped_too() {
    let faster = of_a_hundred(|seed, spread| {
        let pace = 25.0 + 20.0 * spread;
        let raw = move |at: f64| match at {
            at if at < -90.0 => 10_500.0 + 50.0 * (at + 90.0).max(-200.0),
            at if at < 5.0 => 10_500.0 - pace * (at + 90.0),
            at => (10_500.0 - pace * 95.0 - 2.2 * pace * (at - 5.0)).max(40.0),
        };
        let story = Story { over: 0.0, noise: 0.005, limit: 1_000.0, converges: 5, seed, ..Story::of(&raw) };
        in_a_recovery(&story, 75) == Judgement::Helped
    });
    assert!(faster >= 95, "{faster} of 100");
}

#[test]
fn a_useless_one_while_an_average_still_falls_gets_no_credit_for_its_pace() {
    let credited = of_a_hundred(|seed, spread| {
        // The first one's rollout took up to a minute, so that the errors went down in steps.
        let (began, rollout) = (-150.0 - 60.0 * spread, 10.0 + 50.0 * spread);
        let raw = move |at: f64| if at < -900.0 { 0.001 } else { 0.001 + 0.12 * (1.0 - ((at - began) / rollout).clamp(0.0, 1.0)) };
        let story = Story { converges: 5, seed, ..Story::of(&raw) };
        let effect = -began - rollout;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number of seconds")]
        let recovering_for = effect as u64;
        in_a_recovery(&story, recovering_for) == Judgement::Helped
    });
    assert!(credited <= 1, "{credited} of 100");
}
