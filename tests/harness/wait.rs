//! Waiting for a condition. Nothing in the tests sleeps for a time it hopes is long enough.

use std::time::Duration;
use tokio::time::Instant;

/// How long a condition may take before the test gives up. Generous: it only costs time when something is broken.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Asks again and again until there is an answer, and returns it; panics with `what` after [`LIMIT`].
pub async fn eventually<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(LIMIT, what, ask).await
}

/// For the few conditions that legitimately take longer, such as a lease that has to run out.
pub async fn eventually_within<T>(limit: Duration, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "still waiting after {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Bounds one step that waits by itself.
pub async fn within<F: Future>(what: &str, step: F) -> F::Output {
    match tokio::time::timeout(LIMIT, step).await {
        Ok(output) => output,
        Err(_) => panic!("still waiting after {LIMIT:?}: {what}"),
    }
}
