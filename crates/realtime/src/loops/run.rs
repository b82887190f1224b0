//! One loop: waits until sockets can be read or written or somebody has something to say, and then does all that can be
//! done without waiting. Knows nothing of how the bytes are made.

use super::WAKE;
use super::mailbox::{ClientBell, Counted, Mailbox, Message, RoomBell};
use super::pace::Pace;
use super::room::{Pass, Room};
use super::seats::{Seat, Seats, Source};
use crate::connection::{Answer, CLOSE_DEADLINE, Client, Close, Need, Phase, Question};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use model::TenantId;
use slab::Slab;
use std::collections::{HashMap, VecDeque};
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// What a read takes, for all connections of the loop one after the other.
const BUFFER: usize = 16 << 10;
/// Sockets looked at in one turn.
const EVENTS: usize = 1024;
/// The longest sleep; nothing depends on it but a lost wake-up.
const SLEEP: Duration = Duration::from_secs(1);

/// A loop with its connections.
pub(super) struct Loop {
    poll: Poll,
    mailbox: Arc<Mailbox>,
    runtime: Handle,
    /// Messages that were taken out of the box and are still to be heard.
    messages: VecDeque<Message>,
    seats: Seats,
    rooms: Slab<Room>,
    by_tenant: HashMap<TenantId, usize>,
    buffer: Box<[u8]>,
    pace: Pace,
    /// Connections that are to have a turn.
    due: Vec<usize>,
    /// Rooms with news.
    news: VecDeque<usize>,
    /// When closing connections are given up, in order.
    deadlines: VecDeque<(Instant, usize, u64)>,
    /// Connections that are to be closed after a panic.
    failed: Vec<usize>,
    /// Connections had so far.
    count: u64,
}

impl Loop {
    pub(super) fn new(poll: Poll, mailbox: Arc<Mailbox>, runtime: Handle) -> Self {
        Self {
            poll,
            mailbox,
            runtime,
            messages: VecDeque::new(),
            seats: Slab::new(),
            rooms: Slab::new(),
            by_tenant: HashMap::new(),
            buffer: vec![0; BUFFER].into(),
            pace: Pace::new(Instant::now()),
            due: Vec::new(),
            news: VecDeque::new(),
            deadlines: VecDeque::new(),
            failed: Vec::new(),
            count: 0,
        }
    }

