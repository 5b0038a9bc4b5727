//! Switching to another namespace or context from the palette.

use rstest::rstest;

use super::play::*;
use crate::{
    config::Config,
    domain::{mitigation::Friction, object::Scope, text::Text},
    state::{
        msg::{Effect, Msg},
        overlay::{Overlay, Palette},
        switch::{Destination, Namespaces},
    },
};

fn play() -> Play {
    let mut play = Play::with(Config::default(), false);
    play.state.destinations.contexts = ["prod-uk-1", "prod-2", "staging"].map(Into::into).into();
    play.bad_deploy().take();
    play
}

fn listed() -> Msg {
    Msg::Namespaces(Ok(["n", "shop", "shop-2"].map(Into::into).into()))
}

fn palette(play: &Play) -> &Palette {
    match play.state.overlays.last() {
        Some(Overlay::Palette(palette)) => palette,
        other => panic!("no palette but {other:?}"),
    }
}

fn complaint(play: &Play) -> &str {
    palette(play).complaint.as_deref().unwrap_or_default()
}

fn asked(play: &Play) -> Option<(Destination, Option<Text>)> {
    match play.state.overlays.last() {
        Some(Overlay::SwitchQuestion(question)) => Some((question.to.clone(), question.word.clone())),
        _ => None,
    }
}

fn namespace(name: &str) -> Destination {
    Destination::Namespace(Scope::One(name.into()))
}

#[test]
fn namespaces_are_listed_and_gone_to_after_a_question() {
    let mut play = play();
    play.press(":").type_("ns").enter();
    assert_eq!((play.take(), palette(&play).line.text.as_str()), (vec![Effect::ListNamespaces], "ns "));
    assert!(complaint(&play).contains("asking the API server"), "{}", complaint(&play));
    play.send(listed());
    let titles: Vec<&str> = palette(&play).matches.iter().take(4).map(|entry| entry.title.as_str()).collect();
    assert_eq!((titles, complaint(&play)), (vec!["ns n", "ns shop", "ns shop-2", "ns all"], ""));
    play.enter();
    assert!(complaint(&play).contains('↓'), "nothing is chosen by itself");
    play.press("down down").enter();
    assert_eq!(asked(&play), Some((namespace("shop"), None)));
    play.press("enter");
    assert_eq!((asked(&play), play.take()), (None, Vec::new()), "only y goes");
    play.press(":").type_("ns shop").enter().press("y");
    assert_eq!(play.take(), [Effect::Switch(namespace("shop"))]);
    play.press(":").type_("ns all").enter().press("y");
    assert_eq!(play.take(), [Effect::Switch(Destination::Namespace(Scope::All))]);
}

#[rstest]
#[case("ns nowhere", "has no namespace “nowhere”")]
#[case("ctx nowhere", "the kubeconfig has no context “nowhere”")]
#[case("ns a b", "takes one name")]
fn an_unknown_name_says_so(#[case] line: &str, #[case] words: &str) {
    let mut play = play();
    play.press(":").type_("ns ");
    play.send(listed());
    play.press("ctrl-u").type_(line).enter();
    assert!(complaint(&play).contains(words), "{:?}", complaint(&play));
    assert!(!play.take().iter().any(|effect| matches!(effect, Effect::Switch(_))));
}

#[test]
fn a_name_can_be_typed_where_they_may_not_be_listed() {
    let mut play = play();
    play.press(":").type_("ns ");
    play.send(Msg::Namespaces(Err("you may not list namespaces".into())));
    assert_eq!(complaint(&play), "you may not list namespaces: type ns NAME");
    play.type_("shop").enter();
    assert_eq!(asked(&play), Some((namespace("shop"), None)));
}

#[test]
fn production_is_gone_to_by_its_name_only() {
    let mut play = play();
    play.press(":").type_("ctx prod-2").enter();
    assert_eq!(asked(&play), Some((Destination::Context("prod-2".into()), Some("prod-2".into()))));
    play.press("y").enter();
    assert_eq!(play.take(), []);
    assert!(asked(&play).is_some());
    play.press("ctrl-u").type_("prod-2").enter();
    assert_eq!(play.take(), [Effect::Switch(Destination::Context("prod-2".into()))]);

    play.press(":").type_("ctx staging").enter().press("y");
    assert_eq!(play.take(), [Effect::Switch(Destination::Context("staging".into()))]);
}

#[rstest]
#[case("ns n", "this is namespace n already")]
#[case("ctx prod-uk-1", "this is context prod-uk-1 already")]
fn where_one_is_there_is_no_question(#[case] line: &str, #[case] words: &str) {
    let mut play = play();
    play.state.destinations.namespaces = Namespaces::Known(vec!["n".into()]);
    play.press(":").type_(line).enter();
    assert_eq!(asked(&play), None);
    assert_eq!(play.state.notice.as_ref().map(|notice| notice.text.to_string()).as_deref(), Some(words));
}

#[test]
fn nothing_is_left_while_something_is_in_flight() {
    let mut play = play();
    play.press("u").planned(Friction::Key).press("y").press(":").type_("ctx staging").enter();
    assert_eq!(asked(&play), None);
    let notice = play.state.notice.clone().unwrap().text;
    assert!(notice.starts_with("no switching yet: ") && notice.contains("is being written"), "{notice}");
    assert!(!play.take().iter().any(|effect| matches!(effect, Effect::Switch(_))));
}
