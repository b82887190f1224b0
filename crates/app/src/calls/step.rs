//! Stores what the call's state machine has decided, says it, tells the agents, and counts.

use super::facts::Facts;
use crate::broadcaster::Work;
use crate::events::calls::Said;
use crate::{Result, agents};
use model::calls::{Call, Counted, Step};
use model::queues::Day;
use model::{TenantId, UserId};
use store::calls as rows;

/// The call that a step is about.
pub(super) struct Subject<'a> {
    pub tenant: &'a TenantId,
    /// The call before; none if it begins.
    pub before: Option<&'a Call>,
    pub body_hash: &'a str,
}

/// Those whom a step concerns, and `named`, sorted.
pub(super) fn users(named: Option<&UserId>, step: Option<&Step>) -> Vec<UserId> {
    let told = step.into_iter().flat_map(|step| &step.agents).map(|(user, _)| user);
    let mut users: Vec<UserId> = told.chain(named).cloned().collect();
    users.sort();
    users.dedup();
    users
}

impl Subject<'_> {
    /// Stores `step` and says it. Gives the call as it is then.
    pub async fn store(&self, work: &mut Work<'_>, facts: &Facts, step: Step) -> Result<Call> {
        rows::put(work.conn(), self.tenant, self.before, &step.call, self.body_hash).await?;
        let said = Said { tenant: self.tenant, call: &step.call, queues: &facts.queues, at: step.at };
        for event in &step.events {
            if let Some(copy) = said.copy_of_arrival(event) {
                work.announce(copy);
            }
            work.emit(said.event(event));
        }
        let mut commands: Vec<_> = step.agents.iter().collect();
        // Stable: what one agent is told stays in its order.
        commands.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (user, command) in commands {
            agents::tell(work, self.tenant, user, command, &facts.settings.agents, step.at).await?;
        }
        self.count(work, facts, &step);
        Ok(step.call)
    }

    /// Adds to the numbers of the queues that there still are.
    fn count(&self, work: &mut Work<'_>, facts: &Facts, step: &Step) {
        let day = facts.settings.day_of(step.at);
        for counted in &step.counted {
            let (Counted::Entry(id, _) | Counted::Leg { queue: id, .. }) = counted;
            let Some(queue) = facts.queues.iter().find(|queue| queue.id == *id) else { continue };
            let mut more = Day::default();
            match counted {
                Counted::Entry(_, entry) => {
                    let short = queue.settings.short_abandon(facts.settings.short_abandon());
                    more.count(entry, queue.settings.threshold, short);
                }
                Counted::Leg { talk, hold, .. } => more.handled(*talk, *hold),
            }
            work.count(&queue.id, day, more);
        }
    }
}
