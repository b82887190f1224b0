//! Fetches deliveries that wait in the database when they are due and their lanes have room. Knows nothing of HTTP.

use crate::engine::Shared;
use crate::housekeeping;
use crate::in_order;
use crate::lanes::Lanes;
use crate::limits::{
    CLAIM_EACH, CLAIM_TOGETHER, DELIVERY_OVERHEAD, DUE_PAUSE, LANES_TOGETHER, LATE_COMMITS, LOOK_AROUND,
    LOOK_PAUSE,
};
use model::{TenantId, Timestamp, WebhookId};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use store::Result;
use store::deliveries::{self, Claimed, Delivery, Wish};
use tokio::time::Instant;

/// How long a lane waits of which a row cannot be read.
pub(crate) const UNREADABLE_PAUSE: Duration = Duration::from_secs(30);
/// Later than anything is due.
pub(crate) const EVER: Timestamp = Timestamp(i64::MAX);

/// The last look over all endpoints.
#[derive(Default)]
struct Look {
    at: Option<Instant>,
    /// Those without order for which something waited, ascending.
    endpoints: Vec<WebhookId>,
    /// The ordered ones, ascending.
    lanes: Vec<WebhookId>,
}

/// The claimer, until the engine stops. The only task that claims, so that it may conclude from what memory holds which
/// of this server's rows were left behind.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut last = Look::default();
    let mut more = false;
    loop {
        if !more {
            wait(&shared, last.at).await;
        }
        if !shared.may_send() {
            more = false;
            continue;
        }
        match step(&shared, &mut last).await {
            Ok(left) => {
                shared.upkeep.database_works();
                more = left;
            }
            Err(error) => {
                shared.upkeep.database_trouble(&error);
                shared.upkeep.look_around();
                more = false;
                tokio::time::sleep(LOOK_AROUND).await;
            }
        }
    }
}

/// Until there may be something to do.
async fn wait(shared: &Shared, looked_at: Option<Instant>) {
    let next = shared.upkeep.next_due().into_iter().chain(shared.lanes(|lanes| lanes.next_pause_end())).min();
    let asked = shared.upkeep.wants_look();
    let due = async {
        match next.filter(|_| !asked) {
            Some(next) => shared.clock.sleep_until(next).await,
            None => std::future::pending().await,
        }
        tokio::time::sleep(rest_of(looked_at, DUE_PAUSE)).await;
    };
    // A look that was asked for too soon after the last one comes later.
    let look = if asked { rest_of(looked_at, LOOK_PAUSE) } else { LOOK_AROUND };
    tokio::select! {
        () = shared.claims.notified() => {}
        () = due => shared.upkeep.look_around(),
        () = tokio::time::sleep(look) => shared.upkeep.look_around(),
    }
}

/// What is left of a pause since the last look.
fn rest_of(looked_at: Option<Instant>, pause: Duration) -> Duration {
    looked_at.map_or(Duration::ZERO, |at| (at + pause).duration_since(Instant::now()))
}

/// Does what there is to do; gives whether there is more.
async fn step(shared: &Shared, last: &mut Look) -> Result<bool> {
    let now = shared.clock.now();
    shared.lanes(|lanes| lanes.unpause(now));
    housekeeping::run(shared).await?;
    // One who claims without a pause looks around all the same.
    let pause = if shared.upkeep.wants_look() { LOOK_PAUSE } else { LOOK_AROUND };
    if rest_of(last.at, pause).is_zero() {
        last.at = Some(Instant::now());
        look(shared, now, last).await?;
    }
    claim(shared, now).await?;
    in_order::read(shared).await?;
    Ok(shared.lanes(|lanes| !lanes.wanted.is_empty() || !lanes.wanted_in_order.is_empty()))
}

/// Looks over all endpoints with waiting deliveries.
async fn look(shared: &Shared, now: Timestamp, last: &mut Look) -> Result<()> {
    shared.upkeep.begin_look();
    let (pauses, generation) = shared.lanes(|lanes| (lanes.stored_pauses(), lanes.generation));
    let mut reader = shared.store.read().await?;
    let waiting = deliveries::waiting(reader.conn(), &last.endpoints).await?;
    let paused = store::webhooks::paused(reader.conn(), now).await?.into_iter().collect();
    drop(reader);
    last.endpoints = waiting.iter().map(|endpoint| endpoint.webhook).collect();
    shared.lanes(|lanes| {
        lanes.learn_pauses(&paused, &pauses, Instant::now());
        lanes.sweep(Instant::now());
        lanes.end_old_refusals(Instant::now());
        for lane in waiting.iter().filter(|lane| lane.due_at <= now) {
            lanes.is_due(lane.webhook, lane.due_at, Instant::now());
        }
        lanes.want_all_that_catch_up();
        lanes.looked_around = Some(generation);
    });
    shared.endpoints.sweep();
    if let Some(next) = waiting.iter().map(|lane| lane.due_at).filter(|due| *due > now).min() {
        shared.upkeep.due_at(next);
    }
    in_order::look(shared, now, &mut last.lanes).await
}

