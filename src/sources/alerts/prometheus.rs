//! Prometheus' own view of its alerts, `/api/v1/alerts`.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{fingerprint, labels, notes};
use crate::{
    connect::{ConnectError, HttpReader},
    domain::{
        alert::{Alert, AlertStatus, Severity},
        text::Text,
        time::{self, Mono, plausible},
    },
};

const ANSWER_LIMIT: usize = 16 << 20;
/// Short, because a frozen server must not hold up the other one's alerts.
const WITHIN: Duration = Duration::from_secs(5);
/// Rules rarely change.
const RULES_FRESH: Duration = Duration::from_mins(5);

#[derive(Deserialize)]
struct Envelope<T> {
    data: Option<T>,
}

#[derive(Deserialize)]
struct Listed {
    alerts: Option<Vec<Wire>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    state: Option<String>,
    value: Option<String>,
    active_at: Option<String>,
}

#[derive(Deserialize)]
struct Groups {
    groups: Option<Vec<Group>>,
}

#[derive(Deserialize)]
struct Group {
    rules: Option<Vec<Rule>>,
}

#[derive(Deserialize)]
struct Rule {
    name: Option<String>,
    duration: Option<f64>,
}

/// How long each alert must be true before it fires (`for`), by name: `activeAt` is when it became true.
#[derive(Default)]
pub(super) struct Holds {
    by_name: HashMap<String, Duration>,
    read_at: Option<Mono>,
}

pub(super) async fn read(server: &HttpReader, holds: &mut Holds, now: Mono) -> Result<(Vec<Alert>, Option<DateTime<Utc>>), ConnectError> {
    let answer = server.get("/api/v1/alerts", &[], ANSWER_LIMIT, WITHIN).await?;
    let listed: Envelope<Listed> = answer.json()?;
    let wires = listed.data.and_then(|data| data.alerts).unwrap_or_default();
    let fires = wires.iter().any(|wire| wire.state.as_deref() == Some("firing"));
    if fires && holds.read_at.is_none_or(|at| now.since(at) > RULES_FRESH) {
        // Without them an alert seems to have fired a little earlier than it did.
        if let Ok(by_name) = read_holds(server).await {
            *holds = Holds { by_name, read_at: Some(now) };
        }
    }
    Ok((wires.into_iter().filter_map(|wire| alert(wire, holds)).collect(), answer.date))
}

async fn read_holds(server: &HttpReader) -> Result<HashMap<String, Duration>, ConnectError> {
    let answer = server.get("/api/v1/rules", &[("type", "alert")], ANSWER_LIMIT, WITHIN).await?;
    let groups: Envelope<Groups> = answer.json()?;
    let rules = groups.data.and_then(|data| data.groups).unwrap_or_default().into_iter().flat_map(|group| group.rules.unwrap_or_default());
    let hold = |rule: Rule| Some((rule.name?, Duration::try_from_secs_f64(rule.duration?).ok()?));
    Ok(rules.filter_map(hold).collect())
}

fn alert(wire: Wire, holds: &Holds) -> Option<Alert> {
    let status = match wire.state.as_deref() {
        Some("firing") => AlertStatus::Firing,
        Some("pending") => AlertStatus::Pending,
        _ => return None,
    };
    let known = wire.labels.unwrap_or_default();
    let annotations = wire.annotations.unwrap_or_default();
    let note = |name: &str| annotations.get(name).map(|text| Text::line(text)).unwrap_or_default();
    let name = known.get("alertname").map_or("(no name)", String::as_str);
    let true_since = wire.active_at.and_then(|text| time::read(&text));
    let mut starts_at = true_since.unwrap_or_default();
    if status == AlertStatus::Firing
        && true_since.is_some()
        && let Some(hold) = holds.by_name.get(name)
    {
        // A rule may be told to hold for longer than there are dates.
        let held = chrono::Duration::from_std(*hold).ok().and_then(|hold| starts_at.checked_add_signed(hold));
        starts_at = held.and_then(plausible).unwrap_or(starts_at);
    }
    Some(Alert {
        fingerprint: fingerprint(&known),
        name: Text::line(name),
        severity: Severity::from_label(known.get("severity").map(String::as_str)),
        status,
        starts_at,
        is_start_known: true,
        true_since,
        labels: labels(&known),
        summary: note("summary"),
        description: note("description"),
        annotations: notes(&annotations),
        value: wire.value.as_deref().map(Text::line),
        silenced: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn however_long_a_rule_holds_and_whenever_it_began(seconds in proptest::num::f64::ANY, at in "[0-9]{4}-1[0-2]-3?[0-9]T23:59:60?[0-9.Z+-]{1,9}") {
            let hold = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
            let holds = Holds { by_name: HashMap::from([("A".to_owned(), hold)]), ..Holds::default() };
            let wire = |at: &str| serde_json::from_value(serde_json::json!({ "state": "firing", "labels": { "alertname": "A" }, "activeAt": at })).unwrap();
            for at in [&*at, "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"] {
                let _ = alert(wire(at), &holds).unwrap().starts_at + chrono::Duration::days(365_000);
            }
        }
    }
}
