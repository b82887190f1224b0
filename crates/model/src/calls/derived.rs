//! What follows from a call's legs and entries: its state, who is in it, and its times.

use super::call::{Call, Entry, Leg, Party};
use super::{Direction, OfferOutcome, Role, State};
use crate::queues::EndedEntry;
use crate::{QueueId, Timestamp, UserId};
use std::time::Duration;

impl Leg {
    /// Whether the phone rings for it.
    #[must_use]
    pub fn offered(&self) -> bool {
        self.answered_at.is_none() && self.ended_at.is_none()
    }

    /// Whether the agent is in the call.
    #[must_use]
    pub fn active(&self) -> bool {
        self.answered_at.is_some() && self.ended_at.is_none()
    }

    /// Whether it is neither missed nor over.
    #[must_use]
    pub fn open(&self) -> bool {
        self.ended_at.is_none()
    }

    /// What became of the offer; none while it is open.
    #[must_use]
    pub fn outcome(&self) -> Option<&'static str> {
        self.answered_at.map(|_| "answered").or(self.missed.map(OfferOutcome::as_str))
    }

    /// How long the phone rang, until `now` if it still does.
    #[must_use]
    pub fn ring(&self, now: Timestamp) -> Duration {
        self.answered_at.or(self.ended_at).unwrap_or(now).since(self.offered_at)
    }

    /// How long the other was on hold, until `now` if still so.
    #[must_use]
    pub fn hold(&self, now: Timestamp) -> Duration {
        self.held + self.held_since.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// How long the agent talked, holds not counted, until `now` if still so.
    #[must_use]
    pub fn talk(&self, now: Timestamp) -> Duration {
        let answered = self.answered_at.map_or(Duration::ZERO, |at| self.ended_at.unwrap_or(now).since(at));
        answered.saturating_sub(self.hold(now))
    }

    /// Whether the agent took part in the call, and was not only offered it.
    #[must_use]
    pub fn took_part(&self) -> bool {
        self.answered_at.is_some() || self.role != Role::Agent
    }
}

impl Entry {
    /// Whether the call still waits.
    #[must_use]
    pub fn open(&self) -> bool {
        self.left_at.is_none()
    }

    /// How long the stay was, until `now` if it goes on.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Duration {
        self.left_at.unwrap_or(now).since(self.joined_at)
    }

    /// The stay as statistics count it; none while it goes on.
    #[must_use]
    pub fn ended(&self) -> Option<EndedEntry> {
        let (left, reason) = (self.left_at?, self.reason?);
        Some(EndedEntry { reason, wait: self.wait(left), offered: self.offers > 0 })
    }
}

impl Call {
    /// Who is served: the caller; who was called by an agent; or who is left of an internal call that its caller has handed on.
    #[must_use]
    pub fn customer(&self) -> &Party {
        let has_handed_on = || self.legs.iter().skip(1).any(|leg| leg.role == Role::Caller);
        match self.direction {
            Direction::Outbound => &self.to,
            Direction::Internal if has_handed_on() => &self.to,
            Direction::Internal | Direction::Inbound => &self.from,
        }
    }

