//! What is unhealthy is counted, listed, suggested and offered for a restart by one rule.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::play::*;
use crate::{
    domain::{
        asks::{RestartUnhealthy, Unhealthy},
        health::SourceId,
        object::Key as Name,
        observation::{Delta, What},
        pod::{Owner, Phase, Pod},
        text::Text,
    },
    state::{cluster::is_node_lost, msg::Effect, overlay::Overlay},
};

/// What may be wrong with a pod, or not.
fn any_pod() -> impl Strategy<Value = Pod> {
    let owners = prop::sample::select(vec!["", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Node"]);
    let state = (0..10_usize, any::<bool>(), prop::sample::select(vec![-3_600_i64, -40, -20, 0]));
    (0..3_usize, 0..14_usize, owners, state, prop::sample::select(vec!["node-1", "node-2", "node-3"])).prop_map(
        |(app, number, owner, (state, is_ready, created), node)| {
            let app = ["a", "b", "c"][app];
            let well = Pod {
                owner: (!owner.is_empty()).then(|| Owner { kind: owner.into(), name: format!("{app}-x").into(), uid: "o".into() }),
                node: Some(node.into()),
                created: at(created),
                started: Some(at(created)),
                ..pod(&format!("{app}-x-{number}"), &format!("{app}-x"))
            };
            let with = |status: &'static str, phase| Pod { status: status.into(), phase, is_ready: false, ready_containers: 0, ..well.clone() };
            match state {
                0 => Pod { restarts: 7, ..with("CrashLoopBackOff", Phase::Running) },
                1 => with("Running", Phase::Running),
                2 => with("ContainerCreating", Phase::Pending),
                3 => with("Evicted", Phase::Failed),
                4 => with("Completed", Phase::Succeeded),
                5 => Pod { deleting_since: Some(at(-3_000)), is_ready, status: "Terminating".into(), ..well },
                6 => Pod { deleting_since: Some(at(20)), is_ready, status: "Terminating".into(), ..well },
                _ => well,
            }
        },
    )
}

#[test]
fn the_pods_of_a_node_that_says_itself_that_it_is_not_ready_are_not_lost() {
    for (reason, lost) in [("KubeletNotReady", 0), ("NodeStatusUnknown", 1)] {
        let mut play = Play::new();
        let node = Delta::Applied(node("node-1", Some((reason.into(), Some(at(-600))))));
        play.observe(SourceId::Nodes, What::Nodes(vec![Delta::ListStarted, node, Delta::Listed]));
        play.pods(vec![Pod { node: Some("node-1".into()), ..pod("shop-a-1", "shop-a") }]).live(SourceId::Pods);
        assert_eq!((play.state.cluster.unhealthy.len(), play.state.advice.suggestions.len()), (lost, lost), "{reason}");
    }
}

type ByApp = BTreeMap<String, BTreeSet<Name>>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn header_list_suggestion_and_offer_agree(pods in prop::collection::vec(any_pod(), 0..24)) {
        let mut play = Play::new();
        let lost = Some((Text::from("NodeStatusUnknown"), Some(at(-600))));
        let nodes = vec![Delta::ListStarted, Delta::Applied(node("node-1", None)), Delta::Applied(node("node-2", lost)), Delta::Listed];
        play.observe(SourceId::Nodes, What::Nodes(nodes));
        play.pods(pods).live(SourceId::Pods);
        let now = play.state.server_now();
        let cluster = &play.state.cluster;
        // From what was sent, not from what was kept of it.
        let all = || cluster.pods.objects.values().map(|pod| Pod { is_node_lost: is_node_lost(&cluster.nodes, pod.node.as_ref()), ..pod.clone() });
        let unhealthy: BTreeSet<Name> = all().filter(|pod| pod.is_unhealthy(now)).map(|pod| pod.key).collect();
        let restartable: BTreeSet<Name> = all().filter(|pod| pod.is_unhealthy(now) && pod.is_restartable(now)).map(|pod| pod.key).collect();
        prop_assert!(all().filter(|pod| pod.is_restartable(now)).all(|pod| pod.is_unhealthy(now)), "what is well is restarted");

        prop_assert_eq!(&cluster.unhealthy, &unhealthy, "the header's count");
        let listed: BTreeSet<Name> = play.state.shown_pods().cloned().collect();
        prop_assert_eq!(&listed, &unhealthy, "the cockpit's list");
        prop_assert_eq!(play.state.unhealthy_not_shown(""), 0);
        let weighed: BTreeSet<Name> = play.state.unhealthy_pods().map(|pod| pod.key.clone()).collect();
        prop_assert_eq!(&weighed, &restartable, "what suggestions weigh");
        for suggestion in &play.state.advice.suggestions {
            if let Some(RestartUnhealthy { pods: Unhealthy::Listed(pods), .. }) = suggestion.request.get() {
                prop_assert!(pods.iter().all(|pod| restartable.contains(&pod.key)), "{}", suggestion.title);
            }
        }

        let mut apps = ByApp::new();
        for key in &restartable {
            apps.entry(key.name.split('-').next().unwrap_or_default().to_owned()).or_default().insert(key.clone());
        }
        play.press(":").type_("restart-unhealthy ");
        let Some(Overlay::Palette(palette)) = play.state.overlays.last() else { panic!("no palette") };
        let offered: BTreeSet<String> = palette.matches.iter().filter_map(|entry| Some(entry.title.strip_prefix("restart-unhealthy ")?.to_owned())).collect();
        prop_assert_eq!(offered, apps.keys().cloned().collect(), "the palette's offer");
        play.press("Esc");
        for app in ["a", "b", "c"] {
            play.take();
            play.press(":").type_(&format!("restart-unhealthy {app}")).enter();
            let asked = play.take().into_iter().find_map(|effect| match effect {
                Effect::Plan { request, .. } => match request.get() {
                    Some(RestartUnhealthy { pods: Unhealthy::Listed(pods), .. }) => Some(pods.iter().map(|pod| pod.key.clone()).collect::<BTreeSet<_>>()),
                    _ => None,
                },
                _ => None,
            });
            prop_assert_eq!(asked.as_ref(), apps.get(app), "restart of {}", app);
            let spared = play.state.cluster.unhealthy.iter().filter(|key| key.name.starts_with(app)).find_map(|key| {
                let why = play.state.cluster.pods.get(key)?.vitals().spared(now)?;
                Some(format!("{} is not restarted: {why}", key.name))
            });
            if asked.is_none() {
                let expected = spared.unwrap_or_else(|| format!("no pod of {app} is unhealthy"));
                let said = play.state.notice.as_ref().map(|notice| notice.text.to_string());
                prop_assert!(said.as_ref().is_some_and(|said| said.contains(&expected)), "{said:?} does not say {expected}");
            }
            play.press("Esc Esc");
        }
    }
}
