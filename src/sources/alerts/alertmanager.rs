//! Alertmanager's API v2: `/api/v2/alerts`, and `/api/v2/silences` while one of them hides an alert.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{fingerprint, labels, notes};
use crate::{
    connect::{ConnectError, HttpReader},
    domain::{
        alert::{Alert, AlertStatus, Severity, Silenced},
        text::Text,
        time,
    },
};

const ANSWER_LIMIT: usize = 16 << 20;
/// Short, because a frozen server must not hold up the other one's alerts.
const WITHIN: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    fingerprint: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    starts_at: Option<String>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    state: Option<String>,
    silenced_by: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSilence {
    id: String,
    ends_at: String,
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    comment: String,
}

pub(super) async fn read(server: &HttpReader) -> Result<(Vec<Alert>, Option<DateTime<Utc>>), ConnectError> {
    let answer = server.get("/api/v2/alerts", &[], ANSWER_LIMIT, WITHIN).await?;
    let wires: Vec<Wire> = answer.json()?;
    let is_silenced = |wire: &Wire| wire.status.as_ref().and_then(|status| status.silenced_by.as_ref()).is_some_and(|ids| !ids.is_empty());
    let silences = if wires.iter().any(is_silenced) { silences(server).await? } else { BTreeMap::new() };
    Ok((wires.into_iter().map(|wire| alert(wire, &silences)).collect(), answer.date))
}

/// By id.
async fn silences(server: &HttpReader) -> Result<BTreeMap<String, Silenced>, ConnectError> {
    let answer = server.get("/api/v2/silences", &[], ANSWER_LIMIT, WITHIN).await?;
    let wires: Vec<WireSilence> = answer.json()?;
    let known = wires.into_iter().filter_map(|wire| {
        let until = time::read(&wire.ends_at)?;
        let silenced = Silenced { id: Text::line(&wire.id), by: Text::line(&wire.created_by), until, comment: Text::line(&wire.comment) };
        Some((wire.id, silenced))
    });
    Ok(known.collect())
}

fn alert(wire: Wire, silences: &BTreeMap<String, Silenced>) -> Alert {
    let known = wire.labels.unwrap_or_default();
    let annotations = wire.annotations.unwrap_or_default();
    let note = |name: &str| annotations.get(name).map(|text| Text::line(text)).unwrap_or_default();
    let suppressed = wire.status.as_ref().and_then(|status| status.state.as_deref()) == Some("suppressed");
    let by = wire.status.and_then(|status| status.silenced_by).unwrap_or_default();
    let longest = by.iter().filter_map(|id| silences.get(id)).max_by_key(|silence| silence.until).cloned();
    Alert {
        fingerprint: wire.fingerprint.map_or_else(|| fingerprint(&known), |print| Text::line(&print)),
        name: Text::line(known.get("alertname").map_or("(no name)", String::as_str)),
        severity: Severity::from_label(known.get("severity").map(String::as_str)),
        status: if suppressed { AlertStatus::Suppressed } else { AlertStatus::Firing },
        starts_at: wire.starts_at.and_then(|text| time::read(&text)).unwrap_or_default(),
        is_start_known: true,
        true_since: None,
        labels: labels(&known),
        summary: note("summary"),
        description: note("description"),
        annotations: notes(&annotations),
        value: None,
        silenced: longest,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn alert(wire: &serde_json::Value) -> Alert {
        super::alert(Wire::deserialize(wire).unwrap(), &BTreeMap::new())
    }
}
