//! What the hub does by itself: fetch what is missing, compare with the log, ping, expire, forget. Knows nothing of
//! sockets.

use super::{Shared, Tenant, refresh};
use crate::connection::{Close, Member};
use crate::log::PAGE_ROWS;
use crate::sync::lock;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use model::{TenantId, Timestamp};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How long a missing event may still come by itself: commits finish out of order by a few milliseconds.
const PATIENCE: Duration = Duration::from_millis(20);
/// How often feeds are compared with the log.
const COMPARE_EVERY: Duration = Duration::from_secs(1);
/// Tenants asked for in one statement.
const TENANTS_PER_STATEMENT: usize = 500;
/// Comparisons in a row that must agree before a log that says less than before is believed: a replica may lag.
const STEPS_BACK_BELIEVED: u32 = 5;
/// Repairs in a row, about one a second, before events that the log ought to hold are given up.
const FRUITLESS_REPAIRS: u32 = 30;
/// How often connections are looked through.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
const PING_EVERY_MS: u64 = 30_000;
const SILENCE_MS: u64 = 60_000;
/// How long a connection waits for the log: as long as the database's deadline of 5 s, six times over.
const UNREADABLE: Duration = Duration::from_secs(30);
const WAITING_MS: u64 = 30_000;
/// Over which time connections are closed when the log cannot be read: they come back to other servers, or later.
const SEND_AWAY_OVER: Duration = Duration::from_secs(3);
/// How long before its token's end a client is told.
const EXPIRY_NOTICE: Duration = Duration::from_secs(60);
/// How long a tenant without listeners keeps its tail, for those who come back.
const KEEP_IDLE: Duration = Duration::from_secs(60);
/// Older events are read from the log, whose personal data is erased after a day at the soonest: none of it outlives that in
/// memory.
const KEEP_EVENTS: Duration = Duration::from_secs(12 * 3600);

pub(super) async fn run(shared: &Shared) {
    tokio::join!(
        repair_holes(shared),
        compare_heads(shared),
        sweep(shared),
        send_away(shared),
        refresh::run(shared)
    );
}

/// One repair a tenant at a time, and as many tenants as have holes: one whose log cannot be read keeps no other waiting.
async fn repair_holes(shared: &Shared) {
    let (mut repairs, mut under_way) = (FuturesUnordered::new(), HashSet::new());
    loop {
        tokio::select! {
            () = shared.holes.notified() => {
                for tenant in shared.take_holes() {
                    if under_way.insert(tenant.id.clone()) {
                        repairs.push(async move {
                            sleep(PATIENCE).await;
                            repair(shared, &tenant).await;
                            tenant.id.clone()
                        });
                    }
                }
            }
            Some(done) = repairs.next() => { under_way.remove(&done); }
        }
    }
}

/// Reads what is missing. What the log does not give now is tried again at the next comparison.
async fn repair(shared: &Shared, tenant: &Tenant) {
    while let Some((after, known)) = tenant.feed.hole() {
        let page = shared.log.page(&tenant.id, after, PAGE_ROWS).await.events;
        let first = page.first().map(|event| event.seq);
        if first == Some(after + 1) {
            tenant.fruitless_repairs.store(0, Ordering::Relaxed);
            tenant.feed.offer(page.into_iter().map(Arc::new));
        } else if !skip_what_is_gone(shared, tenant, after, known).await {
            return;
        }
    }
}

/// Goes past events that the log does not hold any more: at once where older ones are gone too, which is retention;
/// otherwise, as the last resort against standing still for ever, after many tries. Connections that wanted those events
/// find out by themselves and reset their clients.
async fn skip_what_is_gone(shared: &Shared, tenant: &Tenant, after: i64, known: i64) -> bool {
    let oldest = shared.log.extent(&tenant.id).await.oldest;
    if oldest > after + 1 {
        tenant.feed.skip_to((oldest - 1).min(known));
        return true;
    }
    let tries = tenant.fruitless_repairs.fetch_add(1, Ordering::Relaxed) + 1;
    if tries < FRUITLESS_REPAIRS {
        return false;
    }
    let page = shared.log.page(&tenant.id, after, 1).await.events;
    let next = page.first().map_or(known + 1, |event| event.seq);
    tracing::error!(tenant = %tenant.id, after, next, "The event log lacks events; its listeners are told to start over");
    tenant.feed.skip_to(next - 1);
    true
}

async fn compare_heads(shared: &Shared) {
    let mut every = interval(COMPARE_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_regular = tokio::select! {
            _ = every.tick() => true,
            () = shared.exchange.compare.notified() => false,
        };
        for some in open_tenants(shared).chunks(TENANTS_PER_STATEMENT) {
            // When the database is away the next comparison finds out.
            let _ = compare(shared, some, is_regular).await;
        }
    }
}

