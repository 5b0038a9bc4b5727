//! Signals and panics that end the program, and those of job control that stop it. The loop is told first; if it cannot come to an end within 700 ms (a terminal that
//! takes no bytes, say), the terminal is given back and the process ends here.

use std::{sync::OnceLock, time::Duration};

use futures::FutureExt as _;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

use rustix::process::{Signal as Raw, getpgrp, getpid, getsid, kill_current_process_group};

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

/// Job control: SIGTSTP asks the program to stop, and SIGCONT tells that it goes on.
#[derive(Debug)]
pub struct Jobs {
    stop: Signal,
    go_on: Signal,
}

impl Jobs {
    pub fn watch() -> std::io::Result<Self> {
        Ok(Self { stop: signal(SignalKind::from_raw(Raw::TSTP.as_raw()))?, go_on: signal(SignalKind::from_raw(Raw::CONT.as_raw()))? })
    }

    /// Waits until somebody asks the program to stop.
    pub async fn asked(&mut self) {
        if self.stop.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Stops the process and those that were started with it, as a terminal does, and returns once it was let go on. The terminal
    /// has to be given back before.
    ///
    /// By SIGSTOP: SIGTSTP has a handler here, and would come to that.
    pub async fn stop(&mut self) -> std::io::Result<()> {
        // What was heard before is of another stop.
        while self.go_on.recv().now_or_never().flatten().is_some() {}
        kill_current_process_group(Raw::STOP)?;
        // Another thread may be the one that stops first.
        self.go_on.recv().await;
        Ok(())
    }
}

/// Whether a shell could let the program go on again: none can where it leads the session itself, as in a container or in a window
/// of its own. The kernel stops nobody there either.
pub fn has_shell() -> bool {
    getsid(None).is_ok_and(|session| session != getpgrp() && session != getpid())
}
