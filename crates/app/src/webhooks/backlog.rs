//! What is not delivered yet, looked up at most every few seconds, however often it is asked for.

use async_recursion::async_recursion as boxed;
use std::time::Duration;
use store::Store;
use store::deliveries::{self, Backlog};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long an answer is good for.
const GOOD_FOR: Duration = Duration::from_secs(5);
/// Whoever asks waits no longer; the answer before must do then.
const WAIT: Duration = Duration::from_secs(1);

/// The last answer.
#[derive(Debug, Default)]
pub struct Sampler(Mutex<Sample>);

#[derive(Debug, Default)]
struct Sample {
    asked_at: Option<Instant>,
    backlog: Option<Backlog>,
}

impl Sampler {
    /// What is not delivered; none if it was never found out.
    #[boxed]
    pub async fn read(&self, store: &Store) -> Option<Backlog> {
        let mut sample = self.0.lock().await;
        if sample.asked_at.is_none_or(|at| at.elapsed() >= GOOD_FOR) {
            sample.asked_at = Some(Instant::now());
            if let Ok(Ok(backlog)) = timeout(WAIT, look(store)).await {
                sample.backlog = Some(backlog);
            }
        }
        sample.backlog
    }
}

async fn look(store: &Store) -> store::Result<Backlog> {
    let mut reader = store.read().await?;
    deliveries::backlog(reader.conn()).await
}