/// Begins anew at the log's end for each tenant, after the log has become another one: what is in memory is of the old one,
/// however far the new one has come.
pub(super) async fn forget_all(shared: &Shared) -> store::Result<()> {
    for some in open_tenants(shared).chunks(TENANTS_PER_STATEMENT) {
        for (tenant, head, _) in ends(shared, some).await? {
            tenant.feed.reopen(head);
            *lock(&tenant.behind) = None;
        }
    }
    Ok(())
}

fn open_tenants(shared: &Shared) -> Vec<Arc<Tenant>> {
    shared.tenants().into_iter().filter(|tenant| tenant.feed.head().is_some()).collect()
}

async fn compare(shared: &Shared, tenants: &[Arc<Tenant>], is_regular: bool) -> store::Result<()> {
    // Before anything is compared, as it is changed after everything was.
    let epoch = shared.epoch.current();
    for (tenant, head, before) in ends(shared, tenants).await? {
        if tenant.feed.note_head(head) {
            shared.note_hole(&tenant.id);
        }
        if is_regular && has_gone_back(tenant, head, before) && shared.epoch.suspect(&epoch) {
            tracing::warn!(tenant = %tenant.id, head, before, "The event log has gone back; its listeners reconnect");
            tenant.feed.reopen(head);
            tenant.for_each(|member| member.close(Close::RESTARTING));
        }
    }
    Ok(())
}

/// Of each tenant the end of its log, and what the feed had let through before that was asked for.
async fn ends<'a>(
    shared: &Shared,
    tenants: &'a [Arc<Tenant>],
) -> store::Result<Vec<(&'a Arc<Tenant>, i64, i64)>> {
    let before: HashMap<TenantId, i64> =
        tenants.iter().filter_map(|tenant| Some((tenant.id.clone(), tenant.feed.head()?))).collect();
    let ids: Vec<TenantId> = before.keys().cloned().collect();
    let heads: HashMap<TenantId, i64> = shared.log.heads(&ids).await?.into_iter().collect();
    // Who has no log any more has one that ends before its first event.
    let head = |tenant: &Tenant| heads.get(&tenant.id).copied().unwrap_or(0);
    let end = |tenant: &'a Arc<Tenant>| Some((tenant, head(tenant), *before.get(&tenant.id)?));
    Ok(tenants.iter().filter_map(end).collect())
}

/// Whether a log has ended before what was let through, at several looks in a row, without coming up to what had been let
/// through at the first of them: a node of a database cluster that lags does. Then it is another one: a backup was restored.
fn has_gone_back(tenant: &Tenant, head: i64, before: i64) -> bool {
    let mut behind = lock(&tenant.behind);
    let (first, looks) = behind.unwrap_or((before, 0));
    *behind = (head < first).then_some((first, looks + 1));
    behind.take_if(|(_, looks)| *looks >= STEPS_BACK_BELIEVED).is_some()
}

/// Looks through all connections every second, and when the clock was moved. One list instead of a timer each: 50,000
/// connections take about a millisecond.
async fn sweep(shared: &Shared) {
    loop {
        shared.clock.sleep_until(shared.clock.now().plus(SWEEP_EVERY)).await;
        let (now, now_ms) = (shared.clock.now(), shared.now_ms());
        let tenants = shared.tenants();
        let is_readable = shared.log.failing_since().is_none();
        let share = shared.budget.fair_share(tenants.len());
        for tenant in &tenants {
            let stuck_since = tenant.stuck_since(now_ms).filter(|_| is_readable);
            tenant.for_each(|member| {
                look_at(member, now, now_ms, is_readable);
                if stuck_since.is_some_and(|stuck| is_over(stuck.max(member.admitted_ms), now_ms)) {
                    member.close(Close::OVERLOADED);
                }
            });
            tenant.feed.trim_older(now.minus(KEEP_EVENTS));
            if let Some(bytes) = share {
                tenant.feed.trim_to(bytes);
            }
        }
        shared.forget_idle_tenants(KEEP_IDLE);
    }
}

/// A log that cannot be read for long leaves nobody knowing whether there is news: all had better ask another server.
async fn send_away(shared: &Shared) {
    loop {
        shared.clock.sleep_until(shared.clock.now().plus(SWEEP_EVERY)).await;
        let since = shared.log.failing_since();
        if since.is_some_and(|since| shared.clock.now().since(since) >= UNREADABLE) {
            shared.close_all(Close::UNREADABLE, SEND_AWAY_OVER).await;
        }
    }
}

/// Whether somebody who waits for the log since then has waited for long enough.
fn is_over(since_ms: u64, now_ms: u64) -> bool {
    now_ms.saturating_sub(since_ms) >= WAITING_MS
}

