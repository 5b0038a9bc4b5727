//! More room is never worse: what can be read on a screen can be read on every larger one, and nothing is cut beside blank lines.

use std::collections::BTreeSet;

use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};
use ratatui::layout::Rect;

use super::*;
use crate::{
    domain::{alert::Severity, log_pattern::Pattern, suggestion::Suggestion},
    state::timeline::{Entry, EntryKind},
    ui::layout,
};

/// Sizes between the named ones.
const AT_RANDOM: usize = 24;

const NAMED: [(u16, u16); 5] = [(80, 24), (100, 30), (120, 40), (140, 45), (200, 60)];

/// Names, reasons and messages as long as real clusters have them.
fn long_winded(size: (u16, u16)) -> State {
    let mut state = fixture::bad_deploy(size);
    let template = state.cluster.pods.objects.values().next().unwrap().clone();
    for (index, status) in ["Init:CreateContainerConfigError", "ImagePullBackOff", "CrashLoopBackOff"].into_iter().enumerate() {
        let mut pod = template.clone();
        pod.key = Key::new(fixture::NAMESPACE, &format!("citizen-identity-verification-service-6f7d9c5b8d-{index}x2xq"));
        pod.node = Some(format!("ip-10-0-{index}-17.eu-west-2.compute.internal").into());
        pod.is_ready = false;
        pod.status = status.into();
        state.cluster.unhealthy.insert(pod.key.clone());
        state.cluster.pods.apply(Delta::Applied(pod), |_, _| {});
    }
    let errors = state.errors.as_mut().unwrap();
    errors.patterns.insert(
        1,
        Pattern {
            service: "citizen-identity-verification-service".into(),
            shape: "could not write the verification of <uuid> to the ledger: the primary is in recovery, retry <n> of <n>, giving the citizen a \
                temporary identity until the ledger can be written again"
                .into(),
            quiet_minutes: Some(4),
            ..errors.patterns[0].clone()
        },
    );
    let reason: &str = "not offered by a rule: 9 pods of node-8 and node-10 are lost since 02:01 and nothing else would bring them back to a node";
    let first: Suggestion = state.advice.suggestions[0].clone();
    state
        .advice
        .suggestions
        .insert(0, Suggestion { title: "replace 9 pods of node-8, node-10 (down since 02:01)".into(), evidence: reason.into(), ..first });
    state.timeline.entries.push(Entry { at: fixture::at(2, 14), what: EntryKind::Note, text: reason.into() });
    let alert = &mut state.alerts.as_mut().unwrap().alerts[1];
    alert.severity = Severity::Critical;
    alert.labels = [("service".into(), "citizen-identity-verification".into())].into();
    state.kpis[1].reading.as_mut().unwrap().problem = Some("the query was aborted after 2 minutes".into());
    state
}

/// Every state of the fixture, and each in long words.
fn states() -> Vec<(&'static str, State)> {
    let size = (80, 24);
    let mut in_words = long_winded(size);
    in_words.kpis[5].reading.as_mut().unwrap().value = Some(0.99);
    let mut elsewhere = long_winded(size);
    elsewhere.cockpit.focus = Pane::Errors;
    elsewhere.cockpit.errors.row = 1;
    let mut advised = long_winded(size);
    advised.cockpit.focus = Pane::Suggestions;
    let mut changed = fixture::bad_deploy(size);
    changed.cockpit.focus = Pane::Changes;
    vec![
        ("healthy", fixture::healthy(size)),
        ("bad deploy", fixture::bad_deploy(size)),
        ("troubled", fixture::troubled(size)),
        ("loading", fixture::loading(size)),
        ("in long words", in_words),
        ("errors in long words", elsewhere),
        ("suggestions in long words", advised),
        ("changes", changed),
    ]
}

