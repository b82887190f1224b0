//! A step in the making: the few things that can happen to legs and entries, each with its event, its work for the agent
//! and what counts. Which of them happen, and whether they may, is decided by the commands.

use super::call::{Call, Entry, Leg};
use super::command::{Context, MAX_ENTRIES, MAX_LEGS, Refusal, Why};
use super::said::{CallEvent, Counted, Step, What};
use super::{Direction, OfferOutcome, Role, Via};
use crate::agents::Command as AgentCommand;
use crate::queues::LeftReason;
use crate::{LegId, QueueId, Timestamp, UserId};
use std::time::Duration;

pub(super) struct Progress<'a> {
    pub call: Call,
    pub context: &'a Context,
    /// The moment of what happens. Never before the last one, so that no duration is negative.
    pub now: Timestamp,
    /// Whether nobody saw what happens, so that it counts for no average.
    pub estimated: bool,
    events: Vec<CallEvent>,
    agents: Vec<(UserId, AgentCommand)>,
    counted: Vec<Counted>,
}

impl<'a> Progress<'a> {
    pub fn new(call: Call, context: &'a Context, now: Timestamp) -> Self {
        let now = now.max(call.reported_at);
        let (events, agents, counted) = (Vec::new(), Vec::new(), Vec::new());
        Self { call, context, now, estimated: false, events, agents, counted }
    }

    /// The step, said at `at`.
    pub fn done(mut self, at: Timestamp) -> Step {
        self.call.reported_at = self.now;
        self.call.state = self.call.derived_state();
        let (call, events, agents, counted) = (self.call, self.events, self.agents, self.counted);
        Step { call, at, events, agents, counted }
    }

    pub fn refuse<T>(&self, why: Why) -> Result<T, Refusal> {
        Err(Refusal { state: self.call.state, why })
    }

    pub fn say(&mut self, queue: Option<QueueId>, user: Option<UserId>, audience: Vec<UserId>, what: What) {
        self.events.push(CallEvent { queue, user, audience, what });
    }

    /// Says it to those in the call; `leg` is the one concerned.
    fn say_to_party(&mut self, leg: &Leg, what: What) {
        self.say(leg.queue.clone(), Some(leg.user.clone()), self.call.party(), what);
    }

    /// Says it to the agent concerned.
    pub fn say_to_self(&mut self, leg: &Leg, what: What) {
        self.say(leg.queue.clone(), Some(leg.user.clone()), vec![leg.user.clone()], what);
    }

    pub fn work(&mut self, user: &UserId, work: AgentCommand) {
        self.agents.push((user.clone(), work));
    }

    /// Changes one leg and gives it as it is then. Every caller names a leg that it has just found.
    fn change(&mut self, id: &LegId, change: impl FnOnce(&mut Leg)) -> Option<Leg> {
        let leg = self.call.legs.iter_mut().find(|leg| leg.id == *id)?;
        change(leg);
        Some(leg.clone())
    }

    /// The call begins to wait.
    pub fn join(&mut self, queue: &QueueId) -> Result<(), Refusal> {
        if self.call.entries.len() >= MAX_ENTRIES {
            return self.refuse(Why::TooMany { what: "stays in queues", limit: MAX_ENTRIES });
        }
        let size = self.context.queue(queue).map_or(0, |facts| facts.waiting).saturating_add(1);
        let entry = Entry {
            id: self.context.entry.clone(),
            queue: queue.clone(),
            joined_at: self.now,
            position: size,
            offers: 0,
            left_at: None,
            reason: None,
        };
        let joined = What::Joined {
            entry: entry.id.clone(),
            position: size,
            size,
            from: self.call.customer().clone(),
        };
        self.call.entries.push(entry);
        self.call.queue = Some(queue.clone());
        self.call.outside = None;
        self.say(Some(queue.clone()), None, Vec::new(), joined);
        Ok(())
    }

    /// The call no longer waits, if it does. Gives the stay that is over.
    pub fn leave(&mut self, reason: LeftReason) -> Option<Entry> {
        let now = self.now;
        let entry = self.call.entries.iter_mut().rfind(|entry| entry.open())?;
        entry.left_at = Some(now);
        entry.reason = Some(reason);
        let entry = entry.clone();
        let facts = self.context.queue(&entry.queue);
        let what = What::Left {
            entry: entry.id.clone(),
            reason,
            wait: entry.wait(now),
            position: facts.and_then(|facts| facts.position).unwrap_or(1),
            size: facts.map_or(0, |facts| facts.waiting.saturating_sub(1)),
        };
        self.say(Some(entry.queue.clone()), None, Vec::new(), what);
        self.counted.extend(entry.ended().map(|ended| Counted::Entry(entry.queue.clone(), ended)));
        Some(entry)
    }

    /// An agent's part begins with an offer, of which nothing is said yet.
    pub fn begin(
        &mut self,
        user: &UserId,
        role: Role,
        via: Option<Via>,
        queue: Option<QueueId>,
    ) -> Result<Leg, Refusal> {
        if self.call.legs.len() >= MAX_LEGS {
            return self.refuse(Why::TooMany { what: "parts of agents", limit: MAX_LEGS });
        }
        let attempt = self.call.legs.iter().filter(|leg| leg.user == *user).count() + 1;
        let new = Leg::new(self.context.leg.clone(), user.clone(), role, self.now);
        let leg = Leg { queue, via, attempt, ..new };
        self.call.legs.push(leg.clone());
        Ok(leg)
    }

