//! A pseudo-terminal with the program in it, and a screen to look at.

use std::{
    io::{Read, Write},
    num::NonZeroU16,
    path::Path,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long an effect may take before the test gives up. Generous: it is a bound, never a wait.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Least time between two presses, as hands have it: what comes faster is a paste to the program.
const HANDS: Duration = Duration::from_millis(60);
/// The same before a key that confirms: on a busy machine the one before may have been read late.
const DECIDES: Duration = Duration::from_millis(300);

/// The program under test and what it drew.
pub struct Session {
    pressed: Option<Instant>,
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    pty: Box<dyn MasterPty + Send>,
    drawn: Arc<Drawn>,
    /// Home of the program: configuration, state, journal.
    pub home: tempfile::TempDir,
}

struct Drawn {
    state: Mutex<DrawnState>,
    changed: Condvar,
}

struct DrawnState {
    parser: vt100::Parser,
    /// Frames that changed something on the screen, and those that did not.
    telling: u64,
    futile: u64,
    /// Everything the program has sent, for tests of what a terminal must never get.
    sent: Vec<u8>,
    closed: bool,
}

impl Session {
    /// Starts `sev1 ARGS` in a terminal of this size, with nothing of the user's environment.
    pub fn start(columns: u16, rows: u16, args: &[&str]) -> Self {
        Self::start_with(columns, rows, args, |_, _| {})
    }

    /// The same with more environment variables; `prepare` gets the command and the home folder.
    pub fn start_with(columns: u16, rows: u16, args: &[&str], prepare: impl FnOnce(&mut CommandBuilder, &Path)) -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary folder"), columns, rows, args, prepare)
    }

    /// The same in a home in which it may have run before.
    pub fn start_in(home: tempfile::TempDir, columns: u16, rows: u16, args: &[&str], prepare: impl FnOnce(&mut CommandBuilder, &Path)) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_sev1"));
        command.args(args);
        command.env_clear();
        command.env("HOME", home.path());
        // What a killed program leaves goes with the home folder.
        command.env("TMPDIR", home.path());
        command.env("PATH", std::env::var("PATH").unwrap_or_default());
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.cwd(home.path());
        prepare(&mut command, home.path());
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);

        let drawn = Arc::new(Drawn {
            state: Mutex::new(DrawnState {
                parser: vt100::Parser::new(at_least_one(rows), at_least_one(columns), 0),
                telling: 0,
                futile: 0,
                sent: Vec::new(),
                closed: false,
            }),
            changed: Condvar::new(),
        });
        let mut reader = pair.master.try_clone_reader().expect("the terminal can be read");
        let sink = Arc::clone(&drawn);
        std::thread::spawn(move || {
            let mut buffer = [0_u8; 16 * 1024];
            let mut coming = Vec::new();
            loop {
                let read = reader.read(&mut buffer).unwrap_or(0);
                // A test that failed holding it has said why; a second panic would only bury that.
                let mut state = sink.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.sent.extend_from_slice(&buffer[..read]);
                coming.extend_from_slice(&buffer[..read]);
                state.closed = read == 0;
                let whole = if state.closed { coming.len() } else { without_half_a_frame(&coming) };
                if whole > 0 {
                    let before = state.parser.screen().clone();
                    state.parser.process(&coming[..whole]);
                    coming.drain(..whole);
                    if state.parser.screen().contents_diff(&before).is_empty() {
                        state.futile += 1;
                    } else {
                        state.telling += 1;
                    }
                }
                sink.changed.notify_all();
                if state.closed {
                    return;
                }
            }
        });
        let keyboard = pair.master.take_writer().expect("the terminal takes keys");
        Self { pressed: None, child, keyboard, pty: pair.master, drawn, home }
    }

    /// Types these characters as they are, no sooner after others than a hand does.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        if let Some(before) = self.pressed {
            let pace = if keys == "y" || keys.starts_with('\r') { DECIDES } else { HANDS };
            std::thread::sleep(pace.saturating_sub(before.elapsed()));
        }
        self.at_once(keys)
    }

    /// The same at once, as a terminal hands over what was pasted.
    pub fn at_once(&mut self, keys: &str) -> &mut Self {
        self.send(keys.as_bytes())
    }

    /// The same for bytes that are no text.
    pub fn send(&mut self, bytes: &[u8]) -> &mut Self {
        self.keyboard.write_all(bytes).and_then(|()| self.keyboard.flush()).expect("the program takes keys");
        self.pressed = Some(Instant::now());
        self
    }

    /// Types the word of the card and confirms it, once more where the program says that the key came too close to another. Waits for an
    /// answer: the card goes, or says what is wrong.
    #[track_caller]
    pub fn confirm(&mut self, word: &str) -> &mut Self {
        let answered = |screen: &str| !screen.contains("[ Cancel ]") || screen.contains("│ ! ");
        for _ in 0..3 {
            self.type_word(word);
            if word != "y" {
                self.see(word).enter();
            }
            self.wait("an answer to the confirmation", answered);
            if self.screen().contains("came too close to another key") {
                self.press(if word == "y" { word } else { "\r" }).see_gone("came too close to another key");
            }
            if !self.screen().contains("came as in a paste") {
                break;
            }
            // A busy machine hands over keys together.
            self.press("\u{15}").see_gone("came as in a paste");
        }
        self
    }

    /// Key by key, as hands type it.
    pub fn type_word(&mut self, word: &str) -> &mut Self {
        for letter in word.chars() {
            self.press(letter.encode_utf8(&mut [0; 4]));
        }
        self
    }

    pub fn enter(&mut self) -> &mut Self {
        self.press("\r")
    }

    pub fn esc(&mut self) -> &mut Self {
        self.press("\u{1b}")
    }

    pub fn resize(&mut self, columns: u16, rows: u16) -> &mut Self {
        self.drawn.state.lock().expect("the drawn screen").parser.screen_mut().set_size(at_least_one(rows), at_least_one(columns));
        self.pty.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).expect("the terminal resizes");
        self
    }

    /// Waits until the screen shows `text`.
    #[track_caller]
    pub fn see(&mut self, text: &str) -> &mut Self {
        self.wait(&format!("{text:?} on the screen"), |screen| screen.contains(text))
    }

    /// Waits until the screen no longer shows `text`.
    #[track_caller]
    pub fn see_gone(&mut self, text: &str) -> &mut Self {
        self.wait(&format!("{text:?} gone from the screen"), |screen| !screen.contains(text))
    }

    /// Waits until `wanted` holds for the screen's text.
    #[track_caller]
    pub fn wait(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> &mut Self {
        self.wait_at_most(PATIENCE, what, wanted)
    }

    /// The same for effects that take longer than most, or must not.
    #[track_caller]
    pub fn wait_at_most(&mut self, patience: Duration, what: &str, wanted: impl Fn(&str) -> bool) -> &mut Self {
        let deadline = Instant::now() + patience;
        let mut state = self.drawn.state.lock().expect("the drawn screen");
        loop {
            let text = state.parser.screen().contents();
            if wanted(&text) {
                drop(state);
                return self;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !state.closed,
                "waited for {what}; {}; the screen:\n{text}",
                if state.closed { "the program ended" } else { "time is up" }
            );
            state = self.drawn.changed.wait_timeout(state, left.min(Duration::from_secs(1))).expect("the drawn screen").0;
        }
    }

    /// Waits until so many more writes have come.
    #[track_caller]
    pub fn see_frames(&mut self, more: u64) -> &mut Self {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.drawn.state.lock().expect("the drawn screen");
        let wanted = state.telling + state.futile + more;
        while state.telling + state.futile < wanted {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !state.closed, "waited for {more} more frames");
            state = self.drawn.changed.wait_timeout(state, left).expect("the drawn screen").0;
        }
        drop(state);
        self
    }

    /// The text on the screen, line by line.
    pub fn screen(&self) -> String {
        self.drawn.state.lock().expect("the drawn screen").parser.screen().contents()
    }

    /// Whether the program is on the alternate screen.
    pub fn on_alternate_screen(&self) -> bool {
        self.drawn.state.lock().expect("the drawn screen").parser.screen().alternate_screen()
    }

    /// Whether the cursor is hidden.
    pub fn cursor_hidden(&self) -> bool {
        self.drawn.state.lock().expect("the drawn screen").parser.screen().hide_cursor()
    }

    /// How many writes changed something on the screen, and how many did not.
    pub fn frames(&self) -> (u64, u64) {
        let state = self.drawn.state.lock().expect("the drawn screen");
        (state.telling, state.futile)
    }

    /// The bytes themselves.
    pub fn sent(&self) -> Vec<u8> {
        self.drawn.state.lock().expect("the drawn screen").sent.clone()
    }

    /// Whether the terminal is told to report the mouse.
    pub fn reports_mouse(&self) -> bool {
        self.drawn.state.lock().expect("the drawn screen").parser.screen().mouse_protocol_mode() != vt100::MouseProtocolMode::None
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("the program runs")
    }

    /// Sends a signal by name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let status = std::process::Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -{name} works");
    }

    /// The same to the program that a shell in the terminal has started.
    pub fn signal_child(&self, name: &str) {
        let status = std::process::Command::new("pkill").args([&format!("-{name}"), "-P", &self.pid().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "pkill -{name} works");
    }

    /// Waits for the program to end by itself and returns its exit code.
    #[track_caller]
    pub fn ended(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the program can be waited for") {
                // Its last bytes may still be on the way.
                let mut state = self.drawn.state.lock().expect("the drawn screen");
                while !state.closed && Instant::now() < deadline {
                    state = self.drawn.changed.wait_timeout(state, Duration::from_millis(200)).expect("the drawn screen").0;
                }
                return status.exit_code();
            }
            assert!(Instant::now() < deadline, "the program did not end; the screen:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Everything in the journal files, line by line: the user's, and a demo's as long as it runs.
    pub fn journal(&self) -> Vec<serde_json::Value> {
        let home = self.home.path();
        let demos = std::fs::read_dir(home).into_iter().flatten().flatten().map(|entry| entry.path().join("state"));
        demos.chain([home.join(".local/state/sev1")]).flat_map(|root| Self::journal_in(&root)).collect()
    }

    /// Waits until a record of this kind is in the journal; returns the journal.
    pub fn recorded(&self, kind: &str) -> Vec<serde_json::Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let journal = self.journal();
            if journal.iter().any(|record| record["kind"] == kind) {
                return journal;
            }
            assert!(Instant::now() < deadline, "no {kind} in the journal: {journal:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The same of the journals in another folder.
    pub fn journal_in(root: &Path) -> Vec<serde_json::Value> {
        let clusters = std::fs::read_dir(root).map(|entries| entries.flatten().map(|entry| entry.path()).collect::<Vec<_>>()).unwrap_or_default();
        clusters
            .iter()
            .filter_map(|cluster| std::fs::read_to_string(cluster.join("journal.jsonl")).ok())
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .map(|line| serde_json::from_str(&line).expect("a journal line is JSON"))
            .collect()
    }
}

fn at_least_one(cells: u16) -> NonZeroU16 {
    NonZeroU16::new(cells).unwrap_or(NonZeroU16::MIN)
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How much of these bytes a terminal shows that knows synchronized output: not a frame of which the end is still to come.
fn without_half_a_frame(bytes: &[u8]) -> usize {
    let last = |mark: &[u8]| bytes.windows(mark.len()).rposition(|window| window == mark);
    match (last(b"\x1b[?2026h"), last(b"\x1b[?2026l")) {
        (Some(begun), ended) if ended.is_none_or(|ended| ended < begun) => begun,
        _ => bytes.len(),
    }
}
