//! One tenant's connections to one loop. Those that have everything are passed what comes, together: what a role, its
//! queues and a subscription may and want to see is found out once for all who share them, and only users whom an event
//! names are looked at one by one. Knows nothing of the other loops.

use super::mailbox::RoomBell;
use super::pace::Pace;
use super::seats::{Seat, Seats, Source};
use crate::connection::{Answer, Batch, Filter, Member, Need, Phase, Question, Sight};
use crate::feed::{Entry, Found};
use crate::hub::{Hub, Tenant};
use model::{UserId, Viewer};
use slab::Slab;
use std::collections::HashMap;
use std::sync::Arc;
use tokio_util::task::AbortOnDropHandle;

/// Events of one round.
const EVENTS: usize = 64;

/// Connections that see the same, but for events that name their users.
#[derive(Debug)]
struct Group {
    kind: Kind,
    members: Vec<usize>,
}

/// Who listens, whichever user it is, and to what.
type Kind = (Viewer, Filter);

/// What is left to do after a round.
pub(super) enum Pass {
    Done,
    /// There may be more.
    More,
    /// The feed has lost what comes next: the log has it.
    Ask(Question),
}

pub(super) struct Room {
    pub hub: Hub,
    pub tenant: Arc<Tenant>,
    pub bell: Arc<RoomBell>,
    /// News are to be passed on when the time of collecting is over.
    pub is_collecting: bool,
    /// Tells this room from others that had the key before.
    pub number: u64,
    /// The last question to the log; it ends with the room.
    pub asking: Option<AbortOnDropHandle<()>>,
    /// The number of the event that is passed on next.
    next: i64,
    has_asked: bool,
    groups: Slab<Group>,
    by_kind: HashMap<Kind, usize>,
    by_user: HashMap<UserId, Vec<usize>>,
    ahead: Vec<usize>,
    members: usize,
    round: u64,
}

