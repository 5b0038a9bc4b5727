//! `sev1 doctor`: each server's reach, login, version, permissions, clock and latency; a remedy for what is not well.

mod logs;
pub mod permissions;
mod servers;

use std::{fmt::Write as _, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Exit, output, setup};
use crate::{
    cli::{Cli, Doctor, Output},
    config::Loaded,
    connect::{ConnectError, Reader, Target, identity},
    domain::{object::Scope, observation::Identity, text::Text, time::Clock, units},
    journal::{self, Root},
    sources::namespaces,
};

/// From this difference on, times on the screen mislead. The `Date` header counts whole seconds.
const CLOCK_LIMIT: chrono::Duration = chrono::Duration::seconds(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Ok,
    Warn,
    Fail,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    pub about: &'static str,
    pub level: Level,
    pub says: Text,
    /// What to do; none where all is well.
    pub remedy: Option<Text>,
}

impl Finding {
    fn ok(about: &'static str, says: &str) -> Self {
        Self { about, level: Level::Ok, says: Text::line(says), remedy: None }
    }

    fn warn(about: &'static str, says: &str, remedy: &str) -> Self {
        Self { about, level: Level::Warn, says: Text::line(says), remedy: Some(Text::line(remedy)) }
    }

    fn fail(about: &'static str, says: &str, remedy: &str) -> Self {
        Self { about, level: Level::Fail, says: Text::line(says), remedy: Some(Text::line(remedy)) }
    }

    fn of_error(about: &'static str, error: &ConnectError) -> Self {
        Self::fail(about, &error.to_string(), remedy(error))
    }
}

/// Everything that a check needs.
struct Patient<'a> {
    reader: Reader,
    scope: Scope,
    loaded: &'a Loaded,
    clock: Arc<dyn Clock>,
    journals: Root,
    timeout: Duration,
}

pub fn run(doctor: &Doctor, cli: &Cli, loaded: &mut Loaded) -> Exit {
    let (mut target, scope, home) = match setup::target(cli) {
        Ok(found) => found,
        Err(error) => return setup::refuse_connection(&error),
    };
    target.request_timeout = target.request_timeout.min(doctor.timeout);
    home.settle(loaded);
    let loaded = &*loaded;
    let findings = setup::block_on(async {
        let mut findings = vec![configuration(loaded), kubeconfig(&target, &scope)];
        let patient = Patient { reader: Reader::new(&target), scope, loaded, clock: home.clock, journals: home.journals, timeout: doctor.timeout };
        setup::log_in(&patient.reader).await;
        findings.extend(examine(&patient).await);
        findings
    });
    let findings = match findings {
        Ok(findings) => findings,
        Err(exit) => return exit,
    };
    let printed = match doctor.output {
        Output::Text => output::print(&text(&findings)),
        Output::Json => output::print_json(&findings),
    };
    if printed == Exit::DONE && findings.iter().any(|finding| finding.level == Level::Fail) { Exit::FAILED } else { printed }
}

async fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let identity = api_server(patient, &mut findings).await;
    let found = servers::discover(patient).await;
    if let Some(identity) = &identity {
        findings.extend(namespace(patient).await);
        findings.extend(permissions::check(patient, servers::place_of_alertmanager(patient, &found).as_ref()).await);
        findings.push(journal_of(&patient.journals, identity));
    }
    findings.extend(servers::check(patient, &found).await);
    findings
}

/// Whether the namespace exists that is watched; nothing where all are.
async fn namespace(patient: &Patient<'_>) -> Option<Finding> {
    const ABOUT: &str = "namespace";
    let namespace = patient.scope.namespace()?;
    let late = |_| Err(ConnectError::Timeout { server: patient.reader.server().clone(), after: patient.timeout });
    let asked = tokio::time::timeout(patient.timeout, namespaces::doubt(&patient.reader, namespace)).await.unwrap_or_else(late);
    Some(match asked {
        Ok(None) => Finding::ok(ABOUT, &format!("{namespace} exists")),
        Ok(Some(doubt)) if doubt.is_certain => Finding::fail(ABOUT, &doubt.says, &doubt.remedy),
        Ok(Some(doubt)) => Finding::warn(ABOUT, &doubt.says, &doubt.remedy),
        Err(error) => Finding::of_error(ABOUT, &error),
    })
}

