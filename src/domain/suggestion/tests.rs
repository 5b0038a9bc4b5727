//! What is suggested, what is waited for, and when nothing is said.

use chrono::TimeDelta;

use super::{
    super::{
        asks::{RestartUnhealthy, SetConfigKey, SetHpaBounds, UndoRollout, Unhealthy},
        change::{Change, ChangeKind},
        kpi::Role,
        object::Kind,
        suspect::Sick,
    },
    *,
};

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + minutes * 60, 0).unwrap()
}

fn object(kind: Kind, name: &str) -> ObjectRef {
    ObjectRef { kind, key: Key::new("n", name), uid: "u".into() }
}

fn candidate(name: &str, minute: i64, what: ChangeKind) -> Candidate {
    let kind = if matches!(what, ChangeKind::ConfigChanged { .. }) { Kind::ConfigMap } else { Kind::Deployment };
    let change = Change { at: Some(at(minute)), object: object(kind, name), what, by: Some("ci".into()) };
    Candidate { change, is_present: true, sick: Sick::default(), is_short: false, readers: Vec::new() }
}

fn rollout(name: &str, minute: i64) -> Candidate {
    candidate(name, minute, ChangeKind::Rollout { from: 41, to: 42, images: Vec::new(), brings_back: None, images_of: None })
}

fn complaint(service: &str, about: About) -> Complaint {
    Complaint { service: service.into(), shape: "something is wrong".into(), recent: 50, first_seen: at(7), about }
}

fn breaker() -> Breaker {
    Breaker {
        config_map: Key::new("n", "api-config"),
        name: "circuit_breaker_enabled".into(),
        value_on: "true".into(),
        is_on: false,
        readers: vec!["api-gateway".into()],
        guards: Vec::new(),
    }
}

/// Errors since minute 7, it is minute 10.
fn trouble() -> Evidence {
    Evidence {
        now: at(10),
        began: Some(at(7)),
        worst: Some("error_rate".into()),
        critical_errors: Some("error_rate".into()),
        breaker: Some(breaker()),
        restart_at_once: 1,
        kubectl: Some(KubectlFlags::of_context("prod uk").with("--as", Some("me"))),
        namespace: "n".into(),
        knows_errors: true,
        ..Evidence::default()
    }
}

/// Of four ready pods, of which there may be ten.
fn overload() -> Overload {
    Overload {
        what: "Sync backlog 4,210".into(),
        indicator: "sync_backlog".into(),
        deployment: Key::new("n", "sync"),
        replicas: 4,
        ready: 4,
        max: Some(10),
    }
}

/// A rollout of api-gateway, two of whose pods crash.
fn bad_deploy() -> Evidence {
    let mut culprit = rollout("api-gateway", 5);
    culprit.sick = Sick { pods: 2, crashing: 2, ..Sick::default() };
    let unhealthy = UnhealthyApp {
        app: "api-gateway".into(),
        pods: vec![object(Kind::Pod, "a"), object(Kind::Pod, "b")],
        crash_looping: 2,
        out_of_memory: 0,
        hanging: 0,
        started: 0,
        deployment: Some(Key::new("n", "api-gateway")),
    };
    Evidence { candidates: vec![culprit], unhealthy: vec![unhealthy], ..trouble() }
}

fn keys(advice: &Advice) -> String {
    advice.suggestions.iter().map(|suggestion| suggestion.key).collect()
}

fn titles(advice: &Advice) -> Vec<&str> {
    advice.suggestions.iter().map(|suggestion| suggestion.title.as_str()).collect()
}

#[test]
fn pods_that_are_left_out_of_a_restart_are_said() {
    let mut evidence = bad_deploy();
    evidence.unhealthy[0].hanging = 2;
    let said = |evidence: &Evidence| advise(evidence).suggestions.iter().find(|one| one.key == 'r').unwrap().evidence.to_string();
    assert!(!said(&evidence).contains("started"));
    evidence.unhealthy[0].started = 2;
    assert!(said(&evidence).ends_with(", and 2 just started"), "{}", said(&evidence));
}

#[test]
fn a_sick_rollout_ranks_above_a_restart_and_the_breaker() {
    let advice = advise(&bad_deploy());
    assert_eq!(keys(&advice), "urb");
    let first = &advice.suggestions[0];
    assert_eq!(first.title, "undo rollout api-gateway to rev 41");
    assert_eq!(first.kubectl, "kubectl rollout undo deploy/api-gateway --to-revision=41 -n n --context 'prod uk' --as me");
    assert_eq!(first.confidence, Confidence::Likely);
}

