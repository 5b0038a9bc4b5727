//! Job control: stopped by `Ctrl-Z` or SIGTSTP, and brought back by the shell, with a whole terminal each time.

use portable_pty::CommandBuilder;
use rstest::rstest;

use super::harness::Session;

/// A shell with job control that starts the cockpit, says how it came back from it, and after a key brings the job back again.
const SHELL: &str = r#"set -m; "$SEV1" demo --scenario calm; echo "stopped with $?"; while read -r _; do fg >/dev/null; echo "left with $?"; done"#;

fn in_a_shell() -> Session {
    Session::start_with(80, 24, &[], |command, _| {
        let mut shell = CommandBuilder::new("bash");
        shell.args(["--norc", "--noprofile", "-c", SHELL]);
        shell.env_clear();
        for (name, value) in command.iter_extra_env_as_str() {
            shell.env(name, value);
        }
        shell.env("SEV1", env!("CARGO_BIN_EXE_sev1"));
        if let Some(folder) = command.get_cwd() {
            shell.cwd(folder);
        }
        *command = shell;
    })
}

fn is_given_back(session: &Session) {
    assert!(!session.on_alternate_screen(), "still on the alternate screen:\n{}", session.screen());
    assert!(!session.cursor_hidden(), "the cursor is still hidden");
    assert!(!session.reports_mouse(), "every move of the mouse would be typed into the shell");
}

#[rstest]
#[case::by_key(true)]
#[case::from_outside(false)]
fn a_stopped_cockpit_gives_the_terminal_back_and_takes_it_again(#[case] by_key: bool) {
    let mut session = in_a_shell();
    session.see("Error rate").see("nothing fires");
    for (round, word) in ["stopped with 147", "left with 147"].into_iter().enumerate() {
        if by_key {
            session.press("\u{1a}");
        } else {
            session.signal_child("TSTP");
        }
        // 128 and the number of SIGSTOP.
        session.see(word);
        is_given_back(&session);
        assert!(!session.screen().contains("Error rate"), "round {round}: the cockpit lies over the shell:\n{}", session.screen());
        session.enter().see("Error rate").see("nothing fires");
        assert!(
            session.on_alternate_screen() && session.cursor_hidden() && session.reports_mouse(),
            "round {round}: the terminal was not taken again"
        );
        session.press("?").see("Keys ─").esc().see_gone("Keys ─");
    }
    session.press("q").see("left with 0");
    is_given_back(&session);
}

#[test]
fn without_a_shell_it_says_that_nobody_could_bring_it_back() {
    let mut session = Session::start(80, 24, &["demo", "--scenario", "calm"]);
    session.see("nothing fires").press("\u{1a}").see("there is no shell that could bring sev1 back");
    session.press("q");
    assert_eq!(session.ended(), 0);
}