    /// The leg of the agent who has the call.
    #[must_use]
    pub fn agent_leg(&self) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.active() && leg.role != Role::Caller)
    }

    /// The agent who has the call.
    #[must_use]
    pub fn agent(&self) -> Option<&UserId> {
        self.agent_leg().map(|leg| &leg.user)
    }

    /// The stay in the queue where the call waits.
    #[must_use]
    pub fn waiting(&self) -> Option<&Entry> {
        self.entries.iter().rfind(|entry| entry.open())
    }

    /// Agents now in the call, or being offered it.
    #[must_use]
    pub fn party(&self) -> Vec<UserId> {
        distinct(self.legs.iter().filter(|leg| leg.open()).map(|leg| &leg.user))
    }

    /// Agents who took part in the call.
    #[must_use]
    pub fn took_part(&self) -> Vec<UserId> {
        distinct(self.legs.iter().filter(|leg| leg.took_part()).map(|leg| &leg.user))
    }

    /// Agents who took part in the call, are in it, or are being offered it.
    #[must_use]
    pub fn concerned(&self) -> Vec<UserId> {
        distinct(self.legs.iter().filter(|leg| leg.took_part() || leg.open()).map(|leg| &leg.user))
    }

    /// The queues where the call waited or that it was served for, in that order.
    #[must_use]
    pub fn queues(&self) -> Vec<QueueId> {
        let served_for = self.legs.iter().filter_map(|leg| leg.queue.as_ref());
        distinct(self.entries.iter().map(|entry| &entry.queue).chain(served_for))
    }

    /// How long the call waited: until its first answer, its end, or `now`.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Duration {
        self.waited.unwrap_or_else(|| self.present_wait(self.ended_at.unwrap_or(now)))
    }

    /// How long agents talked with the other side, holds not counted.
    #[must_use]
    pub fn talk(&self, now: Timestamp) -> Duration {
        self.conversation(now).saturating_sub(self.hold(now))
    }

    /// How long somebody was on hold. Where both sides hold at once, both count.
    #[must_use]
    pub fn hold(&self, now: Timestamp) -> Duration {
        self.legs.iter().map(|leg| leg.hold(now)).sum()
    }

    /// How long an agent had the call. Only in an internal call, whose caller has a part of its own, are two in it at
    /// once, and only that time counts there: alone the caller waits, or talks with a far end that is no agent.
    fn conversation(&self, now: Timestamp) -> Duration {
        let spans = self.legs.iter().filter_map(|leg| Some((leg.answered_at?, leg.ended_at.unwrap_or(now))));
        let spans: Vec<(Timestamp, Timestamp)> = spans.collect();
        let alone = spans.iter().map(|(begin, end)| end.since(*begin)).sum();
        let pairs =
            spans.iter().enumerate().flat_map(|(i, one)| spans[..i].iter().map(move |two| (one, two)));
        let together: Duration = pairs.map(|(one, two)| one.1.min(two.1).since(one.0.max(two.0))).sum();
        if together.is_zero() { alone } else { together }
    }

    /// How long the present wait for an agent has been: since the first join of a queue, else since the first ring, else
    /// since the call began; after a conversation, since that was over.
    pub(super) fn present_wait(&self, now: Timestamp) -> Duration {
        let talked = self.legs.iter().filter(|leg| leg.answered_at.is_some() && leg.role != Role::Caller);
        let resumed = talked.filter_map(|leg| leg.ended_at).max();
        let present = |at: &Timestamp| resumed.is_none_or(|resumed| *at >= resumed);
        let joined = self.entries.iter().map(|entry| entry.joined_at).find(present);
        let rang = || self.legs.iter().map(|leg| leg.offered_at).find(present);
        now.since(joined.or_else(rang).or(resumed).unwrap_or(self.started_at))
    }

    /// The state that legs and entries make.
    pub(super) fn derived_state(&self) -> State {
        if self.ended_at.is_some() {
            State::Ended
        } else if self.agent_leg().is_some() || self.outside.is_some() {
            let held = self.legs.iter().any(|leg| leg.held_since.is_some());
            if held { State::Held } else { State::Active }
        } else if self.waiting().is_some() {
            State::Queued
        } else {
            State::Ringing
        }
    }

    /// The open leg of `user`.
    #[must_use]
    pub fn open_leg(&self, user: &UserId) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.open() && leg.user == *user)
    }
}

fn distinct<'a, T: Clone + PartialEq + 'a>(items: impl Iterator<Item = &'a T>) -> Vec<T> {
    let mut found: Vec<T> = Vec::new();
    for item in items {
        if !found.contains(item) {
            found.push(item.clone());
        }
    }
    found
}
