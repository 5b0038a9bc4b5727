//! Alerts that fire by design: they stand apart from those that tell of trouble, and it is news when one that has to fire does not.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};

use crate::{
    config::shape::Alerts as Settings,
    domain::{
        alert::{Alert, AlertList, AlertStatus, Severity},
        text::Text,
        time::Mono,
    },
};

/// So long a watchdog may be away: Prometheus sends every alert again each minute, which an Alertmanager that began anew waits for.
const MAY_BE_AWAY: Duration = Duration::from_mins(2);

pub(super) struct Apart {
    settings: Settings,
    /// Watchdogs by name: when they last fired, by both clocks.
    seen: BTreeMap<Text, (Mono, DateTime<Utc>)>,
}

impl Apart {
    pub fn new(settings: Settings) -> Self {
        Self { settings, seen: BTreeMap::new() }
    }

    /// Takes out of the list what fires by design, and puts in what should and does not.
    pub fn divide(&mut self, list: &mut AlertList, now: Mono, server_now: DateTime<Utc>) {
        let (apart, alerts) = std::mem::take(&mut list.alerts).into_iter().partition(|alert| self.is_by_design(alert));
        (list.apart, list.alerts) = (apart, alerts);
        let watchdogs = list.apart.iter().filter(|alert| alert.status != AlertStatus::Pending && self.is_watchdog(alert));
        let firing: Vec<Text> = watchdogs.map(|alert| alert.name.clone()).collect();
        self.seen.extend(firing.into_iter().map(|name| (name, (now, server_now))));
        let away = self.seen.iter().filter(|(_, (last, _))| now.since(*last) >= MAY_BE_AWAY);
        let away: Vec<Alert> = away.map(|(name, (_, last))| silent(name, *last)).collect();
        if !away.is_empty() {
            list.alerts.extend(away);
            super::by_rank(&mut list.alerts);
        }
    }

    fn is_watchdog(&self, alert: &Alert) -> bool {
        self.settings.watchdogs.iter().any(|name| *name == *alert.name)
    }

    pub fn is_by_design(&self, alert: &Alert) -> bool {
        let has_no_severity = alert.label("severity").is_some_and(|severity| severity.eq_ignore_ascii_case("none"));
        has_no_severity || self.is_watchdog(alert) || self.settings.apart.iter().any(|name| *name == *alert.name)
    }
}

/// What a watchdog that stopped says by its silence.
fn silent(name: &Text, last: DateTime<Utc>) -> Alert {
    let says = format!("{name} fires always, and stopped at {}: alerts may not arrive", last.format("%H:%MZ"));
    Alert {
        fingerprint: Text::line(&format!("silent {name}")),
        name: Text::line(&format!("{name} is silent")),
        severity: Severity::Warning,
        status: AlertStatus::Firing,
        starts_at: last,
        is_start_known: true,
        true_since: None,
        labels: [("alertname".into(), name.clone())].into(),
        summary: Text::line(&says),
        description: "Prometheus, its rules or the way to Alertmanager may be down.".into(),
        annotations: Box::default(),
        value: None,
        silenced: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(name: &str, severity: &str) -> Alert {
        let labels: Box<[(Text, Text)]> = [("alertname".into(), name.into()), ("severity".into(), severity.into())].into();
        Alert { labels, severity: Severity::from_label(Some(severity)), ..silent(&name.into(), DateTime::UNIX_EPOCH) }
    }

    fn named(name: &str, severity: &str) -> Alert {
        Alert { name: name.into(), fingerprint: name.into(), ..alert(name, severity) }
    }

    fn divided(apart: &mut Apart, alerts: Vec<Alert>, minutes: u64) -> AlertList {
        let mut list = AlertList { alerts, apart: Vec::new(), said_by: "Alertmanager".into() };
        let now = Duration::from_mins(minutes);
        apart.divide(&mut list, Mono(now), DateTime::UNIX_EPOCH + now);
        list
    }

    fn names(alerts: &[Alert]) -> Vec<&str> {
        alerts.iter().map(|alert| alert.name.as_str()).collect()
    }

    #[test]
    fn what_fires_by_design_stands_apart() {
        let mut apart = Apart::new(Settings::default());
        let all = vec![named("Watchdog", "none"), named("InfoInhibitor", "none"), named("Disk", "None"), named("HighErrorRate", "critical")];
        let list = divided(&mut apart, all, 0);
        assert_eq!(names(&list.alerts), ["HighErrorRate"]);
        assert_eq!(names(&list.apart), ["Watchdog", "InfoInhibitor", "Disk"]);
        let list = divided(&mut apart, vec![named("DeadMansSwitch", "critical")], 0);
        assert_eq!((list.alerts.len(), list.apart.len()), (0, 1), "by its name, whatever its severity");
    }

    #[test]
    fn a_watchdog_that_stops_is_the_news_and_only_one_that_was_seen() {
        let mut apart = Apart::new(Settings::default());
        assert_eq!(divided(&mut apart, Vec::new(), 0).alerts, []);
        divided(&mut apart, vec![named("Watchdog", "none"), named("InfoInhibitor", "none")], 10);
        assert_eq!(divided(&mut apart, Vec::new(), 11).alerts, [], "an Alertmanager that began anew is waited for");
        let list = divided(&mut apart, vec![named("Slow", "info")], 12);
        assert_eq!(names(&list.alerts), ["Watchdog is silent", "Slow"], "what inhibits others may stop");
        assert_eq!(&*list.alerts[0].summary, "Watchdog fires always, and stopped at 00:10Z: alerts may not arrive");
        assert_eq!(divided(&mut apart, vec![named("Watchdog", "none")], 13).alerts, []);
    }
}
