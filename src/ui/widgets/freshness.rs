//! How far the data of a pane can be trusted, in a marker and in a sentence (laws 2, 4 and 6).
//!
//! `●` is shown only while every source of the pane is connected and has spoken within its time. Everything else is an
//! amber `!` with words, so that old data never looks current.

use std::time::Duration;

use ratatui::style::Style;

use crate::{
    domain::{
        health::{Cause, Freshness, Health, SourceId},
        units,
    },
    state::State,
    ui::{canvas::columns, clock, glyph, theme::Theme},
};

/// What is to be said about the data of a pane. Worse ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    Live,
    /// Behind or incomplete, but not old.
    Doubtful,
    /// A first answer is awaited.
    Waiting,
    /// Past its limit.
    Stale,
    /// There is none, and no answer is on its way.
    Missing,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub trust: Trust,
    /// Beside the title: `●`, `! 40s`, `! failing 3m`.
    pub marker: String,
    /// For an empty pane: what it waits for, or why it is empty, since when, and what to do.
    pub sentence: String,
}

impl Standing {
    pub fn is_live(&self) -> bool {
        self.trust == Trust::Live
    }

    pub fn style(&self, theme: &Theme) -> Style {
        match self.trust {
            Trust::Live | Trust::Waiting => theme.label,
            _ => theme.warning,
        }
    }

    /// The style of a fact of this pane: past its limit nothing keeps the ink of current data.
    pub fn fact(&self, theme: &Theme, current: Style) -> Style {
        if self.trust >= Trust::Stale { theme.stale } else { current }
    }

    /// The marker in at most `room` columns: the sign and an age, or the sign alone.
    pub fn short(&self, room: u16) -> String {
        if columns(&self.marker) <= room {
            return self.marker.clone();
        }
        let is_age = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit()) && word.ends_with(['s', 'm', 'h', 'd']);
        match (self.marker.rsplit(' ').next().filter(is_age), self.trust) {
            (Some(age), _) => format!("{} {age}", glyph::WARNING),
            (None, Trust::Waiting) => glyph::ELLIPSIS.to_owned(),
            (None, _) => glyph::WARNING.to_owned(),
        }
    }

    fn live() -> Self {
        Self { trust: Trust::Live, marker: glyph::LIVE.to_owned(), sentence: String::new() }
    }

    /// Not whole, or not there, although the source answers.
    pub fn doubtful(why: &str) -> Self {
        Self { trust: Trust::Doubtful, marker: glyph::WARNING.to_owned(), sentence: why.to_owned() }
    }

    /// Data that is older than its own limit although the source answers.
    pub fn old(age: Duration, what: &str) -> Self {
        let age = units::age(age);
        Self { trust: Trust::Stale, marker: format!("{} stale {age}", glyph::WARNING), sentence: format!("{what} is {age} old") }
    }
}

/// The standing of the worst of several sources.
pub fn of(state: &State, sources: &[SourceId]) -> Standing {
    sources.iter().map(|source| of_one(state, *source)).max_by_key(|standing| standing.trust).unwrap_or_else(Standing::live)
}

