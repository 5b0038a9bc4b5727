//! The escalation matrix: for each severity who is called, in which order and how fast.

use std::time::Duration;

use crate::domain::{alert::Severity, text::Text};

/// One row of the matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    pub severity: Severity,
    /// Time to respond; each next step is due one response time after the last.
    pub response: Duration,
    /// People in order; empty means logged only.
    pub path: Vec<Text>,
    /// Channels in words: `incident channel + SMS`.
    pub channels: Text,
}

/// The whole matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    pub rungs: Vec<Rung>,
    /// How long an acknowledgement holds the ladder without renewal.
    pub ack_expires_after: Duration,
}

impl Matrix {
    pub fn rung(&self, severity: Severity) -> Option<&Rung> {
        self.rungs.iter().find(|rung| rung.severity == severity)
    }
}

impl Default for Matrix {
    /// The operations guide's alert escalation matrix; acknowledgements hold 30 minutes.
    fn default() -> Self {
        let people = |names: &[&str]| names.iter().map(|name| Text::line(name)).collect();
        Self {
            rungs: vec![
                Rung {
                    severity: Severity::Critical,
                    response: Duration::from_mins(5),
                    path: people(&["On-call", "Team lead", "Manager"]),
                    channels: "incident channel + SMS".into(),
                },
                Rung {
                    severity: Severity::Warning,
                    response: Duration::from_mins(15),
                    path: people(&["On-call", "Team lead"]),
                    channels: "incident channel".into(),
                },
                Rung { severity: Severity::Info, response: Duration::from_hours(1), path: Vec::new(), channels: "monitoring channel".into() },
            ],
            ack_expires_after: Duration::from_mins(30),
        }
    }
}
