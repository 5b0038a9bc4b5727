//! `sev1 demo`: the simulated platform, and the cockpit on it with no special path.

use std::{env, fmt::Write as _, sync::Arc};

use super::{
    super::{
        Exit,
        cockpit::{self, Place},
        home::{self, Home},
        output, setup,
    },
    folder::{About, Folder},
    serve,
};
use crate::{
    cli::{Cli, Cluster, Demo},
    config::{Config, Loaded, shape::Servers},
    connect::{ConnectError, kubeconfig},
    domain::{
        object::Scope,
        text::Text,
        time::{Clock, Speed},
    },
    journal::Root,
    runtime::clock::{Paced, SystemClock},
    sim,
};

/// For `demo --help`: every scenario by its own title.
pub fn scenarios() -> String {
    let mut text = "Scenarios:\n".to_owned();
    for (name, title) in sim::world::scenario::titles() {
        let _ = writeln!(text, "  {name:<18} {title}");
    }
    text
}

/// Starts the platform and opens the cockpit on it, or serves it until it is interrupted.
pub fn run(demo: &Demo, cli: &Cli, program: &str, loaded: Loaded) -> Exit {
    setup::block_on(play(demo, cli, program, loaded)).unwrap_or_else(|exit| exit)
}

async fn play(demo: &Demo, cli: &Cli, program: &str, loaded: Loaded) -> Exit {
    // World and cockpit count from one moment, by one clock: they cannot drift apart.
    let system = SystemClock::new();
    let begin = system.now().utc;
    let (real, clock) = (Paced::since(begin, Speed::OF_LIFE, system), home::demo_clock(begin, demo.speed));
    let options = sim::Options {
        scenario: demo.scenario.clone(),
        seed: demo.seed,
        speed: demo.speed,
        pods: demo.pods.map_or(0, |pods| pods as usize),
        clock: Arc::new(move || real.now().utc),
    };
    let mut running = match sim::open(options).await {
        Ok(running) => running,
        Err(error) => {
            output::complain(&error.to_string());
            return Exit::USAGE;
        }
    };
    // The platform is reached as any cluster is: by a kubeconfig file.
    let about = About { server: running.kubernetes_url.clone(), begin, speed: demo.speed };
    let folder = match Folder::make(&env::temp_dir(), &about, &running.kubeconfig) {
        Ok(folder) => folder,
        Err(error) => {
            output::complain(&format!("the demo needs a folder of its own in {}: {error}", env::temp_dir().display()));
            return Exit::FAILED;
        }
    };
    if demo.serve {
        if let Err(error) = running.ready().await {
            output::complain(&error.to_string());
            return Exit::FAILED;
        }
        return serve::serve(demo.output, program, &running, folder.kubeconfig()).await;
    }

    // The kubeconfig that is made for it is one for the whole run.
    let asked = Cli { cluster: Cluster { kubeconfig: Some(folder.kubeconfig()), ..cli.cluster.clone() }, ..cli.clone() };
    let home = Home { journals: Root::At(folder.state()), clock: Arc::new(clock), is_demo: true };
    let find = |flags: &Cli| place(flags, loaded.config.clone(), &home);
    match find(&asked) {
        Ok(first) => Box::pin(cockpit::stay(asked, first, |flags| find(flags).map_err(|error| Text::line(&error.to_string())))).await,
        Err(error) => setup::refuse_connection(&error),
    }
}

/// A place of the demo. The user's own servers, and what the breaker guards there, have nothing to do with the simulated ones.
fn place(cli: &Cli, mut config: Config, home: &Home) -> Result<Place, ConnectError> {
    config.servers = Servers::default();
    config.mitigations.breaker.guards = sim::incident::guarded();
    home::suit(&mut config, home.clock.speed());
    let target = kubeconfig::load(&setup::kube_options(&cli.cluster), &setup::clock())?;
    let scope = if cli.cluster.all_namespaces { Scope::All } else { Scope::One(target.namespace.clone()) };
    Ok(Place { config, target, scope, home: home.clone() })
}