    /// The call rings for an agent.
    pub fn ring(&mut self, user: &UserId, via: Option<Via>) -> Result<(), Refusal> {
        let also_ringing =
            self.call.legs.iter().filter(|leg| leg.offered() && leg.role == Role::Agent).count();
        let queue = self.call.waiting().map(|entry| entry.queue.clone());
        let leg = self.begin(user, Role::Agent, via, queue)?;
        if let Some(entry) = self.call.entries.iter_mut().rfind(|entry| entry.open()) {
            entry.offers = entry.offers.saturating_add(1);
        }
        let (id, from) = (leg.id.clone(), self.call.customer().clone());
        self.say_to_self(&leg, What::Ringing { leg: id, attempt: leg.attempt, from, also_ringing });
        self.work(user, AgentCommand::Offered { call: self.call.id.clone(), leg: leg.id });
        Ok(())
    }

    /// An offer ends without an answer. Of who placed the call nothing was asked, so nothing is said unless `reported`.
    pub fn miss(&mut self, id: &LegId, outcome: OfferOutcome, reported: bool) {
        let now = self.now;
        let missed = self.change(id, |leg| {
            leg.ended_at = Some(now);
            leg.missed = Some(outcome);
        });
        let Some(leg) = missed else { return };
        if reported || leg.role == Role::Agent {
            self.say_to_self(&leg, What::Missed { leg: id.clone(), outcome, ring: leg.ring(now) });
            self.counted.extend(outcome.is_missed().then(|| Counted::MissedOffer(leg.user.clone())));
        }
        let ended = match leg.role {
            Role::Agent => AgentCommand::OfferEnded { leg: id.clone(), outcome },
            // Who placed the call has missed nothing.
            Role::Placed | Role::Caller => AgentCommand::WorkEnded { leg: id.clone(), wrap_up: None },
        };
        self.work(&leg.user, ended);
    }

    /// All offers to those whom `whose` means end without an answer.
    pub fn miss_all(&mut self, outcome: OfferOutcome, whose: impl Fn(&Leg) -> bool) {
        let open = self.call.legs.iter().filter(|leg| leg.offered() && whose(leg));
        let ids: Vec<LegId> = open.map(|leg| leg.id.clone()).collect();
        for id in ids {
            self.miss(&id, outcome, false);
        }
    }

    /// An agent is in the call from now on, by way of `left`, the stay in a queue that ended with it, if one did.
    pub fn answer(&mut self, id: &LegId, left: Option<&Entry>) {
        let (now, wait) = (self.now, self.call.present_wait(self.now));
        let outward = self.call.direction == Direction::Outbound && self.call.answered_at.is_none();
        let answered = self.change(id, |leg| {
            leg.answered_at = Some(now);
            leg.queue = left.map(|entry| entry.queue.clone()).or(leg.queue.take());
            let direct = if outward { Via::Outbound } else { Via::Direct };
            leg.via = Some(left.map_or(leg.via.unwrap_or(direct), |_| Via::Queue));
        });
        let Some(leg) = answered else { return };
        if self.call.answered_at.is_none() {
            self.call.answered_at = Some(now);
            self.call.waited = Some(wait);
        }
        let via = leg.via.unwrap_or(Via::Direct);
        self.say_to_party(&leg, What::Answered { leg: id.clone(), wait, ring: leg.ring(now), via });
        // Who has dialled is at work already.
        if leg.role == Role::Agent {
            self.work(&leg.user, AgentCommand::Answered { call: self.call.id.clone(), leg: id.clone() });
        }
    }

    /// Who placed an internal call is in it too, once it is answered.
    pub fn connect_caller(&mut self) {
        let now = self.now;
        let caller = self.call.legs.iter().find(|leg| leg.offered() && leg.role == Role::Caller);
        let Some(id) = caller.map(|leg| leg.id.clone()) else { return };
        self.change(&id, |leg| leg.answered_at = Some(now));
    }

    /// An agent puts the other on hold.
    pub fn hold(&mut self, id: &LegId) {
        let now = self.now;
        let held = self.change(id, |leg| {
            leg.held_since = Some(now);
            leg.hold_count = leg.hold_count.saturating_add(1);
        });
        if let Some(leg) = held {
            self.say_to_party(&leg, What::Hold { leg: id.clone(), count: leg.hold_count });
        }
    }

    /// A hold ends.
    pub fn unhold(&mut self, id: &LegId) {
        let now = self.now;
        let mut hold = Duration::ZERO;
        let leg = self.change(id, |leg| {
            hold = leg.held_since.take().map_or(Duration::ZERO, |since| now.since(since));
            leg.held += hold;
        });
        if let Some(leg) = leg {
            self.say_to_party(&leg, What::Unhold { leg: id.clone(), hold });
        }
    }

    /// All holds end.
    pub fn end_holds(&mut self) {
        let held = self.call.legs.iter().filter(|leg| leg.held_since.is_some());
        let ids: Vec<LegId> = held.map(|leg| leg.id.clone()).collect();
        for id in ids {
            self.unhold(&id);
        }
    }

    /// An agent's part in the conversation is over.
    pub fn release(&mut self, id: &LegId) {
        let now = self.now;
        let Some(leg) = self.change(id, |leg| leg.ended_at = Some(now)) else { return };
        let facts = leg.queue.as_ref().and_then(|queue| self.context.queue(queue));
        // Of an end that nobody saw there is nothing to be written down any more.
        let wrap_up =
            facts.map(|facts| facts.settings.wrap_up).filter(|time| !time.is_zero() && !self.estimated);
        self.work(&leg.user, AgentCommand::WorkEnded { leg: id.clone(), wrap_up });
        let is_work = leg.queue.is_some() || self.call.direction != Direction::Internal;
        if is_work && !self.estimated {
            let (talk, hold) = (leg.talk(now), leg.hold(now));
            self.counted.push(Counted::Leg { user: leg.user, queue: leg.queue, leg: leg.id, talk, hold });
        }
    }
}
