//! What is a change and what is none, and how it reads.

use super::{
    super::{object::Key, workload::Written},
    *,
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn written(by: &str, seconds: i64, exact: bool) -> Written {
    Written { by: by.into(), at: Some(at(seconds)), exact }
}

fn deployment(replicas: u32, replicas_written: Option<Written>) -> Deployment {
    Deployment {
        key: Key::new("n", "api"),
        uid: "u".into(),
        created: at(0),
        replicas,
        ready: 0,
        updated: 0,
        available: 0,
        paused: false,
        revision: 1,
        images: Box::default(),
        config_maps: Box::default(),
        selector: Box::default(),
        generation: 1,
        observed_generation: 1,
        stuck: None,
        refused: None,
        template_written: None,
        replicas_written,
    }
}

fn autoscaler(bounds: (u32, u32), bounds_written: Option<Written>) -> Autoscaler {
    Autoscaler {
        key: Key::new("n", "api-hpa"),
        uid: "h".into(),
        created: at(0),
        target_kind: "Deployment".into(),
        target_name: "api".into(),
        min: bounds.0,
        max: bounds.1,
        current: 0,
        desired: 0,
        metrics: Box::default(),
        trouble: None,
        bounds_written,
    }
}

fn config_map(name: &str, data: &[(&str, &str)], seconds: i64) -> ConfigMap {
    ConfigMap {
        key: Key::new("n", name),
        uid: name.into(),
        resource_version: "1".into(),
        created: at(-9_000),
        keys: 1,
        size: 0,
        sizes: Box::default(),
        data: data.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        drift: Box::default(),
        changed_at: Some(at(seconds)),
        changed_by: Some("kubectl-edit".into()),
    }
}

#[test]
fn the_certificate_that_every_namespace_gets_is_nobodys_change() {
    assert_eq!(config_change(&config_map("kube-root-ca.crt", &[], 0)), None);
    assert!(config_change(&config_map("api-config", &[], 0)).is_some());
}

#[test]
fn a_scale_by_kubectl_is_told_with_its_time_also_when_nobody_saw_it() {
    let change = scale_of(&deployment(6, Some(written("kubectl", 60, true)))).unwrap();
    assert_eq!((change.at, &*change.sentence()), (Some(at(60)), "api scaled to 6 by kubectl"));
    let seen = scaled(&deployment(3, None), &deployment(6, Some(written("kubectl", 60, true)))).unwrap();
    assert_eq!(&*seen.sentence(), "api scaled 3 → 6 by kubectl");
    assert!(seen.is_same_as(&change), "it is one change, and better known");
}

#[test]
fn what_an_autoscaler_does_by_itself_is_nobodys_change() {
    for by in ["kube-controller-manager", "keda"] {
        assert_eq!(scale_of(&deployment(6, Some(written(by, 60, true)))), None);
        assert_eq!(scaled(&deployment(3, None), &deployment(6, Some(written(by, 60, true)))), None);
    }
}

#[test]
fn a_writer_of_more_than_the_replicas_need_not_have_scaled() {
    assert_eq!(scale_of(&deployment(6, Some(written("ci-deployer", 60, false)))), None);
    let seen = scaled(&deployment(3, None), &deployment(6, Some(written("kubectl-edit", 60, false)))).unwrap();
    assert_eq!(&*seen.sentence(), "api scaled 3 → 6 by kubectl-edit");
}

#[test]
fn a_scale_by_this_program_is_its_own() {
    assert!(scale_of(&deployment(6, Some(written("sev1", 60, true)))).unwrap().is_own());
    assert!(!scale_of(&deployment(6, Some(written("kubectl", 60, true)))).unwrap().is_own());
}

#[test]
fn bounds_are_told_from_before_and_after_and_from_their_writer_alone() {
    let after = autoscaler((2, 4), Some(written("kubectl-patch", 60, true)));
    assert_eq!(&*bounds_of(&after).unwrap().sentence(), "hpa/api-hpa set to 2..4 by kubectl-patch");
    assert_eq!(&*bounds_changed(&autoscaler((2, 20), None), &after).unwrap().sentence(), "hpa/api-hpa 2..20 → 2..4 by kubectl-patch");
    assert_eq!(bounds_changed(&after, &after), None);
    assert_eq!(bounds_of(&autoscaler((2, 4), Some(written("helm", 60, false)))), None, "it may have written its metrics");
}

#[test]
fn keys_of_a_config_map_have_both_values_but_a_secret_has_none() {
    let before = config_map("api-config", &[("pool_size", "20"), ("same", "1")], 0);
    let change = config_changed(&before, &config_map("api-config", &[("pool_size", "5"), ("same", "1")], 60)).unwrap();
    assert_eq!(&*change.sentence(), "configmap/api-config pool_size 20 → 5 by kubectl-edit");
    assert_eq!(change.in_short(), "api-config pool_size 20 → 5");

    let secrets = config_map("api-config", &[("db_password", "hunter2"), ("url", "pg://app:hunter2@db")], 60);
    let ChangeKind::ConfigChanged { keys } = config_changed(&before, &secrets).unwrap().what else { panic!("another kind") };
    assert!(!format!("{keys:?}").contains("hunter2"), "{keys:?}");
    assert_eq!(keys.iter().map(|(key, ..)| &**key).collect::<Vec<_>>(), ["db_password", "pool_size", "same", "url"]);
}

#[test]
fn keys_that_were_added_or_taken_away_are_called_so() {
    let (without, with) = (config_map("c", &[], 0), config_map("c", &[("limit", "7")], 60));
    assert_eq!(&*config_changed(&without, &with).unwrap().sentence(), "configmap/c limit set to 7 by kubectl-edit");
    // The server moves no time for what is only taken away.
    let taken = config_changed(&with, &config_map("c", &[], 60)).unwrap();
    assert_eq!((taken.at, &*taken.sentence()), (None, "configmap/c limit removed"));
}

#[test]
fn a_write_that_leaves_the_content_is_no_change_unless_the_content_is_only_partly_known() {
    let map = |at| config_map("c", &[("limit", "7")], at);
    assert_eq!(config_changed(&map(0), &map(60)), None);
    let names: Vec<String> = (0..ConfigMap::MOST_KEYS).map(|number| format!("key{number:02}")).collect();
    let many = |value: &str, at| config_map("c", &names.iter().map(|name| (&**name, value)).collect::<Vec<_>>(), at);
    assert_eq!(config_changed(&many("1", 0), &many("1", 60)).unwrap().what, ChangeKind::ConfigChanged { keys: Vec::new() });
}

#[test]
fn a_former_value_is_told_from_what_kubectl_applied_but_not_of_the_applying_itself() {
    let mut map = config_map("c", &[("limit", "7")], 60);
    map.drift = [("limit".into(), Some("20".into()), Some("7".into()))].into();
    assert_eq!(&*config_change(&map).unwrap().sentence(), "configmap/c limit 20 → 7 by kubectl-edit");
    map.changed_by = Some("kubectl-client-side-apply".into());
    assert_eq!(&*config_change(&map).unwrap().sentence(), "configmap/c changed by kubectl-client-side-apply");
}

#[test]
fn what_has_no_time_comes_last_and_the_order_of_the_rest_is_always_the_same() {
    let one = scale_of(&deployment(6, Some(written("kubectl", 60, true)))).unwrap();
    let two = scale_of(&deployment(4, Some(written("kubectl", 60, true)))).unwrap();
    let unknown = Change { at: None, ..one.clone() };
    let old = Change { at: Some(at(-90_000)), ..one.clone() };
    let sorted = latest(vec![unknown.clone(), one.clone(), old, two.clone()], at(100));
    assert_eq!(sorted, [two.clone(), one.clone(), unknown.clone()]);
    assert_eq!(latest(vec![two, unknown, one], at(100)), sorted);
}

#[test]
fn images_are_told_by_their_tags_where_only_these_differ() {
    assert_eq!(image("host:5000/api:1.2", "host:5000/api:1.3"), "image 1.2 → 1.3");
    assert_eq!(image("host:5000/api", "host:5000/web"), "image host:5000/api → host:5000/web");
    assert_eq!(image("api@sha256:abc", "api@sha256:def"), "image abc → def");
}
