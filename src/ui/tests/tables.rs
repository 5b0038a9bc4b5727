//! The tables of the workloads: what is cut, what the chosen row says, where the pointer is.

use super::{draw, rows_of, workloads};
use crate::{
    domain::{
        object::{Key, Kind},
        observation::Delta,
        workload::Event,
    },
    state::{State, columns::KINDS, msg::Hit, overlay::ViewerKind, rows, screens::cockpit::Pane},
    ui::{fixture, hit_test, layout},
};

/// More events than the table has lines, the last with a message of several lines.
fn many_events(size: (u16, u16)) -> State {
    let mut state = workloads(size, Kind::Event);
    for index in 0..60 {
        state.cluster.events.apply(
            Delta::Applied(Event {
                key: Key::new(fixture::NAMESPACE, &format!("many-{index:02}")),
                uid: format!("many-{index}").as_str().into(),
                is_warning: index % 2 == 0,
                reason: "FailedScheduling".into(),
                message: "0/12 nodes are available: 2 node(s) had untolerated taint {node.kubernetes.io/unreachable: }, 10 Insufficient memory. \
                          preemption: 0/12 nodes are available: 12 No preemption victims found for incoming pod."
                    .into(),
                count: 12,
                first_seen: None,
                last_seen: None,
                about: ("Pod".into(), "government-feed-connector-56c864994c-fh5hn".into(), "u".into()),
            }),
            |_, _| {},
        );
    }
    rows::rebuild(&state.cluster, &mut state.workloads);
    state
}

/// The screen without line breaks, so that a sentence is found wherever it was broken.
fn in_one_line(state: &State) -> String {
    rows_of(&draw(state)).iter().map(|row| row.trim()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_message_of_an_event_has_room_at_80_columns() {
    let rows = rows_of(&draw(&many_events((80, 24))));
    let row = rows.iter().filter(|row| row.contains("FailedScheduling")).nth(3).expect("a row");
    assert!(row.contains(" 0/12 nodes are avai"), "{row}");
    assert!(rows.iter().any(|row| row.contains("! FailedScheduling")) && rows.iter().any(|row| row.contains("  FailedScheduling")));
}

#[test]
fn the_chosen_row_is_whole_at_every_size_and_in_every_place() {
    for size in [(80, 24), (100, 30), (120, 40), (140, 45), (200, 60)] {
        let mut state = many_events(size);
        let height = usize::from(layout::workloads(&state).rows.height);
        for (top, row) in [(0, 1), (0, height / 2), (0, height - 2), (0, height - 1), (5, 4 + height)] {
            (state.workloads.cursor.top, state.workloads.cursor.row) = (top, row);
            let screen = in_one_line(&state);
            for text in ["government-feed-connector-56c864994c-fh5hn", "12 No preemption victims found for incoming pod."] {
                assert!(screen.contains(text), "{size:?}, row {row} from {top}: {text}\n{}", rows_of(&draw(&state)).join("\n"));
            }
        }
    }
}

#[test]
fn nothing_is_cut_beside_blank_columns_on_a_large_screen() {
    for (kind, whole) in
        [(Kind::Pod, &["10.4.3.17"][..]), (Kind::HorizontalPodAutoscaler, &["cpu 96%/70%, memory 61%/80%", "Deployment/api-gateway"])]
    {
        for size in [(120, 40), (140, 45), (200, 60)] {
            let rows = rows_of(&draw(&workloads(size, kind)));
            for text in whole {
                assert!(rows.iter().any(|row| row.contains(text)), "{kind:?} at {size:?} cuts {text}:\n{}", rows.join("\n"));
            }
        }
    }
}

#[test]
fn the_pointer_finds_the_row_that_is_drawn() {
    for kind in KINDS {
        let mut state = if kind == Kind::Event { many_events((80, 24)) } else { workloads((80, 24), kind) };
        state.workloads.cursor.row = state.workloads.rows.len().clamp(1, 4) - 1;
        let area = layout::workloads(&state).rows;
        for place in super::super::workloads::chosen::places(&state, area) {
            for line in place.span() {
                assert_eq!(hit_test(&state, 10, area.y + line), Some(Hit::Row(place.index)), "{kind:?}");
            }
        }
    }
}

#[test]
fn a_viewer_offers_only_keys_that_do_something_in_it() {
    let mut state = super::with_viewer(&ViewerKind::Yaml);
    let footer = |state: &State| rows_of(&draw(state)).pop().unwrap_or_default();
    for nothing in ["follow", "times", "container", "next"] {
        assert!(!footer(&state).contains(nothing), "{}", footer(&state));
    }
    state = super::with_viewer(&ViewerKind::Logs { container: None, previous: false });
    assert!(footer(&state).contains("f follow") && footer(&state).contains("t times"), "{}", footer(&state));
}

#[test]
fn the_help_names_no_screen_that_does_not_exist() {
    let state = fixture::bad_deploy((120, 40));
    let words: Vec<String> = state.help().into_iter().flat_map(|group| group.lines).map(|line| line.words.to_string()).collect();
    assert!(words.iter().any(|words| words.starts_with("Workloads")));
    assert!(!words.iter().any(|words| words.contains("not in this version")), "{words:?}");
}

/// What is cut of a chosen suggestion fits below the list: its title stands in the row already.
#[test]
fn the_grounds_of_a_chosen_suggestion_are_whole_at_80_columns() {
    let mut state = fixture::bad_deploy((80, 24));
    state.cockpit.focus = Pane::Suggestions;
    let why = "2 pods were killed for memory, rolled out 2 min before the trouble";
    state.advice.suggestions[0].evidence = why.into();
    let rows = rows_of(&draw(&state));
    assert!(rows.iter().any(|row| row.contains(why)), "{}", rows.join("\n"));
}