impl Room {
    /// A room at the end of what the feed has let through.
    pub(super) fn new(hub: Hub, tenant: Arc<Tenant>, bell: RoomBell, number: u64) -> Self {
        let bell = Arc::new(bell);
        tenant.feed.listen(bell.clone());
        let next = tenant.feed.head().unwrap_or(0) + 1;
        Self {
            hub,
            tenant,
            bell,
            is_collecting: false,
            number,
            asking: None,
            next,
            has_asked: false,
            groups: Slab::new(),
            by_kind: HashMap::new(),
            by_user: HashMap::new(),
            ahead: Vec::new(),
            members: 0,
            round: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members == 0
    }

    /// Takes a connection, which reads by itself for now.
    pub(super) fn enter(&mut self, seats: &Seats, key: usize) {
        self.members += 1;
        if let Some(user) = user(seats, key) {
            self.by_user.entry(user.clone()).or_default().push(key);
        }
    }

    /// Forgets a connection.
    pub(super) fn leave(&mut self, seats: &mut Seats, key: usize) {
        self.take_out(seats, key);
        self.members -= 1;
        if let Some(user) = user(seats, key)
            && let Some(keys) = self.by_user.get_mut(user)
        {
            keys.retain(|own| *own != key);
            if keys.is_empty() {
                self.by_user.remove(user);
            }
        }
    }

    /// Tells a connection that the room passes events on to where it stands.
    pub(super) fn tell_place(&self, seat: &mut Seat) {
        if matches!(seat.source, Source::Room { .. }) {
            seat.client.jump(self.next);
        }
    }

    /// Lets the connection read by itself, from where the room stands.
    pub(super) fn release(&mut self, seats: &mut Seats, key: usize) {
        if let Some(seat) = seats.get_mut(key) {
            self.tell_place(seat);
        }
        self.take_out(seats, key);
    }

    /// Lets the connection read by itself, from where it stands.
    fn take_out(&mut self, seats: &mut Seats, key: usize) {
        let Some(seat) = seats.get_mut(key) else { return };
        match std::mem::replace(&mut seat.source, Source::Itself) {
            Source::Itself => {}
            Source::Ahead => self.ahead.retain(|own| *own != key),
            Source::Room { group, at } => {
                // If it must wait as the room did, it asks by itself.
                seat.client.place.member.note_answered();
                self.take_out_of_group(seats, group, at);
            }
        }
    }

    fn take_out_of_group(&mut self, seats: &mut Seats, group: usize, at: usize) {
        let Some(members) = self.groups.get_mut(group).map(|group| &mut group.members) else { return };
        members.swap_remove(at);
        if let Some(seat) = members.get(at).and_then(|moved| seats.get_mut(*moved)) {
            seat.source = Source::Room { group, at };
        }
        if members.is_empty() {
            let group = self.groups.remove(group);
            self.by_kind.remove(&group.kind);
        }
    }

    /// Passes events on to a connection that has come to where the room stands.
    fn take_in(&mut self, seat: &mut Seat, key: usize) {
        let kind = kind(seat);
        let group = *self
            .by_kind
            .entry(kind)
            .or_insert_with_key(|kind| self.groups.insert(Group { kind: kind.clone(), members: Vec::new() }));
        let Some(members) = self.groups.get_mut(group).map(|group| &mut group.members) else { return };
        seat.source = Source::Room { group, at: members.len() };
        members.push(key);
    }

    /// Whether the connection does not see what its group sees any more.
    fn is_misplaced(&self, seat: &Seat) -> bool {
        let Source::Room { group, .. } = seat.source else { return false };
        self.groups
            .get(group)
            .is_none_or(|group| group.kind.1 != *seat.client.filter() || group.kind.0 != anybody(seat))
    }

    /// Finds out where a connection gets its events from now. Returns what it needs.
    pub(super) fn place(&mut self, seats: &mut Seats, key: usize) -> Need {
        let Some(seat) = seats.get(key) else { return Need::Events };
        if seat.client.phase != Phase::Open {
            self.release(seats, key);
            return Need::Room;
        }
        if seat.client.is_full() || self.is_misplaced(seat) {
            self.release(seats, key);
        }
        match seats.get(key).map(|seat| seat.source) {
            Some(Source::Itself | Source::Ahead) => self.settle(seats, key),
            Some(Source::Room { .. }) | None => Need::Events,
        }
    }

    /// Brings a connection that reads by itself as far as it can get now.
    fn settle(&mut self, seats: &mut Seats, key: usize) -> Need {
        self.step_back();
        let Some(seat) = seats.get_mut(key) else { return Need::Events };
        let need = seat.client.catch_up(&mut seat.stream, self.next);
        if need == Need::Events {
            let was_ahead = seat.source == Source::Ahead;
            if seat.client.next() == self.next {
                self.take_in(seat, key);
            } else {
                seat.source = Source::Ahead;
            }
            match seat.source {
                Source::Ahead if !was_ahead => self.ahead.push(key),
                Source::Room { .. } if was_ahead => self.ahead.retain(|own| *own != key),
                _ => {}
            }
        }
        need
    }

    /// After a log that went back the room begins anew, as its connections do.
    fn step_back(&mut self) {
        if let Some(head) = self.tenant.feed.head() {
            self.next = self.next.min(head + 1);
        }
    }

    /// Passes on some of what has come. Connections that need a turn of their own are added to `due`.
    pub(super) fn pass_on(&mut self, seats: &mut Seats, pace: &mut Pace, due: &mut Vec<usize>) -> Pass {
        self.step_back();
        if self.has_asked {
            return Pass::Done;
        }
        match self.tenant.feed.read(self.next, EVENTS) {
            Found::Events(events) if events.is_empty() => Pass::Done,
            Found::Events(events) => {
                let events: Vec<&Entry> = events.iter().map(AsRef::as_ref).collect();
                self.round(&events, seats, pace, due);
                due.extend(&self.ahead);
                Pass::More
            }
            Found::Behind => {
                self.has_asked = true;
                let now_ms = self.hub.0.now_ms();
                self.for_each_member(seats, |member| member.note_waiting(now_ms));
                let head = self.tenant.feed.head();
                Pass::Ask(Question::Page { after: self.next - 1, rows: crate::log::PAGE_ROWS, head })
            }
        }
    }

    /// Passes on what the log said. Where the log has lost events, the connections find out by themselves.
    pub(super) fn take_answer(
        &mut self,
        answer: Answer,
        seats: &mut Seats,
        pace: &mut Pace,
        due: &mut Vec<usize>,
    ) {
        self.has_asked = false;
        self.for_each_member(seats, Member::note_answered);
        let Answer::Page { page, .. } = answer else { return };
        let events = page.events;
        if events.first().is_some_and(|event| event.seq == self.next) {
            // Not beyond the feed: what it has not let through yet, it will.
            let next = self.next..=self.tenant.feed.head().unwrap_or(0);
            let entries: Vec<Entry> = events.into_iter().map(|event| Entry::new(Arc::new(event))).collect();
            let in_order = entries.iter().zip(next).take_while(|(entry, seq)| entry.seq() == *seq);
            let in_order: Vec<&Entry> = in_order.map(|(entry, _)| entry).collect();
            self.round(&in_order, seats, pace, due);
        } else {
            let keys: Vec<usize> = self.groups.iter().flat_map(|(_, group)| group.members.clone()).collect();
            for key in keys {
                self.release(seats, key);
                due.push(key);
            }
            self.next = self.tenant.feed.head().unwrap_or(0) + 1;
        }
    }

    /// Does something with each connection that the room passes events on to.
    fn for_each_member(&self, seats: &Seats, act: impl Fn(&Member)) {
        let keys = self.groups.iter().flat_map(|(_, group)| &group.members);
        keys.filter_map(|key| seats.get(*key)).for_each(|seat| act(&seat.client.place.member));
    }

    fn round(&mut self, entries: &[&Entry], seats: &mut Seats, pace: &mut Pace, due: &mut Vec<usize>) {
        let Some(last) = entries.last().map(|entry| entry.seq()) else { return };
        let mut round = Round { number: self.round + 1, writes: 0, fallen: Vec::new() };
        let named = self.named(entries, seats, round.number);
        for (_, group) in &self.groups {
            // Offers name users, and so have no copy here.
            let (viewer, filter) = &group.kind;
            let batch = batch(entries, &Sight { viewer, filter, copies_after: None });
            if !batch.is_empty() {
                round.write_to_all(seats, &group.members, &batch, !named.is_empty());
            }
        }
        for key in named {
            round.write_to_named(seats, key, entries);
        }
        self.round = round.number;
        self.next = last + 1;
        pace.note(round.writes);
        for key in round.fallen {
            self.take_out(seats, key);
            due.push(key);
        }
    }

    /// The connections of users whom the events name, each once; they are marked, so that their groups pass them over.
    fn named(&self, entries: &[&Entry], seats: &mut Seats, round: u64) -> Vec<usize> {
        let mut named = Vec::new();
        for user in entries.iter().flat_map(|entry| &entry.event().audience.users) {
            for key in self.by_user.get(user).into_iter().flatten() {
                if let Some(seat) = seats.get_mut(*key)
                    && seat.round != round
                {
                    seat.round = round;
                    named.push(*key);
                }
            }
        }
        named
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let bell: Arc<dyn crate::connection::Bell> = self.bell.clone();
        self.tenant.feed.unlisten(&bell);
    }
}

/// One passing on of some events.
struct Round {
    number: u64,
    writes: usize,
    /// Connections whose sockets are full or broken.
    fallen: Vec<usize>,
}

impl Round {
    fn write_to_all(&mut self, seats: &mut Seats, keys: &[usize], batch: &Batch, has_named: bool) {
        for key in keys {
            let Some(seat) = seats.get_mut(*key) else { continue };
            if has_named && seat.round == self.number {
                continue;
            }
            self.write(seat, *key, batch);
        }
    }

