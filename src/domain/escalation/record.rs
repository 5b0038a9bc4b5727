//! What happened to a ladder as a record of the journal, and back. A record that is not as these are written is passed over: the
//! file is older, or somebody else wrote into it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::past::{Event, Past, Recalled};
use crate::domain::{alert::Alert, text::Text};

/// Longest note that is kept, in characters.
pub const LONGEST_NOTE: usize = 512;
/// Steps of a path beyond this position are not believed.
const MOST_STEPS: u64 = 100;
/// Kinds of the records that [`Recalled::read`] understands.
pub const RECALLED_KINDS: [&str; 8] = ["ack", "ack-renewed", "unack", "escalation-step", "alert-logged", "called", "uncalled", "note"];

/// Who did something before the API server had said who we are.
pub const SOMEONE: &str = "someone";

impl Past {
    /// Kind and fields of its record.
    pub fn record(&self, alert: &Alert) -> (&'static str, Value) {
        let (kind, more) = match &self.event {
            Event::Acknowledged { until } => ("ack", json!({ "by": self.by, "expires_at": time(*until) })),
            Event::Renewed { until } => ("ack-renewed", json!({ "by": self.by, "expires_at": time(*until) })),
            Event::AckTakenBack => ("unack", json!({ "by": self.by })),
            Event::StepDue { index, who, by_hand } => {
                let by = by_hand.then_some(&self.by);
                ("escalation-step", json!({ "step": index + 1, "who": who, "due_at": time(self.at), "by_hand": by_hand, "by": by, "paged": false }))
            }
            Event::Logged => ("alert-logged", json!({})),
            Event::Called { index, who } => ("called", json!({ "step": index + 1, "who": who, "by": self.by })),
            Event::CallTakenBack { index, who } => ("uncalled", json!({ "step": index + 1, "who": who, "by": self.by })),
        };
        let mut fields = json!({
            "alert": alert.name,
            "subject": alert.subject(),
            "severity": alert.severity.word(),
            "fingerprint": self.fingerprint,
            "starts_at": time(self.starts_at),
            "at": time(self.at),
        });
        if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
            fields.extend(more);
        }
        (kind, fields)
    }
}

impl Recalled {
    /// Fields of a note's record.
    pub fn note(at: DateTime<Utc>, by: &Text, text: &Text) -> Value {
        json!({ "text": text, "by": by, "at": time(at) })
    }

    /// What a record says that matters after a restart; none for all others.
    pub fn read(record: &Value) -> Option<Self> {
        let text = |name: &str| record.get(name).and_then(Value::as_str);
        let line = |name: &str| text(name).map(Text::line);
        let moment = |name: &str| DateTime::parse_from_rfc3339(text(name)?).ok().map(|at| at.to_utc());
        let kind = text("kind")?;
        let at = moment("at")?;
        let by = line("by").filter(|by| *by != SOMEONE).or_else(|| line("actor")).unwrap_or_else(|| SOMEONE.into());
        if kind == "note" {
            let text = Text::bounded(text("text")?, LONGEST_NOTE);
            return Some(Self::Note { at, by, text });
        }
        let index = || {
            let step = record.get("step")?.as_u64().filter(|step| (1..=MOST_STEPS).contains(step))?;
            usize::try_from(step - 1).ok()
        };
        let event = match kind {
            "ack" => Event::Acknowledged { until: moment("expires_at")? },
            "ack-renewed" => Event::Renewed { until: moment("expires_at")? },
            "unack" => Event::AckTakenBack,
            "escalation-step" => {
                Event::StepDue { index: index()?, who: line("who")?, by_hand: record.get("by_hand").and_then(Value::as_bool).unwrap_or_default() }
            }
            "alert-logged" => Event::Logged,
            "called" => Event::Called { index: index()?, who: line("who")? },
            "uncalled" => Event::CallTakenBack { index: index()?, who: line("who")? },
            _ => return None,
        };
        let name = text("alert")?;
        let alert = text("subject").map_or_else(|| Text::line(name), |subject| Text::line(&format!("{subject} {name}")));
        Some(Self::Alert(Past { fingerprint: line("fingerprint")?, alert, starts_at: moment("starts_at")?, at, by, event }))
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::{AlertStatus, Severity};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn alert() -> Alert {
        Alert {
            fingerprint: "f00d".into(),
            name: "HighErrorRate".into(),
            severity: Severity::Critical,
            status: AlertStatus::Firing,
            starts_at: at(0),
            is_start_known: true,
            true_since: None,
            labels: [("service".into(), "api-gateway".into())].into(),
            summary: Text::default(),
            description: Text::default(),
            annotations: Box::default(),
            value: None,
            silenced: None,
        }
    }

    /// As the journal returns it.
    fn written(kind: &str, mut fields: Value) -> Value {
        fields["kind"] = kind.into();
        fields["actor"] = "oncall@gov".into();
        fields
    }

    #[test]
    fn what_is_written_is_read_back() {
        let events = [
            Event::Acknowledged { until: at(1_900) },
            Event::Renewed { until: at(2_000) },
            Event::AckTakenBack,
            Event::StepDue { index: 1, who: "Team lead".into(), by_hand: true },
            Event::Called { index: 0, who: "On-call".into() },
            Event::CallTakenBack { index: 0, who: "On-call".into() },
        ];
        for event in events {
            let past = Past { fingerprint: "f00d".into(), alert: alert().in_words(), starts_at: at(0), at: at(100), by: "lead@gov".into(), event };
            let (kind, fields) = past.record(&alert());
            assert!(RECALLED_KINDS.contains(&kind));
            assert_eq!(Recalled::read(&written(kind, fields)), Some(Recalled::Alert(past)));
        }
        let note = written("note", Recalled::note(at(5), &"lead@gov".into(), &"db is slow".into()));
        assert_eq!(Recalled::read(&note), Some(Recalled::Note { at: at(5), by: "lead@gov".into(), text: "db is slow".into() }));
    }

    #[test]
    fn before_the_cluster_was_known_it_was_whoever_the_journal_names() {
        let note = written("note", Recalled::note(at(5), &SOMEONE.into(), &"x".into()));
        assert!(matches!(Recalled::read(&note), Some(Recalled::Note { by, .. }) if by == "oncall@gov"));
    }

    #[test]
    fn other_and_hostile_records_are_passed_over() {
        let past = Past {
            fingerprint: "f".into(),
            alert: "A".into(),
            starts_at: at(0),
            at: at(1),
            by: "me".into(),
            event: Event::Called { index: 0, who: "On-call".into() },
        };
        let whole = written("called", past.record(&alert()).1);
        for (field, value) in [
            ("step", json!(0)),
            ("step", json!(u64::MAX)),
            ("step", json!("1")),
            ("at", json!("yesterday")),
            ("starts_at", Value::Null),
            ("kind", json!("intent")),
        ] {
            let mut broken = whole.clone();
            broken[field] = value;
            assert_eq!(Recalled::read(&broken), None, "{broken}");
        }
        assert_eq!(Recalled::read(&json!(["ack"])), None);
        let mut hostile = whole;
        hostile["who"] = "\u{1b}[2J".into();
        let Some(Recalled::Alert(Past { event: Event::Called { who, .. }, .. })) = Recalled::read(&hostile) else { panic!("it was passed over") };
        assert_eq!(who, "<U+001B>[2J");
    }
}