fn configuration(loaded: &Loaded) -> Finding {
    match loaded.files.as_slice() {
        [] => Finding::ok("configuration", "no file: every setting has its default"),
        files => Finding::ok("configuration", &files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")),
    }
}

fn kubeconfig(target: &Target, scope: &Scope) -> Finding {
    let namespaces = scope.namespace().map_or_else(|| "all namespaces".to_owned(), |namespace| format!("namespace {namespace}"));
    let says = format!("context {}, cluster {} at {}, {namespaces}", target.context, target.cluster, target.server);
    if target.withholds {
        return Finding::warn(
            "kubeconfig",
            &format!("{says}; its credentials are not sent by plain http"),
            "give the https address in the kubeconfig",
        );
    }
    if target.insecure {
        Finding::warn("kubeconfig", &format!("{says}; its certificate is not verified"), "give the cluster's certificate-authority in the kubeconfig")
    } else {
        Finding::ok("kubeconfig", &says)
    }
}

async fn api_server(patient: &Patient<'_>, findings: &mut Vec<Finding>) -> Option<Identity> {
    let before = patient.clock.now();
    let asked = tokio::time::timeout(patient.timeout, patient.reader.get_json("/version", &[])).await;
    let after = patient.clock.now();
    let answer = match asked.unwrap_or_else(|_| Err(ConnectError::Timeout { server: patient.reader.server().clone(), after: patient.timeout })) {
        Ok(answer) => answer,
        Err(error) => {
            findings.push(Finding::of_error("Kubernetes", &error));
            return None;
        }
    };
    let latency = after.mono.since(before.mono);
    match identity::read(&patient.reader).await {
        Ok((identity, _)) => {
            let says = format!("{}, {} ms, as {}", identity.version, latency.as_millis(), identity.cluster.user);
            findings.push(Finding::ok("Kubernetes", &says));
            findings.extend(answer.date.map(|date| clock_offset("Kubernetes", date, after.utc)));
            Some(identity)
        }
        Err(error) => {
            findings.push(Finding::of_error("Kubernetes", &error));
            None
        }
    }
}

/// How far a server's clock is from ours.
fn clock_offset(about: &'static str, server: DateTime<Utc>, ours: DateTime<Utc>) -> Finding {
    let offset = server - ours;
    let difference = units::countdown(offset.abs().to_std().unwrap_or_default());
    if offset.abs() < CLOCK_LIMIT {
        return Finding::ok(about, "its clock agrees with ours");
    }
    let side = if offset > chrono::Duration::zero() { "ahead of" } else { "behind" };
    Finding::warn(about, &format!("its clock is {difference} {side} ours"), "set both by NTP; until then sev1 corrects ages by this difference")
}

/// Whether the journal of this cluster can be written; without it there are no mitigations.
fn journal_of(journals: &Root, identity: &Identity) -> Finding {
    let tried = journals.directory(&identity.cluster.uid).map_err(|error| error.to_string()).and_then(|directory| {
        let closed = journal::usable(&directory).map_err(|error| error.to_string())?;
        Ok((directory, closed))
    });
    match tried {
        Ok((directory, closed)) => {
            let can = format!("{} can be written", directory.display());
            Finding::ok("journal", &std::iter::once(can.as_str()).chain(closed.iter().map(Text::as_str)).collect::<Vec<_>>().join("; "))
        }
        Err(why) => Finding::fail("journal", &why, "make the directory writable, or set XDG_STATE_HOME; mitigations are off without a journal"),
    }
}

/// What to do about a failed connection.
fn remedy(error: &ConnectError) -> &'static str {
    match error {
        ConnectError::Config(_) => "correct the address or the file named here",
        ConnectError::Credentials { .. } => "do what is said here, then try: kubectl get namespaces",
        ConnectError::Unauthorized { .. } => "log in again, or correct the credentials in the configuration",
        ConnectError::Unreachable { .. } => "check that it runs, and the address, VPN and proxy on the way to it",
        ConnectError::Tls { .. } => "check the address and give its certificate authority (ca_file, or certificate-authority)",
        ConnectError::Forbidden { .. } => "ask for a role with this permission",
        ConnectError::NotFound { .. } => "check the address: something else may be listening there",
        ConnectError::Timeout { .. } | ConnectError::Cut { .. } => "check the network on the way to it, or give it longer by --timeout",
        ConnectError::TooManyRequests { .. } => "wait: it is overloaded",
        ConnectError::NotJson { .. } => "check the address: a login page or a proxy may be answering",
        ConnectError::TooMany { .. } => "watch one namespace with -n NAMESPACE",
        ConnectError::Gone { .. } | ConnectError::Another { .. } | ConnectError::Server { .. } | ConnectError::TooLarge { .. } => {
            "look at the server's own log"
        }
    }
}

fn text(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.about.len()).max().unwrap_or(0);
    let mut text = String::new();
    for finding in findings {
        let word = match finding.level {
            Level::Ok => "ok  ",
            Level::Warn => "warn",
            Level::Fail => "FAIL",
        };
        let _ = writeln!(text, "{word}  {:width$}  {}", finding.about, finding.says);
        if let Some(remedy) = &finding.remedy {
            let _ = writeln!(text, "      {:width$}  -> {remedy}", "");
        }
    }
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let _ = writeln!(text, "\n{} ok, {} to look at, {} failed", count(Level::Ok), count(Level::Warn), count(Level::Fail));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_are_named_with_their_side() {
        let ours = DateTime::UNIX_EPOCH;
        assert_eq!(clock_offset("x", ours + chrono::Duration::seconds(2), ours).level, Level::Ok);
        let behind = clock_offset("x", ours - chrono::Duration::seconds(90), ours);
        assert_eq!((behind.level, &*behind.says), (Level::Warn, "its clock is 01:30 behind ours"));
    }

    #[test]
    fn the_report_counts_and_remedies() {
        let report = text(&[Finding::ok("a", "fine"), Finding::fail("bb", "gone\u{1b}[2J", "restart it")]);
        assert!(report.starts_with("ok    a   fine\nFAIL  bb  gone<U+001B>[2J\n          -> restart it\n"), "{report}");
        assert!(report.ends_with("\n1 ok, 0 to look at, 1 failed\n"), "{report}");
    }
}
