//! Rebuilds a call from what was said about it, and nothing else.

use super::*;
use crate::queues::LeftReason;

/// The call that `log` tells of. `like` gives what every event carries anyway: id, external id, direction.
pub(super) fn fold<'a>(like: &Call, log: impl Iterator<Item = (Timestamp, &'a CallEvent)>) -> Call {
    let mut fold: Option<Fold> = None;
    for (at, event) in log {
        match &mut fold {
            None => fold = Some(Fold { call: begin(like, event, at), transferred_to: None }),
            Some(fold) => fold.add(event, at),
        }
    }
    let mut call = fold.unwrap().call;
    call.state = call.derived_state();
    call
}

struct Fold {
    call: Call,
    /// Whom the last event has transferred the call to.
    transferred_to: Option<UserId>,
}

fn begin(like: &Call, event: &CallEvent, at: Timestamp) -> Call {
    let (leg, from, to, client_ref) = match &event.what {
        What::Incoming { from, to } => (None, from, to, None),
        What::Outgoing { leg, from, to, client_ref } => (leg.clone(), from, to, client_ref.clone()),
        other => panic!("a call begins with {}", other.name()),
    };
    let mut call = Call {
        external_id: like.external_id.clone(),
        client_ref,
        ..Call::new(like.id.clone(), like.direction, from.clone(), to.clone(), at)
    };
    if let Some(id) = leg {
        let role = if like.direction == Direction::Internal { Role::Caller } else { Role::Placed };
        let queue = event.queue.clone().filter(|_| role == Role::Placed);
        call.queue.clone_from(&queue);
        let leg = leg_of(&id, event, role, queue.as_ref(), at);
        call.legs.push(Leg { via: Some(Via::Outbound), ..leg });
    }
    call
}

fn leg_of(id: &LegId, event: &CallEvent, role: Role, queue: Option<&QueueId>, at: Timestamp) -> Leg {
    Leg { queue: queue.cloned(), ..Leg::new(id.clone(), event.user.clone().unwrap(), role, at) }
}

impl Fold {
    fn leg(&mut self, id: &LegId) -> &mut Leg {
        self.call.legs.iter_mut().find(|leg| leg.id == *id).unwrap()
    }

    fn end_offers(&mut self, outcome: OfferOutcome, at: Timestamp, whose: impl Fn(&Leg) -> bool) {
        for leg in self.call.legs.iter_mut().filter(|leg| leg.offered() && whose(leg)) {
            leg.missed = Some(outcome);
            leg.ended_at = Some(at);
        }
    }

    fn add(&mut self, event: &CallEvent, at: Timestamp) {
        let transferred_to = self.transferred_to.take();
        match &event.what {
            What::Incoming { .. } | What::Outgoing { .. } => panic!("a call begins once"),
            What::Joined { entry, position, .. } => {
                let queue = event.queue.clone().unwrap();
                self.call.queue = Some(queue.clone());
                self.call.outside = None;
                self.call.entries.push(Entry {
                    id: entry.clone(),
                    queue,
                    joined_at: at,
                    position: *position,
                    offers: 0,
                    left_at: None,
                    reason: None,
                });
            }
            What::Left { entry, reason, wait, .. } => {
                let entry = self.call.entries.iter_mut().find(|e| e.id == *entry).unwrap();
                entry.left_at = Some(entry.joined_at.plus(*wait));
                entry.reason = Some(*reason);
            }
            What::Ringing { leg, attempt, .. } => {
                let via = transferred_to.is_some().then_some(Via::Transfer);
                let leg = leg_of(leg, event, Role::Agent, event.queue.as_ref(), at);
                self.call.legs.push(Leg { via, attempt: *attempt, ..leg });
                for entry in self.call.entries.iter_mut().filter(|entry| entry.open()) {
                    entry.offers += 1;
                }
            }
            What::Missed { leg, outcome, ring } => {
                let leg = self.leg(leg);
                leg.ended_at = Some(leg.offered_at.plus(*ring));
                leg.missed = Some(*outcome);
            }
            What::Answered { leg, wait, via, .. } => self.answered(event, leg, *wait, *via, at),
            What::Hold { leg, count } => {
                let leg = self.leg(leg);
                leg.held_since = Some(at);
                leg.hold_count = *count;
            }
            What::Unhold { leg, hold } => {
                let leg = self.leg(leg);
                leg.held_since = None;
                leg.held += *hold;
            }
            What::Transferred { from, to, .. } => self.transferred(from.as_ref(), to, at),
            What::Abandoned { .. } => {}
            What::Ended(ending) => self.ended(ending),
            What::Updated { changed, .. } => self.updated(changed),
        }
    }

