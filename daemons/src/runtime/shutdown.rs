//! An orderly end: one signal asks every part to finish, a second one does not wait for them.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Tells every part of a process that it shall end. Clones are handles on the same thing.
#[derive(Debug, Clone)]
pub struct Shutdown {
    triggered: Arc<watch::Sender<bool>>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// One that only [`trigger`](Self::trigger) sets off.
    pub fn new() -> Self {
        Self { triggered: Arc::new(watch::Sender::new(false)) }
    }

    /// One that SIGTERM and SIGINT set off. The second signal ends the process at once, with the exit status that
    /// shells give to a process ended by that signal.
    ///
    /// Must be called within a tokio runtime. The error says that a signal handler could not be installed.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Self::new();
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        tokio::spawn(follow_signals(shutdown.clone(), terminate, interrupt));
        Ok(shutdown)
    }

    /// Asks every part to end. Asking again changes nothing.
    pub fn trigger(&self) {
        self.triggered.send_replace(true);
    }

    /// Whether somebody has asked.
    pub fn is_triggered(&self) -> bool {
        *self.triggered.borrow()
    }

    /// Returns once somebody has asked; at once if that was before.
    pub async fn wait(&self) {
        // The sender lives in `self`, so the only error, a closed channel, cannot happen.
        let _ = self.triggered.subscribe().wait_for(|triggered| *triggered).await;
    }
}

async fn follow_signals(shutdown: Shutdown, mut terminate: Signal, mut interrupt: Signal) {
    let first = next_signal(&mut terminate, &mut interrupt).await;
    tracing::info!(signal = first.0, "stopping; a second signal ends the process at once");
    shutdown.trigger();
    let second = next_signal(&mut terminate, &mut interrupt).await;
    tracing::warn!(signal = second.0, "not waiting any longer");
    std::process::exit(128 + second.1);
}

/// The name and the number of the signal that comes next.
async fn next_signal(terminate: &mut Signal, interrupt: &mut Signal) -> (&'static str, i32) {
    tokio::select! {
        _ = terminate.recv() => ("SIGTERM", SignalKind::terminate().as_raw_value()),
        _ = interrupt.recv() => ("SIGINT", SignalKind::interrupt().as_raw_value()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_hears_of_it_whether_it_waits_before_or_after() {
        let shutdown = Shutdown::new();
        let early = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.wait().await }
        });
        assert!(!shutdown.is_triggered());
        shutdown.clone().trigger();
        early.await.unwrap();
        shutdown.wait().await;
        assert!(shutdown.is_triggered());
    }
}