/// Claims for the lanes that want it, in one transaction.
async fn claim(shared: &Shared, now: Timestamp) -> Result<()> {
    reopen(shared).await?;
    let (wishes, generation) = shared.lanes(|lanes| (wishes(lanes, now), lanes.generation));
    if wishes.is_empty() {
        return Ok(());
    }
    match claim_rows(shared, &wishes, generation).await {
        Err(error) if !error.is_unavailable() => claim_apart(shared, &wishes, generation).await,
        result => result,
    }
}

/// Some row cannot be read. Its lane waits, the others go on.
async fn claim_apart(shared: &Shared, wishes: &[Wish], generation: u64) -> Result<()> {
    for wish in wishes {
        if let Err(error) = claim_rows(shared, std::slice::from_ref(wish), generation).await {
            if error.is_unavailable() {
                return Err(error);
            }
            tracing::error!(webhook_id = %wish.webhook, %error, "Webhook deliveries cannot be read; tried again later");
            let later = shared.clock.now().plus(UNREADABLE_PAUSE);
            shared.lanes(|lanes| lanes.pause(wish.webhook, later));
        }
    }
    Ok(())
}

/// One transaction.
async fn claim_rows(shared: &Shared, wishes: &[Wish], generation: u64) -> Result<()> {
    let now = shared.clock.now();
    let claimed = match read_rows(shared, wishes).await {
        Ok(claimed) => claimed,
        Err(error) => {
            // Whether the transaction took place is unknown.
            for wish in wishes {
                shared.upkeep.suspect(wish.webhook, now);
                shared.lanes(|lanes| lanes.fall_behind(wish.webhook));
            }
            return Err(error);
        }
    };
    let lapsed = shared.lanes(|lanes| {
        if lanes.generation == generation {
            take_in(lanes, wishes, claimed, now);
            Vec::new()
        } else {
            claimed.deliveries
        }
    });
    give_back(shared, lapsed, now).await
}

async fn read_rows(shared: &Shared, wishes: &[Wish]) -> Result<Claimed> {
    let mut tx = shared.store.begin().await?;
    let claimed = deliveries::claim(tx.conn(), &shared.server, wishes).await?;
    tx.commit().await?;
    shared.counters.claimed.fetch_add(u64::try_from(claimed.deliveries.len()).unwrap_or(0), Relaxed);
    Ok(claimed)
}

/// What to claim now: for each lane what it has room for, as much as goes into one transaction. Lanes share it evenly: those of
/// one tenant mostly wait for the same events, whose deliveries stand side by side.
fn wishes(lanes: &mut Lanes, now: Timestamp) -> Vec<Wish> {
    let share = lanes.share();
    let mut wishes = Vec::new();
    while wishes.len() < LANES_TOGETHER {
        let Some(webhook) = lanes.wanted.pop() else { break };
        let lane = lanes.lane(webhook, Instant::now());
        let limit = lane.claim_now(share).min(CLAIM_EACH);
        if limit == 0 || (lane.paused_until.is_some() && !lane.closed) {
            lanes.fall_behind(webhook);
            continue;
        }
        // The clock may have been set back since.
        let due_from = lane.due_from.min(now.minus(LATE_COMMITS));
        let due_by = if lane.closed { EVER } else { now };
        wishes.push(Wish { webhook, due_from, due_by, limit });
    }
    share_out(&mut wishes);
    wishes
}

/// Who wants little gets it, and leaves the rest to the others. A claimed row's payload is not known before it is read: all of them
/// are 32 MiB above the bound at worst.
fn share_out(wishes: &mut [Wish]) {
    wishes.sort_by_key(|wish| wish.limit);
    let (mut left, mut others) = (CLAIM_TOGETHER, wishes.len());
    for wish in wishes {
        wish.limit = wish.limit.min(left / others);
        left -= wish.limit;
        others -= 1;
    }
}

