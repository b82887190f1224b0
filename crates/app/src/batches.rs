//! Calls that come in while the last transaction is being flushed are written together in the next one, so that a flush, and
//! the statements around it, are paid by many.

use crate::error::retrying;
use crate::{Error, Result};
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::ops::{AddAssign, SubAssign};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

/// Times that a queue lets others run before it writes, at most.
const GATHERING: usize = 8;

/// A call that has waited so long for its turn is refused. Eight seconds outlast a database that is away for one of its own
/// time limits (5 s), and end before the usual limit of a client (10 s), which would not know what became of its call.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);

/// Writes calls of one kind.
pub(crate) trait Writer: Send + Sync + 'static {
    /// Calls of one key are written by one transaction at a time, in the order in which they came.
    type Key: Clone + Eq + Hash + Send + Sync;
    /// What is asked for.
    type Call: Send + Sync;
    /// What a caller gets.
    type Answer: Send;

    /// What may wait under one key.
    const WAITING: Weight;
    /// Bytes of all calls, whatever their keys, that wait or are being written.
    const IN_ALL: usize;

    /// What one transaction takes at most. A single call may be as large by itself.
    fn together(&self) -> Weight;

    /// Writes calls in one transaction; gives each its answer. An error says that nothing was written.
    fn write(
        &self,
        key: &Self::Key,
        calls: &[Self::Call],
    ) -> impl Future<Output = Result<Vec<Result<Self::Answer>>>> + Send;
}

/// How much there is to write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    /// Events, or commands.
    pub items: usize,
    /// Bytes of memory.
    pub bytes: usize,
    /// Deliveries to webhooks, as far as is known before.
    pub deliveries: usize,
}

impl Weight {
    fn fits(self, limit: Self) -> bool {
        self.items <= limit.items && self.bytes <= limit.bytes && self.deliveries <= limit.deliveries
    }

