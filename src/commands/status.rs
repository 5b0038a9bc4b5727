//! `sev1 status`: one look as text or JSON. 0: nothing fires; 1: something does; 2: cannot tell.

use std::{fmt::Write as _, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    Exit,
    look::{Answer, Look, WANTED},
    output, setup,
};
use crate::{
    cli::{Cli, Output, Status},
    config::{Config, Loaded},
    connect::Reader,
    domain::{
        ailment::Ailment,
        health::SourceId,
        kpi::{Kpi, Level},
        object::{Kind, Subject},
        pod::Pod,
        standing::Standing,
        units,
    },
    sources::{self, SourcesOptions},
};

/// Unhealthy pods and alerts that are printed; the rest is counted.
const MOST_LINES: usize = 20;
/// Alerts, and indicators, that the first sentence names.
const MOST_NAMED: usize = 4;

/// What one look says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    NothingFires,
    /// An alert fires, or an indicator is beyond its critical threshold.
    Firing,
    /// Nothing fires in what was seen, but not everything was; the sentences say what is missing.
    CannotTell(Vec<String>),
}

impl Verdict {
    fn exit(&self) -> Exit {
        match self {
            Self::NothingFires => Exit::DONE,
            Self::Firing => Exit::FAILED,
            Self::CannotTell(_) => Exit::USAGE,
        }
    }
}

pub fn run(status: &Status, cli: &Cli, loaded: &mut Loaded) -> Exit {
    let (target, scope, home) = match setup::target(cli) {
        Ok(found) => found,
        Err(error) => return setup::refuse_connection(&error),
    };
    home.settle(loaded);
    let clock = home.clock;
    let watching = Arc::clone(&clock);
    let looked = setup::block_on(async {
        let (sender, mut observations) = mpsc::channel(32);
        let Config { servers, kpis, alerts, errors, refresh, .. } = loaded.config.clone();
        let reader = Reader::new(&target);
        setup::log_in(&reader).await;
        let options = SourcesOptions { reader, scope, servers, kpis, alerts, errors, refresh, rights: Vec::new(), clock: watching };
        let _running = sources::spawn(options, sender);
        Look::gather(&mut observations, status.timeout).await
    });
    let look = match looked {
        Ok(look) => look,
        Err(exit) => return exit,
    };
    let now = clock.now().utc;
    let verdict = judge(&look, &loaded.config, now);
    let printed = match status.output {
        Output::Text => output::print(&text(&look, &loaded.config, &verdict, now)),
        Output::Json => output::print_json(&document(&look, &loaded.config, &verdict, now)),
    };
    if printed == Exit::DONE { verdict.exit() } else { printed }
}

/// Something that is seen to fire counts whatever is missing; silence counts only where everything was asked.
pub fn judge(look: &Look, config: &Config, now: DateTime<Utc>) -> Verdict {
    let is_critical = config.kpis.iter().any(|kpi| look.level(kpi, now) == Level::Critical);
    if is_critical || look.firing().next().is_some() {
        return Verdict::Firing;
    }
    let mut missing = Vec::new();
    let asked = [SourceId::Cluster, SourceId::Pods].into_iter().chain(WANTED).chain([SourceId::Metrics, SourceId::Alerts]);
    for source in asked {
        if let Answer::Missing(why) | Answer::Silent(why) | Answer::Partial(why) = look.answer(source) {
            missing.push(format!("{}: {why}", look.name(source)));
        }
    }
    if look.answer(SourceId::Metrics) == Answer::Answered {
        missing.extend(config.kpis.iter().filter_map(|kpi| Some(format!("{}: {}", kpi.title, look.doubt(kpi, now)?))));
    }
    if missing.is_empty() { Verdict::NothingFires } else { Verdict::CannotTell(missing) }
}

