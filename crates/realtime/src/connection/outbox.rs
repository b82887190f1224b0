//! Answers that wait to be written. Knows nothing of what they say.

use crate::sync::lock;
use bytes::Bytes;
use std::sync::Mutex;
use tokio::sync::Notify;

/// Answers that may wait. The longest names 64 subscriptions of 102 characters, so that a client that asks and does not
/// read holds about 110 KiB; then it is not read from either.
const ANSWERS: usize = 16;

/// The answers of one connection.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    answers: Mutex<Vec<Bytes>>,
    room: Notify,
}

impl Outbox {
    /// Adds an answer, once there is room, and wakes the writer. For one caller at a time.
    pub(super) async fn put(&self, answer: Bytes, writer: &Notify) {
        while lock(&self.answers).len() >= ANSWERS {
            self.room.notified().await;
        }
        lock(&self.answers).push(answer);
        writer.notify_one();
    }

    /// Takes all answers.
    pub(super) fn take(&self) -> Vec<Bytes> {
        let answers = std::mem::take(&mut *lock(&self.answers));
        if !answers.is_empty() {
            self.room.notify_one();
        }
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn an_answer_without_room_waits_until_the_others_are_taken() {
        let (outbox, writer) = (Outbox::default(), Notify::new());
        let put = || outbox.put(Bytes::from_static(b"{}"), &writer);
        for _ in 0..ANSWERS {
            assert!(put().now_or_never().is_some());
        }
        assert!(writer.notified().now_or_never().is_some());
        let mut waiting = Box::pin(put());
        assert!((&mut waiting).now_or_never().is_none());
        assert_eq!(outbox.take().len(), ANSWERS);
        assert!(waiting.now_or_never().is_some());
        assert_eq!(outbox.take().len(), 1);
    }
}
