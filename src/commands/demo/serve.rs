//! `demo --serve`: prints how to reach the platform and what to try on it, and waits to be ended.

use std::{fmt::Write as _, io, path::PathBuf};

use serde::Serialize;

use super::super::{Exit, output};
use crate::{cli::Output, domain::shell::quoted, sim};

/// What is printed.
#[derive(Debug, Serialize)]
struct Served<'a> {
    kubeconfig: PathBuf,
    kubernetes: &'a str,
    prometheus: &'a str,
    alertmanager: &'a str,
    elasticsearch: &'a str,
    /// Commands for a shell, each of which works as it is.
    examples: Vec<String>,
}

impl Served<'_> {
    fn text(&self) -> String {
        let exports = [
            ("KUBECONFIG", &*self.kubeconfig.to_string_lossy()),
            ("PROMETHEUS_URL", self.prometheus),
            ("ALERTMANAGER_URL", self.alertmanager),
            ("ELASTICSEARCH_URL", self.elasticsearch),
        ];
        let mut text = String::new();
        for (name, value) in exports {
            let _ = writeln!(text, "export {name}={}", quoted(value));
        }
        let _ = writeln!(text, "# Kubernetes API: {}", self.kubernetes);
        text.push_str("# In another terminal, with or without these variables:\n");
        for example in &self.examples {
            let _ = writeln!(text, "{example}");
        }
        text.push_str("# Ctrl-C here ends it.\n");
        text
    }
}

/// Serves until it is ended. `program` is what this one was called as.
pub async fn serve(form: Output, program: &str, running: &sim::Running, kubeconfig: PathBuf) -> Exit {
    let served = Served {
        kubernetes: &running.kubernetes_url,
        prometheus: &running.prometheus_url,
        alertmanager: &running.alertmanager_url,
        elasticsearch: &running.elasticsearch_url,
        examples: examples(program, running, &kubeconfig.to_string_lossy()),
        kubeconfig,
    };
    let printed = match form {
        Output::Json => output::print_json(&served),
        Output::Text => output::print(&served.text()),
    };
    if printed != Exit::DONE {
        return printed;
    }
    match ended().await {
        Ok(()) => Exit::DONE,
        Err(error) => {
            output::complain(&format!("signals cannot be watched: {error}"));
            Exit::FAILED
        }
    }
}

fn examples(program: &str, running: &sim::Running, kubeconfig: &str) -> Vec<String> {
    let kubeconfig = quoted(kubeconfig);
    let kubectl = |words: &str| format!("kubectl --kubeconfig {kubeconfig} {words}");
    let curl = |server: &str, path: &str| format!("curl -s {}", quoted(&format!("{server}{path}")));
    let sev1 = |words: &str| format!("{} --kubeconfig {kubeconfig} {words}", quoted(program));
    vec![
        kubectl("get pods"),
        kubectl("get events --sort-by=.lastTimestamp"),
        curl(&running.prometheus_url, "/api/v1/query?query=up"),
        curl(&running.alertmanager_url, "/api/v2/alerts"),
        curl(&running.elasticsearch_url, "/_search?size=1&q=level:ERROR"),
        sev1("doctor"),
        sev1("do run db-connections"),
        sev1("do restart deployment/web-portal"),
        sev1("do restart deployment/web-portal --yes-on prod-uk-1"),
        sev1("undo --list"),
        sev1("audit verify"),
    ]
}

/// Until somebody wants it to end: so that the folder is removed.
async fn ended() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
        _ = hang_up.recv() => Ok(()),
    }
}
