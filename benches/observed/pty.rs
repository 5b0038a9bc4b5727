//! A program in a pseudo-terminal; everything it writes is kept with the moment it came.

use std::{
    io::{Read, Write},
    num::NonZeroU16,
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// After this long without the effect a measurement is given up.
const PATIENCE: Duration = Duration::from_mins(10);

const COLUMNS: NonZeroU16 = NonZeroU16::new(200).expect("not zero");
const ROWS: NonZeroU16 = NonZeroU16::new(50).expect("not zero");

/// Bytes that came in one read.
pub struct Chunk {
    pub at: Instant,
    pub bytes: Vec<u8>,
}

pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<Chunk>,
    screen: vt100::Parser,
    pub launched: Instant,
    _pty: Box<dyn MasterPty + Send>,
    _home: tempfile::TempDir,
}

impl Terminal {
    /// Starts it in a terminal of 200x50, with nothing of the user's environment.
    pub fn start(program: &str, args: &[&str]) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let size = PtySize { rows: ROWS.get(), cols: COLUMNS.get(), pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env_clear();
        for (name, value) in environment(home.path()) {
            command.env(name, value);
        }
        command.cwd(home.path());
        let mut reader = pair.master.try_clone_reader().expect("the terminal can be read");
        let keyboard = pair.master.take_writer().expect("the terminal takes keys");
        let (sender, output) = sync_channel(4_096);
        thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(Chunk { at: Instant::now(), bytes: buffer[..read].to_vec() }).is_err() {
                    return;
                }
            }
        });
        let launched = Instant::now();
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let screen = vt100::Parser::new(ROWS, COLUMNS, 0);
        Self { child, keyboard, output, screen, launched, _pty: pair.master, _home: home }
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("the program runs")
    }

    /// The screen's text.
    pub fn text(&self) -> String {
        self.screen.screen().contents()
    }

    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).and_then(|()| self.keyboard.flush()).expect("the program takes keys");
    }

    /// When the bytes came that made `wanted` true of the screen's text.
    pub fn wait(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> Instant {
        let deadline = Instant::now() + PATIENCE;
        if wanted(&self.screen.screen().contents()) {
            return Instant::now();
        }
        loop {
            let Some(chunk) = self.next(deadline) else {
                panic!("waited for {what}; the screen:\n{}", self.screen.screen().contents());
            };
            if wanted(&self.screen.screen().contents()) {
                return chunk.at;
            }
        }
    }

    /// What comes in this time, already on the screen.
    pub fn listen(&mut self, length: Duration) -> Vec<Chunk> {
        let end = Instant::now() + length;
        std::iter::from_fn(|| self.next(end)).collect()
    }

    /// What comes next, already on the screen; none until the deadline.
    pub fn next(&mut self, deadline: Instant) -> Option<Chunk> {
        match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(chunk) => {
                self.screen.process(&chunk.bytes);
                Some(chunk)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the program ended; the screen:\n{}", self.screen.screen().contents()),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A home of its own and a terminal with colours.
pub fn environment(home: &Path) -> [(&'static str, String); 4] {
    let path = std::env::var("PATH").unwrap_or_default();
    [("HOME", home.display().to_string()), ("PATH", path), ("TERM", "xterm-256color".to_owned()), ("LANG", "C.UTF-8".to_owned())]
}