/// What fires, by name: alerts, then indicators beyond their critical threshold, each group cut where it would fill the line.
fn firing(look: &Look, config: &Config, now: DateTime<Utc>) -> String {
    let alerts: Vec<String> = look.firing().map(|alert| alert.name.to_string()).collect();
    let critical = config.kpis.iter().filter(|kpi| look.level(kpi, now) == Level::Critical);
    let critical: Vec<String> = critical.map(|kpi| format!("{} ({})", kpi.title, number(look, kpi))).collect();
    let indicators = match critical.len() {
        0 => String::new(),
        1 => format!("{} is critical", named(critical)),
        _ => format!("{} are critical", named(critical)),
    };
    match (alerts.is_empty(), indicators.is_empty()) {
        (true, _) => format!("No alert fires, but {indicators}"),
        (false, true) => format!("Something fires: {}", named(alerts)),
        (false, false) => format!("Something fires: {}; and {indicators}", named(alerts)),
    }
}

/// Each name once, the first few of them.
fn named(names: Vec<String>) -> String {
    let mut distinct: Vec<String> = Vec::new();
    for name in names {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    units::first_few(distinct, MOST_NAMED)
}

fn sentence(look: &Look, config: &Config, verdict: &Verdict, now: DateTime<Utc>) -> String {
    let unhealthy = match look.unhealthy(now).len() {
        0 => String::new(),
        1 => "; 1 unhealthy pod".to_owned(),
        many => format!("; {} unhealthy pods", units::thousands(many as u64)),
    };
    let missing = match look.missing(now).iter().map(|one| u64::from(one.count())).sum() {
        0 => String::new(),
        1 => "; 1 missing pod".to_owned(),
        many => format!("; {} missing pods", units::thousands(many)),
    };
    let pods = unhealthy + &missing;
    match verdict {
        Verdict::NothingFires => format!("Nothing fires{pods}."),
        Verdict::Firing => format!("{}{pods}.", firing(look, config, now)),
        Verdict::CannotTell(unknown) => format!("Cannot tell{pods}. Missing: {}.", unknown.join("; ")),
    }
}

fn text(look: &Look, config: &Config, verdict: &Verdict, now: DateTime<Utc>) -> String {
    let mut text = String::new();
    if let Some(identity) = &look.identity {
        let environment = config.environment(&identity.cluster.context);
        let _ = writeln!(text, "{} {} {} as {}", environment.banner, identity.cluster.context, identity.version, identity.cluster.user);
    }
    let _ = writeln!(text, "{}\n", sentence(look, config, verdict, now));
    for source in look.listed() {
        let (word, why) = match look.told(source) {
            Answer::Answered => ("ok", None),
            Answer::Partial(why) => ("partial", Some(why)),
            Answer::Missing(why) => ("failed", Some(why)),
            Answer::Silent(why) => ("silent", Some(why)),
        };
        let _ = writeln!(text, "{:<22} {word:<8} {}", look.name(source), why.unwrap_or_default());
    }
    text.push('\n');
    for kpi in &config.kpis {
        let _ = writeln!(text, "{:<22} {:<8} {}", kpi.title.as_str(), word(look.level(kpi, now)), value(look, kpi, now));
    }
    let apart: Vec<&str> = look.alerts.iter().flat_map(|list| &list.apart).map(|alert| alert.name.as_str()).collect();
    if !apart.is_empty() {
        let _ = writeln!(text, "{:<22} {:<8} {}", "Fires by design", "", apart.join(", "));
    }
    let firing: Vec<_> = look.firing().collect();
    heading(&mut text, "Firing", firing.len());
    for alert in firing.iter().take(MOST_LINES) {
        let since = if alert.is_start_known { format!("since {}", alert.starts_at.format("%H:%MZ")) } else { "time unknown".to_owned() };
        let _ = writeln!(text, "  {:<8} {}  {since}  {}", alert.severity.word(), alert.name, alert.summary);
    }
    let unhealthy = look.unhealthy(now);
    heading(&mut text, "Unhealthy pods", unhealthy.len());
    for pod in unhealthy.iter().take(MOST_LINES) {
        let _ = writeln!(text, "  {}/{}  {}", pod.key.namespace, pod.key.name, unhealthy_words(pod, now));
    }
    let missing = look.missing(now);
    heading(&mut text, "Workloads with missing pods", missing.len());
    for one in missing.iter().take(MOST_LINES) {
        let why = one.why.as_ref().map_or_else(String::new, |why| format!("  {why}"));
        let Subject { kind, key } = &one.workload;
        let kind = if *kind == Kind::Deployment { String::new() } else { format!("{} ", kind.singular()) };
        let _ = writeln!(text, "  {kind}{}/{}  {} of {} pods exist{why}", key.namespace, key.name, one.has, one.wants);
    }
    text
}

/// `0/1 ready  Running (not ready for 4m)  0 restarts`.
fn unhealthy_words(pod: &Pod, now: DateTime<Utc>) -> String {
    let cell = pod.status_cell(now);
    let since = pod.unready_since.and_then(|since| now.signed_duration_since(since).to_std().ok());
    let why = match pod.standing(now) {
        Standing::Ill(Ailment::Hanging) if pod.deleting_since.is_some() => " (not gone in time)".to_owned(),
        Standing::Ill(Ailment::Hanging) => since.map_or_else(|| " (not ready)".to_owned(), |since| format!(" (not ready for {})", units::age(since))),
        _ => String::new(),
    };
    let restarts = units::plural(pod.restarts.into(), "restart");
    format!("{}/{} ready  {cell}{why}  {} {restarts}", pod.ready_containers, pod.total_containers(), pod.restarts)
}

fn heading(text: &mut String, title: &str, count: usize) {
    if count > 0 {
        let more = if count > MOST_LINES { format!(", the first {MOST_LINES}") } else { String::new() };
        let _ = writeln!(text, "\n{title} ({count}{more})");
    }
}

/// Its value with its unit; `-` where there is none.
fn number(look: &Look, kpi: &Kpi) -> String {
    let number = look.readings.get(&kpi.id).and_then(|reading| reading.value).filter(|value| value.is_finite());
    number.map_or_else(|| "-".to_owned(), |value| units::value(value, kpi.unit))
}

fn value(look: &Look, kpi: &Kpi, now: DateTime<Utc>) -> String {
    let shown = number(look, kpi);
    let limit = kpi.critical.map_or_else(String::new, |limit| format!(" (critical beyond {})", units::threshold(limit, kpi.unit)));
    let problem = look.doubt(kpi, now).map_or_else(String::new, |doubt| format!("  {doubt}"));
    format!("{shown}{limit}{problem}")
}

fn word(level: Level) -> &'static str {
    match level {
        Level::NoData => "no data",
        Level::Good => "good",
        Level::Warning => "warning",
        Level::Critical => "critical",
    }
}