fn of_one(state: &State, source: SourceId) -> Standing {
    let server = server_name(source);
    let freshness = state.freshness(source);
    let Some(known) = state.sources.get(&source) else {
        return waiting(format!("waiting for {server}"), freshness);
    };
    let since = |at| clock::moment(state, clock::utc_of(state, at));
    match &known.health {
        Health::Live { .. } => match freshness {
            Freshness::Live => Standing::live(),
            Freshness::Never => waiting(format!("waiting for the first answer of {server}"), freshness),
            Freshness::Aging(age) => Standing {
                trust: Trust::Doubtful,
                marker: format!("{} {}", glyph::WARNING, units::age(age)),
                sentence: format!("{server} said nothing for {}", units::age(age)),
            },
            Freshness::Stale(age) => Standing {
                trust: Trust::Stale,
                marker: format!("{} stale {}", glyph::WARNING, units::age(age)),
                sentence: format!("{server} said nothing for {}; what is shown is that old", units::age(age)),
            },
        },
        // Says by itself how long.
        Health::LoggingIn { says, .. } => {
            let mut standing = waiting(says.to_string(), freshness);
            if let Some(key) = state.keymap.keys_of("reconnect").into_iter().next() {
                standing.sentence = format!("{says}. {key} ends it and runs it again.");
            }
            standing
        }
        Health::Connecting { what, since: began } => waiting(format!("{what} since {}", since(*began)), freshness),
        Health::Listing { so_far, since: began } => {
            let count = units::thousands(*so_far as u64);
            let mut standing = waiting(format!("listing, {count} so far"), freshness);
            standing.sentence = format!("listing since {}: {count} so far", since(*began));
            standing
        }
        Health::Lagging { why, since: began } => Standing {
            trust: trust_of_old(freshness, Trust::Doubtful),
            marker: with_age(&format!("{} {why}", glyph::WARNING), freshness),
            sentence: format!("{server}: {why}, since {}", since(*began)),
        },
        Health::Failed { why, cause, since: began, .. } => Standing {
            trust: trust_of_old(freshness, Trust::Doubtful),
            marker: with_age(&format!("{} failing", glyph::WARNING), freshness),
            sentence: {
                let how = match cause {
                    Cause::Credentials => "cannot be asked",
                    Cause::Refusal => "refuses what it is asked",
                    Cause::Server => "does not answer",
                };
                // It is Prometheus that may be missing there: the reason names it.
                let what = if source == SourceId::Alerts { "Alerts are unknown".to_owned() } else { format!("{server} {how}") };
                format!("{what} since {}: {why}. It is tried again by itself.", since(*began))
            },
        },
        Health::Forbidden { verb, resource, since: began } => Standing {
            trust: trust_of_old(freshness, Trust::Missing),
            marker: with_age(&format!("{} forbidden", glyph::WARNING), freshness),
            sentence: format!("You are not allowed to {verb} {resource} (since {}). `sev1 doctor` lists the rights that are missing.", since(*began)),
        },
        Health::Absent { remedy, .. } => Standing {
            trust: trust_of_old(freshness, Trust::Missing),
            marker: with_age(&format!("{} not connected", glyph::WARNING), freshness),
            sentence: format!("{server} is not connected: {remedy}"),
        },
    }
}

/// Waiting for the first answer; or, when there is data from before, for news about it.
fn waiting(what: String, freshness: Freshness) -> Standing {
    let trust = match freshness {
        Freshness::Never => Trust::Waiting,
        _ => trust_of_old(freshness, Trust::Doubtful),
    };
    let sign = if trust == Trust::Waiting { glyph::ELLIPSIS } else { glyph::WARNING };
    Standing { trust, marker: with_age(&format!("{sign} {what}"), freshness), sentence: what }
}

fn trust_of_old(freshness: Freshness, otherwise: Trust) -> Trust {
    match freshness {
        Freshness::Never => Trust::Missing,
        Freshness::Stale(_) => Trust::Stale,
        Freshness::Live | Freshness::Aging(_) => otherwise,
    }
}

fn with_age(words: &str, freshness: Freshness) -> String {
    match freshness {
        Freshness::Aging(age) => format!("{words} {}", units::age(age)),
        Freshness::Stale(age) => format!("{words}, stale {}", units::age(age)),
        Freshness::Live | Freshness::Never => words.to_owned(),
    }
}

fn server_name(source: SourceId) -> &'static str {
    match source {
        SourceId::Cluster => "the API server",
        SourceId::Pods => "the pod watch",
        SourceId::Deployments => "the deployment watch",
        SourceId::ReplicaSets => "the replica set watch",
        SourceId::StatefulSets => "the stateful set watch",
        SourceId::DaemonSets => "the daemon set watch",
        SourceId::Jobs => "the job watch",
        SourceId::CronJobs => "the cron job watch",
        SourceId::Nodes => "the node watch",
        SourceId::Services => "the service watch",
        SourceId::Autoscalers => "the HPA watch",
        SourceId::ConfigMaps => "the ConfigMap watch",
        SourceId::Events => "the event watch",
        SourceId::Metrics => "Prometheus",
        SourceId::Alerts => "Alertmanager",
        SourceId::Errors => "Elasticsearch",
    }
}
