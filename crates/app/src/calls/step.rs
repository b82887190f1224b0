//! Stores what the call's state machine has decided, says it, tells the agents, and counts.

use super::facts::Facts;
use crate::Result;
use crate::agents::{self, LockedAgents};
use crate::broadcaster::{When, Work};
use crate::events::calls::Said;
use model::agents::Day;
use model::calls::{Call, Counted, Step};
use model::queues::{EndedEntry, Figures};
use model::{Handling, QueueId, TenantId, UserId};
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
    /// Stores `step` and says it; `agents` has those whom it concerns. Gives the call as it is then.
    pub async fn store(
        &self,
        work: &mut Work<'_>,
        facts: &Facts,
        agents: &mut LockedAgents,
        step: Step,
    ) -> Result<Call> {
        rows::put(work.conn(), self.tenant, self.before, &step.call, self.body_hash).await?;
        let said = Said { tenant: self.tenant, call: &step.call, queues: &facts.queues, at: step.at };
        for event in &step.events {
            work.emit(self.tenant, said.event(event));
        }
        agents::tell(work, self.tenant, agents, &step.agents, &facts.settings, step.at).await?;
        self.count(work, facts, &step);
        Ok(step.call)
    }

    /// Adds to the numbers of agents, and of the queues that there still are.
    fn count(&self, work: &mut Work<'_>, facts: &Facts, step: &Step) {
        let when = When::of(&facts.settings, step.at);
        for counted in &step.counted {
            match counted {
                Counted::Entry(queue, entry) => self.count_entry(work, facts, when, queue, entry),
                Counted::Leg { user, queue, talk, hold, .. } => {
                    let handling = Handling::of_leg(*talk, *hold);
                    work.count_for_agent(self.tenant, user, when, Day { handling, ..Day::default() });
                    if let Some(queue) = queue.as_ref().filter(|id| facts.queue(id).is_some()) {
                        let more = Figures { handling, ..Figures::default() };
                        work.count_for_queue(self.tenant, queue, when, more);
                    }
                }
                Counted::MissedOffer(user) => {
                    let more = Day { missed_offers: 1, ..Day::default() };
                    work.count_for_agent(self.tenant, user, when, more);
                }
            }
        }
    }

    fn count_entry(&self, work: &mut Work<'_>, facts: &Facts, when: When, id: &QueueId, entry: &EndedEntry) {
        let Some(queue) = facts.queue(id) else { return };
        let short = queue.settings.short_abandon(facts.settings.short_abandon());
        let mut more = Figures::default();
        more.count(entry, queue.settings.threshold, short);
        work.count_for_queue(self.tenant, id, when, more);
    }
}
