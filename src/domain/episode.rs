//! One trouble has one beginning.
//!
//! An episode begins at the first sign of trouble: an indicator crossed its threshold, or the expression of an alert became
//! true. That is earlier than the moment at which a late `for:` let the alert fire. What begins while it lasts belongs to it.
//! It ends when every sign has been good for five minutes. Its beginning, once said, moves no more.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::text::Text;

/// An episode is over when all was good for so long.
pub const GOOD_FOR: TimeDelta = TimeDelta::minutes(5);

/// An alert that has been true for longer than this when something else goes wrong is a standing complaint: it says nothing
/// of when the new trouble began.
pub const STANDING: TimeDelta = TimeDelta::hours(1);

/// What shows that something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Symptom {
    /// An indicator beyond a threshold, by its id.
    Indicator(Text),
    /// A firing alert, by its fingerprint.
    Alert(Text),
}

/// A symptom that is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    pub symptom: Symptom,
    /// Server time.
    pub began: DateTime<Utc>,
    /// It was there already at the first moment that is known: it began then or earlier.
    pub or_earlier: bool,
}

/// All that is known of the present.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Present {
    pub signs: Vec<Sign>,
    /// When the expressions of alerts became true that do not fire yet. They open no episode; one that opens began with them.
    pub pending: Vec<DateTime<Utc>>,
    /// When each indicator was bad before and good again, (from, to), as far back as the histories go.
    pub past: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    /// Whether all that could show a sign was heard at least once. Until then the beginning can still turn out to be earlier.
    pub is_settled: bool,
    /// Whether what is missing among the signs is known to be good: false while a source is silent.
    pub is_fresh: bool,
}

/// A symptom within an episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub began: DateTime<Utc>,
    pub or_earlier: bool,
    /// When it was first seen to be good again; none while it lasts.
    pub ended: Option<DateTime<Utc>>,
}

/// One trouble, from its first sign until all was good for five minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Episode {
    /// Server time.
    pub began: DateTime<Utc>,
    /// It began at that time or earlier: the histories do not reach further back.
    pub or_earlier: bool,
    pub parts: BTreeMap<Symptom, Part>,
    /// Only alerts that have stood for long: the next trouble is one of its own.
    is_standing: bool,
    /// Complaints that stood before it began and have nothing to do with it.
    standing: Vec<Symptom>,
    is_settled: bool,
}

/// The present episode, if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Episodes {
    pub present: Option<Episode>,
}

impl Episodes {
    /// Takes what is known at `now` (server time) into account. Says whether anything changed.
    pub fn see(&mut self, present: &Present, now: DateTime<Utc>) -> bool {
        let before = self.present.clone();
        let is_news = |episode: &Episode| episode.is_standing && present.signs.iter().any(|sign| episode.is_news(sign));
        let superseded = self.present.take_if(|episode| is_news(episode));
        if let Some(episode) = &mut self.present {
            episode.go_on(present, now);
        } else {
            let known: Vec<Symptom> = superseded.into_iter().flat_map(|episode| episode.parts.into_keys()).collect();
            self.present = Episode::open(present, known, now);
        }
        self.present.take_if(|episode| present.is_fresh && episode.good_since().is_some_and(|since| now - since >= GOOD_FOR));
        before != self.present
    }
}

impl Episode {
    fn open(present: &Present, mut standing: Vec<Symptom>, now: DateTime<Utc>) -> Option<Self> {
        let is_old = |sign: &Sign| matches!(sign.symptom, Symptom::Alert(_)) && now - sign.began > STANDING;
        let fresh = present.signs.iter().filter(|sign| !is_old(sign) && !standing.contains(&sign.symptom));
        let first = fresh.clone().min_by_key(|sign| sign.began);
        let is_standing = first.is_none();
        // An indicator that was bad for as long as is known may have begun with the oldest alert.
        let apart = first.filter(|first| !first.or_earlier).map(|first| first.began - STANDING);
        let stands = |sign: &&Sign| is_old(sign) && apart.is_some_and(|apart| sign.began < apart);
        standing.extend(present.signs.iter().filter(stands).map(|sign| sign.symptom.clone()));
        let own = present.signs.iter().filter(|sign| !standing.contains(&sign.symptom));
        let first = own.clone().min_by_key(|sign| (sign.began, !sign.or_earlier))?;
        let (mut began, mut or_earlier) = (first.began, first.or_earlier);
        if let Some(pending) = present.pending.iter().filter(|pending| **pending < began && began - **pending <= STANDING).min() {
            (began, or_earlier) = (*pending, false);
        }
        let parts = own.map(|sign| (sign.symptom.clone(), Part { began: sign.began, or_earlier: sign.or_earlier, ended: None })).collect();
        let mut episode = Self { began, or_earlier, parts, is_standing, standing, is_settled: present.is_settled };
        episode.reach_back(&present.past);
        Some(episode)
    }

