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
    domain::{silence::Matcher, text::Text},
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
}

/// A silence, also one that ended.
#[derive(Debug, Clone)]
pub struct Silence {
    pub id: Text,
    pub state: State,
    /// None where this program cannot read one of them.
    pub matchers: Option<Vec<Matcher>>,
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
        let answer = self.reader.get("/api/v2/alerts", &[], ANSWER_LIMIT, WITHIN).await.map_err(|error| error.text())?;
        let mut firing: Vec<Firing> = answer.json().map_err(|error| error.text())?;
        firing.retain(|alert| alert.status.state != "suppressed");
        Ok((firing, answer.date))
    }

    pub async fn silences(&self) -> Result<Vec<Silence>, Text> {
        let answer = self.reader.get(SILENCES, &[], ANSWER_LIMIT, WITHIN).await.map_err(|error| error.text())?;
        let wires: Vec<Wire> = answer.json().map_err(|error| error.text())?;
        wires.into_iter().map(|wire| silence(&wire).map_err(|why| answer.misshapen(&why).text())).collect()
    }

    /// None when there is none of this id.
    pub async fn silence(&self, id: &str) -> Result<Option<Silence>, Text> {
        let path = format!("/api/v2/silence/{id}");
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
    let read = |matcher: &WireMatcher| Matcher::new(&matcher.name, matcher.is_regex, matcher.is_equal.unwrap_or(true), &matcher.value).ok();
    let ends_at = DateTime::parse_from_rfc3339(&wire.ends_at).map_err(|_| format!("endsAt {:?}", wire.ends_at))?.with_timezone(&Utc);
    Ok(Silence {
        id: Text::line(&wire.id),
        state,
        matchers: wire.matchers.iter().map(read).collect(),
        ends_at,
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
