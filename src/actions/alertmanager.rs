//! Alertmanager as the actions need it: what fires, what is silenced, and one write sent once.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::api::Api;
use crate::{
    connect::{
        ConnectError, HttpReader,
        discovery::{Located, Place, Which},
    },
    domain::{object::segment, silence::Matcher, text::Text},
};

const ANSWER_LIMIT: usize = 16 << 20;
const WITHIN: Duration = Duration::from_secs(5);

pub const SILENCES: &str = "/api/v2/silences";

/// The one that is configured, or found in the cluster.
pub struct Alertmanager {
    pub located: Located,
    reader: HttpReader,
}

/// An alert that fires, with its labels as the server has them.
#[derive(Debug, Clone, Deserialize)]
pub struct Firing {
    #[serde(default)]
    pub fingerprint: String,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Status {
    #[serde(default)]
    state: String,
    #[serde(default, rename = "silencedBy")]
    silenced_by: Vec<String>,
}

/// A silence, also one that ended.
#[derive(Debug, Clone)]
pub struct Silence {
    pub id: Text,
    pub state: State,
    pub matchers: Vec<Matcher>,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    /// As the server writes it.
    pub updated_at: String,
    pub created_by: Text,
    pub comment: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Pending,
    Active,
    Expired,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: String,
    status: WireStatus,
    matchers: Vec<WireMatcher>,
    starts_at: String,
    ends_at: String,
    updated_at: String,
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    comment: String,
}

#[derive(Deserialize)]
struct WireStatus {
    state: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMatcher {
    name: String,
    value: String,
    #[serde(default)]
    is_regex: bool,
    is_equal: Option<bool>,
}

impl Alertmanager {
    pub async fn open(api: &Api) -> Result<Self, Text> {
        match api.finder.place(Which::Alertmanager).await {
            Ok(Place::At(located)) => {
                let reader = located.reader(&api.reader).map_err(|error| error.text())?;
                Ok(Self { located, reader })
            }
            Ok(Place::Nowhere { remedy }) => Err(Text::line(&remedy)),
            Err(error) => Err(Text::line(&format!("Alertmanager could not be looked for: {error}"))),
        }
    }

    /// The one that a plan was made for.
    pub async fn at(api: &Api, server: &str) -> Result<Self, Text> {
        let found = Self::open(api).await?;
        let place = found.server();
        if place.as_str() == server { Ok(found) } else { Err(Text::line(&format!("Alertmanager is at {place} now, the plan was made for {server}"))) }
    }

    pub fn server(&self) -> Text {
        Text::line(&self.located.endpoint.to_string())
    }

    /// What fires and is hidden by no silence or inhibition, and the server's time.
    pub async fn firing(&self) -> Result<(Vec<Firing>, Option<DateTime<Utc>>), Text> {
        let (mut firing, date) = self.alerts().await?;
        firing.retain(|alert| alert.status.state != "suppressed");
        Ok((firing, date))
    }

    /// What fires and is hidden by this silence.
    pub async fn hidden_by(&self, silence: &str) -> Result<Vec<Firing>, Text> {
        let (mut hidden, _) = self.alerts().await?;
        hidden.retain(|alert| alert.status.silenced_by.iter().any(|id| id == silence));
        Ok(hidden)
    }

    async fn alerts(&self) -> Result<(Vec<Firing>, Option<DateTime<Utc>>), Text> {
        let answer = self.reader.get("/api/v2/alerts", &[], ANSWER_LIMIT, WITHIN).await.map_err(|error| error.text())?;
        Ok((answer.json().map_err(|error| error.text())?, answer.date))
    }

    pub async fn silences(&self) -> Result<Vec<Silence>, Text> {
        let answer = self.reader.get(SILENCES, &[], ANSWER_LIMIT, WITHIN).await.map_err(|error| error.text())?;
        let wires: Vec<Wire> = answer.json().map_err(|error| error.text())?;
        wires.into_iter().map(|wire| silence(&wire).map_err(|why| answer.misshapen(&why).text())).collect()
    }

    /// None when there is none of this id.
    pub async fn silence(&self, id: &str) -> Result<Option<Silence>, Text> {
        let path = format!("/api/v2/silence/{}", segment(id));
        let answer = self.reader.get(&path, &[], ANSWER_LIMIT, WITHIN).await.map_err(|error| error.text())?;
        match answer.json::<Wire>() {
            Ok(wire) => silence(&wire).map(Some).map_err(|why| answer.misshapen(&why).text()),
            Err(ConnectError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.text()),
        }
    }
}

fn silence(wire: &Wire) -> Result<Silence, String> {
    let state = match wire.status.state.as_str() {
        "pending" => State::Pending,
        "active" => State::Active,
        _ => State::Expired,
    };
    let read = |matcher: &WireMatcher| Matcher::held(&matcher.name, matcher.is_regex, matcher.is_equal.unwrap_or(true), &matcher.value);
    let moment = |name: &str, text: &str| DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc)).map_err(|_| format!("{name} {text:?}"));
    Ok(Silence {
        id: Text::line(&wire.id),
        state,
        matchers: wire.matchers.iter().map(read).collect(),
        starts_at: moment("startsAt", &wire.starts_at)?,
        ends_at: moment("endsAt", &wire.ends_at)?,
        updated_at: wire.updated_at.clone(),
        created_by: Text::line(&wire.created_by),
        comment: wire.comment.clone(),
    })
}

impl Firing {
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}