/// The named sizes, and some between them in the order of both width and height.
fn sizes() -> Vec<(u16, u16)> {
    let seed: u64 = std::env::var("SEV1_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_123);
    println!("SEV1_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut sizes = NAMED.to_vec();
    sizes.extend((0..AT_RANDOM).map(|_| {
        let mut between = |from: u16, to: u16| from + u16::try_from(random.next_u32() % u32::from(to - from + 1)).unwrap();
        (between(80, 210), between(24, 64))
    }));
    // One column or one line more is where a step of the layout shows.
    sizes.extend((80..=210).step_by(2).map(|width| (width, 40)));
    sizes.extend((24..=64).map(|height| (120, height)));
    sizes.extend((56..=64).map(|height| (200, height)));
    sizes
}

/// Each of the named sizes with every larger one, each size with the next, and those at random with each other.
fn pairs() -> Vec<((u16, u16), (u16, u16))> {
    let sizes = sizes();
    let mut pairs: Vec<_> = NAMED.iter().flat_map(|small| sizes.iter().map(|large| (*small, *large))).collect();
    pairs.extend(sizes.iter().flat_map(|size| [(*size, (size.0 + 2, size.1)), (*size, (size.0, size.1 + 1))]));
    pairs.extend(sizes[5..5 + AT_RANDOM].iter().flat_map(|small| sizes[5..5 + AT_RANDOM].iter().map(|large| (*small, *large))));
    pairs.retain(|(small, large)| small != large && small.0 <= large.0 && small.1 <= large.1);
    pairs
}

fn lines_in(buffer: &Buffer, area: Rect) -> Vec<String> {
    let line = |y| (area.x..area.right()).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (area.y..area.bottom()).map(|y| line(y).trim_end().to_owned()).collect()
}

/// The words of a screen that say something: no drawing, and none of a text that is cut.
fn words(text: &str) -> BTreeSet<String> {
    let says = |word: &&str| !word.contains(glyph::ELLIPSIS) && word.chars().any(char::is_alphanumeric);
    // A name may go on in the next line after a hyphen.
    text.split(|character: char| character.is_whitespace() || "│─┄▸▁▂▃▄▅▆▇█-/:".contains(character)).filter(says).map(str::to_owned).collect()
}

/// The word of these states that is longer than its column on some screens.
const BROKEN: &str = "Init:CreateContainerConfigError";

/// A short form of the smaller screen, and what stands for it where there is room.
const LONGER: [(&str, &str); 6] =
    [("from", "since"), ("30m", "30"), ("5m", "5"), ("acked", "acknowledged;"), ("late", "late"), ("nobody", "nobody:")];

#[test]
fn what_can_be_read_can_be_read_on_every_larger_screen() {
    for (name, mut state) in states() {
        let mut worse = Vec::new();
        let mut drawn: std::collections::HashMap<(u16, u16), (BTreeSet<String>, String)> = std::collections::HashMap::new();
        for (small, large) in pairs() {
            for size in [small, large] {
                drawn.entry(size).or_insert_with(|| {
                    state.size = size;
                    // The header gives its room to what matters most: a lesser word may give way there to a greater one.
                    let text = rows_of(&draw(&state))[1..].join("\n");
                    (words(&text), text.split_whitespace().collect())
                });
            }
            let (before, after) = (&drawn[&small], &drawn[&large]);
            let lost: Vec<_> = before
                .0
                .iter()
                .filter(|word| {
                    let longer = LONGER.iter().find(|(short, _)| short == word).map(|(_, long)| *long);
                    // The end of a word that is broken where its column ends.
                    let is_end = BROKEN.ends_with(word.as_str());
                    !is_end && !after.0.contains(*word) && !after.1.contains(word.as_str()) && !longer.is_some_and(|long| after.0.contains(long))
                })
                .collect();
            if !lost.is_empty() {
                worse.push(format!("{lost:?} of {small:?} are lost at {large:?}"));
            }
        }
        assert!(worse.is_empty(), "{name}, {} times:\n{}", worse.len(), worse[..worse.len().min(12)].join("\n"));
    }
}

#[test]
fn no_list_has_fewer_rows_on_a_larger_screen() {
    for (name, mut state) in states() {
        for (small, large) in pairs() {
            let mut of = |size| {
                state.size = size;
                let (heights, panes) = (super::heights(&state), layout::cockpit(&state));
                let mut rows = vec![heights.pods, heights.errors, heights.changes, heights.suggestions, panes.tiles.height, panes.tile_count];
                rows.push(panes.escalation.width);
                rows
            };
            let (before, after) = (of(small), of(large));
            assert!(before.iter().zip(&after).all(|(before, after)| before <= after), "{name}: {before:?} at {small:?}, {after:?} at {large:?}");
        }
    }
}

#[test]
fn nothing_is_cut_beside_blank_lines() {
    for ascii in [false, true] {
        let ellipsis = if ascii { "~" } else { glyph::ELLIPSIS };
        for (name, mut state) in states() {
            state.ascii = ascii;
            for size in sizes().into_iter().take(if ascii { 5 + AT_RANDOM } else { usize::MAX }) {
                state.size = size;
                let buffer = draw(&state);
                let panes = layout::cockpit(&state);
                for area in [panes.escalation, panes.pods, panes.errors, panes.changes, panes.suggestions, panes.timeline] {
                    let lines = lines_in(&buffer, area);
                    let last = lines.last().is_some_and(|line| line.trim_start_matches(['│', '|']).trim().is_empty());
                    let cut = lines.iter().skip(1).find(|line| line.contains(ellipsis));
                    assert!(!last || cut.is_none(), "{name} at {size:?}: {cut:?} is cut\n{}", lines.join("\n"));
                }
            }
        }
    }
}

/// Whether the chosen pod has several lines, over which its name goes on.
fn panes_wrap(state: &State) -> bool {
    let places = crate::ui::cockpit::pods::places(state, layout::cockpit(state).pods);
    places.iter().any(|place| place.index == state.cockpit.pods.row && place.lines > 1)
}

#[test]
fn the_chosen_row_is_read_whole_somewhere() {
    for size in NAMED {
        let mut state = long_winded(size);
        for index in 0..state.cluster.unhealthy.len() {
            state.cockpit.pods.row = index;
            state.cockpit.pod = state.cluster.unhealthy.iter().nth(index).cloned();
            state.heights = heights(&state);
            state.cockpit.pods.clamp(state.cluster.unhealthy.len(), usize::from(state.heights.pods));
            let key = state.cluster.unhealthy.iter().nth(index).unwrap().name.to_string();
            let text: String = text_of(&draw(&state)).split_whitespace().collect();
            let status = state.cluster.pods.get(state.cluster.unhealthy.iter().nth(index).unwrap()).unwrap().status.to_string();
            // One line of 80 columns holds the longest status, and no such name beside it.
            assert!(text.contains(&key) || size.0 < 100 || panes_wrap(&state), "{key} at {size:?}:\n{}", text_of(&draw(&state)));
            assert!(text.contains(&status), "{status} at {size:?}:\n{}", text_of(&draw(&state)));
        }
    }
}

#[test]
fn a_bad_indicator_takes_the_tile_of_one_that_fares_well() {
    let mut state = fixture::healthy((80, 24));
    state.kpis[0].reading.as_mut().unwrap().value = Some(0.2);
    let rows = rows_of(&draw(&state));
    assert!(rows[1].contains("Error rate") && rows[1].contains("p95 latency") && rows[1].contains("Sync backlog"), "{}", rows[1]);
    state.kpis[5].reading.as_mut().unwrap().value = Some(0.99);
    let rows = rows_of(&draw(&state));
    assert!(rows[1].contains("Error rate") && rows[1].contains("p95 latency") && rows[1].contains("DB connections"), "{}", rows[1]);
    assert!(rows[2].contains("99.0 %  ▲ > 90 %") || rows[2].contains("99.0 % ▲ > 90 %"), "{}", rows[2]);
    assert!(rows[7].starts_with(" Sync backlog"), "{}", rows[7]);
    // Where all tiles are as bad the order of the configuration stands.
    for kpi in [1, 2] {
        state.kpis[kpi].reading.as_mut().unwrap().value = Some(99_999.0);
    }
    let rows = rows_of(&draw(&state));
    assert!(rows[1].contains("Sync backlog") && rows[7].starts_with(" DB connections 99.0 % ▲"), "{}\n{}", rows[1], rows[7]);
}

#[test]
fn tiles_say_how_long_their_history_is() {
    for size in NAMED {
        let state = fixture::bad_deploy(size);
        let buffer = draw(&state);
        let panes = layout::cockpit(&state);
        let width = panes.tiles.width / panes.tile_count;
        for tile in 0..panes.tile_count {
            let text = lines_in(&buffer, Rect { x: panes.tiles.x + tile * width, width, ..panes.tiles }).join("\n");
            assert!(text.contains("30 min") || text.contains("30m"), "tile {tile} at {size:?}:\n{text}");
        }
    }
}
