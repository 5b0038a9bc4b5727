//! Panics on purpose, so that a test can see the built program end by one. Only builds with debug assertions have them: a
//! release build never looks at the variable.
//!
//! `SEV1_PANIC=loop` or `SEV1_PANIC=task` lets SIGUSR1 strike the loop, or a task beside it.

/// Waits for the signal and panics; for ever where none was asked for.
#[derive(Debug)]
pub struct Fault {
    #[cfg(debug_assertions)]
    asked: Option<(Place, tokio::signal::unix::Signal)>,
}

#[cfg(debug_assertions)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Loop,
    Task,
}

#[cfg(debug_assertions)]
impl Fault {
    pub fn watch() -> std::io::Result<Self> {
        let place = match std::env::var("SEV1_PANIC").as_deref() {
            Ok("loop") => Place::Loop,
            Ok("task") => Place::Task,
            _ => return Ok(Self { asked: None }),
        };
        let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::user_defined1())?;
        Ok(Self { asked: Some((place, signal)) })
    }

    /// # Panics
    ///
    /// When the signal comes: that is its purpose.
    pub async fn strike(&mut self) {
        let Some((place, signal)) = &mut self.asked else { return std::future::pending().await };
        signal.recv().await;
        match place {
            Place::Loop => panic!("a panic that was asked for, in the loop"),
            Place::Task => drop(tokio::spawn(async { panic!("a panic that was asked for, in a task") })),
        }
    }
}

#[cfg(not(debug_assertions))]
impl Fault {
    #[expect(clippy::unnecessary_wraps, reason = "as in a build that has faults")]
    pub fn watch() -> std::io::Result<Self> {
        Ok(Self {})
    }

    pub async fn strike(&mut self) {
        std::future::pending().await
    }
}
