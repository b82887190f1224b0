//! The queue's SQL, and what sessions are like, on SQLite, and on MySQL/MariaDB where
//! `STORE_TEST_MYSQL=host:port:user:password:prefix` names a server and how the databases are called that it may make there.
#![expect(clippy::unwrap_used, reason = "a test reports what went wrong by panicking, in its helpers too")]

mod looking;
mod sessions;

use model::webhook::Ordering;
use model::{EventId, EventName, LogId, NewEvent, ServerId, TenantId, Timestamp, WebhookId};
use serde_json::value::RawValue;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use store::deliveries::{self, Attempt, Filter, Holder, NewDelivery, Owned, Owner, Released, Verdict, Wish};
use store::journal::{self, Append};
use store::webhooks::Webhook;
use store::{Database, Store, Tls, migrate, servers, tenants, webhooks};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// SQLite and, where there is one, MySQL or MariaDB, with a new database on each: on MariaDB the end of a search locks
/// the next row, whose ever it is, and a claim passes by what another test has locked.
async fn stores(folder: &std::path::Path) -> Vec<Store> {
    let mut databases = vec![Database::Sqlite(folder.join("test.db"))];
    if let Ok(text) = std::env::var("STORE_TEST_MYSQL") {
        databases.push(new_mysql_database(&text).await);
    }
    let mut stores = Vec::new();
    for database in &databases {
        let store = Store::connect(database).await.unwrap();
        migrate(&store).await.unwrap();
        migrate(&store).await.unwrap();
        stores.push(store);
    }
    stores
}