#[test]
fn several_rollouts_that_only_the_clock_ties_are_named_and_none_is_suggested() {
    let evidence = Evidence { candidates: vec![rollout("a", 4), rollout("b", 5), rollout("c", 6)], breaker: None, ..trouble() };
    let advice = advise(&evidence);
    assert_eq!(advice.suggestions, []);
    assert_eq!(advice.note.unwrap(), "3 changes before it, none stands out: look at c, b, a");
}

#[test]
fn the_only_rollout_since_which_an_indicator_rises_is_a_possible_cause_unless_something_else_explains_it() {
    let onsets = vec![Onset { title: "DB connections".into(), role: Role::Saturation, at: at(5) + TimeDelta::seconds(40) }];
    let mut evidence = Evidence { candidates: vec![rollout("a", 5), rollout("b", -10)], onsets, ..trouble() };
    assert_eq!(titles(&advise(&evidence))[0], "undo rollout a to rev 41");
    let unread = Evidence { knows_errors: false, ..evidence.clone() };
    assert!(titles(&advise(&unread)).iter().all(|title| !title.starts_with("undo")), "the errors may yet tell something else");
    evidence.complaints = vec![complaint("gov", About::Remote)];
    assert!(titles(&advise(&evidence)).iter().all(|title| !title.starts_with("undo")));
}

#[test]
fn nothing_competes_with_what_is_at_work() {
    let evidence = Evidence { waiting: Some("it is at work".into()), ..bad_deploy() };
    let advice = advise(&evidence);
    assert_eq!((advice.suggestions, advice.waiting), (Vec::new(), Some("it is at work".into())));
}

#[test]
fn after_a_cure_only_what_is_tied_to_the_trouble_is_suggested() {
    let onsets = vec![Onset { title: "Error rate".into(), role: Role::Errors, at: at(5) }];
    let evidence = Evidence { was_cured: true, candidates: vec![rollout("a", 5)], onsets, ..trouble() };
    assert_eq!(advise(&evidence).suggestions, []);
}

#[test]
fn what_we_set_and_made_an_indicator_bad_is_named_before_no_change_is_said_to_explain_it() {
    let price = Some("Set circuit_breaker_enabled · api-config is in force, and verification queue 78,340 got worse by it".into());
    let note = advise(&Evidence { price, ..trouble() }).note.unwrap();
    assert!(note.ends_with("got worse by it: look whether it is needed still"), "{note}");
}

#[test]
fn nothing_is_suggested_on_a_calm_day() {
    let calm = Evidence { began: None, worst: None, critical_errors: None, candidates: vec![rollout("a", 5)], ..trouble() };
    assert_eq!(advise(&calm), Advice::default());
}

#[test]
fn the_breaker_is_for_callers_that_wait_for_something_outside_behind_it() {
    let outside = |complaints| titles(&advise(&Evidence { complaints, ..trouble() })).iter().map(ToString::to_string).collect::<Vec<_>>();
    let breaker = ["circuit breaker on (api-config)"];
    assert_eq!(outside(vec![complaint("gov", About::Remote), complaint("api-gateway", About::Service("gov".into()))]), breaker);
    // The gateway waits for core-engine, which waits for fraud: its breaker does not stand between those two.
    let behind = vec![
        complaint("fraud", About::Remote),
        complaint("core-engine", About::Service("fraud".into())),
        complaint("api-gateway", About::Service("core-engine".into())),
    ];
    assert_eq!(outside(behind), [""; 0]);
    assert_eq!(outside(vec![complaint("sync", About::Remote)]), [""; 0], "nobody says that its breaker stands before that");
    assert_eq!(outside(vec![complaint("api-gateway", About::Remote)]), breaker, "it waits itself");
    assert_eq!(outside(vec![complaint("core-engine", About::DatabaseSlots)]), [""; 0]);
    let mut on = trouble();
    on.complaints = vec![complaint("api-gateway", About::Remote)];
    on.breaker.as_mut().unwrap().is_on = true;
    assert_eq!(advise(&on).suggestions, []);
}

#[test]
fn an_address_of_the_cluster_is_waited_for_and_not_something_outside() {
    let waits = |about| advise(&Evidence { complaints: vec![complaint("api-gateway", about)], ..trouble() }).suggestions;
    let said = |about| waits(about).first().map(|first| (first.confidence, first.evidence.to_string()));
    let possible = |words: &str| Some((Confidence::Possible, words.to_owned()));
    assert_eq!(said(About::Inside(Some("postgres".into()))), possible("api-gateway gets no answer from postgres"));
    assert_eq!(said(About::Inside(None)), possible("api-gateway gets no answer from an address that nobody here has"));
    assert_eq!(said(About::Remote), Some((Confidence::Likely, "api-gateway waits for something outside the cluster".to_owned())));
}

