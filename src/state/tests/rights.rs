//! Who may write, by the cluster's access rules.

use super::play::*;
use crate::{
    actions::kinds,
    domain::{health::SourceId, observation::What, rights::Rights},
    state::{msg::Effect, overlay::Overlay},
};

fn of_every_kind() -> Play {
    let mut play = Play::new();
    play.state = std::mem::replace(&mut play.state, Play::new().state).with_kinds(kinds::catalogue());
    play
}

/// Every write but these.
fn refused(but: &[&str]) -> What {
    let refused = kinds::writes().into_iter().filter(|right| !but.contains(&right.words().as_str())).collect();
    What::Rights(Rights::Known { refused })
}

#[test]
fn whom_the_cluster_lets_write_nothing_views_only_and_sees_how_it_is_done_by_kubectl() {
    let mut play = of_every_kind();
    play.bad_deploy().take();
    assert!(!play.state.views_only());
    play.observe(SourceId::Cluster, refused(&[]));
    assert!(play.state.views_only());
    play.press("u");
    let notice = play.state.notice.clone().unwrap();
    assert!(notice.text.contains("may not patch deployments.apps: ask somebody who may to run kubectl rollout undo"), "{notice:?}");
    assert!(play.take().iter().all(|effect| !matches!(effect, Effect::Plan { .. })));
    play.press("m");
    let Some(Overlay::Menu(menu)) = play.state.overlays.last() else { panic!("no menu") };
    assert!(menu.items.iter().all(|item| item.disabled.is_some()), "{menu:?}");
    // Given the right a minute later, the key works.
    play.press("Esc").observe(SourceId::Cluster, refused(&["patch deployments.apps"]));
    assert!(!play.state.views_only());
    play.press("u");
    assert!(play.take().iter().any(|effect| matches!(effect, Effect::Plan { .. })));
}

#[test]
fn rights_that_could_not_be_asked_take_nothing_away() {
    let mut play = of_every_kind();
    play.bad_deploy().observe(SourceId::Cluster, What::Rights(Rights::Unknown));
    assert!(!play.state.views_only());
    play.press("u");
    assert!(play.take().iter().any(|effect| matches!(effect, Effect::Plan { .. })));
}
