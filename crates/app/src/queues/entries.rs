//! What waits in a queue, for those who may see it. Agents see the numbers of callers masked, as in events.

use super::{Queues, UNKNOWN, check_sight, rows};
use crate::{Caller, Result};
use async_recursion::async_recursion as boxed;
use model::{QueueId, Role, Timestamp};
use store::queue_entries::{self, Place, Stay};

/// A stay and its place: 1 is next.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The stay.
    pub stay: Stay,
    /// Its place.
    pub position: i64,
}

impl Queues {
    /// What waits in a queue behind a place, the longest first, with the log position that the list is true for and the
    /// moment.
    #[boxed]
    pub async fn entries(
        &self,
        caller: &Caller,
        queue: &QueueId,
        after: Option<Place>,
        limit: i64,
    ) -> Result<(Vec<Listed>, i64, Timestamp)> {
        let tenant = caller.tenant();
        let mut snapshot = self.broadcaster.store.begin_snapshot().await?;
        rows::find(snapshot.conn(), tenant, queue).await?.ok_or(UNKNOWN)?;
        check_sight(caller, queue)?;
        let head = store::journal::head(snapshot.conn(), tenant).await?;
        let ahead = match &after {
            Some(place) => queue_entries::ahead(snapshot.conn(), tenant, queue, place).await?,
            None => 0,
        };
        let after = after.unwrap_or((Timestamp(i64::MIN), String::new()));
        let stays = queue_entries::page(snapshot.conn(), tenant, queue, &after, limit).await?;
        let is_masked = caller.viewer().role == Role::Agent;
        let place = |(stay, position): (Stay, i64)| Listed {
            stay: if is_masked { masked(stay) } else { stay },
            position,
        };
        let listed = stays.into_iter().zip(ahead + 1..).map(place).collect();
        Ok((listed, head.map_or(0, |head| head.seq), self.broadcaster.clock.now()))
    }
}

fn masked(mut stay: Stay) -> Stay {
    stay.from.number = model::personal::masked_text(&stay.from.number);
    stay.from.name = stay.from.name.map(|name| model::personal::masked_text(&name));
    stay
}