/// The metric is twice its target: three pods become seven in one step.
#[test]
fn an_autoscaler_gets_the_room_that_its_metric_asks_for_at_once() {
    let raised = |max: u32, wanted: u32| {
        let capped = Capped { autoscaler: Key::new("n", "sync-hpa"), max, wanted, metric: "cpu 146%/70%".into(), is_ready: true };
        titles(&advise(&Evidence { capped: vec![capped], breaker: None, ..trouble() }))[0].to_owned()
    };
    assert_eq!(raised(3, 7), "raise sync-hpa to 7 replicas at most");
    assert_eq!(raised(3, 3), "raise sync-hpa to 4 replicas at most", "at least one more");
    assert_eq!(raised(3, 4_000), "raise sync-hpa to 12 replicas at most", "a metric out of all bounds");
}

#[test]
fn pods_of_lost_nodes_are_replaced_and_nothing_else_is_tried_meanwhile() {
    let node = LostNode { name: "node-8".into(), since: Some(at(6)), pods: vec![object(Kind::Pod, "a"), object(Kind::Pod, "b")] };
    let mut evidence = Evidence { lost: vec![node], complaints: vec![complaint("gov", About::Remote)], ..trouble() };
    let since = at(6).format("%H:%M");
    let advice = advise(&evidence);
    assert_eq!(titles(&advice), [format!("replace 2 pods of node-8 (down since {since})")]);
    assert_eq!(advice.suggestions[0].evidence, "the node does not answer; new pods start on others");
    let ask: &RestartUnhealthy = advice.suggestions[0].request.get().unwrap();
    assert!(ask.is_lost);
    let lost = |names: &[&str]| {
        let one = |name: &&str| LostNode { name: (*name).into(), since: None, pods: vec![object(Kind::Pod, name)] };
        advise(&Evidence { lost: names.iter().map(one).collect(), ..trouble() }).suggestions[0].clone()
    };
    let two = lost(&["node-8", "node-10"]);
    assert_eq!((&*two.title, &*two.request.reason), ("replace 2 pods of node-8, node-10", "node-8, node-10 do not answer"));
    assert_eq!(lost(&["a", "b", "c", "d", "e"]).title, "replace 5 pods of a, b, c and 2 more");
    evidence.lost[0].pods.clear();
    let advice = advise(&evidence);
    assert_eq!((advice.suggestions, advice.note), (Vec::new(), None), "nothing is left to be done about them");
}

#[test]
fn what_hangs_is_started_again_and_what_only_crashes_is_not() {
    let mut evidence = Evidence { candidates: Vec::new(), breaker: None, ..bad_deploy() };
    assert_eq!(advise(&evidence).suggestions, []);
    evidence.unhealthy[0].hanging = 2;
    evidence.unhealthy[0].crash_looping = 0;
    assert_eq!(titles(&advise(&evidence)), ["restart 2 unhealthy api-gateway pods"]);
    evidence.unhealthy.clear();
    evidence.complaints = vec![complaint("sync", About::Stuck)];
    assert_eq!(titles(&advise(&evidence)), ["restart every pod of sync"]);
}

#[test]
fn one_restart_names_no_more_pods_than_the_engine_takes() {
    let mut evidence = bad_deploy();
    evidence.unhealthy[0].pods = (0..500).map(|index| object(Kind::Pod, &index.to_string())).collect();
    let advice = advise(&evidence);
    let restart = advice.suggestions.iter().find(|suggestion| suggestion.key == 'r').unwrap();
    assert_eq!(restart.request.objects().len(), super::super::asks::RestartUnhealthy::MOST);
}

#[test]
fn a_key_and_a_bound_are_set_back_to_what_they_were() {
    let keys = vec![("pool".into(), Some("24".into()), Some("0".into()))];
    let mut config = candidate("engine-settings", 5, ChangeKind::ConfigChanged { keys });
    config.readers = vec!["engine".into()];
    let complaints = vec![complaint("engine", About::Itself)];
    let advice = advise(&Evidence { candidates: vec![config], complaints, breaker: None, ..trouble() });
    let set = advice.suggestions[0].request.get::<SetConfigKey>().unwrap();
    assert_eq!((set.name.as_str(), set.value.as_deref()), ("pool", Some("24")));
    let mut bounds = candidate("engine-hpa", 5, ChangeKind::BoundsChanged { from: Some((3, 14)), to: (3, 4) });
    bounds.is_short = true;
    let advice = advise(&Evidence { candidates: vec![bounds], breaker: None, ..trouble() });
    let set = advice.suggestions[0].request.get::<SetHpaBounds>().unwrap();
    assert_eq!((set.min, set.max), (Some(3), Some(14)));
    assert_eq!(advice.suggestions[0].title, "set engine-hpa back to 3..14");
}

