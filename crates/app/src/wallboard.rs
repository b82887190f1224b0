//! One consistent picture of a tenant: its agents, its queues with their numbers, and the calls that go on, all as they were
//! at one position of the log.

use crate::broadcaster::Broadcaster;
use crate::queues::{self, QUEUES_AT_MOST, Stats};
use crate::{Caller, Error, Result};
use async_recursion::async_recursion as boxed;
use model::calls::Call;
use model::{Scope, Timestamp};
use std::sync::Arc;
use store::agents;
use store::calls::{self, Filter};
use store::queues::{self as queue_rows, Stored};
use store::settings;

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
    /// Whether there are more agents or calls than one picture has.
    pub truncated: bool,
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
    #[boxed]
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
        let mut agents = agents::page(snapshot.conn(), tenant, None, "", AT_MOST + 1).await?;
        let stored = queue_rows::page(snapshot.conn(), tenant, "", QUEUES_AT_MOST).await?;
        let bare = stored.iter().map(|stored| stored.queue.clone()).collect();
        let settings = settings::find(snapshot.conn(), tenant).await?;
        let stats = queues::compute(snapshot.conn(), tenant, bare, &settings, at).await?;
        let active = Filter { active: Some(true), ..Filter::default() };
        let mut calls = calls::page(snapshot.conn(), tenant, &active, AT_MOST + 1).await?;
        let truncated = [cut(&mut agents), cut(&mut calls)].contains(&true);
        Ok(Picture {
            agents,
            queues: stored.into_iter().zip(stats).collect(),
            calls: calls.into_iter().map(|known| known.call).collect(),
            seq: head.map_or(0, |head| head.seq),
            at,
            truncated,
        })
    }
}

/// Takes away what is too much; gives whether anything was.
fn cut<T>(items: &mut Vec<T>) -> bool {
    let at_most = usize::try_from(AT_MOST).unwrap_or(usize::MAX);
    let is_over = items.len() > at_most;
    items.truncate(at_most);
    is_over
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_is_not_whole_says_so() {
        for (count, over) in [(0, false), (10_000, false), (10_001, true)] {
            let mut items = vec![(); count];
            assert_eq!((cut(&mut items), items.len()), (over, count.min(10_000)));
        }
    }
}