/// A new database on the server of `STORE_TEST_MYSQL`, whose name begins with the one given there.
async fn new_mysql_database(text: &str) -> Database {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let parts: Vec<&str> = text.split(':').collect();
    let [host, port, user, password, prefix] = parts.try_into().unwrap();
    let name = format!("{prefix}_{}_{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
    let server =
        MySqlConnectOptions::new().host(host).port(port.parse().unwrap()).username(user).password(password);
    let mut server = server.connect().await.unwrap();
    for statement in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
        server.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    server.close().await.unwrap();
    Database::MySql {
        host: host.into(),
        port: port.parse().unwrap(),
        user: user.into(),
        password: password.into(),
        name,
        tls: Tls::Preferred,
        max_connections: 4,
    }
}

fn webhook(tenant: &TenantId) -> Webhook {
    Webhook {
        id: WebhookId(0),
        tenant: tenant.clone(),
        name: "Test".into(),
        url: "http://127.0.0.1:1/".into(),
        events: vec![model::webhook::EventPattern::Any],
        secret: "s".into(),
        previous_secret: None,
        is_active: true,
        retry_count: 7,
        timeout_seconds: 30,
        ordering: Ordering::None,
        mask_personal_data: false,
        headers: BTreeMap::new(),
        description: None,
        disabled_reason: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn delivery(tenant: &TenantId, id: i64, webhook: WebhookId, owner: Owner) -> NewDelivery {
    NewDelivery {
        tenant: tenant.clone(),
        id: LogId(id),
        webhook,
        event_id: EventId::generate(),
        event_seq: Some(1),
        event: EventName::parse("order.paid").unwrap(),
        subject: None,
        owner,
        payload: None,
    }
}

fn wish(webhook: WebhookId, limit: usize) -> Wish {
    Wish { webhook, due_from: Timestamp(0), due_by: NOW, limit }
}

fn attempt(tenant: &TenantId, log: i64, webhook: WebhookId, number: i64, verdict: Verdict) -> Attempt {
    let success = verdict == Verdict::Success;
    Attempt {
        paused_until: None,
        tenant: tenant.clone(),
        log: LogId(log),
        webhook,
        number,
        retries: 0,
        at: NOW,
        duration_ms: 12,
        http_status: success.then_some(200),
        error: (!success).then(|| "connection refused".into()),
        response_body: success.then(|| "ok".into()),
        verdict,
        test: false,
    }
}

/// A tenant of its own, with one event and one webhook.
async fn prepare(store: &Store) -> (TenantId, WebhookId) {
    let tenant = TenantId::generate();
    let mut tx = store.begin().await.unwrap();
    tenants::insert(tx.conn(), &tenant, "Test", NOW).await.unwrap();
    let id = webhooks::insert(tx.conn(), &webhook(&tenant)).await.unwrap();
    let head = journal::lock_head(tx.conn(), &tenant).await.unwrap();
    let event = NewEvent {
        id: EventId::generate(),
        name: EventName::parse("order.paid").unwrap(),
        subject: None,
        audience: model::Audience::default(),
        payload: RawValue::from_string(r#"{"ü":1}"#.into()).unwrap().into(),
    };
    let append = Append { tenant: tenant.clone(), head, events: vec![event], log_ids: 3 };
    let stored = journal::append(tx.conn(), vec![append], NOW).await.unwrap();
    assert!(journal::was_committed(tx.conn(), &tenant, 1, &stored[0].id).await.unwrap());
    tx.commit().await.unwrap();
    (tenant, id)
}

#[tokio::test]
async fn deliveries_are_claimed_finished_and_added_up() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()).await {
        let (tenant, hook) = prepare(&store).await;
        let (me, other) = (ServerId::generate(), ServerId::generate());
        let mut tx = store.begin().await.unwrap();
        servers::renew(tx.conn(), &other, NOW, Timestamp(i64::MAX)).await.unwrap();
        let rows = [
            delivery(&tenant, 1, hook, Owner::Server(me.clone())),
            delivery(&tenant, 2, hook, Owner::Server(other.clone())),
            delivery(&tenant, 3, hook, Owner::Nobody),
        ];
        deliveries::insert(tx.conn(), &rows, NOW).await.unwrap();
        tx.commit().await.unwrap();

        let mut reader = store.read().await.unwrap();
        let waiting = deliveries::waiting(reader.conn(), &[]).await.unwrap();
        assert!(waiting.iter().any(|lane| lane.webhook == hook && lane.due_at == NOW));
        drop(reader);

        let mut tx = store.begin().await.unwrap();
        let claimed = deliveries::claim(tx.conn(), &me, &[wish(hook, 10)]).await.unwrap().deliveries;
        tx.commit().await.unwrap();
        assert_eq!(claimed.iter().map(|one| one.id.0).collect::<Vec<_>>(), [3]);
        assert_eq!(claimed[0].payload.as_ref().unwrap().get(), r#"{"ü":1}"#);

        let mut tx = store.begin().await.unwrap();
        let retry_at = Timestamp(NOW.0 + 5_000);
        let mut attempts = [
            attempt(&tenant, 3, hook, 1, Verdict::Retry(retry_at)),
            attempt(&tenant, 1, hook, 1, Verdict::Success),
            // Not ours: another server's result must not be touched.
            attempt(&tenant, 2, hook, 1, Verdict::Failed),
        ];
        deliveries::finish(tx.conn(), Holder::Server(&me), &mut attempts).await.unwrap();
        tx.commit().await.unwrap();

        let mut reader = store.read().await.unwrap();
        let log = deliveries::page(reader.conn(), &tenant, &Filter::default(), 10).await.unwrap().entries;
        let seen: Vec<(i64, &str, i64)> = log.iter().map(|e| (e.id, e.status.as_str(), e.attempts)).collect();
        assert_eq!(seen, [(3, "pending", 1), (2, "pending", 0), (1, "success", 1)]);
        assert_eq!(log[0].next_attempt_at, Some(retry_at.0));
        assert_eq!(log[2].response_body.as_deref(), Some("ok"));
        let tried = deliveries::attempts(reader.conn(), &tenant, LogId(3)).await.unwrap();
        assert_eq!(tried[0].error.as_deref(), Some("connection refused"));
        let stats = deliveries::stats(reader.conn(), &tenant, hook, NOW).await.unwrap();
        assert_eq!((stats.successful, stats.pending, stats.latency_count), (1, 2, 1));
        assert_eq!(stats.latencies.percentile(0.5), Some(20.0), "12 ms stand in the step up to 20");
        drop(reader);

        let mut tx = store.begin().await.unwrap();
        let released = deliveries::release(tx.conn(), &other, None, &[]).await.unwrap();
        assert_eq!(released, Released { deliveries: 1, next: None });
        assert_eq!(deliveries::make_due(tx.conn(), &tenant, hook, NOW, 1000).await.unwrap(), 1);
        let again = deliveries::claim(tx.conn(), &me, &[wish(hook, 10)]).await.unwrap().deliveries;
        assert_eq!(again.len(), 2);
        assert!(deliveries::delete_of_webhook(tx.conn(), &tenant, hook, 100).await.unwrap() == 3);
        deliveries::forget_webhook(tx.conn(), &tenant, hook).await.unwrap();
        servers::remove(tx.conn(), &other).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_claim_takes_of_each_endpoint_what_is_due_up_to_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()).await {
        let ((tenant, first), (other, second)) = (prepare(&store).await, prepare(&store).await);
        let me = ServerId::generate();
        let mut tx = store.begin().await.unwrap();
        let third = webhooks::insert(tx.conn(), &webhook(&tenant)).await.unwrap();
        let due = |tenant: &TenantId, id: i64, hook: WebhookId| delivery(tenant, id, hook, Owner::Nobody);
        let mut rows: Vec<NewDelivery> =
            (1..=600).map(|id| due(&tenant, id, if id % 2 == 0 { first } else { third })).collect();
        rows.extend((1..=3).map(|id| due(&other, id, second)));
        deliveries::insert(tx.conn(), &rows, NOW).await.unwrap();
        tx.commit().await.unwrap();

        let mut tx = store.begin().await.unwrap();
        let early = Wish { due_by: Timestamp(NOW.0 - 1), ..wish(first, 10) };
        let late = Wish { due_from: Timestamp(NOW.0 + 1), due_by: Timestamp(NOW.0 + 9), ..wish(first, 10) };
        let none = deliveries::claim(tx.conn(), &me, &[early, late]).await.unwrap();
        assert_eq!((none.deliveries.len(), none.due), (0, vec![vec![], vec![]]));
        let wishes = [wish(second, 10), wish(first, 260), wish(third, 2)];
        let claimed = deliveries::claim(tx.conn(), &me, &wishes).await.unwrap();
        assert_eq!(claimed.due, [vec![NOW; 3], vec![NOW; 260], vec![NOW; 2]]);
        let claimed = claimed.deliveries;
        let of = |tenant: &TenantId, hook: WebhookId| {
            let of = claimed.iter().filter(|one| one.tenant == *tenant && one.webhook == hook);
            of.map(|one| one.id.0).collect::<Vec<_>>()
        };
        assert_eq!(claimed.len(), 265);
        assert_eq!(of(&tenant, first), (1..=260).map(|n| n * 2).collect::<Vec<_>>());
        assert_eq!((of(&tenant, third), of(&other, second)), (vec![1, 3], vec![1, 2, 3]));
        assert!(claimed.iter().all(|one| one.payload.is_some()));
        assert_eq!(deliveries::owned(tx.conn(), &me).await.unwrap().len(), 265);
        let again =
            deliveries::claim(tx.conn(), &me, &[wish(second, 10), wish(first, 1)]).await.unwrap().deliveries;
        let again: Vec<_> = again.iter().map(|one| (one.webhook, one.id.0)).collect();
        assert_eq!(again, [(first, 522)], "none is claimed twice");
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_server_whose_lease_is_over_is_found_dead() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()).await {
        let (alive, dead) = (ServerId::generate(), ServerId::generate());
        let mut tx = store.begin().await.unwrap();
        servers::renew(tx.conn(), &alive, NOW, Timestamp(i64::MAX)).await.unwrap();
        servers::renew(tx.conn(), &dead, NOW, NOW).await.unwrap();
        assert!(servers::is_alive(tx.conn(), &alive, NOW).await.unwrap());
        assert!(servers::lock_dead(tx.conn(), NOW).await.unwrap().contains(&dead));
        servers::remove(tx.conn(), &dead).await.unwrap();
        servers::remove(tx.conn(), &alive).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn what_a_server_owns_is_found_kept_and_given_back() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()).await {
        let (tenant, hook) = prepare(&store).await;
        let me = ServerId::generate();
        let key = |id: i64| (tenant.clone(), LogId(id));
        let mut tx = store.begin().await.unwrap();
        let rows = [1, 2, 3].map(|id| delivery(&tenant, id, hook, Owner::Server(me.clone())));
        deliveries::insert(tx.conn(), &rows, NOW).await.unwrap();
        assert_eq!(deliveries::tenant_of_waiting(tx.conn(), hook).await.unwrap(), None);
        assert!(deliveries::senders_without_server(tx.conn()).await.unwrap().contains(&me));
        servers::renew(tx.conn(), &me, NOW, NOW).await.unwrap();
        assert!(!deliveries::senders_without_server(tx.conn()).await.unwrap().contains(&me));

        let owned = deliveries::owned(tx.conn(), &me).await.unwrap();
        assert_eq!(owned[2], Owned { key: key(3), webhook: hook, created_at: NOW });
        assert_eq!(owned.len(), 3);
        let kept = [key(2), key(9)];
        assert_eq!(deliveries::still_owned(tx.conn(), &me, &kept).await.unwrap(), [key(2)]);
        let released = deliveries::release(tx.conn(), &me, None, &kept).await.unwrap();
        assert_eq!(released, Released { deliveries: 2, next: None });
        let owned = deliveries::owned(tx.conn(), &me).await.unwrap();
        assert_eq!(owned.iter().map(|one| &one.key).collect::<Vec<_>>(), [&key(2)]);
        assert_eq!(deliveries::tenant_of_waiting(tx.conn(), hook).await.unwrap(), Some(tenant.clone()));

        let mut spent = attempt(&tenant, 2, hook, 1, Verdict::Failed);
        spent.retries = 3;
        deliveries::finish(tx.conn(), Holder::Server(&me), &mut [spent]).await.unwrap();
        assert_eq!(deliveries::find(tx.conn(), &tenant, LogId(2)).await.unwrap().unwrap().retries, 3);
        assert!(deliveries::queue_again(tx.conn(), &tenant, LogId(2), NOW).await.unwrap());
        assert!(!deliveries::queue_again(tx.conn(), &tenant, LogId(2), NOW).await.unwrap());
        let again = deliveries::find(tx.conn(), &tenant, LogId(2)).await.unwrap().unwrap();
        assert_eq!((again.attempts, again.retries), (1, 0));
        let released = deliveries::release(tx.conn(), &me, None, &[]).await.unwrap();
        assert_eq!(released, Released { deliveries: 0, next: None });
        servers::remove(tx.conn(), &me).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_servers_deliveries_are_found_in_blocks_which_go_when_they_are_empty() {
    const ROWS: i64 = 20 * 256;
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()).await {
        let (tenant, hook) = prepare(&store).await;
        let (me, other) = (ServerId::generate(), ServerId::generate());
        let mut tx = store.begin().await.unwrap();
        // One in ten is another server's, and one waits.
        let owner = |id: i64| match id % 10 {
            0 => Owner::Server(other.clone()),
            1 => Owner::Nobody,
            _ => Owner::Server(me.clone()),
        };
        let rows: Vec<NewDelivery> = (1..=ROWS).map(|id| delivery(&tenant, id, hook, owner(id))).collect();
        deliveries::insert(tx.conn(), &rows, NOW).await.unwrap();
        tx.commit().await.unwrap();

        // All but the last in each of the first 18 blocks is done.
        let mine: Vec<i64> = (1..=ROWS).filter(|id| owner(*id) == Owner::Server(me.clone())).collect();
        let done: Vec<i64> = mine.iter().copied().filter(|id| id % 256 < 250 && *id < 18 * 256).collect();
        for part in done.chunks(256) {
            let mut tx = store.begin().await.unwrap();
            let mut attempts: Vec<Attempt> =
                part.iter().map(|id| attempt(&tenant, *id, hook, 1, Verdict::Success)).collect();
            deliveries::finish(tx.conn(), Holder::Server(&me), &mut attempts).await.unwrap();
            tx.commit().await.unwrap();
        }
        let left = mine.len() - done.len();
        let owned = async |server: &ServerId| {
            let mut reader = store.read().await.unwrap();
            deliveries::owned(reader.conn(), server).await.unwrap().len()
        };
        sweep(&store, &me).await;
        assert_eq!(owned(&me).await, left, "no block goes that has one left");
        let kept = [(tenant.clone(), LogId(252)), (tenant.clone(), LogId(ROWS - 1))];
        assert_eq!(release(&store, &me, &kept).await, u64::try_from(left).unwrap() - 2);
        assert_eq!(owned(&me).await, 2);
        sweep(&store, &me).await;
        assert_eq!(owned(&me).await, 2);
        assert_eq!(release(&store, &me, &[]).await, 2);
        assert_eq!((owned(&me).await, owned(&other).await), (0, rows.len() / 10));
        assert_eq!(release(&store, &other, &[]).await, u64::try_from(rows.len()).unwrap() / 10);

        // What was given back is due, and whoever claims it is found by it.
        let mut tx = store.begin().await.unwrap();
        let claimed = deliveries::claim(tx.conn(), &me, &[wish(hook, 100)]).await.unwrap().deliveries;
        assert_eq!(claimed.len(), 100);
        tx.commit().await.unwrap();
        assert_eq!(owned(&me).await, 100);
        assert_eq!(release(&store, &me, &[]).await, 100);
        sweep(&store, &me).await;
        let mut reader = store.read().await.unwrap();
        assert!(!deliveries::senders_without_server(reader.conn()).await.unwrap().contains(&me));
    }
}

async fn release(store: &Store, server: &ServerId, keep: &[deliveries::Key]) -> u64 {
    let (mut sum, mut behind) = (0, None);
    loop {
        let mut tx = store.begin().await.unwrap();
        let released = deliveries::release(tx.conn(), server, behind.as_ref(), keep).await.unwrap();
        tx.commit().await.unwrap();
        sum += released.deliveries;
        behind = released.next;
        if behind.is_none() {
            return sum;
        }
    }
}

async fn sweep(store: &Store, server: &ServerId) {
    let mut reader = store.read().await.unwrap();
    let blocks = deliveries::blocks(reader.conn(), server).await.unwrap();
    for some in blocks.chunks(deliveries::BLOCKS_TOGETHER) {
        let empty = deliveries::empty(reader.conn(), server, some).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        deliveries::remove_empty(tx.conn(), server, &empty).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_block_in_which_somebody_writes_stays() {
    let folder = tempfile::tempdir().unwrap();
    // SQLite has one writer.
    for store in stores(folder.path()).await.into_iter().filter(Store::is_mysql) {
        let (tenant, hook) = prepare(&store).await;
        let me = ServerId::generate();
        let write = async |id: i64| {
            let mut tx = store.begin().await.unwrap();
            let row = delivery(&tenant, id, hook, Owner::Server(me.clone()));
            deliveries::insert(tx.conn(), &[row], NOW).await.unwrap();
            tx
        };
        write(1).await.commit().await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let mut done = [attempt(&tenant, 1, hook, 1, Verdict::Success)];
        deliveries::finish(tx.conn(), Holder::Server(&me), &mut done).await.unwrap();
        tx.commit().await.unwrap();

        let writing = write(2).await;
        let mut reader = store.read().await.unwrap();
        let blocks = deliveries::blocks(reader.conn(), &me).await.unwrap();
        assert_eq!(deliveries::empty(reader.conn(), &me, &blocks).await.unwrap(), blocks);
        let mut tx = store.begin().await.unwrap();
        deliveries::remove_empty(tx.conn(), &me, &blocks).await.unwrap();
        tx.commit().await.unwrap();
        writing.commit().await.unwrap();
        assert_eq!(deliveries::owned(reader.conn(), &me).await.unwrap().len(), 1);
        assert_eq!(release(&store, &me, &[]).await, 1);
    }
}

#[tokio::test]
async fn each_row_gets_its_own_outcome_however_many_are_written_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()).await {
        for count in [1, 7, 9, 64, 65, 100] {
            let (one, two) = (prepare(&store).await, prepare(&store).await);
            let me = ServerId::generate();
            let mut attempts = Vec::new();
            let mut tx = store.begin().await.unwrap();
            for (tenant, hook) in [&one, &two] {
                let rows: Vec<NewDelivery> = (1..=count)
                    .map(|id| delivery(tenant, id * 3, *hook, Owner::Server(me.clone())))
                    .collect();
                deliveries::insert(tx.conn(), &rows, NOW).await.unwrap();
                attempts.extend(rows.iter().map(|row| {
                    let id = row.id.0;
                    let verdict = if id % 2 == 0 { Verdict::Failed } else { Verdict::Success };
                    let duration_ms = id * 10 + i64::from(*tenant == one.0);
                    let error = (id % 4 == 0).then(|| format!("error {id}"));
                    Attempt { duration_ms, error, ..attempt(tenant, id, *hook, 1, verdict) }
                }));
            }
            deliveries::finish(tx.conn(), Holder::Server(&me), &mut attempts).await.unwrap();
            tx.commit().await.unwrap();
            let mut reader = store.read().await.unwrap();
            for wanted in &attempts {
                let entry =
                    deliveries::entry(reader.conn(), &wanted.tenant, wanted.webhook, wanted.log).await;
                let entry = entry.unwrap().unwrap();
                let status = if wanted.verdict == Verdict::Success { "success" } else { "failed" };
                assert_eq!((entry.status.as_str(), entry.error), (status, wanted.error.clone()));
                assert_eq!(entry.http_status, wanted.http_status);
                assert_eq!(entry.response_body, wanted.response_body);
                assert_eq!(entry.response_time_ms, Some(wanted.duration_ms));
                assert_eq!(entry.completed_at, Some(NOW.0 + wanted.duration_ms));
            }
            assert!(deliveries::owned(reader.conn(), &me).await.unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn whoever_waits_for_a_connection_gets_one_that_has_just_committed() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()).await.into_iter().filter(Store::is_mysql) {
        // All four connections there are.
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(store.begin().await.unwrap());
        }
        let all_have_one = std::sync::Arc::new(tokio::sync::Barrier::new(4));
        let waiters: Vec<_> = (0..4)
            .map(|number| {
                let (store, barrier) = (store.clone(), std::sync::Arc::clone(&all_have_one));
                tokio::spawn(async move {
                    let mut reader = None;
                    let mut tx = None;
                    match number {
                        0 => reader = Some(store.read().await.unwrap()),
                        1 => tx = Some(store.begin_snapshot().await.unwrap()),
                        _ => tx = Some(store.begin().await.unwrap()),
                    }
                    barrier.wait().await;
                    drop((reader, tx));
                })
            })
            .collect();
        // They wait now, or come to wait: either way nothing may be kept from them.
        tokio::task::yield_now().await;
        for tx in held {
            tx.commit().await.unwrap();
        }
        for waiter in waiters {
            waiter.await.unwrap();
        }
        store.close().await;
    }
}

#[tokio::test]
async fn what_is_dropped_is_rolled_back_and_what_is_committed_stays() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()).await {
        let (kept, dropped) = (TenantId::generate(), TenantId::generate());
        for _ in 0..8 {
            let mut tx = store.begin().await.unwrap();
            tenants::insert(tx.conn(), &dropped, "Dropped", NOW).await.unwrap();
            drop(tx);
        }
        let mut tx = store.begin().await.unwrap();
        tenants::insert(tx.conn(), &kept, "Kept", NOW).await.unwrap();
        tx.commit().await.unwrap();
        // Would wait for whoever still has it.
        let mut tx = store.begin().await.unwrap();
        tenants::insert(tx.conn(), &dropped, "Dropped", NOW).await.unwrap();
        drop(tx);
        let mut tx = store.begin().await.unwrap();
        assert!(tenants::insert(tx.conn(), &kept, "Kept", NOW).await.is_err());
        drop(tx);
        store.close().await;
    }
}
