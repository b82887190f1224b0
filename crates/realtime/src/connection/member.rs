//! What the hub knows of one connection, and what it asks of it. Knows nothing of sockets and events.

use super::filter::Filter;
use super::mail::{Letters, Mail};
use crate::hub::Bearer;
use crate::sync::lock;
use bytes::Bytes;
use model::{ConnectionId, Memberships, Role, SessionId, TenantId, Timestamp, UserId, Viewer};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use tokio::sync::Notify;

/// Why a connection ends: a close code, and words for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Close {
    pub code: u16,
    pub reason: &'static str,
}

impl Close {
    pub(crate) const SILENT: Self = Self { code: 1001, reason: "nothing heard for 60 s" };
    pub(crate) const STUCK: Self = Self { code: 1008, reason: "nothing taken for 60 s" };
    pub(crate) const UNREADABLE: Self = Self { code: 1011, reason: "the event log cannot be read" };
    pub(crate) const FAILED: Self = Self { code: 1011, reason: "an error of the server's" };
    pub(crate) const OVERLOADED: Self = Self { code: 1013, reason: "the event log does not answer in time" };
    pub(crate) const VIOLATION: Self = Self { code: 1002, reason: "not as RFC 6455 says" };
    pub(crate) const NOT_UTF8: Self = Self { code: 1007, reason: "text that is not UTF-8" };
    pub(crate) const BINARY: Self = Self { code: 1003, reason: "text messages only" };
    pub(crate) const TOO_LARGE: Self = Self { code: 1009, reason: "message over 64 KiB" };
    pub(crate) const RESTARTING: Self = Self { code: 1012, reason: "restarting" };
    pub(crate) const SESSION_OVER: Self = Self { code: 4401, reason: "session ended" };
    pub(crate) const TOKEN_EXPIRED: Self = Self { code: 4401, reason: "token expired" };
    pub(crate) const PUT_OUT: Self = Self { code: 4403, reason: "closed by an admin" };
    pub(crate) const TOO_MANY_MESSAGES: Self = Self { code: 4429, reason: "too many messages" };
}

/// One connection from admission to its end.
#[derive(Debug)]
pub(crate) struct Member {
    pub id: ConnectionId,
    pub tenant: TenantId,
    pub user: Option<UserId>,
    session: Mutex<Option<SessionId>>,
    expires_at: AtomicI64,
    pub connected_at: Timestamp,
    pub remote_addr: String,
    pub user_agent: Option<String>,
    /// Whether the client cannot say anything, so that its silence means nothing.
    pub is_mute: bool,
    viewer: Mutex<Viewer>,
    letters: Mutex<Letters>,
    /// When it was admitted, in milliseconds of the hub's own time.
    pub admitted_ms: u64,
    /// When the last frame came, in the same.
    heard: AtomicU64,
    /// When the last ping was asked for, in the same, and the first one since the last frame came.
    pinged: AtomicU64,
    asked: AtomicU64,
    is_ping_due: AtomicBool,
    is_expiry_due: AtomicBool,
    was_expiry_announced: AtomicBool,
    close: OnceLock<Close>,
    /// Since when the client takes nothing of what is written to it, in the same; 0 while it does.
    stuck: AtomicU64,
    /// Since when it waits for the log, in the same; 0 while it does not.
    waits: AtomicU64,
    /// Wakes whoever serves the connection, once it has its place in a loop.
    bell: OnceLock<Box<dyn Bell>>,
    /// The same, before and without that.
    wake: Notify,
}

/// Tells somebody that there is something to look at. Ringing twice is ringing once.
pub(crate) trait Bell: std::fmt::Debug + Send + Sync {
    fn ring(&self);
}

impl Member {
    pub(crate) fn new(who: &crate::Admission, now: Timestamp, hub_ms: u64) -> Self {
        Self {
            id: ConnectionId::generate(),
            tenant: who.tenant.clone(),
            user: who.viewer.user.clone(),
            session: Mutex::new(who.session.clone()),
            expires_at: AtomicI64::new(who.expires_at.0),
            connected_at: now,
            remote_addr: who.remote_addr.clone(),
            user_agent: who.user_agent.clone(),
            is_mute: false,
            viewer: Mutex::new(who.viewer.clone()),
            letters: Mutex::default(),
            admitted_ms: hub_ms,
            heard: AtomicU64::new(hub_ms),
            pinged: AtomicU64::new(hub_ms),
            asked: AtomicU64::new(hub_ms),
            is_ping_due: AtomicBool::new(false),
            is_expiry_due: AtomicBool::new(false),
            was_expiry_announced: AtomicBool::new(false),
            close: OnceLock::new(),
            stuck: AtomicU64::new(0),
            waits: AtomicU64::new(0),
            bell: OnceLock::new(),
            wake: Notify::new(),
        }
    }

    /// The same, for a client that only listens.
    pub(crate) fn mute(self) -> Self {
        Self { is_mute: true, ..self }
    }

    /// Who listens, with the present role and queues.
    pub(crate) fn viewer(&self) -> Viewer {
        lock(&self.viewer).clone()
    }

    /// From now on it sees what its user sees with that role and in those queues.
    pub(crate) fn see_as(&self, role: Role, queues: Memberships) {
        *lock(&self.viewer) = Viewer::new(self.user.clone(), role).member_of(queues);
        self.ring();
    }

