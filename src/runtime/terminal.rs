//! The terminal: taken over at start, given back as it was found, whatever happens.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
    sync::atomic::{AtomicBool, Ordering},
};

use crossterm::{
    cursor,
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture},
    queue, style,
    terminal::{self, EnterAlternateScreen, LeaveAlternateScreen},
};
use ratatui::Terminal as RatatuiTerminal;

use super::{
    screen::{END, Screen},
    signals,
};

/// Whether the terminal is ours at the moment; the panic hook and signal handlers ask it.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// A panic has ended the cockpit: those that follow from it say nothing.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// What Rust's own runtime exits with.
const PANIC_CODE: i32 = 101;

const LAST_WORDS: &str = "sev1 ends: a fault of its own, not of your cluster. A write that was under way stands in the journal, and the next \
                          start says what became of it. Start it again; if it comes back, please report what follows.\n\n";

pub type Terminal = RatatuiTerminal<Screen<File>>;

/// Gives the terminal back when dropped.
#[derive(Debug)]
pub struct Taken {
    pub terminal: Terminal,
}

impl Taken {
    /// Enters raw mode and the alternate screen. Fails with one sentence where there is no terminal.
    pub fn take(mouse: bool) -> io::Result<Self> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(io::Error::other("sev1 needs a terminal on standard input and output; for scripts there is `sev1 status`"));
        }
        // With NO_COLOR crossterm drops bold and reverse too, which the theme without colours lives by.
        style::force_color_output(true);
        // A file of the terminal itself: Rust's standard output is line-buffered and splits a frame into many writes.
        let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        enter(&mut output, mouse)?;
        Ok(Self { terminal: RatatuiTerminal::new(Screen::new(output))? })
    }

    /// Takes the terminal again after [`restore`]. Whatever it shows is not what was drawn last.
    pub fn take_again(&mut self, mouse: bool) -> io::Result<()> {
        let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        enter(&mut output, mouse)?;
        self.terminal.clear()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        restore();
    }
}

/// Raw mode and the alternate screen.
fn enter(output: &mut File, mouse: bool) -> io::Result<()> {
    terminal::enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut start = Vec::new();
    queue!(start, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
    if mouse {
        queue!(start, EnableMouseCapture)?;
    }
    output.write_all(&start)
}

/// Whether the terminal is ours: nothing may be written to it once it was given back.
pub fn is_taken() -> bool {
    TAKEN.load(Ordering::SeqCst)
}

/// Leaves the alternate screen and raw mode, once. Safe to call at any time, from any thread. Says whether it was ours.
pub fn restore() -> bool {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return false;
    }
    // A frame may have been under way.
    let mut end = END.to_vec();
    let _ = queue!(
        end,
        style::ResetColor,
        style::SetAttribute(style::Attribute::Reset),
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let mut output = io::stdout();
    let _ = output.write_all(&end).and_then(|()| output.flush());
    let _ = terminal::disable_raw_mode();
    true
}

/// Makes a panic, on whatever thread, restore the terminal, say so once and end the cockpit: one that goes on without one
/// of its parts would show what nobody keeps up to date. Call after other hooks were installed.
pub fn install_panic_hook() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if restore() {
            PANICKED.store(true, Ordering::SeqCst);
            let _ = io::stderr().write_all(LAST_WORDS.as_bytes());
            print(panic);
            signals::leave(PANIC_CODE);
        } else if !PANICKED.load(Ordering::SeqCst) {
            print(panic);
        }
    }));
}
