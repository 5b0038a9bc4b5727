//! What the cockpit costs: a frame, an update, a filter, a page of a list; with 100 pods and with 50,000.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made ends the bench")]

mod fleet;

use std::{hint::black_box, time::Duration};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ratatui::{Terminal, backend::TestBackend};
use sev1::{
    domain::observation::Delta,
    state::{State, columns::columns, msg::Msg, update::update},
    ui::{self, Theme},
};

const SMALL: usize = 100;
const BIG: usize = 50_000;

/// One frame as the loop draws it, compared with the one before by ratatui.
fn frame(criterion: &mut Criterion) {
    let theme = Theme::by_name("night").unwrap();
    let mut group = criterion.benchmark_group("frame 200x50");
    let mut draw = |name: &str, state: &State| {
        let mut terminal = Terminal::new(TestBackend::new(200, 50)).unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                terminal.draw(|frame| ui::render(frame, black_box(state), &theme)).unwrap();
            });
        });
    };
    for count in [SMALL, BIG] {
        let mut state = fleet::workloads(count);
        fleet::press(&mut state, 'j');
        draw(&format!("workloads, {count} pods"), &state);
        draw(&format!("cockpit, {count} pods"), &fleet::cockpit(count));
    }
    group.finish();
}

/// One pod restarts, with the table sorted by each of several columns.
fn one_pod(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("update one pod");
    let mut one = |name: &str, mut state: State| {
        let (mut turn, count) = (0_u32, state.cluster.pods.len());
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || {
                    turn += 1;
                    let mut pod = fleet::pod(turn as usize * 7_919 % count);
                    pod.restarts = 8 + turn;
                    fleet::pods(vec![Delta::Applied(pod)])
                },
                |message| update(&mut state, message),
                BatchSize::SmallInput,
            );
        });
    };
    one(&format!("{SMALL} pods, workloads"), fleet::workloads(SMALL));
    one(&format!("{BIG} pods, cockpit"), fleet::cockpit(BIG));
    for column in [0, 2, 3, 4] {
        let mut state = fleet::workloads(BIG);
        for _ in 0..column {
            fleet::press(&mut state, '>');
        }
        let name = columns(state.workloads.kind)[column].title();
        one(&format!("{BIG} pods, workloads by {name}"), state);
    }
    group.finish();
}

/// A letter more in the filter, and none again.
fn filter(criterion: &mut Criterion) {
    let mut state = fleet::workloads(BIG);
    fleet::press(&mut state, '/');
    criterion.bench_function("filter of 50000 rows", |bencher| {
        bencher.iter(|| {
            update(&mut state, Msg::Paste("gateway".to_owned()));
            let found = state.workloads.rows.len();
            assert!(found > 0 && found < BIG, "the filter filters");
            fleet::press_ctrl(&mut state, 'u');
            assert_eq!(state.workloads.rows.len(), BIG);
        });
    });
}

/// The last page of a list of 50,000, seen for the first time and seen again.
fn page(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("apply a 500-pod page");
    let screens = [("cockpit", fleet::cockpit as fn(usize) -> State), ("workloads", fleet::workloads)];
    for (name, screen) in screens {
        let mut state = screen(BIG);
        let mut turn = 0_u32;
        group.bench_function(format!("{BIG} pods, {name}"), |bencher| {
            bencher.iter_batched(
                || {
                    turn += 1;
                    let page = (0..fleet::PAGE).map(|number| {
                        let mut pod = fleet::pod(number * 97);
                        pod.restarts = 8 + turn;
                        Delta::Applied(pod)
                    });
                    fleet::pods(page.collect())
                },
                |message| update(&mut state, message),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = cockpit;
    config = Criterion::default().without_plots().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3)).sample_size(30);
    targets = frame, one_pod, filter, page
}
criterion_main!(cockpit);