    /// Whether it hangs on that sign-in.
    pub(crate) fn is_of(&self, session: &SessionId) -> bool {
        lock(&self.session).as_ref() == Some(session)
    }

    /// When the token ends.
    pub(crate) fn expires_at(&self) -> Timestamp {
        Timestamp(self.expires_at.load(Ordering::Relaxed))
    }

    /// From now on it hangs on that sign-in and ends with that token.
    pub(crate) fn prolong(&self, bearer: &Bearer) {
        *lock(&self.session) = Some(bearer.session.clone());
        self.expires_at.store(bearer.expires_at.0, Ordering::Relaxed);
        self.was_expiry_announced.store(false, Ordering::Relaxed);
        self.is_expiry_due.store(false, Ordering::Relaxed);
        self.see_as(bearer.role, bearer.queues.clone());
    }

    /// Puts a letter into its box and wakes whoever serves the connection.
    pub(crate) fn post(&self, mail: Mail) {
        lock(&self.letters).add(mail);
        self.ring();
    }

    /// Takes all letters as frames.
    pub(crate) fn take_letters(&self, filter: &Filter) -> Vec<Bytes> {
        lock(&self.letters).open(&self.viewer(), filter)
    }

    /// A frame came.
    pub(crate) fn hear(&self, hub_ms: u64) {
        self.heard.store(hub_ms, Ordering::Relaxed);
    }

    /// When the last frame came.
    pub(crate) fn heard_ms(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// When the last ping was asked for.
    pub(crate) fn pinged_ms(&self) -> u64 {
        self.pinged.load(Ordering::Relaxed)
    }

    /// When the client was first asked whether it is there, since it was last heard of.
    pub(crate) fn asked_ms(&self) -> Option<u64> {
        Some(self.asked.load(Ordering::Relaxed)).filter(|asked| *asked > self.heard_ms())
    }

    /// Asks for a ping.
    pub(crate) fn ping(&self, hub_ms: u64) {
        if self.asked_ms().is_none() {
            self.asked.store(hub_ms, Ordering::Relaxed);
        }
        self.pinged.store(hub_ms, Ordering::Relaxed);
        self.is_ping_due.store(true, Ordering::Release);
        self.ring();
    }

    /// Whether a ping is to be sent; asks once.
    pub(crate) fn take_ping(&self) -> bool {
        self.is_ping_due.swap(false, Ordering::AcqRel)
    }

    /// Asks to tell the client that its token ends soon, the first time.
    pub(crate) fn announce_expiry(&self) {
        if !self.was_expiry_announced.swap(true, Ordering::Relaxed) {
            self.is_expiry_due.store(true, Ordering::Release);
            self.ring();
        }
    }

    /// Whether the client is to be told; asks once.
    pub(crate) fn take_expiry(&self) -> bool {
        self.is_expiry_due.swap(false, Ordering::AcqRel)
    }

    /// Ends the connection; the first reason counts.
    pub(crate) fn close(&self, close: Close) {
        if self.close.set(close).is_ok() {
            self.ring();
        }
    }

    /// Why it is to end, once somebody called `close`.
    pub(crate) fn close_asked(&self) -> Option<Close> {
        self.close.get().copied()
    }

    /// Returns once somebody called `close`. For one caller, and not together with a bell.
    pub(crate) async fn closed(&self) {
        while self.close.get().is_none() {
            self.wake.notified().await;
        }
    }

    /// Why it ended, in a word: `closed`, `timeout` or `revoked`.
    pub(crate) fn left_because(&self) -> &'static str {
        match self.close.get() {
            Some(&(Close::SILENT | Close::STUCK)) => "timeout",
            Some(Close { code: 4401 | 4403, .. }) => "revoked",
            _ => "closed",
        }
    }

    /// Has this bell rung from now on, instead of waking whoever awaits `woken`.
    pub(crate) fn ring_at(&self, bell: Box<dyn Bell>) {
        // Set once, by the loop that takes the connection.
        let _ = self.bell.set(bell);
    }

    /// Returns once there is something to look at.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Wakes whoever serves the connection.
    fn ring(&self) {
        match self.bell.get() {
            Some(bell) => bell.ring(),
            None => self.wake.notify_one(),
        }
    }

    /// The client took something of what is written to it, or everything.
    pub(crate) fn note_flow(&self) {
        self.stuck.store(0, Ordering::Relaxed);
    }

    /// The client takes nothing now.
    pub(crate) fn note_stuck(&self, hub_ms: u64) {
        // Fails when it is known already.
        let _ = self.stuck.compare_exchange(0, hub_ms.max(1), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Since when the client takes nothing.
    pub(crate) fn stuck_since_ms(&self) -> Option<u64> {
        Some(self.stuck.load(Ordering::Relaxed)).filter(|ms| *ms > 0)
    }

    /// It cannot go on without the log's answer.
    pub(crate) fn note_waiting(&self, hub_ms: u64) {
        // Fails when it is known already.
        let _ = self.waits.compare_exchange(0, hub_ms.max(1), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The log has answered.
    pub(crate) fn note_answered(&self) {
        self.waits.store(0, Ordering::Relaxed);
    }

    /// Since when it waits for the log.
    pub(crate) fn waits_since_ms(&self) -> Option<u64> {
        Some(self.waits.load(Ordering::Relaxed)).filter(|ms| *ms > 0)
    }
}
