//! How far an attempt has come, so that a time-out can say what it waited for. Knows nothing of what is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// What an attempt waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    /// The answer's headers; also the beginning, as most requests find an open connection.
    Headers,
    /// The name's addresses, and one of them to accept.
    Connecting,
    /// The TLS handshake.
    Handshake,
}

/// The stage of one attempt, shared with the connector that works for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Arc<AtomicU8>);

tokio::task_local! {
    static CURRENT: Progress;
}

/// The progress of the attempt that this code runs for; one that nobody reads if there is none.
pub(crate) fn current() -> Progress {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

impl Progress {
    /// Runs `work` such that it finds this progress as its own.
    pub(crate) async fn scope<F: Future>(&self, work: F) -> F::Output {
        CURRENT.scope(self.clone(), work).await
    }

    pub(crate) fn set(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Relaxed);
    }

    /// In words, behind "timed out after 5 s ".
    pub(crate) fn words(&self) -> &'static str {
        match self.0.load(Ordering::Relaxed) {
            stage if stage == Stage::Connecting as u8 => "connecting",
            stage if stage == Stage::Handshake as u8 => "in the TLS handshake",
            _ => "waiting for headers",
        }
    }
}
