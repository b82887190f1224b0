//! A mark in Redis of how far the event log had come: a restored backup of the database does not bring it back. Knows nothing
//! of what it says.

use super::Bus;
use redis::cmd;
use std::time::Duration;

const KEY: &str = "callcenter:log_mark";
const DEADLINE: Duration = Duration::from_secs(1);

impl Bus {
    /// The mark; `None` if there is none, or if Redis cannot be asked.
    pub async fn log_mark(&self) -> Option<String> {
        let answers = self.ask(vec![cmd("GET").arg(KEY).clone()], DEADLINE).await.ok()?;
        answers.first().and_then(|mark| redis::from_redis_value_ref(mark).ok())
    }

    /// Leaves another one, if Redis takes it.
    pub async fn leave_log_mark(&self, mark: &str) {
        // Who does without Redis does without the mark.
        let _ = self.ask(vec![cmd("SET").arg(KEY).arg(mark).clone()], DEADLINE).await;
    }
}
