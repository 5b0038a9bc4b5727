//! Law 6: what was never received, is partial or was refused is said, and never looks checked, current or zero.

use super::*;
use crate::domain::log_pattern::ErrorWindow;

fn tile_of(state: &State, title: &str) -> String {
    let rows = rows_of(&draw(state));
    let row = rows.iter().position(|row| row.contains(title)).unwrap_or_else(|| panic!("{title} is not drawn"));
    let column = rows[row].split(title).next().map_or(0, |before| before.chars().count());
    let cut = |row: &String| row.chars().skip(column).take_while(|character| *character != '│').collect::<String>().trim_end().to_owned();
    rows[row..row + 2].iter().map(cut).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_indicator_without_a_number_is_not_live_although_its_server_is() {
    for size in SIZES {
        let mut state = fixture::healthy(size);
        let reading = state.kpis[0].reading.as_mut().unwrap();
        (reading.value, reading.at) = (None, None);
        assert!(state.freshness(SourceId::Metrics).is_live());
        let tile = tile_of(&state, "Error rate");
        assert!(tile.contains("! no data") && !tile.contains(glyph::LIVE) && !tile.contains(glyph::OK), "{size:?}\n{tile}");
        assert!(tile_of(&state, "p95 latency").contains(glyph::LIVE), "the others are");
        state.kpis[0].reading = None;
        let tile = tile_of(&state, "Error rate");
        assert!(tile.contains("! no data") && !tile.contains(glyph::LIVE), "{size:?}\n{tile}");
    }
}

#[test]
fn an_indicator_without_a_number_stands_before_those_that_are_well() {
    let mut state = fixture::healthy((80, 24));
    let reading = state.kpis.last_mut().unwrap().reading.as_mut().unwrap();
    (reading.value, reading.at) = (None, None);
    let rows = rows_of(&draw(&state));
    let line = rows.iter().find(|row| row.contains("DB connections")).unwrap();
    assert!(line.trim_start().starts_with("DB connections ! no data"), "{line}");
}

#[test]
fn a_number_that_stands_on_part_of_the_data_is_not_checked() {
    let mut state = fixture::healthy((80, 24));
    state.kpis[0].reading.as_mut().unwrap().problem = Some("PromQL warning: results truncated".into());
    let tile = tile_of(&state, "Error rate");
    assert!(!tile.contains(glyph::LIVE) && !tile.contains(glyph::OK), "{tile}");
}

#[test]
fn errors_of_nothing_that_was_searched_are_no_zero() {
    let mut state = fixture::healthy((80, 24));
    let nothing = ErrorWindow { recent: 0, patterns: Vec::new(), shards: (0, 0), ..state.errors.clone().unwrap() };
    state.errors = Some(nothing);
    let source = state.sources.get_mut(&SourceId::Errors).unwrap();
    source.health = Health::Lagging { why: "no index matches logstash-*".into(), since: Mono::ZERO };
    let text = text_of(&draw(&state));
    assert!(text.contains("no index matches logstash-*"), "{text}");
    assert!(!text.contains("0 in 15 min") && !text.contains("no errors in the last"), "{text}");
}

#[test]
fn no_errors_where_none_could_be_found_is_not_healthy() {
    let mut state = fixture::healthy((80, 24));
    let why = Some("the field level is not mapped in logstash-*: set errors.level_field".into());
    state.errors = Some(ErrorWindow { recent: 0, patterns: Vec::new(), unknown: why, ..state.errors.clone().unwrap() });
    let text = text_of(&draw(&state));
    assert!(text.contains("cannot tell whether there are errors: the field level is not mapped in"), "{text}");
    assert!(!text.contains("0 in 15 min") && !text.contains("no errors in the last"), "{text}");
    let pane = rows_of(&draw(&state)).into_iter().find(|row| row.contains("Errors")).unwrap();
    assert!(!pane.contains(glyph::LIVE), "{pane}");
}

#[test]
fn a_table_that_was_refused_counts_nothing() {
    let mut state = fixture::loading((80, 24));
    state.screen = Screen::Workloads;
    let source = state.sources.get_mut(&SourceId::Pods).unwrap();
    source.health = Health::Forbidden { verb: "list".into(), resource: "pods".into(), since: Mono::ZERO };
    let text = text_of(&draw(&state));
    assert!(text.contains("not allowed to list pods"), "{text}");
    assert!(!text.contains("0 so far"), "{text}");
}

#[test]
fn a_detail_without_its_events_says_so() {
    let mut state = workloads((80, 40), Kind::Pod);
    state.workloads.detail = Some(Key::new(fixture::NAMESPACE, "api-gateway-7c9f6d5b8-x2xqk"));
    assert!(!text_of(&draw(&state)).contains("not whole or not current"));
    let source = state.sources.get_mut(&SourceId::Events).unwrap();
    source.health = Health::Forbidden { verb: "list".into(), resource: "events".into(), since: Mono::ZERO };
    let text = text_of(&draw(&state)).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("! not whole or not current: You are not allowed"), "{text}");
}

