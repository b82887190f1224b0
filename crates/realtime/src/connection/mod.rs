//! One connection's life: the place that the hub gave it, where it begins, and then either a loop that it shares with
//! others or a task of its own, until it ends. Knows nothing of other connections.

mod batch;
mod client;
mod client_message;
mod cursor;
mod filter;
mod follower;
mod mail;
mod member;
mod outbox;
mod question;
mod rate;
mod resume;
mod sight;
mod task;

pub(crate) use batch::Batch;
pub(crate) use client::{Client, Io, Need, Phase};
pub(crate) use filter::Filter;
pub use follower::{Followed, Follower};
pub(crate) use mail::{Announcement, Mail};
pub(crate) use member::{Bell, Close, Member};
pub(crate) use question::{Answer, Question};
pub(crate) use sight::Sight;

use crate::hub::{Hub, Tenant};
use bytes::Bytes;
use futures_util::FutureExt;
use model::ConnectionId;
use resume::Start;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long the client may take to answer a close, and how long we try to write one.
pub(crate) const CLOSE_DEADLINE: Duration = Duration::from_secs(1);

/// A place in the hub. Dropping it, or the end of the connection, frees it.
pub struct Connection(Place);

/// What the place consists of. Dropping it frees it.
pub(crate) struct Place {
    pub hub: Hub,
    pub tenant: Arc<Tenant>,
    pub member: Arc<Member>,
    wish: Wish,
}

/// Where the client wants to go on.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub since: Option<i64>,
    pub epoch: Option<String>,
}

impl Connection {
    pub(crate) fn new(place: Place) -> Self {
        Self(place)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &ConnectionId {
        &self.0.member.id
    }

    /// Serves a client over plain TCP after the upgrade: `connection.ready`, the events, answers, pings, and the close.
    /// Returns once one of the loops has taken the socket over.
    pub async fn serve_tcp(self, mut stream: TcpStream, opening: Opening) {
        let hub = self.0.hub.clone();
        let Some(client) = self.0.open(&mut stream, opening).await else { return };
        if let Err(error) = hub.0.loops.take(stream, client) {
            tracing::error!(%error, "A connection could not be handed to its loop");
        }
    }

    /// The same over anything else, such as TLS; returns when the connection has ended.
    pub async fn serve(self, mut stream: impl AsyncRead + AsyncWrite + Send + Unpin, opening: Opening) {
        if let Some(client) = self.0.open(&mut stream, opening).await {
            task::run(client, stream).await;
        }
    }
}

/// What HTTP leaves to a connection that it has opened.
#[derive(Debug, Default)]
pub struct Opening {
    /// The answer to the request, which is still to be written: together with the first frame it costs one write instead
    /// of two, each some 10 µs and nearly all of it the kernel's.
    pub answer: Bytes,
    /// What the client sent behind its request.
    pub early: Bytes,
}

impl Place {
    pub(crate) fn new(hub: Hub, tenant: Arc<Tenant>, member: Arc<Member>, wish: Wish) -> Self {
        Self { hub, tenant, member, wish }
    }

    /// Finds out where the connection begins.
    async fn begin(&self) -> Start {
        let shared = &self.hub.0;
        // Boxed: a question to the database is large, and no part of an idle connection.
        self.member.note_waiting(shared.now_ms());
        let start = resume::begin(&self.tenant, &shared.log, &self.wish, self.hub.epoch()).boxed().await;
        self.member.note_answered();
        if self.tenant.feed.note_head(start.seq.max(start.next - 1)) {
            shared.note_hole(&self.tenant.id);
        }
        start
    }

    /// The client at its beginning, with the answer to its request; `None` if it has gone already.
    async fn open(self, stream: &mut (impl AsyncWrite + Unpin), opening: Opening) -> Option<Client> {
        let Opening { answer, early } = opening;
        let mut beginning = pin!(self.begin_client(&early));
        // Known at once but for a tenant's first listener, and for who has been away for long.
        if let Some(mut client) = beginning.as_mut().now_or_never() {
            client.answer_first(answer);
            return Some(client);
        }
        // Whatever the log takes, the client is not to think that its request got lost.
        stream.write_all(&answer).await.ok()?;
        stream.flush().await.ok()?;
        Some(beginning.await)
    }

    /// The client at its beginning; one that is to be closed before that is known has none.
    async fn begin_client(self, early: &[u8]) -> Client {
        let start = tokio::select! {
            biased;
            () = self.member.closed() => None,
            start = self.begin() => Some(start),
        };
        Client::new(self, start.as_ref(), early)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hub.0.leave(&self.tenant, &self.member);
    }
}