    /// A pause of less than five minutes was no end: what was bad before it belongs to the same trouble.
    fn reach_back(&mut self, past: &[(DateTime<Utc>, DateTime<Utc>)]) {
        let mut past = past.to_vec();
        past.sort_by_key(|(_, to)| std::cmp::Reverse(*to));
        for (from, to) in past {
            if to + GOOD_FOR > self.began && from < self.began {
                (self.began, self.or_earlier) = (from, false);
            }
        }
    }

    fn go_on(&mut self, present: &Present, now: DateTime<Utc>) {
        for sign in &present.signs {
            if self.standing.contains(&sign.symptom) {
                continue;
            }
            let part = self.parts.entry(sign.symptom.clone()).or_insert(Part { began: sign.began, or_earlier: sign.or_earlier, ended: None });
            match part.ended {
                // Good for long enough to have been over: this is its next time.
                Some(ended) if sign.began - ended >= GOOD_FOR => *part = Part { began: sign.began, or_earlier: false, ended: None },
                _ => part.ended = None,
            }
            if !self.is_settled && sign.began < part.began {
                (part.began, part.or_earlier) = (sign.began, sign.or_earlier);
            }
            if !self.is_settled && sign.began < self.began {
                (self.began, self.or_earlier) = (sign.began, sign.or_earlier);
            }
        }
        if !self.is_settled {
            self.reach_back(&present.past);
        }
        if present.is_fresh {
            let lasts = |symptom: &Symptom| present.signs.iter().any(|sign| sign.symptom == *symptom);
            for (symptom, part) in &mut self.parts {
                if part.ended.is_none() && !lasts(symptom) {
                    part.ended = Some(now);
                }
            }
        }
        self.standing.retain(|symptom| present.signs.iter().any(|sign| sign.symptom == *symptom) || !present.is_fresh);
        self.is_settled |= present.is_settled;
    }

    fn is_news(&self, sign: &Sign) -> bool {
        !self.parts.contains_key(&sign.symptom) && self.parts.values().all(|part| sign.began - part.began > STANDING)
    }

    /// Since when all is good; none while a sign lasts.
    pub fn good_since(&self) -> Option<DateTime<Utc>> {
        let ends: Option<Vec<_>> = self.parts.values().map(|part| part.ended).collect();
        ends?.into_iter().max()
    }

