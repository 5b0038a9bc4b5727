//! Prometheus, Alertmanager and Elasticsearch: reach, login, version, clock, latency, and whether they hold what is asked for.

use serde_json::Value;

use super::{Finding, Patient, clock_offset, logs};
use crate::{
    commands::look,
    config::shape::Server,
    connect::{
        ConnectError, Endpoint, HttpAnswer, HttpReader,
        discovery::{self, Found, Which},
    },
    domain::text::Text,
    sources,
};

/// The three servers, each on its own so that a slow one delays no other.
pub async fn check(patient: &Patient<'_>, found: &Discovery) -> Vec<Finding> {
    let (prometheus, alertmanager, elasticsearch) =
        futures::join!(prometheus(patient, found), alertmanager(patient, found), elasticsearch(patient, found));
    prometheus.into_iter().chain(alertmanager).chain(elasticsearch).collect()
}

/// What a look at the cluster's services found; nothing where all three are configured.
pub type Discovery = Result<Found, ConnectError>;

pub async fn discover(patient: &Patient<'_>) -> Discovery {
    let servers = &patient.loaded.config.servers;
    if servers.prometheus.is_some() && servers.alertmanager.is_some() && servers.elasticsearch.is_some() {
        return Ok(Found::default());
    }
    let late = |_| Err(ConnectError::Timeout { server: patient.reader.server().clone(), after: patient.timeout });
    tokio::time::timeout(patient.timeout, discovery::find(&patient.reader, &patient.scope)).await.unwrap_or_else(late)
}

/// Where silences are made: as configured, or as found. An address that cannot be read is reported by [`check`].
pub fn place_of_alertmanager(patient: &Patient<'_>, found: &Discovery) -> Option<Endpoint> {
    match &patient.loaded.config.servers.alertmanager {
        Some(server) => server.url.parse().ok(),
        None => found.as_ref().ok()?.get(Which::Alertmanager).cloned(),
    }
}

/// Largest answer that is read.
const ANSWER_LIMIT: usize = 1 << 20;

async fn prometheus(patient: &Patient<'_>, found: &Discovery) -> Vec<Finding> {
    const ABOUT: &str = "Prometheus";
    let config = &patient.loaded.config;
    let (mut findings, client) = match reach(patient, ABOUT, Which::Prometheus, found, config.servers.prometheus.as_ref()) {
        Ok(client) => greet(patient, ABOUT, client, "/api/v1/status/buildinfo", "/data/version").await,
        Err(finding) => return vec![finding],
    };
    let Some(client) = client else { return findings };
    let mut missing = Vec::new();
    let late = |_| Err(ConnectError::Timeout { server: Text::line(client.name()), after: patient.timeout });
    for kpi in &config.kpis {
        let measured = tokio::time::timeout(patient.timeout, sources::measure(&client, kpi)).await.unwrap_or_else(late);
        match measured {
            // The most frequent cause, said once of all that have it.
            Ok(reading) if reading.value.is_none() && reading.problem.is_none() => missing.push(kpi.title.to_string()),
            Ok(reading) => findings.extend(look::doubt(kpi, &reading).map(|doubt| {
                let remedy = format!("its query is: {}", kpi.query);
                Finding::warn(ABOUT, &format!("{}: {doubt}", kpi.title), &remedy)
            })),
            Err(error) => findings.push(Finding::warn(ABOUT, &format!("{}: {error}", kpi.title), super::remedy(&error))),
        }
    }
    if !missing.is_empty() {
        let says = format!("no data for {}", missing.join(", "));
        findings.push(Finding::warn(ABOUT, &says, "set kpis.NAME.query to metrics that are scraped here, or leave them out of panes.tiles"));
    }
    findings
}

async fn alertmanager(patient: &Patient<'_>, found: &Discovery) -> Vec<Finding> {
    const ABOUT: &str = "Alertmanager";
    match reach(patient, ABOUT, Which::Alertmanager, found, patient.loaded.config.servers.alertmanager.as_ref()) {
        Ok(client) => greet(patient, ABOUT, client, "/api/v2/status", "/versionInfo/version").await.0,
        Err(finding) => vec![finding],
    }
}

async fn elasticsearch(patient: &Patient<'_>, found: &Discovery) -> Vec<Finding> {
    const ABOUT: &str = "Elasticsearch";
    let config = &patient.loaded.config;
    let (mut findings, client) = match reach(patient, ABOUT, Which::Elasticsearch, found, config.servers.elasticsearch.as_ref()) {
        Ok(client) => greet(patient, ABOUT, client, "/", "/version/number").await,
        Err(finding) => return vec![finding],
    };
    let Some(client) = client else { return findings };
    findings.extend(logs::check(&client, &config.errors, patient.timeout).await);
    findings
}

/// The client of a server: as configured, or as found in the cluster.
fn reach(patient: &Patient<'_>, about: &'static str, which: Which, found: &Discovery, server: Option<&Server>) -> Result<HttpReader, Finding> {
    let made = match (server, found) {
        (Some(server), _) => HttpReader::configured(server, &patient.reader),
        (None, Ok(found)) => match found.get(which) {
            Some(endpoint) => HttpReader::found(endpoint, &patient.reader),
            None => return Err(Finding::warn(about, "not connected", &which.remedy(found.forbidden))),
        },
        (None, Err(error)) => {
            let name = about.to_lowercase();
            let remedy = format!("give --{name} URL, or set servers.{name}.url");
            return Err(Finding::fail(about, &format!("cannot be looked for in the cluster: {error}"), &remedy));
        }
    };
    made.map_err(|error| Finding::of_error(about, &error))
}

/// Asks for the version, and measures.
async fn greet(patient: &Patient<'_>, about: &'static str, client: HttpReader, path: &str, version: &str) -> (Vec<Finding>, Option<HttpReader>) {
    let before = patient.clock.now();
    let asked = client.get(path, &[], ANSWER_LIMIT, patient.timeout).await;
    let after = patient.clock.now();
    let date = asked.as_ref().ok().and_then(|answer| answer.date);
    match asked.and_then(|answer| read_version(&answer, version)) {
        Ok(version) => {
            let latency = after.mono.since(before.mono).as_millis();
            let mut findings = vec![Finding::ok(about, &format!("{version}, {latency} ms, at {}", client.name()))];
            if client.sends_login_readably() {
                let remedy = "give its https address, and leave login_over_http out";
                findings.push(Finding::warn(about, "its login is sent by plain http, where it can be read on the way", remedy));
            }
            findings.extend(date.map(|date| clock_offset(about, date, after.utc)));
            (findings, Some(client))
        }
        Err(error) => (vec![Finding::of_error(about, &error)], None),
    }
}

fn read_version(answer: &HttpAnswer, pointer: &str) -> Result<Text, ConnectError> {
    let json: Value = answer.json()?;
    Ok(json.pointer(pointer).and_then(Value::as_str).map_or_else(|| "version not said".into(), Text::line))
}