    fn write_to_named(&mut self, seats: &mut Seats, key: usize, entries: &[&Entry]) {
        let Some(seat) = seats.get_mut(key) else { return };
        if !matches!(seat.source, Source::Room { .. }) {
            return;
        }
        let viewer = seat.client.place.member.viewer();
        let (filter, copies_after) = (seat.client.filter(), Some(seat.client.began_at()));
        let batch = batch(entries, &Sight { viewer: &viewer, filter, copies_after });
        if !batch.is_empty() {
            self.write(seat, key, &batch);
        }
    }

    fn write(&mut self, seat: &mut Seat, key: usize, batch: &Batch) {
        self.writes += 1;
        if !seat.client.write(&mut seat.stream, batch) {
            self.fallen.push(key);
        }
    }
}

/// What is to be seen of these events.
fn batch(entries: &[&Entry], sight: &Sight<'_>) -> Batch {
    let mut batch = Batch::default();
    entries.iter().for_each(|entry| sight.show(entry, &mut batch));
    batch
}

fn kind(seat: &Seat) -> Kind {
    (anybody(seat), seat.client.filter().clone())
}

/// What the connection's user shares with others: a role and queues.
fn anybody(seat: &Seat) -> Viewer {
    Viewer { user: None, ..seat.client.place.member.viewer() }
}

fn user(seats: &Seats, key: usize) -> Option<&UserId> {
    seats.get(key)?.client.place.member.user.as_ref()
}