    fn answered(&mut self, event: &CallEvent, id: &LegId, wait: Duration, via: Via, at: Timestamp) {
        if !self.call.legs.iter().any(|leg| leg.id == *id) {
            let attempt =
                self.call.legs.iter().filter(|leg| Some(&leg.user) == event.user.as_ref()).count() + 1;
            let leg = leg_of(id, event, Role::Agent, None, at);
            self.call.legs.push(Leg { attempt, ..leg });
        }
        let leg = self.leg(id);
        leg.answered_at = Some(at);
        leg.via = Some(via);
        leg.queue.clone_from(&event.queue);
        let caller = leg.role == Role::Caller;
        self.call.outside = caller.then(|| self.call.to.number.clone());
        if !caller {
            for leg in self.call.legs.iter_mut().filter(|leg| leg.offered() && leg.role == Role::Caller) {
                leg.answered_at = Some(at);
            }
            self.end_offers(OfferOutcome::AnsweredElsewhere, at, |leg| leg.role == Role::Placed);
        }
        if self.call.answered_at.is_none() {
            self.call.answered_at = Some(at);
            self.call.waited = Some(wait);
        }
    }

    fn transferred(&mut self, from: Option<&UserId>, to: &Target, at: Timestamp) {
        self.end_offers(OfferOutcome::CallerGone, at, |leg| leg.role == Role::Placed);
        self.call.transfers += 1;
        self.call.outside = None;
        let gone = self.call.legs.iter_mut().find(|leg| leg.active() && Some(&leg.user) == from);
        if let Some(leg) = gone {
            leg.ended_at = Some(at);
            if leg.role == Role::Caller {
                leg.role = Role::Agent;
                for leg in self.call.legs.iter_mut().filter(|leg| leg.active()) {
                    leg.role = Role::Caller;
                }
            }
        }
        match to {
            Target::User(user) => {
                match self.call.legs.iter_mut().find(|leg| leg.open() && leg.user == *user) {
                    Some(leg) => (leg.via, leg.queue) = (Some(Via::Transfer), None),
                    None => self.transferred_to = Some(user.clone()),
                }
            }
            Target::Number(number) => {
                let wait = self.call.present_wait(at);
                self.call.waited.get_or_insert(wait);
                self.call.outside = Some(number.clone());
            }
            Target::Queue(_) => {}
        }
    }

    fn ended(&mut self, ending: &Ending) {
        self.end_offers(OfferOutcome::CallerGone, ending.ended_at, |_| true);
        for leg in self.call.legs.iter_mut().filter(|leg| leg.active()) {
            leg.ended_at = Some(ending.ended_at);
        }
        self.call.outside = None;
        self.call.ended_at = Some(ending.ended_at);
        self.call.outcome = Some(ending.outcome);
        self.call.ended_by = Some(ending.ended_by);
    }

    fn updated(&mut self, changed: &Changes) {
        if let Some(disposition) = &changed.disposition {
            self.call.disposition.clone_from(disposition);
        }
        if let Some(tags) = &changed.tags {
            self.call.tags.clone_from(tags);
        }
        for (key, value) in &changed.attributes {
            match value {
                Some(value) => self.call.attributes.insert(key.clone(), value.clone()),
                None => self.call.attributes.remove(key),
            };
        }
    }
}

/// What `log` says about entries, their queue and how they ended, and about agents' parts.
#[derive(Default)]
pub(super) struct Said {
    pub entries: Vec<(QueueId, LeftReason, Duration, bool)>,
    pub parts: Vec<Part>,
}

/// An agent's part in the call, from the answer to its end.
pub(super) struct Part {
    pub user: UserId,
    pub queue: Option<QueueId>,
    pub talk: Duration,
    pub hold: Duration,
}

/// Statistics by somebody who knows only the events: offers between joining and leaving, and per agent answer, hold and the
/// end of the part by transfer or by the call's end.
pub(super) fn statistics<'a>(log: impl Iterator<Item = (Timestamp, &'a CallEvent)>) -> Said {
    let mut said = Said::default();
    let mut offered = false;
    let mut parts: Vec<(UserId, Option<QueueId>, Timestamp, Duration)> = Vec::new();
    for (at, event) in log {
        let part_over = match &event.what {
            What::Joined { .. } => {
                offered = false;
                None
            }
            What::Ringing { .. } => {
                offered = true;
                None
            }
            What::Left { reason, wait, .. } => {
                said.entries.push((event.queue.clone().unwrap(), *reason, *wait, offered));
                None
            }
            What::Answered { .. } => {
                parts.push((event.user.clone().unwrap(), event.queue.clone(), at, Duration::ZERO));
                None
            }
            What::Unhold { hold, .. } => {
                let part = parts.iter_mut().find(|part| Some(&part.0) == event.user.as_ref());
                part.into_iter().for_each(|part| part.3 += *hold);
                None
            }
            What::Transferred { from, .. } => from.clone(),
            What::Ended(ending) if !ending.estimated => {
                let rest = std::mem::take(&mut parts);
                said.parts.extend(rest.into_iter().map(|part| over(part, at)));
                None
            }
            _ => None,
        };
        if let Some(i) = parts.iter().position(|part| Some(&part.0) == part_over.as_ref()) {
            said.parts.push(over(parts.remove(i), at));
        }
    }
    said
}

fn over((user, queue, since, hold): (UserId, Option<QueueId>, Timestamp, Duration), at: Timestamp) -> Part {
    Part { user, queue, talk: at.since(since).saturating_sub(hold), hold }
}