fn document(look: &Look, config: &Config, verdict: &Verdict, now: DateTime<Utc>) -> Value {
    let (name, missing) = match verdict {
        Verdict::NothingFires => ("nothing_fires", &Vec::new()),
        Verdict::Firing => ("firing", &Vec::new()),
        Verdict::CannotTell(missing) => ("cannot_tell", missing),
    };
    let sources: Vec<Value> = look.listed().map(|source| source_document(look, source)).collect();
    let kpis: Vec<Value> = config
        .kpis
        .iter()
        .map(|kpi| {
            let reading = look.readings.get(&kpi.id);
            json!({
                "id": kpi.id, "title": kpi.title, "level": word(look.level(kpi, now)), "critical": kpi.critical,
                "value": reading.and_then(|reading| reading.value), "trend": reading.and_then(|reading| reading.trend),
                "at": reading.and_then(|reading| reading.at), "problem": look.doubt(kpi, now),
            })
        })
        .collect();
    let alerts: Vec<Value> = look
        .firing()
        .map(|alert| json!({"name": alert.name, "severity": alert.severity.word(), "since": alert.is_start_known.then_some(alert.starts_at), "summary": alert.summary}))
        .collect();
    let missing_pods: Vec<Value> = look
        .missing(now)
        .iter()
        .map(|one| {
            let Subject { kind, key } = &one.workload;
            let deployment = (*kind == Kind::Deployment).then_some(&key.name);
            json!({
                "namespace": key.namespace, "kind": kind.singular(), "name": key.name, "deployment": deployment, "has": one.has, "wants": one.wants,
                "why": one.why,
            })
        })
        .collect();
    let pods: Vec<Value> = look
        .unhealthy(now)
        .iter()
        .map(|pod| json!({"namespace": pod.key.namespace, "name": pod.key.name, "status": pod.status_cell(now), "ready": format!("{}/{}", pod.ready_containers, pod.total_containers()), "restarts": pod.restarts}))
        .collect();
    json!({
        "verdict": name, "missing": missing,
        "cluster": look.identity.as_ref().map(|identity| json!({
            "context": identity.cluster.context, "uid": identity.cluster.uid, "user": identity.cluster.user, "version": identity.version,
        })),
        "sources": sources, "kpis": kpis, "firing": alerts,
        "pods": look.pods.is_complete.then(|| look.pods.len()), "unhealthy_pods": pods, "missing_pods": missing_pods,
        "errors_last_15_min": look.errors_lately(),
    })
}

