//! What the cockpit must withstand: servers that are absent, die, freeze, refuse, lie and attack.

mod absent;
mod hostile;
mod killed;
mod leaving;
mod matrix;
mod nonsense;
mod pane;
mod stalled;
pub mod table;
mod two;
mod unanswered;

use libtest_mimic::Trial;

use super::{
    session::Session,
    trials::Trials,
    world::{Kind, SERVERS},
};

type Test = fn();

/// On the simulated platform alone: what they expect on the screen is its default incident.
const SIMULATED: &[(&str, Test)] = &[
    ("absent_kubernetes", || absent::one("kubernetes", "the pod watch does not answer since ")),
    ("absent_prometheus", || absent::one("prometheus", "Prometheus does not answer since ")),
    ("absent_elasticsearch", || absent::one("elasticsearch", "Elasticsearch does not answer since ")),
    ("absent_kubernetes_acknowledged", absent::acknowledged),
    ("absent_alertmanager", absent::alertmanager),
    ("absent_all", absent::all),
    ("hostile_answers", hostile::in_answers),
    ("hostile_objects", hostile::in_objects),
    ("hostile_log_lines", hostile::in_log_lines),
    ("leaving_by_term", || leaving::by_signal("TERM", 143)),
    ("leaving_by_hup", || leaving::by_signal("HUP", 129)),
    ("leaving_unanswered", leaving::unanswered),
    ("nonsense_prometheus", || nonsense::of_one("prometheus", "Prometheus")),
    ("nonsense_elasticsearch", || nonsense::of_one("elasticsearch", "Elasticsearch")),
    ("nonsense_alertmanager", nonsense::of_alertmanager),
    ("nonsense_kubernetes", nonsense::of_kubernetes),
    ("nonsense_bytes", nonsense::of_bytes),
    ("stalled_all", stalled::all),
    ("stalled_kubernetes_alone_is_new_again", stalled::lost),
    ("two_cockpits", two::share),
    ("unanswered_write", unanswered::resolved_by_reading),
    ("unanswered_write_and_lost_cluster", unanswered::lost_cluster),
];

/// Every test of faults that this world can play.
pub fn trials(kind: &Kind) -> Trials {
    let name = kind.name();
    let mut trials = Trials::default();
    let quiet = match kind {
        Kind::Simulated(_) => {
            trials.among_others.extend(SIMULATED.iter().map(|(test, play)| trial(format!("{name}::fault::{test}"), *play)));
            Kind::simulated(&["--scenario", "calm"])
        }
        Kind::Real(stack) => {
            for server in SERVERS {
                let stack = stack.clone();
                trials.alone.push(trial(format!("{name}::fault::{server}_killed"), move || killed::and_restarted(&stack, server)));
            }
            kind.clone()
        }
    };
    for server in SERVERS {
        for group in matrix::GROUPS {
            let quiet = quiet.clone();
            trials.among_others.push(trial(format!("{name}::fault::{server}_{}", group.name), move || matrix::play(quiet, server, group)));
        }
    }
    trials
}

fn trial(name: String, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// Whether any pane claims to be live.
fn live(screen: &str) -> bool {
    screen.contains('●')
}

/// Waits until the cockpit is connected and may act, and opens the card of the suggested undo with all its checks done.
fn open_undo_card(session: &mut Session) {
    session.wait("can write, with its suggestion", |screen| {
        screen.contains("can write") && !screen.contains("cannot write yet") && screen.contains("undo rollout api-gateway")
    });
    session.press("u");
    for check in ["✓ same cluster", "✓ allowed", "✓ server dry-run", "✓ unchanged", "✓ journal written", "Type prod"] {
        session.see(check);
    }
}

/// A key is answered at once, whatever the servers do.
fn press_help(session: &mut Session) {
    session.press("?").see("┌ Keys").esc().see_gone("┌ Keys");
}
