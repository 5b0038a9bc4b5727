//! Alerts whose beginning nobody tells: Alertmanager's zero time, none at all, or one that is still to come.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::domain::{alert::Alert, text::Text, time};

/// When each of them was first seen, by the server's clock and by fingerprint.
#[derive(Default)]
pub(super) struct Dated(BTreeMap<Text, DateTime<Utc>>);

impl Dated {
    /// Counts those from when they were first seen, and says so with them.
    pub fn date(&mut self, alerts: &mut [Alert], server_now: DateTime<Utc>) {
        let mut seen = std::mem::take(&mut self.0);
        for alert in alerts {
            alert.true_since = alert.true_since.filter(|at| time::age(*at, server_now).is_some());
            alert.is_start_known = time::age(alert.starts_at, server_now).is_some();
            if !alert.is_start_known {
                let first = seen.remove(&alert.fingerprint).unwrap_or(server_now);
                alert.starts_at = first;
                self.0.insert(alert.fingerprint.clone(), first);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::alertmanager, *};

    fn now(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + chrono::Duration::minutes(minutes)
    }

    fn seen_twice(starts_at: &serde_json::Value) -> (bool, i64) {
        let read = || alertmanager::tests::alert(&serde_json::json!({ "startsAt": starts_at, "labels": { "alertname": "A" } }));
        let mut dated = Dated::default();
        dated.date(&mut [read()], now(0));
        let mut again = [read()];
        dated.date(&mut again, now(10));
        (again[0].is_start_known, (now(10) - again[0].starts_at).num_minutes())
    }

    #[test]
    fn an_alert_without_a_beginning_counts_from_when_it_was_first_seen() {
        for none in ["0001-01-01T00:00:00.000Z", "1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "soon"] {
            assert_eq!(seen_twice(&none.into()), (false, 10), "{none}");
        }
        assert_eq!(seen_twice(&serde_json::Value::Null), (false, 10));
        assert_eq!(seen_twice(&now(-30).to_rfc3339().into()), (true, 40));
    }
}