    fn plus(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl AddAssign for Weight {
    fn add_assign(&mut self, other: Self) {
        self.items += other.items;
        self.bytes += other.bytes;
        self.deliveries += other.deliveries;
    }
}

impl SubAssign for Weight {
    fn sub_assign(&mut self, other: Self) {
        self.items -= other.items;
        self.bytes -= other.bytes;
        self.deliveries -= other.deliveries;
    }
}

/// A call's place: what stands beside it until it is answered.
struct Ticket<A> {
    /// Tells it from all others.
    number: u64,
    /// Until when it waits for its turn.
    until: Instant,
    weight: Weight,
    /// Its part of what all calls may take, given back when it is answered.
    _room: OwnedSemaphorePermit,
    answer: oneshot::Sender<Result<A>>,
}

impl<A> Ticket<A> {
    fn reply(self, answer: Result<A>) {
        // A caller that has gone away needs no answer.
        let _ = self.answer.send(answer);
    }
}

/// The calls of one key. It stands in the map as long as somebody writes for the key.
struct Queue<W: Writer> {
    calls: VecDeque<(Ticket<W::Answer>, W::Call)>,
    weight: Weight,
}

impl<W: Writer> Queue<W> {
    fn new() -> Self {
        Self { calls: VecDeque::new(), weight: Weight::default() }
    }

    fn remove(&mut self, number: u64) -> bool {
        let Some(at) = self.calls.iter().position(|(ticket, _)| ticket.number == number) else {
            return false;
        };
        if let Some((ticket, _)) = self.calls.remove(at) {
            self.weight -= ticket.weight;
        }
        true
    }
}

/// Calls of one transaction, each with its ticket.
type Batch<W> = (Vec<Ticket<<W as Writer>::Answer>>, Vec<<W as Writer>::Call>);

/// Takes calls and has them written together.
pub(crate) struct Batches<W: Writer>(Arc<Inner<W>>);

struct Inner<W: Writer> {
    writer: W,
    queues: Mutex<HashMap<W::Key, Queue<W>>>,
    /// Bytes that are free.
    room: Arc<Semaphore>,
    numbers: AtomicU64,
    patience: Duration,
}

impl<W: Writer> Batches<W> {
    pub fn new(writer: W) -> Self {
        Self::with_limits(writer, PATIENCE, W::IN_ALL)
    }

    pub fn with_limits(writer: W, patience: Duration, in_all: usize) -> Self {
        let room = Arc::new(Semaphore::new(in_all));
        Self(Arc::new(Inner { writer, queues: Mutex::default(), room, numbers: AtomicU64::new(0), patience }))
    }

    pub fn writer(&self) -> &W {
        &self.0.writer
    }

    /// Has a call written, and answers once it is flushed. A call whose turn does not come in time is refused, and then never
    /// written; one that is being written is waited for.
    pub async fn call(&self, key: W::Key, call: W::Call, weight: Weight) -> Result<W::Answer> {
        let (answer, mut answered) = oneshot::channel();
        let until = Instant::now() + self.0.patience;
        let number = self.0.numbers.fetch_add(1, Ordering::Relaxed);
        let bytes = u32::try_from(weight.bytes).map_err(|_| Error::Busy)?;
        let room = self.0.room.clone().try_acquire_many_owned(bytes).map_err(|_| Error::Busy)?;
        self.enqueue(&key, Ticket { number, until, weight, _room: room, answer }, call)?;
        let in_time = timeout_at(until, &mut answered).await;
        let answer = match in_time {
            Ok(answer) => answer,
            Err(_) if self.0.withdraw(&key, number) => return Err(Error::Busy),
            // It is being written: only the outcome tells the truth, and the database's own time limits bound the wait.
            Err(_) => answered.await,
        };
        answer.unwrap_or_else(|_| Err(Error::Internal("a call was dropped before it was written".into())))
    }

    fn enqueue(&self, key: &W::Key, ticket: Ticket<W::Answer>, call: W::Call) -> Result<()> {
        let mut queues = self.0.queues();
        let is_new = !queues.contains_key(key);
        let queue = queues.entry(key.clone()).or_insert_with(Queue::new);
        if !queue.weight.plus(ticket.weight).fits(W::WAITING) && !queue.calls.is_empty() {
            return Err(Error::Busy);
        }
        queue.weight += ticket.weight;
        queue.calls.push_back((ticket, call));
        drop(queues);
        if is_new {
            // Ends with the queue; a server that stops lets requests in progress finish first, and each waits for its answer.
            tokio::spawn(Arc::clone(&self.0).write_all(key.clone()));
        }
        Ok(())
    }

    /// Calls that wait for their turn; `None` if nobody is at work.
    #[cfg(test)]
    pub fn waiting(&self, key: &W::Key) -> Option<(usize, Weight)> {
        self.0.queues().get(key).map(|queue| (queue.calls.len(), queue.weight))
    }
}

impl<W: Writer> Inner<W> {
    fn queues(&self) -> MutexGuard<'_, HashMap<W::Key, Queue<W>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a call out of its queue; whether it was still in it.
    fn withdraw(&self, key: &W::Key, number: u64) -> bool {
        self.queues().get_mut(key).is_some_and(|queue| queue.remove(number))
    }

    async fn write_all(self: Arc<Self>, key: W::Key) {
        let open = OpenQueue { batches: &self, key: &key };
        loop {
            self.gather(&key).await;
            let Some(batch) = self.next_batch(&key) else { break };
            self.write(&key, batch).await;
        }
        drop(open);
    }

    /// Lets callers that are about to call do so, for as long as more of them come: a transaction costs several times what
    /// a call in it does. When nobody else is at work this takes microseconds.
    async fn gather(&self, key: &W::Key) {
        let mut before = 0;
        for _ in 0..GATHERING {
            let waiting = self.queues().get(key).map_or(0, |queue| queue.calls.len());
            if waiting == before {
                return;
            }
            before = waiting;
            tokio::task::yield_now().await;
        }
    }

    /// The calls of the next transaction; removes the queue when there is none.
    fn next_batch(&self, key: &W::Key) -> Option<Batch<W>> {
        let mut queues = self.queues();
        let queue = queues.get_mut(key)?;
        let together = self.writer.together();
        let (mut tickets, mut calls, mut weight) = (Vec::new(), Vec::new(), Weight::default());
        while let Some((ticket, _)) = queue.calls.front() {
            if !weight.plus(ticket.weight).fits(together) && !calls.is_empty() {
                break;
            }
            weight += ticket.weight;
            queue.weight -= ticket.weight;
            let (ticket, call) = queue.calls.pop_front()?;
            tickets.push(ticket);
            calls.push(call);
        }
        if calls.is_empty() {
            queues.remove(key);
            return None;
        }
        Some((tickets, calls))
    }

    async fn write(&self, key: &W::Key, (tickets, calls): Batch<W>) {
        match retrying(|| self.writer.write(key, &calls)).await {
            Ok(answers) => tickets.into_iter().zip(answers).for_each(|(ticket, answer)| ticket.reply(answer)),
            Err(Error::Store(error)) if error.is_unavailable() => {
                let unavailable = || Error::Store(store::Error::Unavailable(error.to_string()));
                tickets.into_iter().for_each(|ticket| ticket.reply(Err(unavailable())));
            }
            Err(_) if calls.len() > 1 => {
                // One of them may be the reason: each gets a transaction, and an answer, of its own.
                for (ticket, call) in tickets.into_iter().zip(&calls) {
                    self.write_alone(key, ticket, call).await;
                }
            }
            Err(error) => {
                if let Some(ticket) = tickets.into_iter().next() {
                    ticket.reply(Err(error));
                }
            }
        }
    }

    async fn write_alone(&self, key: &W::Key, ticket: Ticket<W::Answer>, call: &W::Call) {
        if ticket.until <= Instant::now() {
            return ticket.reply(Err(Error::Busy));
        }
        let alone = std::slice::from_ref(call);
        let answer = retrying(|| self.writer.write(key, alone)).await;
        let lost = || Err(Error::Internal("a call got no answer".into()));
        ticket.reply(answer.and_then(|mut answers| answers.pop().unwrap_or_else(lost)));
    }
}

/// Removes a queue when its writer ends, however it ends: calls left in it are told, and the next one starts anew.
struct OpenQueue<'a, W: Writer> {
    batches: &'a Inner<W>,
    key: &'a W::Key,
}

impl<W: Writer> Drop for OpenQueue<'_, W> {
    fn drop(&mut self) {
        // `next_batch` has removed it already, and perhaps another writer has opened the next, unless this one broke down.
        if std::thread::panicking() {
            self.batches.queues().remove(self.key);
        }
    }
}
