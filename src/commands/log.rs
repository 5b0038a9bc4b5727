//! The program's own log: a file, only where `SEV1_LOG` asks for it; never the terminal.

use std::{
    env,
    io::{self, Write},
    path::PathBuf,
};

use etcetera::BaseStrategy as _;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::{Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use super::output;
use crate::{
    domain::{secrecy, text},
    files,
};

const FILE_NAME: &str = "sev1.log";

/// Starts it where it is asked for. Lines are written out when the guard is dropped.
pub fn start() -> Option<WorkerGuard> {
    let level = env::var("SEV1_LOG").ok().filter(|level| !level.is_empty())?;
    let Ok(level) = level.parse::<LevelFilter>() else {
        output::complain("environment SEV1_LOG: is no level, nothing is logged: write error, warn, info, debug or trace");
        return None;
    };
    let Some(directory) = directory() else {
        output::complain("environment SEV1_LOG: there is no state directory to log to");
        return None;
    };
    if let Err(error) = files::own_folder(&directory) {
        output::complain(&format!("{}: cannot be used, nothing is logged: {error}", directory.display()));
        return None;
    }
    let path = directory.join(FILE_NAME);
    let file = match files::open_own(&path, files::To::Append) {
        Ok(file) => file,
        Err(error) => {
            output::complain(&format!("{}: cannot be logged to, nothing is logged: {error}", path.display()));
            return None;
        }
    };
    let (writer, guard) = tracing_appender::non_blocking(Cleaned(file));
    // Only our own events: libraries write headers and bodies at finer levels, and those hold secrets.
    let own = Targets::new().with_target("sev1", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false).with_filter(own);
    tracing_subscriber::registry().with(lines).init();
    Some(guard)
}

/// A file of lines without our secrets, and without what would mislead the terminal on which they are read.
struct Cleaned<W>(W);

impl<W: Write> Write for Cleaned<W> {
    /// Each call has whole lines: an event is formatted before it is written.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(text::lines(&secrecy::hide(&String::from_utf8_lossy(bytes))).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn directory() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok()?.state_dir().map(|state| state.join("sev1"))
}
