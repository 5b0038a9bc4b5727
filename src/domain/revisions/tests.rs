//! Which revision ran when, told from what the sets, the writers and the events say.

use super::{
    super::{pod::Owner, workload::Written},
    *,
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn set(name: &str, history: &[u64], revision: u64, created: i64) -> ReplicaSet {
    ReplicaSet {
        key: Key::new("n", name),
        uid: name.into(),
        created: at(created),
        owner: Some(Owner { kind: "Deployment".into(), name: "api".into(), uid: "u".into() }),
        revision,
        history: history.into(),
        revised_at: None,
        replicas: 1,
        ready: 1,
        images: [("api".into(), format!("reg/api:{name}").into())].into(),
        change_cause: None,
        changed_by: Some("ci".into()),
    }
}

fn by(who: &str, set: ReplicaSet) -> ReplicaSet {
    ReplicaSet { changed_by: Some(who.into()), ..set }
}

fn revised(seconds: i64, set: ReplicaSet) -> ReplicaSet {
    ReplicaSet { revised_at: Some(at(seconds)), ..set }
}

fn deployment(revision: u64, template: Option<i64>, scaled: Option<i64>) -> BTreeMap<Key, Deployment> {
    let written = |seconds| Written { by: "kubectl-rollout".into(), at: Some(at(seconds)), exact: false };
    let deployment = Deployment {
        key: Key::new("n", "api"),
        uid: "u".into(),
        created: at(-9_999),
        replicas: 1,
        ready: 1,
        updated: 1,
        available: 1,
        paused: false,
        revision,
        images: Box::default(),
        config_maps: Box::default(),
        selector: Box::default(),
        generation: 1,
        observed_generation: 1,
        stuck: None,
        refused: None,
        template_written: template.map(written),
        replicas_written: scaled.map(written),
    };
    [(deployment.key.clone(), deployment)].into()
}

fn started(set: &str, seconds: i64) -> Event {
    Event {
        key: Key::new("n", &format!("{set}.{seconds}")),
        uid: "e".into(),
        is_warning: false,
        reason: SCALING.into(),
        message: format!("Scaled up replica set {set} from 0 to 2").into(),
        count: 1,
        first_seen: Some(at(seconds)),
        last_seen: Some(at(seconds)),
        about: ("Deployment".into(), "api".into(), "u".into()),
    }
}

/// `(time, words)` of every rollout told.
fn told(sets: &[ReplicaSet], deployments: &BTreeMap<Key, Deployment>, events: &[Event], memory: &mut Memory) -> Vec<(Option<i64>, String)> {
    let changes = rollouts(sets.iter(), deployments, &Starts::of(events.iter()), memory, at(-80_000));
    changes.iter().map(|change| (change.at.map(|time| (time - at(0)).num_seconds()), change.sentence().to_string())).collect()
}

fn nobody() -> BTreeMap<Key, Deployment> {
    BTreeMap::new()
}

#[test]
fn a_rollout_names_revisions_images_and_who() {
    let sets = [set("2.4.0", &[], 42, 60), set("2.3.1", &[], 41, 0)];
    let told = told(&sets, &nobody(), &[], &mut Memory::new());
    assert_eq!(told, [(Some(60), "api rev 41 → 42 (image 2.3.1 → 2.4.0) by ci".to_owned())]);
}

/// `kubectl set image` back to what ran before; what else the revision in between had stays.
#[test]
fn an_image_that_is_set_back_to_what_ran_before_is_told_as_that() {
    let image = |set: ReplicaSet, image: &str| ReplicaSet { images: [("api".into(), image.into())].into(), ..set };
    let sets = [
        image(set("a", &[], 41, -900), "reg:5000/api:2.3.1"),
        image(set("b", &[], 42, -300), "reg:5000/api:2.4.0"),
        by("kubectl-set", image(set("c", &[], 43, 60), "reg:5000/api:2.3.1")),
    ];
    let changes = rollouts(sets.iter(), &nobody(), &Starts::default(), &mut Memory::new(), at(-80_000));
    assert_eq!(changes[1].sentence(), "api image back to 2.3.1 (rev 42 → 43) by kubectl-set");
    assert_eq!(changes.iter().map(Change::goes_back).collect::<Vec<_>>(), [false, true]);
}

/// The case that was seen on a screen: two undos, each to the set of the other.
#[test]
fn what_ran_before_is_told_from_the_history_and_not_from_what_is_left_of_it() {
    let sets = [set("x", &[], 16, -500), set("a", &[17], 19, -400), by("sev1", set("b", &[18], 20, 60))];
    let told = told(&sets, &nobody(), &[], &mut Memory::new());
    let words: Vec<&str> = told.iter().map(|(_, words)| &**words).collect();
    assert_eq!(
        words,
        [
            "api rev 16 → 17 (image x → a)",
            "api rev 17 → 18 (image a → b)",
            "api rev 18 → 19, back to 17 (image b → a) by ci",
            "api rev 19 → 20, back to 18 (image a → b) by sev1",
        ]
    );
    assert_eq!(told.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [Some(-400), Some(60), None, None]);
}

#[test]
fn a_rollback_before_the_start_is_dated_by_whoever_wrote_the_template() {
    let sets = [set("b", &[], 18, 60), revised(310, set("a", &[17], 19, -400))];
    let dated = |deployments| told(&sets, &deployments, &[], &mut Memory::new()).last().unwrap().0;
    assert_eq!(dated(deployment(19, Some(300), None)), Some(300));
    assert_eq!(dated(deployment(19, None, None)), Some(310));
    // Another write of an earlier time cannot be it, nor can one of a deployment that has no such revision yet.
    assert_eq!(dated(deployment(19, Some(10), None)), Some(310));
    assert_eq!(dated(deployment(18, Some(300), None)), Some(310));
}

#[test]
fn a_set_that_was_only_scaled_since_has_no_time_of_its_revision() {
    let sets = [set("b", &[], 18, 60), revised(905, set("a", &[17], 19, -400))];
    assert_eq!(told(&sets, &deployment(19, None, Some(903)), &[], &mut Memory::new()).last().unwrap().0, None);
    assert_eq!(told(&sets, &deployment(19, Some(300), Some(903)), &[], &mut Memory::new()).last().unwrap().0, Some(300));
}

#[test]
fn an_event_tells_the_time_best_also_of_a_rollout_that_was_paused() {
    let sets = [set("b", &[], 18, 60), revised(400, set("a", &[17], 19, -400))];
    // Its template was written at 100, and went out at 390.
    let deployments = deployment(19, Some(100), None);
    assert_eq!(told(&sets, &deployments, &[started("a", -400), started("a", 390)], &mut Memory::new()).last().unwrap().0, Some(390));
}

#[test]
fn what_is_not_known_is_not_made_up_of_the_creation() {
    let sets = [set("b", &[], 18, 60), set("a", &[17], 19, -400)];
    assert_eq!(told(&sets, &nobody(), &[], &mut Memory::new())[1], (None, "api rev 18 → 19, back to 17 (image b → a) by ci".to_owned()));
    // Nor where the controller kept no history.
    let sets = [set("b", &[], 18, 60), set("a", &[], 19, -400)];
    assert_eq!(told(&sets, &nobody(), &[], &mut Memory::new())[0].0, None);
}

#[test]
fn a_time_once_told_stays_when_its_sources_move_or_go() {
    let mut memory = Memory::new();
    let sets = |revised_at| [set("b", &[], 18, 60), revised(revised_at, set("a", &[17], 19, -400))];
    let mut last = |revised_at, deployments, events: &[Event]| told(&sets(revised_at), &deployments, events, &mut memory).last().unwrap().0;
    assert_eq!(last(300, deployment(19, Some(300), None), &[]), Some(300));
    // The set was scaled, its writer wrote labels, all was listed anew.
    assert_eq!(last(900, deployment(19, Some(800), Some(890)), &[]), Some(300));
    assert_eq!(last(900, deployment(19, Some(800), Some(890)), &[started("a", 301)]), Some(301));
    assert_eq!(last(1_900, deployment(19, Some(1_800), None), &[]), Some(301));
    // It went on to another revision, and its set has that one's times.
    let after = [by("kubectl", revised(2_000, set("b", &[18], 20, 60))), revised(2_100, set("a", &[17], 19, -400))];
    let told = told(&after, &deployment(20, Some(2_000), None), &[], &mut memory);
    assert_eq!(told[1], (Some(301), "api rev 18 → 19, back to 17 (image b → a) by ci".to_owned()));
    assert_eq!(told[2], (Some(2_000), "api rev 19 → 20, back to 18 (image a → b) by kubectl".to_owned()));
}

#[test]
fn of_two_changes_within_a_minute_each_has_its_time() {
    let sets = [set("a", &[], 17, 0), set("b", &[], 18, 20), revised(50, set("x", &[16], 19, -100))];
    let told = told(&sets, &deployment(19, Some(45), None), &[], &mut Memory::new());
    assert_eq!(told.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [Some(0), Some(20), Some(45)]);
}

#[test]
fn a_set_that_is_gone_leaves_its_number_but_no_image() {
    let sets = [set("a", &[17], 19, -400)];
    assert_eq!(told(&sets, &nobody(), &[], &mut Memory::new()), [(None, "api rev 18 → 19, back to 17 by ci".to_owned())]);
}

#[test]
fn old_rollbacks_are_not_told_for_ever_for_want_of_a_time() {
    let sets = [set("b", &[], 18, -200_000), revised(-100_000, set("a", &[17], 19, -300_000))];
    assert_eq!(told(&sets, &nobody(), &[], &mut Memory::new()), []);
    // Scaled today by an autoscaler: the writer of the template still tells that it is old.
    let sets = [set("b", &[], 18, -200_000), revised(100, set("a", &[17], 19, -300_000))];
    assert_eq!(told(&sets, &deployment(19, Some(-150_000), Some(99)), &[], &mut Memory::new()), []);
}

#[test]
fn messages_of_scaling_are_read_of_servers_old_and_new() {
    assert_eq!(scaling("Scaled up replica set api-5d8 from 0 to 2"), Some(("api-5d8", Some(0), 2)));
    assert_eq!(scaling("Scaled down replica set api-5d8 to 1 from 3"), None);
    assert_eq!(scaling("Scaled down replica set api-5d8 to 1"), Some(("api-5d8", None, 1)));
    assert_eq!(scaling("Scaled up something"), None);
}
