//! This server's lease: renews it, notices its loss, and takes over what dead servers owned. Knows nothing of HTTP.

#[cfg(test)]
mod tests;

use crate::engine::{Phase, Shared};
use crate::limits::{LEASE, RENEWAL};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use store::deliveries::Block;
use store::{Result, deliveries, lanes, servers};
use tokio::sync::Notify;
use tokio::time::Instant;

/// How soon a failed renewal is repeated.
const AGAIN: Duration = Duration::from_millis(500);
/// How far the clocks of two servers, both following the database's, may be apart.
const SKEW: Duration = Duration::from_secs(1);
/// Time for the others to renew when the clock has jumped.
const GRACE: Duration = Duration::from_millis(500);
/// Every so many rounds rows are looked for that one has who is no server any more.
const STRAY_ROUNDS: u32 = 10;
/// Notes of where deliveries are that one round looks at: a quarter of a million rows, some 80 ms of reading.
const SWEPT_TOGETHER: usize = 1024;

/// Until when this server may send, by its monotonic clock.
pub(crate) struct Lease {
    base: Instant,
    until_ms: AtomicU64,
    /// Held while the server's row is written.
    gate: tokio::sync::Mutex<()>,
    /// Rings when it is held again.
    regained: Notify,
}

impl Lease {
    pub(crate) fn new() -> Self {
        Self {
            base: Instant::now(),
            until_ms: AtomicU64::new(0),
            gate: tokio::sync::Mutex::default(),
            regained: Notify::new(),
        }
    }

    pub(crate) fn is_held(&self) -> bool {
        self.ms(Instant::now()) < self.until_ms.load(Ordering::Acquire)
    }

    fn hold_until(&self, until: Instant) {
        self.until_ms.store(self.ms(until), Ordering::Release);
    }

    fn ms(&self, at: Instant) -> u64 {
        u64::try_from(at.duration_since(self.base).as_millis()).unwrap_or(u64::MAX)
    }
}