#[test]
fn scaling_needs_ready_pods_room_and_no_quota() {
    let overload = overload();
    let scaled = |overload: &Overload, has_quota| {
        let advice = advise(&Evidence { overloads: vec![overload.clone()], has_quota, breaker: None, ..trouble() });
        titles(&advice).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(scaled(&overload, false), ["scale sync 4 → 6"]);
    // A database's only pod is its primary.
    assert_eq!(scaled(&Overload { replicas: 1, ready: 1, max: None, ..overload.clone() }, false), [""; 0]);
    assert_eq!(scaled(&Overload { replicas: 1, ready: 1, ..overload.clone() }, false), ["scale sync 1 → 2"]);
    assert_eq!(scaled(&overload, true), [""; 0]);
    assert_eq!(scaled(&Overload { max: Some(4), ..overload.clone() }, false), [""; 0]);
    assert_eq!(scaled(&Overload { ready: 3, ..overload.clone() }, false), [""; 0]);
    let waiting = Evidence { overloads: vec![overload], complaints: vec![complaint("sync", About::Remote)], breaker: None, ..trouble() };
    assert_eq!(titles(&advise(&waiting)), [""; 0], "more of them would wait as well");
}

#[test]
fn of_two_numbers_of_pods_for_one_workload_one_is_suggested() {
    let mut scaled = candidate("sync", 5, ChangeKind::Scaled { from: Some(8), to: 4 });
    scaled.is_short = true;
    let complaints = vec![complaint("sync", About::Overload)];
    let advice = advise(&Evidence { candidates: vec![scaled], overloads: vec![overload()], complaints, breaker: None, ..trouble() });
    assert_eq!(titles(&advice), ["scale sync 4 → 8"]);
}

#[test]
fn what_made_things_worse_is_taken_back_before_anything_else() {
    let request = Request::of(UndoRollout::deployment(Key::new("n", "a"), Some(1)));
    let worse = Reversal { key: 'U', title: "take back: Scale · a".into(), evidence: "error rate 5 → 9 %: worse".into(), request, aim: None };
    let advice = advise(&Evidence { reversals: vec![worse], ..bad_deploy() });
    assert_eq!(titles(&advice)[0], "take back: Scale · a");
}

#[test]
fn what_had_no_effect_is_not_suggested_again_and_is_named() {
    let mut evidence = Evidence { candidates: Vec::new(), breaker: None, ..bad_deploy() };
    evidence.unhealthy[0].hanging = 2;
    let pods = Unhealthy::Listed(vec![object(Kind::Pod, "of before")]);
    let wish = Wish::new(RestartUnhealthy { app: "api-gateway".into(), pods, at_once: None, is_lost: false });
    evidence.without_effect = vec![Tried { title: "Restart · api-gateway".into(), wish }];
    let advice = advise(&evidence);
    assert_eq!(titles(&advice), [""; 0], "other pods of the same app are no other restart");
    assert_eq!(advice.note.unwrap(), "Restart · api-gateway had no effect, and nothing else stands out");
    // Another revision is something else.
    let earlier = Wish::new(UndoRollout::deployment(Key::new("n", "api-gateway"), Some(40)));
    let without_effect = vec![Tried { title: "Undo".into(), wish: earlier }];
    assert_eq!(titles(&advise(&Evidence { without_effect, ..bad_deploy() }))[0], "undo rollout api-gateway to rev 41");
}

#[test]
fn what_somebody_just_gave_more_room_is_left_alone_and_hides_no_cause() {
    let overload = overload();
    let touched = |name: &str| vec![Touched { name: name.into(), waiting: "too early to see".into() }];
    let scaled = Evidence { overloads: vec![overload], touched: touched("sync"), breaker: None, ..trouble() };
    let advice = advise(&scaled);
    assert_eq!((titles(&advice), advice.waiting.clone()), (Vec::new(), Some("too early to see".into())));
    assert_eq!(titles(&advise(&Evidence { touched: touched("other"), ..scaled })), ["scale sync 4 → 6"]);
    let cause = Evidence { touched: touched("api-gateway"), ..bad_deploy() };
    assert_eq!(titles(&advise(&cause))[0], "undo rollout api-gateway to rev 41");
}

#[test]
fn a_breaker_that_is_said_to_guard_something_is_for_nothing_else() {
    let mut evidence =
        Evidence { complaints: vec![complaint("gov", About::Remote), complaint("api-gateway", About::Service("gov".into()))], ..trouble() };
    evidence.breaker.as_mut().unwrap().guards = vec!["core-engine".into()];
    assert_eq!(titles(&advise(&evidence)), [""; 0]);
    evidence.breaker.as_mut().unwrap().guards.push("gov".into());
    assert_eq!(titles(&advise(&evidence)), ["circuit breaker on (api-config)"]);
}
