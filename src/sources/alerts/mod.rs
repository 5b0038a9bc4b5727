//! Alerts: firing ones from Alertmanager, pending ones from Prometheus; all from Prometheus where Alertmanager is missing.

mod alertmanager;
mod apart;
mod dated;
mod prometheus;

use std::{cmp::Reverse, collections::BTreeSet, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;

use super::{
    backoff::Backoff,
    login::saying,
    report::{Closed, Report},
};
use crate::{
    connect::{
        ConnectError, HttpReader,
        discovery::{Finder, Source, Which},
    },
    domain::{
        alert::{Alert, AlertList, AlertStatus},
        observation::What,
        text::Text,
        units,
    },
};

/// How long an alert may be on its way from Prometheus to Alertmanager.
const ARRIVES_WITHIN: TimeDelta = TimeDelta::minutes(2);
/// Alerts that are named where they did not arrive; the others are counted.
const NAMED: usize = 3;
/// Alerts kept of one answer.
const MOST: usize = 2_000;
/// Labels kept of one alert.
const MOST_LABELS: usize = 32;
/// How often an absent server is looked for.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// The task behind the alerts.
pub(super) struct Alerts {
    pub finder: Arc<Finder>,
    pub every: Duration,
    pub wake: Arc<Notify>,
    pub report: Report,
    pub settings: crate::config::shape::Alerts,
}

/// One server's part of a round.
enum Heard {
    Absent(String),
    Failed(ConnectError),
    Said { alerts: Vec<Alert>, date: Option<DateTime<Utc>> },
}

impl Alerts {
    pub async fn run(self) {
        let _: Result<(), Closed> = self.for_ever().await;
    }

    async fn for_ever(&self) -> Result<(), Closed> {
        let mut backoff = Backoff::new(self.wake.clone());
        let mut holds = prometheus::Holds::default();
        let mut dated = dated::Dated::default();
        let mut apart = apart::Apart::new(self.settings.clone());
        self.report.connecting("looking for Alertmanager").await?;
        loop {
            let began = self.report.now();
            let both = async { tokio::join!(self.alertmanager(), self.prometheus(&mut holds)) };
            let (alertmanager, prometheus) = saying(self.finder.cluster(), &self.report, "looking for Alertmanager", both).await?;
            match combine(alertmanager, prometheus) {
                Combined::Absent(remedy) => {
                    self.report.absent(&remedy).await?;
                    backoff.pause(LOOK_AGAIN).await;
                }
                Combined::Failed { error, says } => backoff.after_saying(&error, &says, &self.report).await?,
                Combined::Said { mut list, date, but, mut unheard } => {
                    let server_now = date.unwrap_or_else(|| self.report.utc());
                    unheard.retain(|alert| !apart.is_by_design(alert) && server_now - alert.starts_at > ARRIVES_WITHIN);
                    let but = but.or_else(|| not_arrived(&unheard));
                    dated.date(&mut list.alerts, server_now);
                    apart.divide(&mut list, self.report.now(), server_now);
                    backoff.succeeded();
                    match but {
                        Some(but) => self.report.lagging(&but).await?,
                        None => self.report.live().await?,
                    }
                    self.report.say(What::Alerts(list), date).await?;
                    backoff.pause(self.report.next_round(began, self.every)).await;
                }
            }
        }
    }

    async fn alertmanager(&self) -> Heard {
        match self.place(Which::Alertmanager).await {
            Ok(server) => heard(alertmanager::read(&server).await),
            Err(instead) => instead,
        }
    }

    async fn prometheus(&self, holds: &mut prometheus::Holds) -> Heard {
        match self.place(Which::Prometheus).await {
            Ok(server) => heard(prometheus::read(&server, holds, self.report.now()).await),
            Err(instead) => instead,
        }
    }

    async fn place(&self, which: Which) -> Result<HttpReader, Heard> {
        match self.finder.source(which).await {
            Ok(Source::At(server)) => Ok(server),
            Ok(Source::Nowhere { remedy }) => Err(Heard::Absent(remedy)),
            Err(error) => Err(Heard::Failed(error)),
        }
    }
}

fn heard(answer: Result<(Vec<Alert>, Option<DateTime<Utc>>), ConnectError>) -> Heard {
    match answer {
        Ok((alerts, date)) => Heard::Said { alerts, date },
        Err(error) => Heard::Failed(error),
    }
}

enum Combined {
    Absent(String),
    /// `says` which of the two is missing, and why.
    Failed {
        error: ConnectError,
        says: String,
    },
    Said {
        list: AlertList,
        date: Option<DateTime<Utc>>,
        but: Option<String>,
        /// What fires by Prometheus' word, and by a name that Alertmanager has nothing of, hidden or not.
        unheard: Vec<Alert>,
    },
}

fn combine(alertmanager: Heard, prometheus: Heard) -> Combined {
    match (alertmanager, prometheus) {
        (Heard::Said { mut alerts, date }, other) => {
            let mut unheard = Vec::new();
            let but = match other {
                Heard::Said { alerts: told, .. } => {
                    let has_arrived = |told: &Alert| alerts.iter().any(|known| known.name == told.name);
                    unheard = told.iter().filter(|told| told.status == AlertStatus::Firing && !has_arrived(told)).cloned().collect();
                    for alert in &mut alerts {
                        if let Some(told) = told.iter().find(|told| is_same(told, alert)) {
                            (alert.true_since, alert.value) = (told.true_since, told.value.clone());
                        }
                    }
                    let new = told.into_iter().filter(|alert| alert.status == AlertStatus::Pending);
                    let new: Vec<_> = new.filter(|alert| alerts.iter().all(|known| known.fingerprint != alert.fingerprint)).collect();
                    alerts.extend(new);
                    None
                }
                Heard::Failed(error) => Some(format!("pending alerts unknown: Prometheus: {error}")),
                Heard::Absent(_) => None,
            };
            said(alerts, "Alertmanager", date, but, unheard)
        }
        (Heard::Absent(_), Heard::Said { alerts, date }) => said(alerts, "Prometheus", date, None, Vec::new()),
        (Heard::Failed(error), Heard::Said { alerts, date }) => {
            said(alerts, "Prometheus", date, Some(format!("silences unknown: Alertmanager: {error}")), Vec::new())
        }
        (Heard::Failed(error), Heard::Failed(other)) => {
            let (one, other) = (error.to_string(), other.to_string());
            let both = if one == other { one } else { format!("{one}; {other}") };
            Combined::Failed { error, says: format!("neither Alertmanager nor Prometheus answers: {both}") }
        }
        (Heard::Failed(error), Heard::Absent(_)) => {
            let says = format!("Alertmanager does not answer, and no Prometheus stands in for it: {error}");
            Combined::Failed { error, says }
        }
        (Heard::Absent(_), Heard::Failed(error)) => {
            let says = format!("there is no Alertmanager, and Prometheus, which would stand in for it, does not answer: {error}");
            Combined::Failed { error, says }
        }
        (Heard::Absent(remedy), Heard::Absent(_)) => Combined::Absent(remedy),
    }
}

/// Whether Prometheus' alert is this one of Alertmanager's, to which Prometheus adds its external labels on the way.
fn is_same(told: &Alert, alert: &Alert) -> bool {
    let has = |label: &(Text, Text)| alert.label(&label.0) == Some(&label.1);
    told.fingerprint == alert.fingerprint || told.name == alert.name && told.labels.iter().all(has)
}

/// Most severe first, then oldest.
fn said(mut alerts: Vec<Alert>, by: &str, date: Option<DateTime<Utc>>, but: Option<String>, unheard: Vec<Alert>) -> Combined {
    by_rank(&mut alerts);
    let total = alerts.len();
    alerts.truncate(MOST);
    let but = but.or_else(|| (total > MOST).then(|| format!("{MOST} of {total} alerts shown")));
    Combined::Said { list: AlertList { alerts, apart: Vec::new(), said_by: Text::line(by) }, date, but, unheard }
}

/// Alerts whose way to Alertmanager may be broken, or that are dropped on it; none where there are none.
fn not_arrived(unheard: &[Alert]) -> Option<String> {
    let names: BTreeSet<&Text> = unheard.iter().map(|alert| &alert.name).collect();
    let fire = format!("{} {}", units::counted(names.len() as u64, "alert"), units::verb(names.len() as u64, "fire"));
    (!names.is_empty()).then(|| {
        let first = units::first_few(&names, NAMED);
        format!("{fire} in Prometheus and did not arrive in Alertmanager: {first}; see its alerting section, or name them in alerts.apart")
    })
}

fn by_rank(alerts: &mut [Alert]) {
    alerts.sort_by(|one, other| {
        let rank = |alert: &Alert| (Reverse(alert.status == AlertStatus::Firing), Reverse(alert.severity), alert.starts_at);
        rank(one).cmp(&rank(other)).then_with(|| one.fingerprint.cmp(&other.fingerprint))
    });
}

/// Annotations as cleaned pairs in the order of their names, each on one line.
fn notes(annotations: &std::collections::BTreeMap<String, String>) -> Box<[(Text, Text)]> {
    let on_one_line =
        |value: &str| Text::line(&value.split(['\n', '\r']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "));
    annotations.iter().take(MOST_LABELS).map(|(name, value)| (Text::line(name), on_one_line(value))).collect()
}

/// Labels as cleaned pairs in the order of their names.
fn labels(labels: &std::collections::BTreeMap<String, String>) -> Box<[(Text, Text)]> {
    labels.iter().take(MOST_LABELS).map(|(name, value)| (Text::line(name), Text::line(value))).collect()
}

/// Prometheus' and Alertmanager's fingerprint of a label set: FNV-1a of names and values in order, each ended by 0xFF.
fn fingerprint(labels: &std::collections::BTreeMap<String, String>) -> Text {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in labels.iter().flat_map(|(name, value)| [name, value]) {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Text::line(&format!("{hash:016x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::Severity;

    fn alert(name: &str, severity: Severity, status: AlertStatus, started: i64) -> Alert {
        Alert {
            fingerprint: name.into(),
            name: name.into(),
            severity,
            status,
            starts_at: DateTime::from_timestamp(started, 0).unwrap(),
            is_start_known: true,
            true_since: None,
            labels: Box::default(),
            summary: "".into(),
            description: "".into(),
            annotations: Box::default(),
            value: None,
            silenced: None,
        }
    }

    fn heard(alerts: Vec<Alert>) -> Heard {
        super::heard(Ok((alerts, None)))
    }

    fn names(combined: Combined) -> (Vec<String>, String, Option<String>) {
        let Combined::Said { list, but, .. } = combined else { panic!("nothing was said") };
        (list.alerts.iter().map(|alert| alert.name.to_string()).collect(), list.said_by.to_string(), but)
    }

    #[test]
    fn most_severe_and_oldest_come_first_and_pending_only_from_prometheus() {
        use {AlertStatus as Is, Severity as S};
        let alertmanager = heard(vec![
            alert("late", S::Critical, Is::Firing, 20),
            alert("warn", S::Warning, Is::Firing, 1),
            alert("early", S::Critical, Is::Firing, 10),
            alert("hidden", S::Critical, Is::Suppressed, 1),
        ]);
        let prometheus = heard(vec![alert("soon", S::Critical, Is::Pending, 5), alert("late", S::Critical, Is::Firing, 20)]);
        let (names, by, but) = names(combine(alertmanager, prometheus));
        assert_eq!(names, ["early", "late", "warn", "hidden", "soon"]);
        assert_eq!((by.as_str(), but), ("Alertmanager", None));
    }

    #[test]
    fn what_fires_in_prometheus_alone_is_no_silence() {
        use {AlertStatus as Is, Severity as S};
        let told = heard(vec![
            alert("sent", S::Critical, Is::Firing, 1),
            alert("stuck", S::Critical, Is::Firing, 1),
            alert("soon", S::Critical, Is::Pending, 1),
        ]);
        let Combined::Said { unheard, list, .. } = combine(heard(vec![alert("sent", S::Critical, Is::Suppressed, 1)]), told) else { panic!() };
        assert_eq!((unheard.len(), list.alerts.len()), (1, 2));
        assert_eq!(
            not_arrived(&unheard).unwrap(),
            "1 alert fires in Prometheus and did not arrive in Alertmanager: stuck; see its alerting section, or name them in alerts.apart"
        );
        assert_eq!(not_arrived(&[]), None);
    }

    #[test]
    fn prometheus_stands_in_for_an_alertmanager_that_fails_and_it_is_said() {
        let failed = || Heard::Failed(ConnectError::Unreachable { server: "am".into(), why: "refused".into() });
        let (_, by, but) = names(combine(failed(), heard(Vec::new())));
        assert_eq!(by, "Prometheus");
        assert!(but.unwrap().contains("silences unknown"));
        let lost = || Heard::Failed(ConnectError::Unreachable { server: "prom".into(), why: "refused".into() });
        let says = |alertmanager, prometheus| match combine(alertmanager, prometheus) {
            Combined::Failed { says, .. } => says,
            Combined::Said { but, .. } => but.unwrap_or_default(),
            Combined::Absent(_) => "absent".to_owned(),
        };
        assert_eq!(says(failed(), lost()), "neither Alertmanager nor Prometheus answers: cannot reach am: refused; cannot reach prom: refused");
        assert_eq!(says(failed(), failed()), "neither Alertmanager nor Prometheus answers: cannot reach am: refused");
        assert_eq!(
            says(Heard::Absent("x".into()), lost()),
            "there is no Alertmanager, and Prometheus, which would stand in for it, does not answer: cannot reach prom: refused"
        );
        assert_eq!(
            says(failed(), Heard::Absent("x".into())),
            "Alertmanager does not answer, and no Prometheus stands in for it: cannot reach am: refused"
        );
        assert_eq!(says(heard(Vec::new()), lost()), "pending alerts unknown: Prometheus: cannot reach prom: refused");
        assert_eq!(says(failed(), heard(Vec::new())), "silences unknown: Alertmanager: cannot reach am: refused");
        assert!(matches!(combine(Heard::Absent("x".into()), Heard::Absent("y".into())), Combined::Absent(_)));
    }

    #[test]
    fn the_fingerprint_is_the_one_of_prometheus() {
        // common/model's TestLabelSetFingerprint values: the empty set hashes to the FNV offset.
        assert_eq!(&*fingerprint(&std::collections::BTreeMap::new()), "cbf29ce484222325");
        // What Alertmanager 0.34 said of these labels.
        let labels = [("alertname", "SourcesProbe"), ("namespace", "w-sources"), ("severity", "info")];
        let labels = labels.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(&*fingerprint(&labels), "14499a9e9509708e");
    }
}
