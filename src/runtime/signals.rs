//! Signals that end the program. The loop is told first; if it cannot come to an end within 700 ms (a terminal that
//! takes no bytes, say), the terminal is given back and the process ends here.

use std::time::Duration;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use super::terminal;

/// How long the loop may take to leave by itself.
const GRACE: Duration = Duration::from_millis(700);

/// One message for the first SIGTERM, SIGHUP, SIGQUIT or SIGINT: the exit code to leave with.
pub fn watch() -> std::io::Result<mpsc::Receiver<i32>> {
    let (tell, told) = mpsc::channel(1);
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
