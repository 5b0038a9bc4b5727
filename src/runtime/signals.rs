//! Signals and panics that end the program. The loop is told first; if it cannot come to an end within 700 ms (a terminal that
//! takes no bytes, say), the terminal is given back and the process ends here.

use std::{sync::OnceLock, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use super::terminal;

/// How long the loop may take to leave by itself.
const GRACE: Duration = Duration::from_millis(700);

/// The way into the loop, for those who cannot be handed one.
static LOOP: OnceLock<mpsc::Sender<i32>> = OnceLock::new();

/// One message for the first SIGTERM, SIGHUP, SIGQUIT or SIGINT: the exit code to leave with.
pub fn watch() -> std::io::Result<mpsc::Receiver<i32>> {
    let (tell, told) = mpsc::channel(1);
    let _ = LOOP.set(tell.clone());
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let code = tokio::select! {
            _ = hang_up.recv() => 129,
            _ = interrupt.recv() => 130,
            _ = quit.recv() => 131,
            _ = terminate.recv() => 143,
        };
        let _ = tell.try_send(code);
        tokio::time::sleep(GRACE).await;
        terminal::restore();
        std::process::exit(code);
    });
    Ok(told)
}

/// Ends the program from any thread, by the loop if it can within its time.
pub fn leave(code: i32) {
    if let Some(tell) = LOOP.get() {
        let _ = tell.try_send(code);
    }
    std::thread::spawn(move || {
        std::thread::sleep(GRACE);
        std::process::exit(code);
    });
}