#[test]
fn no_suggestion_out_of_old_data_is_not_all_clear() {
    let mut state = fixture::healthy((120, 40));
    assert!(text_of(&draw(&state)).contains("nothing to suggest"));
    let source = state.sources.get_mut(&SourceId::Metrics).unwrap();
    source.health = Health::Failed { why: "refused".into(), cause: Cause::Server, since: Mono::ZERO, retry_at: Mono::ZERO };
    let text = text_of(&draw(&state));
    assert!(text.contains("nothing to suggest from what is known; Prometheus does not answer"), "{text}");
}

/// Why a search found nothing is said once, and nothing beside it says that there are no errors.
#[test]
fn of_an_index_that_cannot_be_searched_one_thing_is_said() {
    for size in SIZES {
        for (health, window) in [(true, true), (true, false), (false, true)] {
            let mut state = fixture::healthy(size);
            let closed = "app is closed";
            let why: crate::domain::text::Text = closed.into();
            let unknown = if health { "app has no document of the last 15 min".into() } else { why.clone() };
            let nothing = ErrorWindow { recent: 0, patterns: Vec::new(), unknown: Some(unknown), ..state.errors.clone().unwrap() };
            state.errors = window.then_some(nothing);
            if health {
                let source = state.sources.get_mut(&SourceId::Errors).unwrap();
                source.health = Health::Failed { why, cause: Cause::Refusal, since: Mono::ZERO, retry_at: Mono::ZERO };
            }
            let text = text_of(&draw(&state)).split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(text.matches(closed).count(), 1, "{size:?}\n{text}");
            for other in ["in 15 min", "no errors in the last", "none was found", "no document", "does not answer"] {
                assert!(!text.contains(other), "{size:?} says {other}\n{text}");
            }
        }
    }
}

/// Whose failure it is, is no matter of words that somebody else chose.
#[test]
fn a_source_without_credentials_was_not_asked() {
    for (cause, words) in
        [(Cause::Credentials, "cannot be asked since"), (Cause::Refusal, "refuses what it is asked since"), (Cause::Server, "does not answer since")]
    {
        let mut state = fixture::loading((120, 40));
        let source = state.sources.get_mut(&SourceId::Metrics).unwrap();
        source.health = Health::Failed { why: "no credentials for https://metrics".into(), cause, since: Mono::ZERO, retry_at: Mono::ZERO };
        let standing = crate::ui::widgets::freshness::of(&state, &[SourceId::Metrics]);
        assert!(standing.sentence.contains(words), "{}", standing.sentence);
    }
}

#[test]
fn the_header_names_the_source_of_alerts_that_is_gone() {
    let mut state = fixture::healthy((80, 24));
    let mut first_line = |said_by: &str| {
        state.alerts.as_mut().unwrap().said_by = said_by.into();
        let since = state.now.mono;
        state.sources.get_mut(&SourceId::Alerts).unwrap().health = Health::Lagging { why: "half of it is unknown".into(), since };
        rows_of(&draw(&state))[0].clone()
    };
    let alone = first_line("Alertmanager");
    assert!(alone.contains("! alerts unknown: no Prometheus"), "{alone}");
    let alone = first_line("Prometheus");
    assert!(alone.contains("! nothing fires, no Alertmanager"), "{alone}");
}

#[test]
fn a_command_to_copy_is_shown_whole_where_one_may_only_look() {
    let mut state = fixture::bad_deploy((100, 30));
    state.session.read_only = true;
    let names: Vec<String> = (0..4).map(|number| format!("core-engine-66d4c9f7b-{number}x2xq")).collect();
    let first = state.advice.suggestions[0].clone();
    state.advice.suggestions[0].kubectl = format!("kubectl delete pod {} -n digital-identity", names.join(" ")).as_str().into();
    state.advice.suggestions.extend([first.clone(), first]);
    let text = text_of(&draw(&state));
    assert!(names.iter().all(|name| text.contains(name.as_str())) && text.contains("-n digital-identity"), "{text}");
}

#[test]
fn an_alert_whose_beginning_nobody_tells_has_no_age() {
    for size in SIZES {
        let mut state = fixture::bad_deploy(size);
        for alert in &mut state.alerts.as_mut().unwrap().alerts {
            alert.is_start_known = false;
        }
        let text = text_of(&draw(&state));
        assert!(text.lines().next().unwrap().contains("CRITICAL time unknown"), "{size:?}\n{text}");
    }
}

#[test]
fn a_pod_whose_time_is_not_known_or_still_to_come_has_no_age() {
    let mut state = fixture::bad_deploy((120, 40));
    let key = state.shown_pods().next().unwrap().clone();
    let mut pod = state.cluster.pods.get(&key).unwrap().clone();
    let row = |state: &State| rows_of(&draw(state)).into_iter().find(|row| row.contains(&*key.name)).unwrap();
    for created in [chrono::DateTime::UNIX_EPOCH, fixture::now().utc + chrono::Duration::days(1)] {
        pod.created = created;
        state.cluster.pods.objects.insert(key.clone(), pod.clone());
        assert!(row(&state).contains(" ? "), "{}", row(&state));
    }
}
