//! What the cockpit costs in instructions, which no other load of the machine changes: a frame with 100 pods and with 50,000, one
//! pod that changes, a filter, a page of a list.
//!
//! `cargo bench --bench instructions` counts them with valgrind; without valgrind or the runner it says what to install.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made ends the bench")]

mod fleet;
mod page;

use std::process::{Command, ExitCode, Stdio};

use ratatui::{Terminal, backend::TestBackend};
use sev1::{
    domain::observation::Delta,
    state::{State, msg::Msg, update::update},
    ui::{self, Theme},
};

const SMALL: usize = 100;
const BIG: usize = 50_000;

fn main() -> ExitCode {
    // The runner starts this program again, under valgrind.
    let is_counted = std::env::args().nth(1).is_some_and(|argument| argument == "--gungraun-run");
    let missing = if is_counted { Vec::new() } else { missing() };
    for what in &missing {
        eprintln!("instructions cannot be counted: {what}");
    }
    if !missing.is_empty() {
        return ExitCode::from(2);
    }
    counted::run();
    ExitCode::SUCCESS
}

/// What has to be installed first.
fn missing() -> Vec<String> {
    // The runner has to be of the library's version.
    let version = include_str!("../Cargo.lock").split("name = \"gungraun\"\nversion = \"").nth(1).and_then(|rest| rest.split('"').next());
    let install = format!("cargo install gungraun-runner --locked --version {}", version.unwrap_or_default());
    let starts = |program: &str| Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    [("valgrind", "install valgrind, from your system's packages".to_owned()), ("gungraun-runner", install)]
        .into_iter()
        .filter(|(program, _)| !starts(program))
        .map(|(program, remedy)| format!("{program} is not on the path; {remedy}"))
        .collect()
}

/// A screen that was drawn once and has to be drawn again.
struct Drawn {
    terminal: Terminal<TestBackend>,
    state: State,
    theme: Theme,
}

fn drawn(mut state: State) -> Drawn {
    let theme = Theme::by_name("night").unwrap();
    let mut terminal = Terminal::new(TestBackend::new(200, 50)).unwrap();
    terminal.draw(|frame| ui::render(frame, &state, &theme)).unwrap();
    fleet::press(&mut state, 'j');
    Drawn { terminal, state, theme }
}

fn draw(mut drawn: Drawn) -> Drawn {
    let Drawn { terminal, state, theme } = &mut drawn;
    terminal.draw(|frame| ui::render(frame, state, theme)).unwrap();
    drawn
}

/// A state and the message that says a pod in the middle of it restarted.
fn one_pod(state: State) -> (State, Msg) {
    let mut pod = fleet::pod(state.cluster.pods.len() / 2);
    pod.restarts += 1;
    (state, fleet::pods(vec![Delta::Applied(pod)]))
}

/// A list's last page, when it comes for the second time and every pod is different.
fn one_page(state: State) -> (State, Msg) {
    let pod = |number: usize| {
        let mut pod = fleet::pod(number * 97);
        pod.restarts += 1;
        Delta::Applied(pod)
    };
    (state, fleet::pods((0..fleet::PAGE).map(pod).collect()))
}

fn apply((mut state, message): (State, Msg)) -> State {
    update(&mut state, message);
    state
}

fn filtering() -> State {
    let mut state = fleet::workloads(BIG);
    fleet::press(&mut state, '/');
    state
}

fn filter(mut state: State) -> State {
    update(&mut state, Msg::Paste("gateway".to_owned()));
    assert!((1..BIG).contains(&state.workloads.rows.len()), "the filter filters");
    state
}

fn filter_nothing(mut state: State) -> State {
    fleet::press_ctrl(&mut state, 'u');
    assert_eq!(state.workloads.rows.len(), BIG);
    state
}

/// The counted functions; what their setup does is not counted, nor is dropping what they return.
mod counted {
    use std::hint::black_box;

    use gungraun::{library_benchmark, library_benchmark_group, main};
    use sev1::sources::pods_of_page;

    use super::{BIG, Drawn, Msg, SMALL, State, apply, draw, drawn, filter, filter_nothing, filtering, fleet, one_page, one_pod, page};

    #[library_benchmark]
    #[bench::cockpit(drawn(fleet::cockpit(SMALL)))]
    #[bench::workloads(drawn(fleet::workloads(SMALL)))]
    fn frame_of_100(drawn: Drawn) -> Drawn {
        draw(black_box(drawn))
    }

    #[library_benchmark]
    #[bench::cockpit(drawn(fleet::cockpit(BIG)))]
    #[bench::workloads(drawn(fleet::workloads(BIG)))]
    fn frame_of_50000(drawn: Drawn) -> Drawn {
        draw(black_box(drawn))
    }

    #[library_benchmark]
    #[bench::cockpit(one_pod(fleet::cockpit(SMALL)))]
    #[bench::workloads(one_pod(fleet::workloads(SMALL)))]
    fn update_of_100(pod: (State, Msg)) -> State {
        apply(black_box(pod))
    }

    #[library_benchmark]
    #[bench::cockpit(one_pod(fleet::cockpit(BIG)))]
    #[bench::workloads(one_pod(fleet::workloads(BIG)))]
    fn update_of_50000(pod: (State, Msg)) -> State {
        apply(black_box(pod))
    }

    #[library_benchmark]
    #[bench::cockpit(one_page(fleet::cockpit(BIG)))]
    #[bench::workloads(one_page(fleet::workloads(BIG)))]
    fn page_of_500(page: (State, Msg)) -> State {
        apply(black_box(page))
    }

    #[library_benchmark]
    #[bench::typed(filtering())]
    fn filter_of_50000(state: State) -> State {
        filter(black_box(state))
    }

    #[library_benchmark]
    #[bench::emptied(filter(filtering()))]
    fn no_filter_of_50000(state: State) -> State {
        filter_nothing(black_box(state))
    }

    #[library_benchmark]
    #[bench::page_of_500(page::body())]
    fn decode(body: Vec<u8>) -> usize {
        let pods = pods_of_page(black_box(&body)).unwrap();
        assert_eq!(pods.len(), page::PODS);
        pods.len()
    }

    library_benchmark_group!(name = frame, compare_by_id = true, benchmarks = [frame_of_100, frame_of_50000]);
    library_benchmark_group!(name = one, compare_by_id = true, benchmarks = [update_of_100, update_of_50000]);
    library_benchmark_group!(name = many, benchmarks = [page_of_500, filter_of_50000, no_filter_of_50000, decode]);

    main!(library_benchmark_groups = [frame, one, many]);

    /// Hands the groups to the runner, or runs one of them under valgrind.
    pub fn run() {
        main();
    }
}