    /// Since when a symptom lasts, where it does.
    pub fn since(&self, symptom: &Symptom) -> Option<&Part> {
        self.parts.get(symptom).filter(|part| part.ended.is_none())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn indicator(id: &str, began: i64) -> Sign {
        Sign { symptom: Symptom::Indicator(id.into()), began: at(began), or_earlier: false }
    }

    fn alert(id: &str, began: i64) -> Sign {
        Sign { symptom: Symptom::Alert(id.into()), began: at(began), or_earlier: false }
    }

    fn present(signs: Vec<Sign>) -> Present {
        Present { signs, is_settled: true, is_fresh: true, ..Present::default() }
    }

    fn began(episodes: &Episodes) -> Option<i64> {
        episodes.present.as_ref().map(|episode| (episode.began - at(0)).num_seconds())
    }

    #[test]
    fn it_begins_with_the_first_sign_and_what_follows_belongs_to_it() {
        let mut episodes = Episodes::default();
        assert!(episodes.see(&present(vec![indicator("errors", 60)]), at(100)));
        episodes.see(&present(vec![indicator("errors", 60), indicator("latency", 120)]), at(130));
        // It fires late, and had been true since before anything else was seen.
        episodes.see(&present(vec![indicator("errors", 60), alert("slow", 30)]), at(400));
        assert_eq!(began(&episodes), Some(60));
        assert_eq!(episodes.present.unwrap().parts.len(), 3);
    }

    #[test]
    fn what_was_pending_when_it_opened_is_its_beginning() {
        let mut episodes = Episodes::default();
        let first = Present { pending: vec![at(40), at(-9_000)], ..present(vec![indicator("errors", 60)]) };
        episodes.see(&first, at(70));
        assert_eq!(began(&episodes), Some(40));
        let alone = Present { pending: vec![at(40)], ..present(Vec::new()) };
        assert!(!Episodes::default().see(&alone, at(70)), "a pending alert alone is no episode");
    }

    #[test]
    fn what_the_histories_say_of_before_counts_though_an_alert_was_heard_first() {
        let mut episodes = Episodes::default();
        let alone = Present { is_settled: false, ..present(vec![alert("slow", 600)]) };
        episodes.see(&alone, at(1_200));
        // Good again for two minutes when the latency rose.
        let whole = Present { past: vec![(at(60), at(480)), (at(-4_000), at(-3_000))], ..present(vec![alert("slow", 600)]) };
        episodes.see(&whole, at(1_205));
        assert_eq!(began(&episodes), Some(60));
        let later = Present { past: vec![(at(-200), at(50))], ..present(vec![alert("slow", 600)]) };
        episodes.see(&later, at(1_210));
        assert_eq!(began(&episodes), Some(60), "all had answered: it moves no more");
    }

    #[test]
    fn sources_that_answer_one_after_the_other_may_still_tell_an_earlier_beginning() {
        let mut episodes = Episodes::default();
        let half = Present { is_settled: false, ..present(vec![alert("errors", 200)]) };
        episodes.see(&half, at(300));
        episodes.see(&present(vec![alert("errors", 200), indicator("errors", 80)]), at(305));
        assert_eq!(began(&episodes), Some(80));
        episodes.see(&present(vec![alert("errors", 200), indicator("errors", 80), indicator("late", 10)]), at(310));
        assert_eq!(began(&episodes), Some(80), "all had answered: it moves no more");
    }

    #[test]
    fn it_ends_when_all_was_good_for_five_minutes_and_not_before() {
        let mut episodes = Episodes::default();
        episodes.see(&present(vec![indicator("errors", 0)]), at(10));
        episodes.see(&present(Vec::new()), at(100));
        episodes.see(&present(Vec::new()), at(399));
        assert_eq!(began(&episodes), Some(0));
        // Bad again within the five minutes: the same trouble.
        episodes.see(&present(vec![indicator("errors", 390)]), at(399));
        episodes.see(&present(Vec::new()), at(500));
        assert_eq!(began(&episodes), Some(0));
        episodes.see(&present(Vec::new()), at(800));
        assert_eq!(began(&episodes), None);
    }

    #[test]
    fn a_silent_source_ends_nothing() {
        let mut episodes = Episodes::default();
        episodes.see(&present(vec![indicator("errors", 0)]), at(10));
        let unknown = Present { is_fresh: false, ..present(Vec::new()) };
        for minute in 1..30 {
            episodes.see(&unknown, at(minute * 60));
        }
        assert_eq!(began(&episodes), Some(0));
        episodes.see(&present(Vec::new()), at(1_800));
        episodes.see(&present(Vec::new()), at(2_099));
        assert_eq!(began(&episodes), Some(0), "it is known to be good since 1,800 only");
        episodes.see(&present(Vec::new()), at(2_100));
        assert_eq!(began(&episodes), None);
    }

    #[test]
    fn an_alert_that_stood_for_hours_is_not_the_beginning_of_what_goes_wrong_today() {
        let chronic = alert("LowRegistrationRate", -36_000);
        let mut episodes = Episodes::default();
        episodes.see(&present(vec![chronic.clone()]), at(0));
        assert_eq!(began(&episodes), Some(-36_000));
        episodes.see(&present(vec![chronic.clone(), indicator("errors", 50)]), at(60));
        assert_eq!(began(&episodes), Some(50));
        episodes.see(&present(vec![chronic.clone()]), at(100));
        episodes.see(&present(vec![chronic.clone()]), at(400));
        assert_ne!(began(&episodes), Some(50), "it does not hold the new trouble open");
        // Found so at the start of the program.
        let mut episodes = Episodes::default();
        episodes.see(&present(vec![chronic, indicator("errors", 50)]), at(600));
        assert_eq!(began(&episodes), Some(50));
    }

    #[test]
    fn a_short_pause_before_the_program_started_was_no_end() {
        let mut episodes = Episodes::default();
        let flapping = Present { past: vec![(at(-900), at(-600)), (at(-500), at(-200))], ..present(vec![indicator("errors", 0)]) };
        episodes.see(&flapping, at(60));
        assert_eq!(began(&episodes), Some(-900));
        let earlier = Present { past: vec![(at(-900), at(-600))], ..present(vec![indicator("errors", 0)]) };
        let mut episodes = Episodes::default();
        episodes.see(&earlier, at(60));
        assert_eq!(began(&episodes), Some(0));
    }

    proptest! {
        #[test]
        fn its_beginning_moves_no_more_once_all_was_heard(steps in prop::collection::vec((1i64..200, prop::collection::vec((0u8..6, 0i64..600), 0..5)), 1..60)) {
            let mut episodes = Episodes::default();
            let mut now = 10_000;
            let mut said: Option<DateTime<Utc>> = None;
            for (wait, signs) in steps {
                now += wait;
                let signs: Vec<Sign> = signs.into_iter().map(|(id, ago)| indicator(&id.to_string(), now - ago)).collect();
                let had = episodes.present.is_some();
                episodes.see(&present(signs), at(now));
                if had && episodes.present.is_some() {
                    prop_assert_eq!(said, episodes.present.as_ref().map(|episode| episode.began));
                }
                said = episodes.present.as_ref().map(|episode| episode.began);
                prop_assert!(said.is_none_or(|began| began <= at(now)));
            }
        }
    }
}
