//! `kill -9` in the middle of 5,000 deliveries, ten times over, to endpoints of every ordering: nothing that was
//! acknowledged is lost, order is kept, and only what was sent and not yet written down comes twice.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::macros::on_both;
use crate::harness::mariadb::MariaDb;
use crate::harness::sink::{Received, Sink};
use crate::harness::wait::eventually;
use crate::harness::{Client, Server, Value, json};

const KILLS: usize = 10;
/// With three endpoints a little more than 5,000 deliveries.
const BATCHES: usize = 4;
const BATCH: usize = 42;
const SUBJECTS: usize = 12;
/// What a server may have sent and not yet written down.
const UNRECORDED: usize = 256;

/// One endpoint for each ordering.
struct Endpoints {
    none: Sink,
    subject: Sink,
    strict: Sink,
}

impl Endpoints {
    async fn start(admin: &Client) -> Self {
        let (none, subject, strict) = tokio::join!(Sink::start(), Sink::start(), Sink::start());
        for (sink, ordering) in [(&none, "none"), (&subject, "subject"), (&strict, "strict")] {
            let body = json!({ "url": sink.url(), "events": ["order.paid"], "ordering": ordering });
            admin.post("/api/v1/webhooks", body).await.expect(201);
        }
        Self { none, subject, strict }
    }

    fn count(&self) -> usize {
        self.none.count() + self.subject.count() + self.strict.count()
    }

    async fn wait_for(&self, count: usize) {
        eventually("deliveries", async || (self.count() >= count).then_some(())).await;
    }

    /// Everything that was acknowledged arrived everywhere, in its order; `kills` explain what came twice.
    fn assert_complete(&self, acknowledged: &BTreeSet<i64>, kills: usize) {
        let mut repeats = 0;
        for (name, sink) in [("none", &self.none), ("subject", &self.subject), ("strict", &self.strict)] {
            let (arrivals, again) = first_arrivals(&sink.received());
            repeats += again;
            let seqs: BTreeSet<i64> = arrivals.iter().map(|(seq, _)| *seq).collect();
            let lost: Vec<_> = acknowledged.difference(&seqs).collect();
            assert!(lost.is_empty(), "{name}: acknowledged and lost: {lost:?}");
        }
        assert!(repeats <= kills * UNRECORDED, "{repeats} came twice");
        let (strict, _) = first_arrivals(&self.strict.received());
        let seqs: Vec<i64> = strict.iter().map(|(seq, _)| *seq).collect();
        assert!(seqs.is_sorted(), "strict, out of order: {seqs:?}");
        let mut by_subject: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (seq, subject) in first_arrivals(&self.subject.received()).0 {
            by_subject.entry(subject).or_default().push(seq);
        }
        assert_eq!(by_subject.len(), SUBJECTS);
        for (subject, seqs) in by_subject {
            assert!(seqs.is_sorted(), "{subject}, out of order: {seqs:?}");
        }
    }
}

/// Number and subject of each event in the order of first arrival, and how many came again.
fn first_arrivals(received: &[Received]) -> (Vec<(i64, String)>, usize) {
    let mut seen = HashSet::new();
    let is_new = |request: &&Received| seen.insert(request.header("webhook-id").to_owned());
    let first: Vec<Value> = received.iter().filter(is_new).map(Received::json).collect();
    let about = |body: &Value| body["data"]["about"].as_str().unwrap().to_owned();
    let arrivals: Vec<_> = first.iter().map(|body| (body["seq"].as_i64().unwrap(), about(body))).collect();
    let again = received.len() - arrivals.len();
    (arrivals, again)
}

/// Publishes in batches until all are accepted or nobody answers; the numbers of those that were acknowledged, which are
/// added to `count` as they come.
async fn publish(client: &Client, count: &AtomicUsize) -> BTreeSet<i64> {
    let mut acknowledged = BTreeSet::new();
    for batch in 0..BATCHES {
        let event = |number: usize| {
            let about = format!("call:{}", (batch * BATCH + number) % SUBJECTS);
            json!({ "type": "order.paid", "subject": about, "payload": { "about": about } })
        };
        let events: Vec<Value> = (0..BATCH).map(event).collect();
        match client.post("/api/v1/events", events).try_send().await {
            Ok(answer) if answer.status == 202 => {
                let events = answer.data()["events"].as_array().unwrap().clone();
                acknowledged.extend(events.iter().map(|event| event["seq"].as_i64().unwrap()));
                count.fetch_add(events.len(), Ordering::Relaxed);
            }
            // Whether these were stored nobody knows.
            Ok(_) | Err(_) => break,
        }
    }
    acknowledged
}