fn look_at(member: &Member, now: Timestamp, now_ms: u64, is_readable: bool) {
    if now >= member.expires_at() {
        member.close(Close::TOKEN_EXPIRED);
    } else if now.plus(EXPIRY_NOTICE) >= member.expires_at() {
        member.announce_expiry();
    }
    let since = |ms: u64| now_ms.saturating_sub(ms);
    // The log answers others: there are too many who ask it, or what it is asked for takes it too long.
    if is_readable && member.waits_since_ms().is_some_and(|waits| is_over(waits, now_ms)) {
        member.close(Close::OVERLOADED);
    }
    if member.is_mute {
        return;
    }
    // A clock that has jumped proves nothing: the client must have been asked, and have had the time to answer.
    let was_asked = member.asked_ms().is_some_and(|asked| since(asked) >= PING_EVERY_MS);
    if since(member.heard_ms()) >= SILENCE_MS && was_asked {
        member.close(Close::SILENT);
    } else if member.stuck_since_ms().is_some_and(|stuck| since(stuck) >= SILENCE_MS) {
        member.close(Close::STUCK);
    } else if since(member.pinged_ms()) >= PING_EVERY_MS {
        member.ping(now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HubConfig;
    use crate::feed::Budget;
    use model::{Role, Viewer};

    const HOUR: Duration = Duration::from_secs(3600);

    fn member(expires_at: Timestamp) -> Member {
        let who = crate::Admission {
            tenant: TenantId::parse("t").unwrap(),
            viewer: Viewer::new(None, Role::Service),
            session: None,
            expires_at,
            since: None,
            epoch: None,
            remote_addr: String::new(),
            user_agent: None,
        };
        Member::new(&who, Timestamp(0), 0)
    }

    fn close_of(member: &Member) -> Option<u16> {
        member.close_asked().map(|close| close.code)
    }

    #[test]
    fn a_log_has_gone_back_only_if_it_does_not_come_up_to_what_was_first_missed() {
        let tenant = Tenant::new(TenantId::parse("t").unwrap(), Budget::new(&HubConfig::default()));
        // A node that lags by three events while the log grows.
        assert!((0..50).all(|head| !has_gone_back(&tenant, head, head + 3)));
        assert!((0..5).all(|_| !has_gone_back(&tenant, 100, 100)));
        let looks: Vec<bool> = (90..95).map(|head| has_gone_back(&tenant, head, 100)).collect();
        assert_eq!(looks, [false, false, false, false, true]);
    }

    #[test]
    fn a_connection_is_pinged_every_30_s_and_closed_after_60_s_of_silence() {
        let member = member(Timestamp(0).plus(HOUR));
        let look = |ms| {
            look_at(&member, Timestamp(0), ms, true);
            (member.take_ping(), close_of(&member))
        };
        assert_eq!(look(29_999), (false, None));
        assert_eq!(look(30_000), (true, None));
        assert_eq!(look(59_999), (false, None));
        member.hear(59_999);
        assert_eq!(look(60_000), (true, None));
        assert_eq!(look(119_998), (true, None));
        assert_eq!(look(119_999), (false, Some(1001)));
    }

    #[test]
    fn a_client_that_takes_nothing_for_60_s_is_closed() {
        let member = member(Timestamp(0).plus(HOUR));
        member.note_stuck(1000);
        let look = |ms| {
            member.hear(ms);
            look_at(&member, Timestamp(0), ms, true);
            close_of(&member)
        };
        assert_eq!(look(60_999), None);
        member.note_flow();
        member.note_stuck(61_000);
        assert_eq!(look(120_999), None);
        assert_eq!(look(121_000), Some(1008));
    }

    #[test]
    fn who_waits_for_the_log_for_30_s_is_closed_if_it_answers_others() {
        let member = member(Timestamp(0).plus(HOUR));
        let look = |ms, is_readable| {
            look_at(&member, Timestamp(0), ms, is_readable);
            close_of(&member)
        };
        member.note_waiting(1000);
        member.note_waiting(20_000);
        assert_eq!(look(30_999, true), None);
        assert_eq!(look(31_000, false), None);
        member.note_answered();
        assert_eq!(look(31_000, true), None);
        member.note_waiting(40_000);
        assert_eq!(look(70_000, true), Some(1013));
    }

    #[test]
    fn the_end_of_a_token_is_announced_once_a_minute_before() {
        let member = member(Timestamp(0).plus(HOUR));
        let look = |ms| {
            look_at(&member, Timestamp(ms), 0, true);
            (member.take_expiry(), close_of(&member))
        };
        assert_eq!(look(3_539_999), (false, None));
        assert_eq!(look(3_540_000), (true, None));
        assert_eq!(look(3_599_999), (false, None));
        assert_eq!(look(3_600_000), (false, Some(4401)));
    }
}
