//! `sev1 demo`: the simulated platform, and the cockpit on it with no special path.

use std::{fs, io, path::PathBuf, sync::Arc};

use serde::Serialize;

use super::{Exit, cockpit, output, setup};
use crate::{
    cli::{Cli, Cluster, Demo, Output},
    config::{Loaded, example_commands, shape::Servers},
    connect::kubeconfig,
    domain::{object::Scope, time::Clock},
    runtime::clock::SystemClock,
    sim,
};

/// What `--serve` prints.
#[derive(Debug, Serialize)]
struct Served<'a> {
    kubeconfig: PathBuf,
    kubernetes: &'a str,
    prometheus: &'a str,
    alertmanager: &'a str,
    elasticsearch: &'a str,
}

/// Starts the platform and opens the cockpit on it, or serves it until it is interrupted.
pub fn run(demo: &Demo, cli: &Cli, loaded: Loaded) -> Exit {
    setup::block_on(play(demo, cli, loaded)).unwrap_or_else(|exit| exit)
}

async fn play(demo: &Demo, cli: &Cli, loaded: Loaded) -> Exit {
    let clock = SystemClock::new();
    let options = sim::Options {
        scenario: demo.scenario.clone(),
        seed: demo.seed,
        speed: demo.speed,
        pods: demo.pods.map_or(0, |pods| pods as usize),
        clock: Arc::new(move || clock.now().utc),
    };
    let mut running = match sim::open(options).await {
        Ok(running) => running,
        Err(error) => {
            output::complain(&error.to_string());
            return Exit::USAGE;
        }
    };
    // The platform is reached as any cluster is: by a kubeconfig file, in a folder that only this user can read.
    let folder = match tempfile::Builder::new().prefix("sev1-demo-").tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            output::complain(&format!("the demo's kubeconfig needs a temporary folder: {error}"));
            return Exit::FAILED;
        }
    };
    let file = folder.path().join("kubeconfig");
    if let Err(error) = fs::write(&file, &running.kubeconfig) {
        output::complain(&format!("{} cannot be written: {error}", file.display()));
        return Exit::FAILED;
    }
    if demo.serve {
        if let Err(error) = running.ready().await {
            output::complain(&error.to_string());
            return Exit::FAILED;
        }
        return serve(demo, &running, file).await;
    }

    // The user's own servers have nothing to do with the simulated ones.
    let mut config = loaded.config;
    config.servers = Servers::default();
    if config.mitigations.commands.is_empty() {
        config.mitigations.commands = example_commands();
    }
    let asked = Cluster { kubeconfig: Some(file), ..cli.cluster.clone() };
    let target = match kubeconfig::load(&setup::kube_options(&asked)) {
        Ok(target) => target,
        Err(error) => return setup::refuse_connection(&error),
    };
    let scope = if asked.all_namespaces { Scope::All } else { Scope::One(target.namespace.clone()) };
    cockpit::open(config, &target, scope, true).await
}

async fn serve(demo: &Demo, running: &sim::Running, kubeconfig: PathBuf) -> Exit {
    let served = Served {
        kubeconfig,
        kubernetes: &running.kubernetes_url,
        prometheus: &running.prometheus_url,
        alertmanager: &running.alertmanager_url,
        elasticsearch: &running.elasticsearch_url,
    };
    let printed = match demo.output {
        Output::Json => output::print_json(&served),
        Output::Text => output::print(&format!(
            "export KUBECONFIG={}\nexport PROMETHEUS_URL={}\nexport ALERTMANAGER_URL={}\nexport ELASTICSEARCH_URL={}\n# Kubernetes API: {}\n# Ctrl-C ends it.\n",
            served.kubeconfig.display(),
            served.prometheus,
            served.alertmanager,
            served.elasticsearch,
            served.kubernetes,
        )),
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

/// Until somebody wants it to end: so that the temporary kubeconfig is removed.
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