/// The point at which the `kill`th comes: later each time, and never before two batches were acknowledged, or the
/// deliveries that the last one left over would be all there is.
async fn in_the_middle(kill: usize, endpoints: &Endpoints, seen: usize, acknowledged: &AtomicUsize) {
    let is_acknowledged = async || (acknowledged.load(Ordering::Relaxed) >= 2 * BATCH).then_some(());
    eventually("two batches to be acknowledged", is_acknowledged).await;
    endpoints.wait_for(seen + 40 + kill * 37).await;
}

async fn nothing_is_pending(admin: &Client) {
    for id in 1..=3 {
        eventually("every delivery to be recorded", async || {
            let stats = admin.get(&format!("/api/v1/webhooks/{id}/stats")).await.expect(200);
            (stats.data()["pending_count"] == 0).then_some(())
        })
        .await;
    }
}

/// On MariaDB the dead server's lease would hold for another ten seconds, ten times over.
pub(super) async fn end_leases(server: &Server, but: &str) {
    if let Some(database) = &server.setup.database {
        let sql = format!("UPDATE servers SET lease_until = 0 WHERE id <> '{but}'");
        MariaDb::shared().await.sql(database, &sql).await;
    }
}

on_both! {
    async fn a_server_killed_ten_times_over_loses_nothing_and_keeps_every_order(server) {
        let admin = server.admin().await;
        let endpoints = Endpoints::start(&admin).await;
        let mut acknowledged = BTreeSet::new();
        for kill in 0..KILLS {
            let (count, seen) = (AtomicUsize::new(0), endpoints.count());
            let (published, ()) = tokio::join!(publish(&admin, &count), async {
                in_the_middle(kill, &endpoints, seen, &count).await;
                server.kill_9();
            });
            acknowledged.extend(published);
            end_leases(&server, "").await;
            server.restart().await;
        }
        nothing_is_pending(&server.admin().await).await;
        endpoints.assert_complete(&acknowledged, KILLS);
    }
}

/// The server in the table that is not among these.
async fn new_server(server: &Server, known: &BTreeSet<String>) -> String {
    let database = server.setup.database.as_ref().expect("on MariaDB");
    eventually("the server to be entered", async || {
        let ids = MariaDb::shared().await.sql(database, "SELECT id FROM servers").await;
        ids.lines().find(|id| !known.contains(*id)).map(str::to_owned)
    })
    .await
}

#[tokio::test]
async fn two_servers_killed_in_turn_lose_nothing_and_keep_every_order() {
    let one = Server::builder().mariadb().start().await;
    let mut known = BTreeSet::new();
    let mut ids = vec![new_server(&one, &known).await];
    known.extend(ids.clone());
    let other = one.elsewhere().start().await;
    ids.push(new_server(&other, &known).await);
    known.extend(ids.clone());
    let servers = [one, other];
    let admin = servers[0].admin().await;
    let endpoints = Endpoints::start(&admin).await;
    let clients = servers.each_ref().map(|server| server.with_token(admin.token()));
    let mut acknowledged = BTreeSet::new();
    for kill in 0..KILLS {
        let (killed, survivor) = (kill % 2, 1 - kill % 2);
        let (count, seen) = (AtomicUsize::new(0), endpoints.count());
        let (a, b, ()) = tokio::join!(publish(&clients[0], &count), publish(&clients[1], &count), async {
            in_the_middle(kill, &endpoints, seen, &count).await;
            servers[killed].kill_9();
            end_leases(&servers[killed], &ids[survivor]).await;
        });
        acknowledged.extend(a.into_iter().chain(b));
        // The other takes over before the killed one is back.
        nothing_is_pending(&clients[survivor]).await;
        servers[killed].restart().await;
        ids[killed] = new_server(&servers[killed], &known).await;
        known.insert(ids[killed].clone());
    }
    nothing_is_pending(&clients[0]).await;
    endpoints.assert_complete(&acknowledged, KILLS);
}
