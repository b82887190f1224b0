//! `kill -9` at named points between what is written and what is told or marked as done, each once: what was acknowledged
//! comes, what was sent and not written down comes twice, nothing else does, and nothing waits for ever.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::kills::end_leases;
use super::nothing_is_pending;
use crate::harness::http::Request;
use crate::harness::mysql_proxy::{MysqlProxy, Point, Stop};
use crate::harness::sink::{Reply, Sink};
use crate::harness::wait::eventually;
use crate::harness::{Client, Server, Value, json};

const EVENTS: &str = "/api/v1/events";
const WEBHOOK: &str = "/api/v1/webhooks/1";
/// Events are kept for a week and a minute.
const EVENTS_GO: Duration = Duration::from_secs(7 * 24 * 3600 + 120);
/// The retry comes 10 days after the attempt, or 2 sooner or later.
const RETRIES_COME: Duration = Duration::from_secs(5 * 24 * 3600);

/// What brings a server to its end.
#[derive(Clone, Copy)]
enum Work {
    /// An event is published, and nobody is told.
    Publish,
    /// Its endpoint has answered.
    Record,
    /// It is sent to an endpoint that was set up later: a step of the replay writes the delivery, which is then claimed.
    Replay,
    /// The one before was killed with a request on its way.
    TakeOver,
    /// Its delivery waits for a retry when it is old.
    Retention,
}

struct Scene {
    proxy: MysqlProxy,
    server: Server,
    admin: Client,
    sink: Sink,
    ordering: &'static str,
}

impl Scene {
    async fn start(ordering: &'static str) -> Self {
        let (proxy, builder) = MysqlProxy::before(Server::builder()).await;
        let builder = builder.env("JWT_ACCESS_TTL", "90d").env("WEBHOOK_RETRY_SCHEDULE", "10d");
        let server = builder.start().await;
        let admin = server.another_admin().await;
        Self { proxy, server, admin, sink: Sink::start().await, ordering }
    }

    async fn set_endpoint_up(&self) {
        let body = json!({ "url": self.sink.url(), "events": ["order.paid"], "ordering": self.ordering });
        self.admin.post("/api/v1/webhooks", body).await.expect(201);
    }

    fn publish(&self, key: &str) -> Request {
        let event = json!({ "type": "order.paid", "subject": "order:1", "payload": {} });
        self.admin.post(EVENTS, event).header("idempotency-key", key)
    }

    async fn published(&self, key: &str) -> String {
        let answer = self.publish(key).await.expect(202);
        answer.data()["events"][0]["id"].as_str().expect("an id").to_owned()
    }

    async fn kill_at(&self, mut stop: Stop) {
        stop.reached().await;
        self.server.kill_9();
        drop(stop);
        // Or the dead server's lease would hold for another ten seconds.
        end_leases(&self.server, "").await;
    }

    async fn work_until_killed(&self, work: Work, point: Point) {
        match work {
            Work::Publish => {
                self.set_endpoint_up().await;
                let stop = self.proxy.stop(point);
                let (answer, ()) = tokio::join!(self.publish("one").try_send(), self.kill_at(stop));
                assert!(answer.is_err(), "{answer:?}");
            }
            Work::Record => {
                self.set_endpoint_up().await;
                let stop = self.proxy.stop(point);
                self.published("one").await;
                self.kill_at(stop).await;
            }
            Work::Replay => {
                self.published("one").await;
                self.set_endpoint_up().await;
                let stop = self.proxy.stop(point);
                let since = json!({ "since": "2020-01-01T00:00:00Z" });
                self.admin.post(&format!("{WEBHOOK}/replay"), since).await.expect(202);
                self.kill_at(stop).await;
            }
            Work::TakeOver => {
                self.set_endpoint_up().await;
                self.sink.reply_next([Reply::stall()]);
                self.published("one").await;
                self.sink.wait_for(1).await;
                self.server.kill_9();
                end_leases(&self.server, "").await;
                let stop = self.proxy.stop(point);
                self.server.restart().await;
                self.kill_at(stop).await;
            }
            Work::Retention => {
                self.set_endpoint_up().await;
                self.sink.reply_next([Reply::status(500)]);
                self.published("one").await;
                self.attempted().await;
                let stop = self.proxy.stop(point);
                self.server.advance(EVENTS_GO).await;
                self.kill_at(stop).await;
            }
        }
    }

    async fn attempted(&self) {
        eventually("the attempt to be recorded", async || {
            let logs = self.admin.get(&format!("{WEBHOOK}/logs")).await.expect(200);
            (logs.data()[0]["attempts"] == 1).then_some(())
        })
        .await;
    }

    /// What is old goes, and the retry comes behind it. The new process began with the clock as it is.
    async fn outlive_the_event(&self) {
        self.server.advance(EVENTS_GO).await;
        eventually("the old event to go", async || self.log().await.is_empty().then_some(())).await;
        self.server.advance(RETRIES_COME).await;
    }