    /// Runs until nobody needs the loop any more.
    pub(super) fn run(&mut self) {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            self.sleep(&mut events);
            for event in &events {
                self.note_ready(event);
            }
            self.mailbox.take(&mut self.messages);
            while let Some(message) = self.messages.pop_front() {
                if let Message::Stop = message {
                    return;
                }
                self.hear(message);
            }
            self.serve_due();
            self.pass_on();
            self.give_up();
        }
    }

    /// After a panic: forgets all that may be half done. Its connections are to be closed, in `start_over`.
    pub(super) fn give_all_up(&mut self) {
        self.by_tenant.clear();
        self.rooms.clear();
        self.news.clear();
        self.due.clear();
        self.deadlines.clear();
        self.failed = self.seats.iter().map(|(key, _)| key).collect();
    }

    /// Begins to close the connections that were given up; those that were being closed already, and may be what has
    /// failed, go without a word. To be called again after a panic in here, which ends one of them.
    pub(super) fn start_over(&mut self) {
        while let Some(key) = self.failed.pop() {
            let Some(seat) = self.seats.get_mut(key).filter(|seat| seat.client.phase == Phase::Open) else {
                self.seats.try_remove(key);
                continue;
            };
            (seat.source, seat.asking, seat.is_due, seat.has_deadline) = (Source::Itself, None, false, false);
            seat.is_rung.store(false, Ordering::Release);
            seat.client.place.member.close(Close::FAILED);
            seat.client.attend();
            self.enter_room(key);
            self.make_due(key);
        }
    }

    /// Waits for something to do.
    fn sleep(&mut self, events: &mut Events) {
        // Messages are left after a panic only.
        let is_busy = !self.due.is_empty() || !self.messages.is_empty();
        let mut timeout = if is_busy { Duration::ZERO } else { self.pause() };
        if !timeout.is_zero() && !self.mailbox.may_sleep() {
            timeout = Duration::ZERO;
        }
        match self.poll.poll(events, Some(timeout)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => {
                tracing::error!(%error, "A loop cannot wait for its sockets");
                std::thread::sleep(SLEEP);
            }
            _ => {}
        }
        self.mailbox.stay_awake();
    }

    /// How long there is nothing to do by itself.
    fn pause(&mut self) -> Duration {
        let now = Instant::now();
        let collecting = if self.news.is_empty() { SLEEP } else { self.pace.wait(now).unwrap_or_default() };
        let deadline = self.deadlines.front().map_or(SLEEP, |(at, ..)| at.saturating_duration_since(now));
        SLEEP.min(collecting).min(deadline)
    }

    fn note_ready(&mut self, event: &mio::event::Event) {
        if event.token() == WAKE {
            return;
        }
        let key = event.token().0;
        if let Some(seat) = self.seats.get_mut(key) {
            seat.client.may_read |= event.is_readable() || event.is_error();
            seat.client.is_last |= event.is_read_closed() || event.is_error();
            // Room in a socket is news to who waits for it only.
            if seat.client.may_read || seat.client.is_last || seat.client.is_full() {
                self.make_due(key);
            }
        }
    }

    fn make_due(&mut self, key: usize) {
        if let Some(seat) = self.seats.get_mut(key)
            && !std::mem::replace(&mut seat.is_due, true)
        {
            self.due.push(key);
        }
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::Adopt(new) => {
                let (stream, client, counted) = *new;
                self.adopt(stream, client, counted);
            }
            Message::Attend(key) => {
                if let Some(seat) = self.seats.get_mut(key) {
                    seat.is_rung.store(false, Ordering::Release);
                    seat.client.attend();
                    self.make_due(key);
                }
            }
            Message::News(key) => {
                if let Some(room) = self.rooms.get_mut(key) {
                    room.bell.is_rung.store(false, Ordering::Release);
                    self.note_news(key);
                }
            }
            Message::Answer { key, number, answer } => self.hear_answer(key, number, answer),
            Message::RoomAnswer { key, number, answer } => {
                if let Some(room) = self.rooms.get_mut(key).filter(|room| room.number == number) {
                    let mut due = Vec::new();
                    room.take_answer(answer, &mut self.seats, &mut self.pace, &mut due);
                    due.into_iter().for_each(|key| self.make_due(key));
                    self.note_news(key);
                }
            }
            Message::Stop => {}
            #[cfg(test)]
            Message::Do(act) => act(),
        }
    }

    fn note_news(&mut self, key: usize) {
        if let Some(room) = self.rooms.get_mut(key)
            && !std::mem::replace(&mut room.is_collecting, true)
        {
            self.news.push_back(key);
        }
    }

    fn adopt(&mut self, stream: tokio::net::TcpStream, client: Client, counted: Counted) {
        let mut stream = match stream.into_std() {
            Ok(stream) => TcpStream::from_std(stream),
            Err(error) => return tracing::warn!(%error, "A connection could not be taken from the runtime"),
        };
        let entry = self.seats.vacant_entry();
        let key = entry.key();
        // Not for room: every new socket has some, and to hear so would wake the loop once more for each.
        if let Err(error) = self.poll.registry().register(&mut stream, Token(key), Interest::READABLE) {
            return tracing::warn!(%error, "A connection could not be watched");
        }
        let is_rung = Arc::new(AtomicBool::new(false));
        let bell = ClientBell { mailbox: Arc::clone(&self.mailbox), key, is_rung: Arc::clone(&is_rung) };
        client.place.member.ring_at(Box::new(bell));
        self.count += 1;
        entry.insert(Seat {
            stream,
            client,
            room: 0,
            source: Source::Itself,
            number: self.count,
            _counted: counted,
            round: 0,
            is_due: false,
            hears_of_room: false,
            has_deadline: false,
            is_rung,
            asking: None,
        });
        self.enter_room(key);
        // What was asked for before the bell hung.
        if let Some(seat) = self.seats.get_mut(key) {
            seat.client.attend();
        }
        self.make_due(key);
    }

    fn enter_room(&mut self, key: usize) {
        let Some(seat) = self.seats.get_mut(key) else { return };
        let (hub, tenant) = (seat.client.place.hub.clone(), Arc::clone(&seat.client.place.tenant));
        let number = seat.number;
        let room = *self.by_tenant.entry(tenant.id.clone()).or_insert_with(|| {
            let entry = self.rooms.vacant_entry();
            let (mailbox, key) = (Arc::clone(&self.mailbox), entry.key());
            let bell = RoomBell { mailbox, key, is_rung: AtomicBool::new(false) };
            entry.insert(Room::new(hub, tenant, bell, number));
            key
        });
        seat.room = room;
        if let Some(room) = self.rooms.get_mut(room) {
            room.enter(&self.seats, key);
        }
    }

    fn remove(&mut self, key: usize) {
        let Some(room) = self.seats.get(key).map(|seat| seat.room) else { return };
        if let Some(own) = self.rooms.get_mut(room) {
            own.leave(&mut self.seats, key);
            if own.is_empty() {
                self.by_tenant.remove(&own.tenant.id);
                self.rooms.remove(room);
                self.news.retain(|news| *news != room);
            }
        }
        // Closing the socket takes it out of the poll.
        self.seats.remove(key);
    }

    /// Gives each connection that is due its turn. Those that need another one have it after the others.
    fn serve_due(&mut self) {
        for key in std::mem::take(&mut self.due) {
            if let Some(seat) = self.seats.get_mut(key) {
                seat.is_due = false;
                if let Some(room) = self.rooms.get(seat.room) {
                    room.tell_place(seat);
                }
                seat.exchange(&mut self.buffer);
                self.go_on(key);
            }
        }
    }

    /// Decides how a connection goes on after it was read from, written to, or answered.
    fn go_on(&mut self, key: usize) {
        let Some(seat) = self.seats.get_mut(key) else { return };
        let room = seat.room;
        match seat.client.phase {
            Phase::Over => return self.remove(key),
            Phase::Open => {}
            Phase::Closing | Phase::Deaf | Phase::Parting => {
                if !std::mem::replace(&mut seat.has_deadline, true) {
                    self.deadlines.push_back((Instant::now() + CLOSE_DEADLINE, key, seat.number));
                }
            }
        }
        if seat.client.can_read() {
            self.make_due(key);
        }
        if let Some(room) = self.rooms.get_mut(room) {
            let need = room.place(&mut self.seats, key);
            self.provide(key, need);
        }
    }

    fn provide(&mut self, key: usize, need: Need) {
        let Some(seat) = self.seats.get_mut(key) else { return };
        if seat.client.is_full() && !std::mem::replace(&mut seat.hears_of_room, true) {
            let both = Interest::READABLE | Interest::WRITABLE;
            if let Err(error) = self.poll.registry().reregister(&mut seat.stream, Token(key), both) {
                tracing::warn!(%error, "A full connection could not be watched");
                seat.client.phase = Phase::Over;
            }
        }
        if seat.client.phase == Phase::Over {
            return self.remove(key);
        }
        match need {
            Need::Answer(question) => self.ask(key, question),
            Need::Turn => self.make_due(key),
            Need::Room | Need::Patience | Need::Events => {}
        }
    }

    fn ask(&mut self, key: usize, question: Question) {
        let Some(seat) = self.seats.get_mut(key) else { return };
        let (place, number) = (&seat.client.place, seat.number);
        let (hub, tenant, mailbox) =
            (place.hub.clone(), Arc::clone(&place.tenant), Arc::clone(&self.mailbox));
        seat.asking = Some(AbortOnDropHandle::new(self.runtime.spawn(async move {
            let answer = question.ask(hub, tenant).await;
            mailbox.send(Message::Answer { key, number, answer });
        })));
    }

    fn hear_answer(&mut self, key: usize, number: u64, answer: Answer) {
        let Some(seat) = self.seats.get_mut(key).filter(|seat| seat.number == number) else { return };
        let need = seat.client.take_answer(&mut seat.stream, answer);
        self.provide(key, need);
    }

    /// Lets each room with news pass on some of them, unless it is time to collect more.
    fn pass_on(&mut self) {
        for _ in 0..self.news.len() {
            if self.pace.wait(Instant::now()).is_some() {
                return;
            }
            let Some(key) = self.news.pop_front() else { return };
            let Some(room) = self.rooms.get_mut(key) else { continue };
            room.is_collecting = false;
            let mut due = Vec::new();
            let pass = room.pass_on(&mut self.seats, &mut self.pace, &mut due);
            due.into_iter().for_each(|key| self.make_due(key));
            match pass {
                Pass::Done => {}
                Pass::More => self.note_news(key),
                Pass::Ask(question) => self.ask_for_room(key, question),
            }
        }
    }

    fn ask_for_room(&mut self, key: usize, question: Question) {
        let Some(room) = self.rooms.get_mut(key) else { return };
        let (number, tenant, mailbox) = (room.number, Arc::clone(&room.tenant), Arc::clone(&self.mailbox));
        let hub = room.hub.clone();
        room.asking = Some(AbortOnDropHandle::new(self.runtime.spawn(async move {
            let answer = question.ask(hub, tenant).await;
            mailbox.send(Message::RoomAnswer { key, number, answer });
        })));
    }

    /// Drops closing connections whose time is over.
    fn give_up(&mut self) {
        if self.deadlines.is_empty() {
            return;
        }
        let now = Instant::now();
        while let Some((_, key, number)) = self.deadlines.pop_front_if(|(at, ..)| *at <= now) {
            if self.seats.get(key).is_some_and(|seat| seat.number == number) {
                self.remove(key);
            }
        }
    }
}
