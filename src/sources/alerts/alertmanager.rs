//! Alertmanager's API v2, `/api/v2/alerts`.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{fingerprint, labels};
use crate::{
    connect::{ConnectError, HttpReader},
    domain::{
        alert::{Alert, AlertStatus, Severity},
        text::Text,
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
struct Status {
    state: Option<String>,
}

pub(super) async fn read(server: &HttpReader) -> Result<(Vec<Alert>, Option<DateTime<Utc>>), ConnectError> {
    let answer = server.get("/api/v2/alerts", &[], ANSWER_LIMIT, WITHIN).await?;
    let wires: Vec<Wire> = answer.json()?;
    Ok((wires.into_iter().map(alert).collect(), answer.date))
}

fn alert(wire: Wire) -> Alert {
    let known = wire.labels.unwrap_or_default();
    let annotations = wire.annotations.unwrap_or_default();
    let note = |name: &str| annotations.get(name).map(|text| Text::line(text)).unwrap_or_default();
    let suppressed = wire.status.and_then(|status| status.state).as_deref() == Some("suppressed");
    Alert {
        fingerprint: wire.fingerprint.map_or_else(|| fingerprint(&known), |print| Text::line(&print)),
        name: Text::line(known.get("alertname").map_or("(no name)", String::as_str)),
        severity: Severity::from_label(known.get("severity").map(String::as_str)),
        status: if suppressed { AlertStatus::Suppressed } else { AlertStatus::Firing },
        starts_at: wire.starts_at.and_then(|text| DateTime::parse_from_rfc3339(&text).ok()).map(|at| at.with_timezone(&Utc)).unwrap_or_default(),
        labels: labels(&known),
        summary: note("summary"),
        description: note("description"),
    }
}
