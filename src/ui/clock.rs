//! Writing points in time: all of them in the servers' UTC, since alerts, changes and pods are dated by it.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        time::{self, Mono},
        units,
    },
    state::State,
};

/// The servers' time of a point on the monotonic clock.
pub fn utc_of(state: &State, at: Mono) -> DateTime<Utc> {
    let ahead = at.since(state.now.mono);
    let behind = state.now.mono.since(at);
    let span = |duration: Duration| chrono::Duration::from_std(duration).unwrap_or(chrono::Duration::zero());
    let now = server_now(state);
    now.checked_add_signed(span(ahead) - span(behind)).unwrap_or(now)
}

pub fn server_now(state: &State) -> DateTime<Utc> {
    state.session.server_now(state.now.utc)
}

/// `02:07`, or `21 Nov 02:07` when it was not within the last day.
pub fn moment(state: &State, at: DateTime<Utc>) -> String {
    let day = chrono::Duration::days(1);
    let format = if server_now(state).signed_duration_since(at).abs() < day { "%H:%M" } else { "%-d %b %H:%M" };
    at.format(format).to_string()
}

/// Age since a server's timestamp, or the time itself when times are shown absolutely (`t`); `?` where it is not known.
pub fn age_or_time(state: &State, at: DateTime<Utc>) -> String {
    match since(state, at) {
        None => "?".to_owned(),
        Some(_) if state.absolute_times => moment(state, at),
        Some(age) => units::age(age),
    }
}

/// Time since a server's timestamp, none where nobody knows it.
pub fn since(state: &State, at: DateTime<Utc>) -> Option<Duration> {
    time::age(at, server_now(state))
}

/// A duration in whole words, for sentences: `40 s`, `6 min`, `3 h`, `2 d`.
pub fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=5_999 => format!("{} min", seconds / 60),
        6_000..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}
