//! `Ctrl-C` and a polite kill while a mitigation is planned or under way.

use tokio::{signal, sync::watch};

/// Watches from when it is made.
pub struct Interrupt {
    came: watch::Receiver<bool>,
}

impl Interrupt {
    pub fn watch() -> Self {
        let (sender, came) = watch::channel(false);
        tokio::spawn(async move {
            let terminated = async {
                match signal::unix::signal(signal::unix::SignalKind::terminate()) {
                    Ok(mut signals) => {
                        signals.recv().await;
                    }
                    Err(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                pressed = signal::ctrl_c() => if pressed.is_err() { std::future::pending::<()>().await },
                () = terminated => {}
            }
            let _ = sender.send(true);
            // The last word stands as long as anybody listens.
            sender.closed().await;
        });
        Self { came }
    }

    /// Ends when it came.
    pub async fn came(&self) {
        let mut came = self.came.clone();
        if came.wait_for(|came| *came).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
