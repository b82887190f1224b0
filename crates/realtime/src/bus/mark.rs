//! Marks in Redis of how far the event log had come in each of its epochs: a restored backup of the database does not bring
//! them back. Knows nothing of what follows from them.

use super::Bus;
use redis::cmd;
use std::time::Duration;

/// A sorted set of epochs, by how many events there had been.
const KEY: &str = "callcenter:log_marks";
const DEADLINE: Duration = Duration::from_secs(1);

impl Bus {
    /// The marks; `None` if Redis cannot be asked now.
    pub async fn log_marks(&self) -> Option<Vec<(String, i64)>> {
        let all = cmd("ZRANGE").arg(KEY).arg(0).arg(-1).arg("WITHSCORES").clone();
        let answers = self.ask(vec![all], DEADLINE).await.ok()?;
        redis::from_redis_value_ref(answers.first()?).ok()
    }

    /// Raises an epoch's mark, never lowers it. Best effort.
    pub async fn raise_log_mark(&self, epoch: &str, events: i64) {
        // Who does without Redis does without the mark.
        let _ = self.ask(vec![cmd("ZADD").arg(KEY).arg("GT").arg(events).arg(epoch).clone()], DEADLINE).await;
    }
}
