//! The mouse, as a terminal reports it (xterm's SGR mode).

use super::harness::Session;

const PRESS: u8 = 0;
const DRAG: u8 = 32;

fn report(button: u8, column: usize, row: usize, end: char) -> String {
    format!("\u{1b}[<{button};{};{}{end}", column + 1, row + 1)
}

#[test]
fn dragging_copies_what_is_drawn_and_says_how_much() {
    let mut session = Session::start(80, 24, &["demo", "--scenario", "calm"]);
    session.see("nothing fires").see("Suggested");
    let header = session.screen();
    let column = header.find("prod-uk-1").expect("the header names the context");
    session.press(&report(PRESS, column, 0, 'M')).press(&report(DRAG, column + 8, 0, 'M')).press(&report(PRESS, column + 8, 0, 'm'));
    session.see("sent 9 characters to the terminal's clipboard");
    let sent = session.sent();
    // "prod-uk-1" in base64, as OSC 52 carries it.
    let wanted = b"\x1b]52;c;cHJvZC11ay0x";
    assert!(sent.windows(wanted.len()).any(|bytes| bytes == wanted), "no OSC 52 with the text was sent");
    session.press("q");
    assert_eq!(session.ended(), 0);
}
