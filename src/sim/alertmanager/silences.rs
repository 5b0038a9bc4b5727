//! Silences: their life from pending over active to expired.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value as Json, json};

use super::alerts::time;
use super::matcher::Matcher;
use crate::sim::tsdb::Labels;

/// Expired silences are kept this long (Alertmanager's default retention).
const RETENTION: TimeDelta = TimeDelta::hours(120);

/// Most silences held.
const MAX_SILENCES: usize = 10_000;

/// Alerts whose labels all matchers accept notify nobody between the two times.
#[derive(Debug, Clone)]
pub struct Silence {
    pub id: String,
    pub matchers: Vec<Matcher>,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub created_by: String,
    pub comment: String,
}

impl Silence {
    pub fn state(&self, now: DateTime<Utc>) -> &'static str {
        if now < self.starts_at {
            "pending"
        } else if now < self.ends_at {
            "active"
        } else {
            "expired"
        }
    }

    pub fn json(&self, now: DateTime<Utc>) -> Json {
        json!({
            "id": self.id,
            "status": { "state": self.state(now) },
            "updatedAt": time(self.updated_at),
            "comment": self.comment,
            "createdBy": self.created_by,
            "endsAt": time(self.ends_at),
            "matchers": self.matchers.iter().map(Matcher::json).collect::<Vec<_>>(),
            "startsAt": time(self.starts_at),
        })
    }

    fn covers(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(labels))
    }
}

/// Why a silence was not taken or not ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    NotFound,
    Invalid(String),
}

#[derive(Debug, Default)]
pub struct Silences {
    held: Vec<Silence>,
    made: u64,
}

impl Silences {
    /// Adds a silence, or changes the one of its id where that is possible (else the old one ends and a new one begins).
    /// Returns the id.
    pub fn set(&mut self, mut silence: Silence, now: DateTime<Utc>) -> Result<String, Refused> {
        if silence.matchers.iter().all(|matcher| matcher.accepts("")) {
            return Err(Refused::Invalid("silence invalid: at least one matcher must not match the empty string\n".into()));
        }
        self.held.retain(|held| held.ends_at + RETENTION > now);
        silence.updated_at = now;
        if !silence.id.is_empty() {
            let known = self.held.iter_mut().find(|held| held.id == silence.id).ok_or(Refused::NotFound)?;
            if can_change(known, &silence, now) {
                *known = silence;
                return Ok(known.id.clone());
            }
            if known.state(now) != "expired" {
                expire(known, now);
            }
        }
        if self.held.len() >= MAX_SILENCES {
            return Err(Refused::Invalid(format!("exceeded maximum number of silences: {MAX_SILENCES} (limit: {MAX_SILENCES})")));
        }
        silence.starts_at = silence.starts_at.max(now);
        silence.id = self.next_id();
        self.held.push(silence.clone());
        Ok(silence.id)
    }

    pub fn get(&self, id: &str) -> Option<&Silence> {
        self.held.iter().find(|held| held.id == id)
    }

    /// Ends a silence; one that ended already stays as it is.
    pub fn expire(&mut self, id: &str, now: DateTime<Utc>) -> Result<(), Refused> {
        let silence = self.held.iter_mut().find(|held| held.id == id).ok_or(Refused::NotFound)?;
        if silence.state(now) != "expired" {
            expire(silence, now);
        }
        Ok(())
    }

    /// The ids of the active silences that cover an alert.
    pub fn covering(&self, labels: &Labels, now: DateTime<Utc>) -> Vec<String> {
        let active = self.held.iter().filter(|silence| silence.state(now) == "active");
        active.filter(|silence| silence.covers(labels)).map(|silence| silence.id.clone()).collect()
    }

    /// Those whose matchers pass the filter: active ones by their end, then pending by their start, then expired, latest first.
    pub fn list(&self, filter: &[Matcher], now: DateTime<Utc>) -> Vec<&Silence> {
        let passes = |silence: &&Silence| {
            filter.iter().all(|wanted| {
                let mut same = silence.matchers.iter().filter(|matcher| matcher.name == wanted.name);
                same.any(|matcher| wanted.accepts(&matcher.value)) || (silence.matchers.iter().all(|m| m.name != wanted.name) && wanted.accepts(""))
            })
        };
        let mut listed: Vec<&Silence> = self.held.iter().filter(passes).collect();
        listed.sort_by_key(|silence| match silence.state(now) {
            "active" => (0, silence.ends_at.timestamp_millis()),
            "pending" => (1, silence.starts_at.timestamp_millis()),
            _ => (2, -silence.ends_at.timestamp_millis()),
        });
        listed
    }

    /// The same ids in every run: a version 4 UUID from a counter.
    fn next_id(&mut self) -> String {
        self.made += 1;
        let mut random = fastrand::Rng::with_seed(self.made);
        let (high, low) = (random.u64(..), random.u64(..));
        format!(
            "{:08x}-{:04x}-4{:03x}-{:x}{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            8 + (low >> 62),
            (low >> 48) & 0xfff,
            low & 0xffff_ffff_ffff
        )
    }
}

fn can_change(old: &Silence, new: &Silence, now: DateTime<Utc>) -> bool {
    old.matchers == new.matchers
        && match old.state(now) {
            "active" => old.starts_at == new.starts_at && new.ends_at > now,
            "pending" => new.starts_at >= now,
            _ => false,
        }
}

fn expire(silence: &mut Silence, now: DateTime<Utc>) {
    silence.starts_at = silence.starts_at.min(now);
    silence.ends_at = now;
    silence.updated_at = now;
}
