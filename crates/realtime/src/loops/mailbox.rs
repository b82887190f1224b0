//! What other threads have to say to a loop, and how they wake it. Knows nothing of what the loop does about it.

use crate::connection::{Answer, Bell, Client};
use crate::sync::lock;
use mio::Waker;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpStream;

/// A message to a loop.
pub(super) enum Message {
    /// A connection to own. Boxed: the others are small.
    Adopt(Box<(TcpStream, Client, Counted)>),
    /// The hub wants something of the connection with this key.
    Attend(usize),
    /// There are new events for the room with this key.
    News(usize),
    /// What the log said to the connection with this key and number.
    Answer { key: usize, number: u64, answer: Answer },
    /// What the log said to the room with this key and number.
    RoomAnswer { key: usize, number: u64, answer: Answer },
    /// Nobody needs the loop any more.
    Stop,
    /// What a test wants the loop to do.
    #[cfg(test)]
    Do(Box<dyn FnOnce() + Send>),
}

/// A connection among those of a loop, or on its way to it, for as long as this lives.
pub(super) struct Counted(Arc<Mailbox>);

impl Counted {
    pub(super) fn by(mailbox: &Arc<Mailbox>) -> Self {
        mailbox.connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(mailbox))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A loop's messages. They are as many as there are connections and rooms, four times at most: bells ring once until they
/// are heard, and each connection and each room asks the log one question at a time.
pub(super) struct Mailbox {
    messages: Mutex<VecDeque<Message>>,
    /// The loop will look for messages before it sleeps.
    is_awake: AtomicBool,
    waker: Waker,
    connections: AtomicUsize,
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailbox")
    }
}

impl Mailbox {
    pub(super) fn new(waker: Waker) -> Self {
        Self {
            messages: Mutex::default(),
            is_awake: AtomicBool::new(true),
            waker,
            connections: AtomicUsize::new(0),
        }
    }

    pub(super) fn send(&self, message: Message) {
        lock(&self.messages).push_back(message);
        if !self.is_awake.swap(true, Ordering::SeqCst) {
            // Fails only for want of kernel memory; then the next message wakes the loop, or its next second does.
            let _ = self.waker.wake();
        }
    }

    /// Says that the loop is about to sleep; false if there are messages.
    pub(super) fn may_sleep(&self) -> bool {
        self.is_awake.store(false, Ordering::SeqCst);
        let is_empty = lock(&self.messages).is_empty();
        if !is_empty {
            self.stay_awake();
        }
        is_empty
    }

    /// Says that the loop does not sleep any more.
    pub(super) fn stay_awake(&self) {
        self.is_awake.store(true, Ordering::SeqCst);
    }

    /// Takes all messages, if `into` has none left.
    pub(super) fn take(&self, into: &mut VecDeque<Message>) {
        if into.is_empty() {
            std::mem::swap(&mut *lock(&self.messages), into);
        }
    }

    /// The connections that the loop owns, or that are on their way to it.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// Rings for a connection.
#[derive(Debug)]
pub(super) struct ClientBell {
    pub mailbox: Arc<Mailbox>,
    pub key: usize,
    pub is_rung: Arc<AtomicBool>,
}

impl Bell for ClientBell {
    fn ring(&self) {
        if !self.is_rung.swap(true, Ordering::AcqRel) {
            self.mailbox.send(Message::Attend(self.key));
        }
    }
}

/// Rings for a room.
#[derive(Debug)]
pub(super) struct RoomBell {
    pub mailbox: Arc<Mailbox>,
    pub key: usize,
    pub is_rung: AtomicBool,
}

impl Bell for RoomBell {
    fn ring(&self) {
        if !self.is_rung.swap(true, Ordering::AcqRel) {
            self.mailbox.send(Message::News(self.key));
        }
    }
}