fn source_document(look: &Look, source: SourceId) -> Value {
    let (state, why) = match look.told(source) {
        Answer::Answered => ("answered", None),
        Answer::Partial(why) => ("partial", Some(why)),
        Answer::Missing(why) => ("failed", Some(why)),
        Answer::Silent(why) => ("silent", Some(why)),
    };
    json!({"source": look.name(source), "state": state, "why": why})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        alert::{Alert, AlertList, AlertStatus, Severity},
        health::Health,
        kpi::KpiReading,
        mitigation::ClusterIdentity,
        observation::{Delta, Identity, Observation, What},
        text::Text,
        time::Mono,
    };
    use crate::state::cluster::Index;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn seen(look: &mut Look, source: SourceId, what: What) {
        look.apply(Observation { source, observed_at: Mono::ZERO, server_time: None, what });
    }

    fn calm(value: f64) -> Look {
        let mut look = Look::default();
        let cluster = ClusterIdentity { context: "staging".into(), cluster: "c".into(), uid: "u".into(), user: "me".into() };
        seen(&mut look, SourceId::Cluster, What::Identity(Identity { cluster, version: "v1.36.3".into() }));
        seen(&mut look, SourceId::Pods, What::Pods(vec![Delta::ListStarted, Delta::Listed]));
        seen(&mut look, SourceId::Deployments, What::Deployments(vec![Delta::Listed]));
        seen(&mut look, SourceId::ReplicaSets, What::ReplicaSets(vec![Delta::Listed]));
        seen(&mut look, SourceId::StatefulSets, What::StatefulSets(vec![Delta::Listed]));
        seen(&mut look, SourceId::DaemonSets, What::DaemonSets(vec![Delta::Listed]));
        let reading = |kpi: &Kpi| KpiReading { id: kpi.id.clone(), value: Some(value), trend: None, at: None, history: None, problem: None };
        seen(&mut look, SourceId::Metrics, What::Kpis(Config::default().kpis.iter().map(reading).collect()));
        seen(&mut look, SourceId::Alerts, What::Alerts(AlertList { alerts: Vec::new(), apart: Vec::new(), said_by: "Alertmanager".into() }));
        look
    }

    fn alert(status: AlertStatus) -> Alert {
        Alert {
            fingerprint: "f".into(),
            name: "HighErrorRate".into(),
            severity: Severity::Critical,
            status,
            starts_at: DateTime::UNIX_EPOCH,
            is_start_known: true,
            true_since: None,
            labels: Box::default(),
            summary: "bad\u{1b}[2J".into(),
            description: "".into(),
            annotations: Box::default(),
            value: None,
            silenced: None,
        }
    }

    #[test]
    fn silence_is_healthy_only_where_everything_answered() {
        let config = Config::default();
        assert_eq!(judge(&calm(0.0), &config, NOW), Verdict::NothingFires);
        let mut nothing = Look::default();
        assert!(matches!(judge(&nothing, &config, NOW), Verdict::CannotTell(missing) if missing.len() == 8));
        seen(&mut nothing, SourceId::Metrics, What::Health(Health::Absent { remedy: "give --prometheus URL".into(), since: Mono::ZERO }));
        assert!(text(&nothing, &config, &judge(&nothing, &config, NOW), DateTime::UNIX_EPOCH).contains("Prometheus: give --prometheus URL"));
    }

    #[test]
    fn where_nobody_knows_what_should_run_it_is_not_healthy() {
        let mut look = calm(0.0);
        look.deployments = Index::default();
        let (verb, resource) = ("list".into(), "deployments.apps".into());
        seen(&mut look, SourceId::Deployments, What::Health(Health::Forbidden { verb, resource, since: Mono::ZERO }));
        let verdict = judge(&look, &Config::default(), NOW);
        assert_eq!(verdict, Verdict::CannotTell(vec!["Deployments: not allowed to list deployments.apps".to_owned()]));
        assert!(text(&look, &Config::default(), &verdict, NOW).contains("Deployments            failed"));
    }

    #[test]
    fn a_namespace_that_does_not_exist_is_not_healthy() {
        let mut look = calm(0.0);
        let why = "the namespace nope does not exist (did you mean -n shop?)";
        seen(&mut look, SourceId::Cluster, What::Health(Health::Lagging { why: why.into(), since: Mono::ZERO }));
        let verdict = judge(&look, &Config::default(), NOW);
        assert_eq!(verdict, Verdict::CannotTell(vec![format!("Kubernetes: {why}")]));
        assert_eq!(verdict.exit(), Exit::USAGE);
        let text = text(&look, &Config::default(), &verdict, NOW);
        assert!(text.lines().any(|line| line.starts_with("Pods ") && line.contains("partial") && line.contains(why)), "{text}");
    }

    #[test]
    fn what_fires_is_said_by_name() {
        let config = Config::default();
        let told = |look: &Look| text(look, &config, &judge(look, &config, NOW), NOW).lines().nth(1).unwrap_or_default().to_owned();
        let mut look = calm(0.0);
        look.readings.get_mut(&Text::line("error_rate")).unwrap().value = Some(0.118);
        assert_eq!(told(&look), "No alert fires, but Error rate (11.8 %) is critical.");
        let alerts = |names: &[&str]| names.iter().map(|&name| Alert { name: name.into(), ..alert(AlertStatus::Firing) }).collect();
        let fire = |look: &mut Look, names: &[&str]| {
            seen(look, SourceId::Alerts, What::Alerts(AlertList { alerts: alerts(names), apart: Vec::new(), said_by: "Alertmanager".into() }));
        };
        fire(&mut look, &["HighErrorRate", "Slow", "Slow"]);
        look.readings.get_mut(&Text::line("p95_latency")).unwrap().value = Some(3.0);
        assert_eq!(told(&look), "Something fires: HighErrorRate, Slow; and Error rate (11.8 %), p95 latency (3.00 s) are critical.");
        let mut look = calm(0.0);
        fire(&mut look, &["a", "b", "c", "d", "e", "f"]);
        assert_eq!(told(&look), "Something fires: a, b, c, d and 2 more.");
    }

    #[test]
    fn less_than_nothing_is_not_healthy() {
        let mut look = calm(0.0);
        look.readings.get_mut(&Text::line("p95_latency")).unwrap().value = Some(-5.0);
        assert!(matches!(judge(&look, &Config::default(), NOW), Verdict::CannotTell(_)));
        let reading = look.readings.get_mut(&Text::line("p95_latency")).unwrap();
        (reading.value, reading.problem) = (None, Some("cannot be: -5".into()));
        let Verdict::CannotTell(missing) = judge(&look, &Config::default(), NOW) else { panic!("it is not healthy") };
        assert_eq!(missing, ["p95 latency: cannot be: -5 (correct kpis.p95_latency.query)"]);
    }

    #[test]
    fn no_data_is_not_healthy() {
        let Verdict::CannotTell(missing) = judge(&calm(f64::NAN), &Config::default(), NOW) else { panic!("NaN is no data") };
        assert!(missing[0].contains("Error rate: no data"), "{missing:?}");
    }

    #[test]
    fn what_is_missing_is_named_with_its_cause_and_remedy() {
        let config = Config::default();
        let told = |change: &dyn Fn(&mut KpiReading)| {
            let mut look = calm(0.0);
            change(look.readings.get_mut(&Text::line("error_rate")).unwrap());
            match judge(&look, &config, NOW) {
                Verdict::CannotTell(missing) => missing.join("; "),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(
            told(&|reading| reading.value = None),
            "Error rate: no data: no series fits its query (correct kpis.error_rate.query, or leave it out of panes.tiles)"
        );
        let mut unmeasured = calm(0.0);
        unmeasured.readings.remove(&Text::line("error_rate"));
        let Verdict::CannotTell(missing) = judge(&unmeasured, &config, NOW) else { panic!("nobody measured it") };
        assert_eq!(missing.join("; "), "Error rate: not measured: Prometheus has not answered", "the query is not to blame");
        let problem = |words: &'static str| told(&|reading| (reading.value, reading.problem) = (None, Some(words.into())));
        let late = "no answer in time: query timed out in expression evaluation";
        assert_eq!(problem(late), format!("Error rate: {late} (Prometheus is busy, or kpis.error_rate.query asks too much of it)"));
        let early = told(&|reading| reading.at = Some(NOW + chrono::Duration::minutes(10)));
        assert!(early.contains("Error rate: its newest sample is dated in the future"), "{early}");
        assert_eq!(problem("0/0: no requests in 5 min?"), "Error rate: 0/0: no requests in 5 min?");
        assert_eq!(problem("query refused: parse error"), "Error rate: query refused: parse error (correct kpis.error_rate.query)");
        assert_eq!(told(&|reading| reading.problem = Some("results truncated".into())), "Error rate: results truncated", "not whole");
        assert_eq!(told(&|reading| reading.at = Some(NOW - chrono::Duration::minutes(9))), "Error rate: its newest sample is 9m old", "not fresh");
    }

    #[test]
    fn alerts_that_fire_by_design_are_no_trouble() {
        let mut look = calm(0.0);
        let apart = vec![Alert { name: "Watchdog".into(), ..alert(AlertStatus::Firing) }];
        seen(&mut look, SourceId::Alerts, What::Alerts(AlertList { alerts: Vec::new(), apart, said_by: "Alertmanager".into() }));
        let verdict = judge(&look, &Config::default(), NOW);
        assert_eq!(verdict, Verdict::NothingFires);
        let text = text(&look, &Config::default(), &verdict, NOW);
        assert!(text.contains("Nothing fires") && text.contains("Fires by design") && text.contains("Watchdog"), "{text}");
    }

    #[test]
    fn errors_that_could_not_be_found_are_not_counted_as_none() {
        let mut look = calm(0.0);
        let window = crate::domain::log_pattern::ErrorWindow {
            shards: (1, 1),
            unknown: Some("the field level is not mapped in app".into()),
            ..Default::default()
        };
        seen(&mut look, SourceId::Errors, What::Errors(Box::new(window)));
        let verdict = judge(&look, &Config::default(), NOW);
        let text = text(&look, &Config::default(), &verdict, NOW);
        assert!(text.contains("cannot tell whether there are errors: the field level is not mapped in app"), "{text}");
        assert_eq!(document(&look, &Config::default(), &verdict, NOW)["errors_last_15_min"], Value::Null);
    }

    /// A deployment of five whose quota let in two, and one pod that runs and is not ready.
    #[test]
    fn pods_that_should_run_and_do_not_exist_are_told_with_their_cause() {
        use crate::state::tests::play;
        let mut look = calm(0.0);
        let why: Text = "exceeded quota: pods, requested: pods=1, used: pods=2, limited: pods=2".into();
        let deployment = crate::domain::workload::Deployment { refused: Some(why), ..play::deployment("hist", 1, 5, 1) };
        let mut set = play::replica_set("hist", 1, -9_000, "hist:1");
        set.replicas = 5;
        set.owner.as_mut().unwrap().uid = deployment.uid.clone();
        let set_name = set.key.name.clone();
        let mut hangs = play::pod("hist-b", &set_name);
        (hangs.is_ready, hangs.ready_containers, hangs.unready_since) = (false, 0, Some(NOW - chrono::Duration::minutes(4)));
        (hangs.created, hangs.started) = (NOW - chrono::Duration::hours(1), Some(NOW - chrono::Duration::hours(1)));
        let pods = [play::pod("hist-a", &set_name), hangs].map(Delta::Applied);
        seen(&mut look, SourceId::Pods, What::Pods([Delta::ListStarted].into_iter().chain(pods).chain([Delta::Listed]).collect()));
        assert!(look.missing(NOW).is_empty(), "how many there should be is not known yet");
        seen(&mut look, SourceId::Deployments, What::Deployments(vec![Delta::ListStarted, Delta::Applied(deployment), Delta::Listed]));
        seen(&mut look, SourceId::ReplicaSets, What::ReplicaSets(vec![Delta::ListStarted, Delta::Applied(set), Delta::Listed]));
        let config = Config::default();
        let verdict = judge(&look, &config, NOW);
        let text = text(&look, &config, &verdict, NOW);
        assert!(text.contains("Nothing fires; 1 unhealthy pod; 3 missing pods."), "{text}");
        assert!(text.contains("/hist  2 of 5 pods exist  exceeded quota: pods, requested: pods=1, used: pods=2, limited: pods=2"), "{text}");
        assert!(text.contains("/hist-b  0/1 ready  Running (not ready for 4m)  0 restarts"), "{text}");
        let document = document(&look, &config, &verdict, NOW);
        assert_eq!((&document["missing_pods"][0]["has"], &document["missing_pods"][0]["wants"]), (&json!(2), &json!(5)));
    }

    #[test]
    fn what_fires_counts_whatever_else_is_missing() {
        let config = Config::default();
        assert_eq!(judge(&calm(1e6), &config, NOW).exit(), Exit::FAILED);
        let mut look = Look::default();
        let list = |status| What::Alerts(AlertList { alerts: vec![alert(status)], apart: Vec::new(), said_by: "Prometheus".into() });
        seen(&mut look, SourceId::Alerts, list(AlertStatus::Pending));
        assert!(matches!(judge(&look, &config, NOW), Verdict::CannotTell(_)));
        seen(&mut look, SourceId::Alerts, list(AlertStatus::Firing));
        assert_eq!(judge(&look, &config, NOW), Verdict::Firing);
        let text = text(&look, &config, &Verdict::Firing, DateTime::UNIX_EPOCH);
        assert!(text.contains("critical HighErrorRate  since 00:00Z") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn json_says_the_same() {
        let look = calm(0.0);
        let document = document(&look, &Config::default(), &judge(&look, &Config::default(), NOW), DateTime::UNIX_EPOCH);
        assert_eq!(document["verdict"], "nothing_fires");
        assert_eq!(document["kpis"].as_array().map(Vec::len), Some(6));
        assert_eq!(document["sources"][0]["state"], "answered");
        assert_eq!(document["pods"], 0);
    }
}
