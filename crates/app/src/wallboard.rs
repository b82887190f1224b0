//! One consistent picture of a tenant: its agents, its queues with their numbers, and the calls that go on, all as they were
//! at one position of the log.

use crate::broadcaster::Broadcaster;
use crate::queues::{self, QUEUES_AT_MOST, Stats};
use crate::{Caller, Error, Result};
use model::calls::Call;
use model::{Scope, Timestamp};
use std::sync::Arc;
use store::agents;
use store::calls::{self, Filter};
use store::queues::{self as queue_rows, Stored};

/// Agents and calls of one picture, at most: at about 500 bytes and 2 KB each a picture stays under 25 MB. Nobody looks at
/// so many at once; who has more reads the lists page by page.
const AT_MOST: i64 = 10_000;

/// The picture.
pub struct Picture {
    /// Active users with their states, by id.
    pub agents: Vec<agents::Listed>,
    /// Queues with their numbers, by id.
    pub queues: Vec<(Stored, Stats)>,
    /// Calls that go on, newest first.
    pub calls: Vec<Call>,
    /// The log position that it is true for.
    pub seq: i64,
    /// The moment.
    pub at: Timestamp,
}

/// Takes pictures.
pub struct Wallboard {
    broadcaster: Arc<Broadcaster>,
}

impl Wallboard {
    pub(crate) fn new(broadcaster: Arc<Broadcaster>) -> Self {
        Self { broadcaster }
    }

    /// The picture as it is now. Programs need the right to read all that is in it.
    pub async fn picture(&self, caller: &Caller) -> Result<Picture> {
        if let Caller::Program(program) = caller {
            let needed = [Scope::AgentsRead, Scope::QueuesRead, Scope::CallsRead];
            if !needed.iter().all(|scope| program.scopes.contains(scope)) {
                return Err(Error::Forbidden("the key needs agents:read, queues:read and calls:read"));
            }
        }
        let tenant = caller.tenant();
        let mut snapshot = self.broadcaster.store.begin_snapshot().await?;
        let head = store::journal::head(snapshot.conn(), tenant).await?;
        let at = self.broadcaster.clock.now();
        let agents = agents::page(snapshot.conn(), tenant, None, "", AT_MOST).await?;
        let stored = queue_rows::page(snapshot.conn(), tenant, "", QUEUES_AT_MOST).await?;
        let bare = stored.iter().map(|stored| stored.queue.clone()).collect();
        let (stats, _) = queues::compute(snapshot.conn(), tenant, bare, at).await?;
        let active = Filter { active: Some(true), ..Filter::default() };
        let calls = calls::page(snapshot.conn(), tenant, &active, AT_MOST).await?;
        Ok(Picture {
            agents,
            queues: stored.into_iter().zip(stats).collect(),
            calls: calls.into_iter().map(|known| known.call).collect(),
            seq: head.map_or(0, |head| head.seq),
            at,
        })
    }
}