/// Keeps the lease, until the engine stops.
pub(crate) async fn keep(shared: Arc<Shared>) {
    while *shared.phase.borrow() < Phase::Stopped {
        match renew(&shared).await {
            Ok(()) => pause(&shared, RENEWAL).await,
            Err(error) => {
                shared.upkeep.database_trouble(&error);
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// By the monotonic clock or the product's, whichever is first, so that neither's jumps delay it.
async fn pause(shared: &Shared, time: Duration) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = shared.clock.sleep_until(shared.clock.now().plus(time)) => {}
    }
}

async fn renew(shared: &Shared) -> Result<()> {
    let gate = shared.lease.gate.lock().await;
    if *shared.phase.borrow() == Phase::Stopped {
        return Ok(());
    }
    // Counted from before the call, so that it ends here no later than others see it end.
    let (begun, now) = (Instant::now(), shared.clock.now());
    let mut tx = shared.store.begin().await?;
    servers::renew(tx.conn(), &shared.server, now, now.plus(LEASE)).await?;
    tx.commit().await?;
    drop(gate);
    let lapsed = !shared.lease.is_held();
    if lapsed {
        start_anew(shared).await?;
    }
    shared.lease.hold_until(begun + LEASE);
    if lapsed {
        shared.upkeep.look_around();
        shared.claims.notify_one();
        shared.work.notify_waiters();
        shared.lease.regained.notify_one();
    }
    Ok(())
}

/// The lease was not held for a time, in which others may have taken over: forgets what waits in memory and frees what
/// is left of it in the database, save what is being sent or recorded.
async fn start_anew(shared: &Shared) -> Result<()> {
    let keep = shared.lanes(|lanes| {
        lanes.forget();
        lanes.unrecorded_keys()
    });
    let keep: Vec<_> = keep.into_iter().chain(shared.tests_under_way()).collect();
    let mut behind = None;
    loop {
        let mut tx = shared.store.begin().await?;
        let released = deliveries::release(tx.conn(), &shared.server, behind.as_ref(), &keep).await?;
        tx.commit().await?;
        behind = released.next;
        if behind.is_none() {
            return Ok(());
        }
    }
}

/// Takes over from dead servers, until the engine stops.
pub(crate) async fn take_over(shared: Arc<Shared>) {
    let mut swept = Sweep::default();
    for round in 0_u32.. {
        while !shared.may_send() {
            shared.lease.regained.notified().await;
        }
        if let Err(error) = take_over_once(&shared, round % STRAY_ROUNDS == 0, &mut swept).await {
            shared.upkeep.database_trouble(&error);
        }
        pause(&shared, RENEWAL).await;
        tokio::time::sleep(GRACE).await;
    }
}

async fn take_over_once(shared: &Shared, strays: bool, swept: &mut Sweep) -> Result<()> {
    while take_part(shared).await? {}
    if strays {
        let mut reader = shared.store.read().await?;
        let senders = deliveries::senders_without_server(reader.conn()).await?;
        drop(reader);
        for sender in senders.iter().filter(|sender| **sender != shared.server) {
            while free(shared, sender).await? {}
        }
    }
    sweep(shared, swept).await
}

/// Which notes of where this server has deliveries were seen by the last sweep, and behind which one it goes on.
#[derive(Default)]
struct Sweep {
    seen: BTreeSet<Block>,
    behind: Option<Block>,
}

impl Sweep {
    /// Those that the last sweep has seen, too, a bounded number of them.
    fn candidates(&mut self, blocks: Vec<Block>) -> Vec<Block> {
        let blocks: BTreeSet<Block> = blocks.into_iter().collect();
        let behind = |block: &&Block| self.behind.as_ref().is_none_or(|behind| *block > behind);
        let old = blocks.iter().filter(behind).filter(|block| self.seen.contains(block));
        let some: Vec<Block> = old.take(SWEPT_TOGETHER).cloned().collect();
        self.behind = some.last().filter(|_| some.len() >= SWEPT_TOGETHER).cloned();
        self.seen = blocks;
        some
    }
}

/// Removes the notes of where this server had deliveries and has none any more.
async fn sweep(shared: &Shared, last: &mut Sweep) -> Result<()> {
    let mut reader = shared.store.read().await?;
    let blocks = deliveries::blocks(reader.conn(), &shared.server).await?;
    for some in last.candidates(blocks).chunks(deliveries::BLOCKS_TOGETHER) {
        let empty = deliveries::empty(reader.conn(), &shared.server, some).await?;
        if !empty.is_empty() {
            let mut tx = shared.store.begin().await?;
            deliveries::remove_empty(tx.conn(), &shared.server, &empty).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// Frees a part of what a dead server owned; gives whether there may be more.
async fn take_part(shared: &Shared) -> Result<bool> {
    let mut tx = shared.store.begin().await?;
    let dead = servers::lock_dead(tx.conn(), shared.clock.now().minus(SKEW)).await?;
    let Some(dead) = dead.into_iter().find(|server| *server != shared.server) else { return Ok(false) };
    lanes::release_all(tx.conn(), &dead).await?;
    let released = deliveries::release(tx.conn(), &dead, None, &[]).await?;
    if released.next.is_none() {
        servers::remove(tx.conn(), &dead).await?;
    }
    tx.commit().await?;
    tracing::info!(server = %dead, deliveries = released.deliveries, "Took over from a server that is gone");
    shared.upkeep.look_around();
    shared.claims.notify_one();
    Ok(true)
}

/// Frees a part of what a server has; gives whether there may be more.
async fn free(shared: &Shared, server: &model::ServerId) -> Result<bool> {
    let mut tx = shared.store.begin().await?;
    let released = deliveries::release(tx.conn(), server, None, &[]).await?;
    tx.commit().await?;
    shared.upkeep.look_around();
    shared.claims.notify_one();
    Ok(released.next.is_some())
}

/// Gives back all that this server still owns and removes its row. With `leave_row` its lease runs out instead, so that
/// whatever may still be written in its name is found by the others.
pub(crate) async fn give_up(shared: &Shared, leave_row: bool) -> Result<()> {
    let _gate = shared.lease.gate.lock().await;
    while free(shared, &shared.server).await? {}
    if !leave_row {
        let mut tx = shared.store.begin().await?;
        lanes::release_all(tx.conn(), &shared.server).await?;
        servers::remove(tx.conn(), &shared.server).await?;
        tx.commit().await?;
    }
    shared.phase.send_replace(Phase::Stopped);
    Ok(())
}