    async fn log(&self) -> Vec<Value> {
        let ended = self.server.cli(&["events", "tail", "--tenant", "tenant-123"]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The log has no gap, both events once unless they are too old, and they came so often.
    async fn assert_complete(&self, expected: [(String, RangeInclusive<usize>); 2]) {
        nothing_is_pending(&self.admin).await;
        let log = self.log().await;
        let numbers: Vec<i64> = log.iter().map(|event| event["seq"].as_i64().unwrap()).collect();
        assert!(numbers.windows(2).all(|two| two[1] == two[0] + 1), "a gap: {numbers:?}");
        let paid = log.iter().filter(|event| event["type"] == "order.paid");
        let ids: Vec<&str> = paid.map(|event| event["id"].as_str().unwrap()).collect();
        let known: Vec<&str> = expected.iter().map(|(id, _)| id.as_str()).collect();
        assert!(known.ends_with(&ids) && ids.contains(&known[1]), "{ids:?}");
        let received = self.sink.received();
        let times = |id: &str| received.iter().filter(|request| request.header("webhook-id") == id).count();
        for (id, expected) in &expected {
            assert!(expected.contains(&times(id)), "{id} came {} times, not {expected:?}", times(id));
        }
        assert!(received.iter().all(|request| known.contains(&request.header("webhook-id"))));
    }
}

/// Kills a server there, and another one goes on. The event comes to the endpoint `times` times.
async fn killed(ordering: &'static str, work: Work, point: Point, times: RangeInclusive<usize>) {
    let scene = Scene::start(ordering).await;
    scene.work_until_killed(work, point).await;
    scene.server.restart().await;
    // The same answer, or the first one if nothing was stored.
    let one = scene.published("one").await;
    if matches!(work, Work::Retention) {
        scene.outlive_the_event().await;
    }
    let other = scene.published("other").await;
    scene.assert_complete([(one, times), (other, 1..=1)]).await;
}

/// Name, orderings of the endpoint, work, point, and how often the event comes: once more where the server, until it is killed, may
/// send what the commit has left for whoever looks.
macro_rules! crash_points {
    ($($name:ident, [$($ordering:ident),+], $work:ident, $point:expr, $times:expr;)+) => {$(
        mod $name {
            use super::{Point, Work, killed};

            $(
                #[tokio::test]
                async fn $ordering() {
                    killed(stringify!($ordering), Work::$work, $point, $times).await;
                }
            )+
        }
    )+};
}

crash_points! {
    before_the_commit_of_an_event, [none, strict], Publish,
        Point::before_commit_of(&["INSERT INTO events", "order.paid"]), 1..=1;
    after_the_commit_of_an_event, [none, strict], Publish,
        Point::after_commit_of(&["INSERT INTO events", "order.paid"]), 1..=1;
    before_the_record_of_an_attempt, [none, strict], Record,
        Point::before(&["UPDATE webhook_logs", "SET status = "]), 2..=2;
    before_the_commit_of_a_record, [none, strict], Record,
        Point::before_commit_of(&["UPDATE webhook_logs", "SET status = "]), 2..=2;
    after_the_commit_of_a_record, [none, strict], Record,
        Point::after_commit_of(&["UPDATE webhook_logs", "SET status = "]), 1..=1;
    before_the_commit_of_a_claim, [none], Replay,
        Point::before_commit_of(&["UPDATE webhook_logs SET waits = NULL, sender = "]), 1..=1;
    after_the_commit_of_a_claim, [none], Replay,
        Point::after_commit_of(&["UPDATE webhook_logs SET waits = NULL, sender = "]), 1..=1;
    after_a_lane_was_taken, [strict], Replay,
        Point::after_commit_of(&["UPDATE webhook_lanes SET fence = "]), 1..=1;
    before_the_commit_of_a_take_over, [none, strict], TakeOver,
        Point::before_commit_of(&["UPDATE webhook_lanes SET owner = ", "DELETE FROM servers"]), 2..=2;
    after_the_commit_of_a_take_over, [none, strict], TakeOver,
        Point::after_commit_of(&["UPDATE webhook_lanes SET owner = ", "DELETE FROM servers"]), 2..=3;
    before_the_commit_of_kept_payloads, [none, strict], Retention,
        Point::before_commit_of(&["UPDATE webhook_logs SET", "payload = (SELECT e.payload"]), 2..=2;
    between_kept_payloads_and_removed_events, [none, strict], Retention,
        Point::before(&["DELETE FROM events"]), 2..=2;
    before_the_commit_of_a_replays_step, [none, strict], Replay,
        Point::before_commit_of(&["webhook_replays", "INSERT INTO webhook_logs"]), 1..=1;
    after_the_commit_of_a_replays_step, [none, strict], Replay,
        Point::after_commit_of(&["webhook_replays", "INSERT INTO webhook_logs"]), 1..=2;
}
