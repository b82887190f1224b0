//! What the hub knows of one connection, and what it asks of it. Knows nothing of sockets and events.

use super::filter::Filter;
use super::mail::{Letters, Mail};
use crate::hub::Bearer;
use crate::sync::lock;
use bytes::Bytes;
use model::{ConnectionId, Role, SessionId, TenantId, Timestamp, UserId, Viewer};
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
    role: Mutex<Role>,
    letters: Mutex<Letters>,
    /// When the last frame came, in milliseconds of the hub's own time.
    heard: AtomicU64,
    /// When the last ping was asked for, in the same.
    pinged: AtomicU64,
    is_ping_due: AtomicBool,
    is_expiry_due: AtomicBool,
    was_expiry_announced: AtomicBool,
    close: OnceLock<Close>,
    closing: Notify,
    /// Wakes the writer.
    pub wake: Notify,
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
            role: Mutex::new(who.viewer.role),
            letters: Mutex::default(),
            heard: AtomicU64::new(hub_ms),
            pinged: AtomicU64::new(hub_ms),
            is_ping_due: AtomicBool::new(false),
            is_expiry_due: AtomicBool::new(false),
            was_expiry_announced: AtomicBool::new(false),
            close: OnceLock::new(),
            closing: Notify::new(),
            wake: Notify::new(),
        }
    }

    /// The same, for a client that only listens.
    pub(crate) fn mute(self) -> Self {
        Self { is_mute: true, ..self }
    }

    /// Who listens, with the present role.
    pub(crate) fn viewer(&self) -> Viewer {
        Viewer { user: self.user.clone(), role: *lock(&self.role) }
    }

    /// From now on it sees what that role sees.
    pub(crate) fn set_role(&self, role: Role) {
        *lock(&self.role) = role;
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
        self.set_role(bearer.role);
        self.expires_at.store(bearer.expires_at.0, Ordering::Relaxed);
        self.was_expiry_announced.store(false, Ordering::Relaxed);
        self.is_expiry_due.store(false, Ordering::Relaxed);
    }

    /// Puts a letter into its box and wakes whoever writes.
    pub(crate) fn post(&self, mail: Mail) {
        lock(&self.letters).add(mail);
        self.wake.notify_one();
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

    /// Asks for a ping.
    pub(crate) fn ping(&self, hub_ms: u64) {
        self.pinged.store(hub_ms, Ordering::Relaxed);
        self.is_ping_due.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// Whether a ping is to be sent; asks once.
    pub(crate) fn take_ping(&self) -> bool {
        self.is_ping_due.swap(false, Ordering::Relaxed)
    }

    /// Asks to tell the client that its token ends soon, the first time.
    pub(crate) fn announce_expiry(&self) {
        if !self.was_expiry_announced.swap(true, Ordering::Relaxed) {
            self.is_expiry_due.store(true, Ordering::Relaxed);
            self.wake.notify_one();
        }
    }

    /// Whether the client is to be told; asks once.
    pub(crate) fn take_expiry(&self) -> bool {
        self.is_expiry_due.swap(false, Ordering::Relaxed)
    }

    /// Ends the connection; the first reason counts.
    pub(crate) fn close(&self, close: Close) {
        if self.close.set(close).is_ok() {
            self.closing.notify_one();
        }
    }

    /// Why it ended, in a word: `closed`, `timeout` or `revoked`.
    pub(crate) fn left_because(&self) -> &'static str {
        match self.close.get() {
            Some(close) if *close == Close::SILENT => "timeout",
            Some(Close { code: 4401 | 4403, .. }) => "revoked",
            _ => "closed",
        }
    }

    /// Whether somebody called `close`.
    pub(crate) fn is_closed(&self) -> bool {
        self.close.get().is_some()
    }

    /// Returns once somebody called `close`.
    pub(crate) async fn closed(&self) -> Close {
        loop {
            if let Some(close) = self.close.get() {
                return *close;
            }
            self.closing.notified().await;
        }
    }
}
