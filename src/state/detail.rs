//! All that is known of one alert or of one pattern of errors, in lines that can be searched and copied.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::domain::{
    alert::{Alert, AlertStatus},
    complaint::READ_BACK,
    log_pattern::{LogError, Pattern},
    object::{Key, Kind, ObjectRef},
    text::Text,
    time, units,
};

use super::{
    State,
    overlay::{Overlay, ViewerKind},
};

/// Whole messages shown of one pattern.
const SAMPLES: usize = 20;

impl State {
    /// `Enter` on an alert. The cursor is on its runbook, where it has one: the key that copies a line copies the link.
    pub(super) fn open_alert(&mut self) {
        let Some(alert) = self.alert_under_cursor().cloned() else { return };
        let (lines, row) = self.lines_of_alert(&alert);
        self.open_detail("Alert", alert.in_words(), &lines, row);
    }

    pub fn pattern_under_cursor(&self) -> Option<&Pattern> {
        self.shown_patterns().nth(self.cockpit.errors.row)
    }

    /// `Enter` on a pattern of errors.
    pub(super) fn open_pattern(&mut self) {
        let Some(pattern) = self.pattern_under_cursor().cloned() else { return };
        let lines = self.lines_of_pattern(&pattern);
        self.open_detail("Errors", pattern.service, &lines, 0);
    }

    fn open_detail(&mut self, what: &'static str, title: Text, lines: &[String], row: usize) {
        let about = ObjectRef { kind: Kind::Pod, key: Key::new("", ""), uid: Text::default() };
        // All of it is known: what would open it is not performed.
        self.open_viewer(about, ViewerKind::Detail { what, title }, &mut Vec::new());
        let id = super::overlay::ViewerId(self.next_viewer);
        let lines = lines.iter().map(|line| Text::line(line)).collect();
        self.lines(id, lines, Some("c copies the line, Esc closes".into()));
        let height = usize::from(self.heights.viewer);
        if let Some(Overlay::Viewer(viewer)) = self.overlays.last_mut() {
            viewer.wrap = true;
            viewer.cursor.row = row;
            viewer.moved(height);
        }
    }

    /// The lines, and the row of the runbook's link.
    fn lines_of_alert(&self, alert: &Alert) -> (Vec<String>, usize) {
        let status = match (&alert.silenced, alert.status) {
            (Some(silenced), _) => format!("silenced until {} by {}: {}", moment(silenced.until), silenced.by, silenced.comment),
            (None, AlertStatus::Suppressed) => "hidden by another alert that fires".to_owned(),
            (None, AlertStatus::Pending) => "pending: true, and not yet for long enough to fire".to_owned(),
            (None, AlertStatus::Firing) => "firing".to_owned(),
        };
        let mut lines = vec![format!("{}  {}, {status}", alert.name, alert.severity.word()), format!("since    {}", self.start_of(alert))];
        lines.extend(alert.true_since.map(|at| format!("true     since {}", self.since_when(at))));
        lines.push(match &alert.value {
            Some(value) => format!("value    {}, of its expression", value.parse().map_or_else(|_| value.to_string(), units::number)),
            None => "value    not known: Prometheus does not tell it".to_owned(),
        });
        lines.extend([String::new(), "Runbook".to_owned()]);
        let row = lines.len();
        lines.push(alert.runbook().map_or_else(|| "none: the alert has no annotation runbook_url".to_owned(), ToString::to_string));
        for (title, pairs) in [("Annotations", &alert.annotations), ("Labels", &alert.labels)] {
            lines.extend([String::new(), title.to_owned()]);
            lines.extend(pairs.iter().map(|(name, value)| format!("  {name}: {value}")));
            if pairs.is_empty() {
                lines.push("  none".to_owned());
            }
        }
        (lines, if alert.runbook().is_some() { row } else { 0 })
    }

    fn lines_of_pattern(&self, pattern: &Pattern) -> Vec<String> {
        let errors = self.errors.iter().flat_map(|errors| &errors.newest);
        let its: Vec<&LogError> = errors.filter(|error| error.is_of(&pattern.service, &pattern.shape)).collect();
        let about = if self.errors.as_ref().is_some_and(|errors| errors.sampled.is_some()) { "about " } else { "" };
        let news = match (pattern.is_new, pattern.is_surging) {
            (true, _) => ", new",
            (false, true) => ", far more than before",
            (false, false) => "",
        };
        let mut lines = vec![
            format!("{about}{} in the last 15 min{news}", units::thousands(pattern.recent)),
            format!(
                "first    {}{}",
                self.since_when(pattern.first_seen),
                if self.may_be_older(pattern) { ", or earlier: no older ones are read" } else { "" }
            ),
            format!("last     {}", self.since_when(pattern.last_seen)),
            String::new(),
            "Shape".to_owned(),
            format!("  {}", pattern.shape),
            String::new(),
            "One whole message".to_owned(),
            format!("  {}", pattern.example),
        ];
        let mut pods: BTreeMap<&str, usize> = BTreeMap::new();
        for error in &its {
            *pods.entry(error.pod.as_ref().map_or("a pod that the log does not name", Text::as_str)).or_default() += 1;
        }
        let mut pods: Vec<(&str, usize)> = pods.into_iter().collect();
        pods.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
        lines.extend([String::new(), format!("Pods that say it, among the newest {} that were read", its.len())]);
        lines.extend(pods.iter().map(|(name, count)| format!("  {} × {name}", units::thousands(*count as u64))));
        lines.extend([String::new(), "Samples, newest first".to_owned()]);
        for error in its.iter().take(SAMPLES) {
            let pod = error.pod.as_ref().map_or("", Text::as_str);
            lines.push(format!("  {}  {pod}  {}", error.at.format("%H:%M:%S"), error.message));
            lines.extend(error.error.iter().map(|cause| format!("      {cause}")));
        }
        if its.is_empty() {
            lines.push("  none is among the newest that were read".to_owned());
        }
        lines
    }

    /// Whether its first one stands where the window that is read begins.
    fn may_be_older(&self, pattern: &Pattern) -> bool {
        self.server_now() - pattern.first_seen >= READ_BACK
    }

    fn start_of(&self, alert: &Alert) -> String {
        let since = self.since_when(alert.starts_at);
        if alert.is_start_known { since } else { format!("time unknown: {} does not tell it; first seen here {since}", self.alerts_said_by()) }
    }

    fn alerts_said_by(&self) -> &str {
        self.alerts.as_ref().map_or("the server", |list| list.said_by.as_str())
    }

    fn since_when(&self, at: DateTime<Utc>) -> String {
        match time::age(at, self.server_now()) {
            Some(ago) => format!("{} ({} ago)", moment(at), units::age(ago)),
            None => "time unknown".to_owned(),
        }
    }
}

/// A time of the server: an alert may have fired for days.
fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}