fn take_in(lanes: &mut Lanes, wishes: &[Wish], claimed: Claimed, clock: Timestamp) {
    let now = Instant::now();
    for row in claimed.deliveries {
        let bytes = row.payload.as_ref().map_or(0, |payload| payload.get().len()) + DELIVERY_OVERHEAD;
        lanes.push(row, bytes, now);
    }
    for (wish, due) in wishes.iter().zip(claimed.due) {
        if let Some(last) = due.last() {
            lanes.claimed_until(wish.webhook, *last, clock, now);
        }
        lanes.claimed(wish.webhook, due.len() >= wish.limit, now);
    }
}

/// The lease lapsed while these were claimed: they are free again.
async fn give_back(shared: &Shared, rows: Vec<Delivery>, now: Timestamp) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    // Before anything can fail: nobody else knows of them.
    rows.iter().for_each(|row| shared.upkeep.suspect(row.webhook, now));
    let mut tx = shared.store.begin().await?;
    for row in rows {
        deliveries::give_back(tx.conn(), &row.tenant, row.id, &shared.server, now).await?;
    }
    tx.commit().await
}

/// Looks whether endpoints that were switched off still are, before their deliveries end before their time.
async fn reopen(shared: &Shared) -> Result<()> {
    let closed: Vec<(WebhookId, TenantId)> = shared.lanes(|lanes| {
        let closed = |webhook: WebhookId| {
            let lane = lanes.lanes.get(&webhook).filter(|lane| lane.closed)?;
            Some((webhook, lane.tenant.clone()?))
        };
        lanes.wanted.iter().filter_map(closed).collect()
    });
    for (webhook, tenant) in closed {
        let closed = match shared.endpoints.get(&shared.store, &tenant, webhook).await {
            Ok(endpoint) => endpoint.is_none_or(|endpoint| !endpoint.webhook.is_active),
            Err(error) if error.is_unavailable() => return Err(error),
            // Its row cannot be read: nothing ends before its time.
            Err(_) => false,
        };
        shared.lanes(|lanes| lanes.lane(webhook, Instant::now()).closed = closed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::{Lane, Standing};

    fn lane(lanes: &mut Lanes, webhook: i64) -> &mut Lane {
        lanes.wanted.insert(WebhookId(webhook));
        lanes.lane(WebhookId(webhook), Instant::now())
    }

    fn one_that_answers(lanes: &mut Lanes, webhook: i64) {
        let lane = lane(lanes, webhook);
        lane.learn(Standing::Answers, Some(true));
        (0..64).for_each(|_| lane.has_come(1024));
        lane.bytes = 0;
    }

    fn limits(lanes: &mut Lanes) -> Vec<usize> {
        wishes(lanes, Timestamp(1_000_000)).iter().map(|wish| wish.limit).collect()
    }

    #[test]
    fn lanes_that_are_behind_share_a_transaction_evenly() {
        for (count, limit) in [(1, CLAIM_EACH), (8, CLAIM_TOGETHER / 8), (16, CLAIM_TOGETHER / 16), (40, 32)]
        {
            let mut lanes = Lanes::default();
            (1..=count).for_each(|webhook| one_that_answers(&mut lanes, webhook));
            let count = usize::try_from(count).unwrap().min(LANES_TOGETHER);
            assert_eq!(limits(&mut lanes), vec![limit; count]);
        }
    }

    #[test]
    fn lanes_that_want_little_or_nothing_leave_the_rest_to_the_others() {
        let mut lanes = Lanes::default();
        (1..=9).for_each(|untried| _ = lane(&mut lanes, untried));
        (10..=15).for_each(|paused| lane(&mut lanes, paused).paused_until = Some(Timestamp(i64::MAX)));
        (16..=19).for_each(|webhook| one_that_answers(&mut lanes, webhook));
        assert_eq!(
            limits(&mut lanes),
            [[1; 9].as_slice(), &[(CLAIM_TOGETHER - 9) / 4; 1], &[126, 126, 126]].concat()
        );
    }

    #[test]
    fn a_claim_looks_from_where_the_last_one_ended_unless_the_clock_went_back() {
        let now = Timestamp(1_000_000);
        for (due_from, asked) in [(0, 0), (999_000, 999_000), (1_500_000, 999_800)] {
            let mut lanes = Lanes::default();
            lane(&mut lanes, 1).due_from = Timestamp(due_from);
            assert_eq!(wishes(&mut lanes, now)[0].due_from, Timestamp(asked));
        }
    }
}
