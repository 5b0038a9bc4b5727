//! The palette: what `Enter` runs, what it does not, and the words of kubectl and k9s.

use rstest::rstest;

use super::play::*;
use crate::{
    domain::object::Kind,
    state::{
        Screen,
        msg::{Effect, Key, KeyCode, Msg},
        overlay::{Overlay, Palette},
    },
};

fn palette(play: &Play) -> Option<&Palette> {
    match play.state.overlays.last() {
        Some(Overlay::Palette(palette)) => Some(palette),
        _ => None,
    }
}

fn typed(text: &str) -> Play {
    let mut play = Play::new();
    play.bad_deploy().take();
    play.press(":").type_(text);
    play
}

fn complaint(play: &Play) -> &str {
    palette(play).and_then(|palette| palette.complaint.as_ref()).map_or("", |complaint| complaint.as_str())
}

#[rstest]
#[case::a_part_of_a_writing_command("undo-r")]
#[case::a_part_that_several_have("un")]
#[case::a_part_of_its_argument("undo api")]
#[case::the_beginning_of_a_later_word("unhealthy")]
#[case::its_words("previous revision")]
#[case::a_call("calle")]
#[case::an_acknowledgement("unac")]
#[case::leaving("qui")]
fn what_was_not_typed_in_full_is_asked_for_and_not_run(#[case] text: &str) {
    let mut play = typed(text);
    assert!(!palette(&play).unwrap().matches.is_empty(), "{text}");
    play.enter();
    assert_eq!(play.take(), [], "{text}");
    assert!(complaint(&play).contains('↓'), "{text}: {:?}", complaint(&play));
    // Moving to it chooses it.
    play.press("down");
    assert_eq!(palette(&play).map(|palette| (palette.is_chosen, palette.cursor.row, palette.complaint.clone())), Some((true, 0, None)));
    play.enter();
    assert!(palette(&play).is_none(), "{text}");
}

#[rstest]
#[case("wat")]
#[case("rstunh")]
#[case("xyz")]
#[case("xyz pods")]
#[case("rollout")]
fn an_unknown_word_says_so_and_runs_nothing(#[case] text: &str) {
    let mut play = typed(text);
    play.enter();
    assert_eq!(play.take(), []);
    assert!(complaint(&play).contains(&format!("there is no command “{text}”")), "{:?}", complaint(&play));
}

#[rstest]
#[case("pods", Kind::Pod)]
#[case("pod", Kind::Pod)]
#[case("po", Kind::Pod)]
#[case("deploy", Kind::Deployment)]
#[case("deployments", Kind::Deployment)]
#[case("dp", Kind::Deployment)]
#[case("no", Kind::Node)]
#[case("nodes", Kind::Node)]
#[case("svc", Kind::Service)]
#[case("service", Kind::Service)]
#[case("hpa", Kind::HorizontalPodAutoscaler)]
#[case("dep", Kind::Deployment)]
#[case("events", Kind::Event)]
#[case("event", Kind::Event)]
#[case("ev", Kind::Event)]
#[case("sts", Kind::StatefulSet)]
#[case("statefulset", Kind::StatefulSet)]
#[case("statefulsets", Kind::StatefulSet)]
#[case("ds", Kind::DaemonSet)]
#[case("daemonsets", Kind::DaemonSet)]
#[case("job", Kind::Job)]
#[case("jobs", Kind::Job)]
#[case("cj", Kind::CronJob)]
#[case("cronjob", Kind::CronJob)]
#[case("cronjobs", Kind::CronJob)]
#[case("cm", Kind::ConfigMap)]
#[case("configmap", Kind::ConfigMap)]
#[case("configmaps", Kind::ConfigMap)]
fn words_of_kubectl_open_their_table(#[case] text: &str, #[case] kind: Kind) {
    let mut play = typed(text);
    play.enter();
    assert_eq!((play.state.screen, play.state.workloads.kind), (Screen::Workloads, kind));
}

#[rstest]
#[case("pvc", "there is no table of volume claims here: kubectl get persistentvolumeclaims -n n --context prod-uk-1")]
#[case("ing", "there is no table of Ingresses here: :svc shows the services behind them; kubectl get ingresses")]
#[case("secrets", "there is no table of Secrets here")]
#[case("rs", "Enter on a deployment shows its revisions")]
fn what_has_no_table_is_answered_with_what_shows_it(#[case] text: &str, #[case] answer: &str) {
    let mut play = typed(text);
    play.enter();
    assert!(complaint(&play).contains(answer), "{:?}", complaint(&play));
    assert_eq!(play.take(), []);
}

#[rstest]
#[case("q")]
#[case("q!")]
#[case("quit")]
fn leaving_by_name(#[case] text: &str) {
    let mut play = typed(text);
    play.enter();
    assert_eq!(play.take(), [Effect::Quit { code: 0 }]);
}

#[rstest]
#[case("scale nothing 6", "there is no deployment “nothing”")]
#[case("scale api-gateway many", "“many” is no number of replicas")]
#[case("theme pink", "there is no theme “pink”")]
#[case("pods kube-system", "“pods” takes no words after it")]
fn a_wrong_argument_is_named(#[case] text: &str, #[case] answer: &str) {
    let mut play = typed(text);
    play.enter();
    assert!(complaint(&play).contains(answer), "{:?}", complaint(&play));
    assert_eq!(play.take(), []);
}

#[test]
fn letters_scattered_in_a_command_that_writes_do_not_list_it() {
    for text in ["foo", "rst", "scl", "ubrk", "drn", "eject"] {
        let play = typed(text);
        let listed = &palette(&play).unwrap().matches;
        assert!(listed.iter().all(|entry| entry.command.only_looks()), "{text}: {listed:?}");
    }
    let meant = typed("rollout");
    assert!(palette(&meant).unwrap().matches.iter().any(|entry| entry.title.starts_with("undo-rollout")), "a word of it is a hit");
}

#[test]
fn nothing_typed_runs_nothing() {
    let mut play = typed("");
    play.enter();
    assert!(palette(&play).is_none());
    assert_eq!(play.take(), []);
    assert_eq!(play.state.screen, Screen::Cockpit);
}

#[test]
fn what_writes_and_is_typed_whole_opens_its_card() {
    let mut play = typed("undo-rollout");
    play.enter();
    assert!(matches!(play.take().last(), Some(Effect::Plan { .. })));
}

#[test]
fn a_line_and_its_enter_as_fast_as_in_a_paste_run_nothing_that_does_more_than_look() {
    let enter = || Msg::HastyKey(Key::plain(KeyCode::Enter));
    let mut play = typed("ack");
    play.send(enter());
    assert_eq!(play.take(), []);
    assert_eq!(complaint(&play), "Enter came too close to another key, as in a paste: press Enter again");
    play.enter();
    assert!(palette(&play).is_none());
    let mut play = typed("pods");
    play.send(enter());
    assert_eq!((play.state.screen, palette(&play)), (Screen::Workloads, None));
}
