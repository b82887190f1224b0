//! One connection's life: the place that the hub gave it, then reading and writing side by side until it ends. Knows
//! nothing of other connections.

mod batch;
mod client_message;
mod cursor;
mod filter;
mod follower;
mod mail;
mod member;
mod outbox;
mod rate;
mod reader;
mod resume;
mod writer;

pub use follower::{Followed, Follower};
pub(crate) use mail::{Announcement, Mail};
pub(crate) use member::{Close, Member};

use crate::hub::{Hub, Tenant};
use crate::socket::{FrameSink, FrameStream, Incoming, Socket};
use filter::Filter;
use futures_util::FutureExt;
use model::ConnectionId;
use outbox::Outbox;
use resume::Start;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::timeout;

/// How long the client may take to answer a close.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);

/// A place in the hub. Dropping it, or the end of `serve`, frees it.
pub struct Connection(Place);

/// What the place consists of. Dropping it frees it.
pub(crate) struct Place {
    hub: Hub,
    tenant: Arc<Tenant>,
    member: Arc<Member>,
    wish: Wish,
}

/// Where the client wants to go on.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub since: Option<i64>,
    pub epoch: Option<String>,
}

/// How a connection ended.
#[derive(Debug)]
enum End {
    /// We close it.
    Close(Close),
    /// The client closed it.
    ByClient,
    /// Nobody is there any more.
    Gone,
}

/// What the reading and the writing half share.
struct Context<'a> {
    place: &'a Place,
    filter: Mutex<Filter>,
    outbox: Outbox,
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

    /// Serves the client until the connection ends: `connection.ready`, the events, answers, pings, and the close.
    pub async fn serve<S: Socket>(self, socket: S) {
        let (mut sink, mut stream) = socket.split();
        let context = Context { place: &self.0, filter: Mutex::default(), outbox: Outbox::default() };
        let end = tokio::select! {
            biased;
            close = self.0.member.closed() => End::Close(close),
            end = reader::run(&context, &mut stream) => end,
            end = writer::run(&context, &mut sink) => end,
        };
        // Whatever the client still does: it cannot keep the place for longer.
        let _ = timeout(CLOSE_DEADLINE, finish(end, &mut sink, &mut stream)).await;
    }
}

/// Says good-bye and waits for the other side's, so that the last frames arrive.
async fn finish(end: End, sink: &mut impl FrameSink, stream: &mut impl FrameStream) {
    match end {
        End::Gone => return,
        End::ByClient => {}
        End::Close(close) => {
            if sink.close(close.code, close.reason).await.is_err() {
                return;
            }
        }
    }
    while let Some(incoming) = stream.recv().await {
        drop::<Incoming>(incoming);
    }
}

impl Place {
    pub(crate) fn new(hub: Hub, tenant: Arc<Tenant>, member: Arc<Member>, wish: Wish) -> Self {
        Self { hub, tenant, member, wish }
    }

    /// Finds out where the connection begins.
    async fn begin(&self) -> Start {
        let shared = &self.hub.0;
        // Boxed: a question to the database is large, and no part of an idle connection.
        let start = resume::begin(&self.tenant, &shared.log, &self.wish, &shared.config.epoch).boxed().await;
        if self.tenant.feed.note_head(start.seq.max(start.next - 1)) {
            shared.note_hole(&self.tenant.id);
        }
        start
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hub.0.leave(&self.tenant, &self.member);
    }
}
