//! Alerts as Alertmanager or Prometheus report them.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::text::Text;

/// Urgency, most urgent first in `Ord`'s reverse: `Critical > Warning > Info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

impl Severity {
    /// The `severity` label; anything unknown counts as a warning, since nobody can say it is harmless.
    pub fn from_label(label: Option<&str>) -> Self {
        match label.map(str::to_ascii_lowercase).as_deref() {
            Some(
                "critical" | "crit" | "page" | "emergency" | "error" | "fatal" | "disaster" | "outage" | "blocker" | "major" | "high" | "p0" | "p1"
                | "s0" | "s1" | "sev0" | "sev1" | "sev-0" | "sev-1",
            ) => Self::Critical,
            Some("info" | "none" | "informational" | "debug" | "notice") => Self::Info,
            _ => Self::Warning,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertStatus {
    Pending,
    Firing,
    /// Firing, but hidden by a silence or an inhibition.
    Suppressed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Alertmanager's fingerprint, or one made from the labels in the same way.
    pub fingerprint: Text,
    pub name: Text,
    pub severity: Severity,
    pub status: AlertStatus,
    /// Server time at which it began to fire (or, pending, to be true).
    pub starts_at: DateTime<Utc>,
    /// Whether the server told that; else it is when this program first saw the alert.
    pub is_start_known: bool,
    /// Server time at which its expression became true, where Prometheus tells it: earlier than `starts_at` by the rule's `for`.
    pub true_since: Option<DateTime<Utc>>,
    pub labels: Box<[(Text, Text)]>,
    pub summary: Text,
    pub description: Text,
    /// Every annotation in the order of the names, summary and description among them.
    pub annotations: Box<[(Text, Text)]>,
    /// What its expression came to when it was last evaluated, as Prometheus writes it; none where only Alertmanager tells of it.
    pub value: Option<Text>,
    /// What hides it, where that is a silence.
    pub silenced: Option<Silenced>,
}

/// A silence that hides an alert: of several the one that lasts longest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silenced {
    pub id: Text,
    pub by: Text,
    pub until: DateTime<Utc>,
    pub comment: Text,
}

/// Labels that say what an alert is about, the first that is there counts.
const SUBJECT: [&str; 9] = ["service", "app", "deployment", "statefulset", "job_name", "pod", "node", "instance", "namespace"];

impl Alert {
    /// What it is about: alerts of one rule differ in nothing else.
    pub fn subject(&self) -> Option<&Text> {
        SUBJECT.iter().find_map(|name| self.label(name)).filter(|subject| !subject.is_empty())
    }

    /// What it is about and its name, as `api-gateway HighErrorRate`.
    pub fn in_words(&self) -> Text {
        self.subject().map_or_else(|| self.name.clone(), |subject| Text::line(&format!("{subject} {}", self.name)))
    }

    /// The server's time when it was this old.
    pub fn at_age(&self, age: Duration) -> DateTime<Utc> {
        chrono::Duration::from_std(age).ok().and_then(|age| self.starts_at.checked_add_signed(age)).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Where it says what to do: the annotation `runbook_url`, or another whose name begins with `runbook`.
    pub fn runbook(&self) -> Option<&Text> {
        let named = |is_it: fn(&str) -> bool| self.annotations.iter().find(|(name, _)| is_it(name)).map(|(_, value)| value);
        named(|name| name == "runbook_url").or_else(|| named(|name| name.starts_with("runbook"))).filter(|link| !link.is_empty())
    }

    pub fn label(&self, name: &str) -> Option<&Text> {
        self.labels.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// Everything that fires or is pending at one moment, most severe and oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertList {
    pub alerts: Vec<Alert>,
    /// What fires by design, as a watchdog does: no sign of trouble, and in no count.
    pub apart: Vec<Alert>,
    /// Which server said so: `Alertmanager` or `Prometheus`.
    pub said_by: Text,
}
