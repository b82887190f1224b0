//! One delivery's way: sent, signed, retried, ended.

use crate::support::sink::{Answer, Sink};
use crate::support::{site, until};
use model::Timestamp;
use store::deliveries;
use store::webhooks::Webhook;
use webhooks::Notice;
use webhooks::signing::Signer;

fn status(code: u16) -> Answer {
    Answer::Status(code, None)
}

#[tokio::test]
async fn a_delivery_arrives_signed_and_is_written_down() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site.webhook(&sink.url("/hook")).await;
    // The first goes by the database, the second by memory.
    site.warm_up(&running, &webhook).await;
    let id = site.publish(&running, &webhook, 1).await[0];
    let entry = site.one(&webhook, id, |entry| entry.status == "success").await;
    assert_eq!((entry.attempts, entry.http_status, entry.error.as_deref()), (1, Some(200), None));
    assert_eq!((entry.response_body.as_deref(), entry.next_attempt_at), (Some("ok"), None));
    assert!(site.attempts(id).await.is_empty(), "a first success needs no attempt row");
    sink.received(|all| {
        assert_eq!(all.len(), 2);
        let one = &all[1];
        let header = |name: &str| one.headers[name].to_str().unwrap();
        assert_eq!(header("content-type"), "application/json");
        assert_eq!(header("x-webhook-id"), webhook.id.to_string());
        assert_eq!((header("x-tenant-id"), header("x-webhook-event")), ("t1", "order.paid"));
        assert_eq!((header("x-webhook-attempt"), header("x-webhook-delivery")), ("1", "2"));
        assert_eq!((header("user-agent"), header("x-own")), ("callcenter/1.2.3", "yes"));
        let signer = Signer::new(&webhook.secret, None);
        assert_eq!(header("x-webhook-signature"), signer.body_signature(&one.body));
        let timestamp = Timestamp(header("webhook-timestamp").parse::<i64>().unwrap() * 1000);
        let standard = signer.standard_signature(header("webhook-id"), timestamp, &one.body);
        assert_eq!(header("webhook-signature"), standard);
        let body: serde_json::Value = serde_json::from_slice(&one.body).unwrap();
        assert_eq!((&body["data"]["n"], &body["seq"]), (&2.into(), &2.into()));
    });
    let gauges = running.engine.gauges();
    assert_eq!((gauges.delivered, gauges.failed, gauges.bytes), (2, 0, 0));
    assert_eq!(gauges.latency_counts.iter().sum::<u64>(), 2);
}

#[tokio::test]
async fn a_failed_attempt_is_retried_when_its_time_comes() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site.webhook(&sink.url("/hook")).await;
    sink.script("/hook", [status(500), status(302)]);
    let id = site.publish(&running, &webhook, 1).await[0];
    let first = site.advance_to_retry(&webhook, id, 1).await;
    let second = site.advance_to_retry(&webhook, id, 2).await;
    assert!(second > first);
    let entry = site.one(&webhook, id, |entry| entry.status == "success").await;
    assert_eq!(entry.attempts, 3);
    let log = site.attempts(id).await;
    let errors: Vec<_> = log.iter().map(|attempt| attempt.error.as_deref()).collect();
    let redirect = "answered 302 Found: redirect not followed";
    assert_eq!(errors, [Some("answered 500 Internal Server Error"), Some(redirect), None]);
    assert_eq!(sink.received(|all| all[2].headers["x-webhook-attempt"].clone()), "3");
    let ids =
        sink.received(|all| all.iter().map(|one| one.headers["webhook-id"].clone()).collect::<Vec<_>>());
    assert!(ids.iter().all(|id| *id == ids[0]));
}

#[tokio::test]
async fn a_delivery_fails_when_its_retries_are_spent() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site.webhook_with(&sink.url("/hook"), |webhook| webhook.retry_count = 1).await;
    sink.always("/hook", status(500));
    let id = site.publish(&running, &webhook, 1).await[0];
    site.advance_to_retry(&webhook, id, 1).await;
    let entry = site.one(&webhook, id, |entry| entry.status == "failed").await;
    assert_eq!((entry.attempts, entry.http_status), (2, Some(500)));
    assert_eq!(sink.count("/hook"), 2);
}

#[tokio::test]
async fn retry_after_postpones_and_uses_up_no_retry() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site.webhook_with(&sink.url("/hook"), |webhook| webhook.retry_count = 1).await;
    let wait = |seconds: &str| Answer::Status(503, Some(("retry-after", seconds.to_owned())));
    sink.script("/hook", [wait("100"), wait("7200"), status(500)]);
    let id = site.publish(&running, &webhook, 1).await[0];
    let begun = site.clock.now();
    let due = site.advance_to_retry(&webhook, id, 1).await;
    assert!((90..=100).contains(&due.since(begun).as_secs()));
    let begun = site.clock.now();
    let due = site.advance_to_retry(&webhook, id, 2).await;
    assert!((3500..=3600).contains(&due.since(begun).as_secs()), "cut to an hour");
    // The third uses up the one retry there is.
    site.advance_to_retry(&webhook, id, 3).await;
    let entry = site.one(&webhook, id, |entry| entry.status == "success").await;
    assert_eq!(entry.attempts, 4);
}

#[tokio::test]
async fn gone_is_told_to_the_application() {
    let (site, sink) = (site().await, Sink::start().await);
    let mut running = site.start().await;
    let webhook = site.webhook(&sink.url("/hook")).await;
    sink.script("/hook", [status(410)]);
    let id = site.publish(&running, &webhook, 1).await[0];
    let notice = running.notices.recv().await;
    assert_eq!(notice, Some(Notice::Gone { tenant: site.tenant.clone(), webhook: webhook.id }));
    let entry = site.one(&webhook, id, |entry| entry.status == "failed").await;
    assert_eq!(entry.http_status, Some(410));
}

#[tokio::test]
async fn errors_are_told_in_words() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    sink.always("/stall", Answer::AtGate);
    let tls = sink.url("/").replace("http:", "https:");
    for (url, words) in [
        (format!("http://127.0.0.1:{port}/"), "connection refused"),
        ("http://127.0.0.2:9/".to_owned(), "address 127.0.0.2 is not allowed"),
        ("http://[::ffff:169.254.169.254]/".to_owned(), "is not allowed"),
        ("http://2130706433/".to_owned(), "the URL must write an IP address as four decimal numbers"),
        ("http://does-not-exist.invalid/".to_owned(), "name does not resolve"),
        (sink.url("/stall"), "timed out after 1 s waiting for headers"),
        (tls, "TLS: "),
    ] {
        let webhook = site.webhook_with(&url, |webhook| webhook.timeout_seconds = 1).await;
        let id = site.publish(&running, &webhook, 1).await[0];
        let entry = site.one(&webhook, id, |entry| entry.attempts == 1).await;
        let error = entry.error.unwrap_or_default();
        // A machine without a resolver answers late.
        let late = words.contains("resolve") && error.contains("timed out");
        assert!(error.contains(words) || late, "{url}: {error}");
        assert_eq!(entry.http_status, None);
    }
}

#[tokio::test]
async fn localhost_reaches_a_listener_on_127_0_0_1() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let url = format!("http://localhost:{}/hook", sink.address.port());
    let webhook = site.webhook(&url).await;
    let ids = site.publish(&running, &webhook, 1).await;
    site.all(&ids, "success").await;
}

#[tokio::test]
async fn an_answers_body_is_cut_off_and_never_waited_for_beyond_the_limit() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site.webhook_with(&sink.url("/hook"), |webhook| webhook.timeout_seconds = 1).await;
    sink.script("/hook", [Answer::Body(1 << 20), Answer::EndlessBody]);
    let long = site.publish(&running, &webhook, 1).await[0];
    let entry = site.one(&webhook, long, |entry| entry.status == "success").await;
    assert_eq!(entry.response_body.map(|body| body.len()), Some(4096));
    let endless = site.publish(&running, &webhook, 1).await[0];
    let entry = site.one(&webhook, endless, |entry| entry.status == "success").await;
    assert_eq!(entry.response_body.as_deref(), Some("begun"));
}

#[tokio::test]
async fn what_waits_for_an_endpoint_that_is_switched_off_ends_as_failed() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let mut webhook = site.webhook(&sink.url("/hook")).await;
    sink.always("/hook", status(500));
    let ids = site.publish(&running, &webhook, 3).await;
    for id in &ids {
        site.one(&webhook, *id, |entry| entry.attempts == 1 && entry.next_attempt_at.is_some()).await;
    }
    webhook.is_active = false;
    site.update(&webhook).await;
    // The retries are not due for seconds: they end all the same.
    running.engine.changed(webhook.id);
    site.all(&ids, "failed").await;
    let entry = site.entry(webhook.id, ids[0]).await.unwrap();
    assert_eq!((entry.error.as_deref(), entry.attempts), (Some("webhook inactive"), 1));
    assert_eq!(sink.count("/hook"), 3);
    assert_eq!(site.attempts(ids[0]).await.len(), 1);
}

#[tokio::test]
async fn the_log_of_an_endpoint_that_is_gone_is_removed() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let (webhook, quiet) = (site.webhook(&sink.url("/hook")).await, site.webhook(&sink.url("/quiet")).await);
    sink.always("/hook", status(500));
    let ids = site.publish(&running, &webhook, 20).await;
    for id in &ids {
        site.one(&webhook, *id, |entry| entry.attempts == 1 && entry.next_attempt_at.is_some()).await;
    }
    let done = site.publish(&running, &quiet, 5).await;
    site.all(&done, "success").await;
    for id in [webhook.id, quiet.id] {
        let mut tx = site.store.begin().await.unwrap();
        assert!(store::webhooks::delete(tx.conn(), &site.tenant, id).await.unwrap());
        tx.commit().await.unwrap();
    }
    running.engine.changed(webhook.id);
    running.engine.deleted(site.tenant.clone(), quiet.id);
    // Lists hide the log of an endpoint that is gone at once, so each row is asked for.
    until("the log is empty", async || {
        let mut rows = 0;
        for (webhook, id) in ids.iter().map(|id| (webhook.id, id)).chain(done.iter().map(|id| (quiet.id, id)))
        {
            rows += usize::from(site.entry(webhook, *id).await.is_some());
        }
        rows == 0
    })
    .await;
    assert!(site.attempts(ids[0]).await.is_empty());
}

#[tokio::test]
async fn a_delivery_whose_event_was_pruned_fails() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site.webhook(&sink.url("/hook")).await;
    let id = site.queue_without_payload(&webhook).await;
    running.engine.doorbell();
    let entry = site.one(&webhook, id, |entry| entry.status == "failed").await;
    assert_eq!((entry.error.as_deref(), entry.attempts), (Some("event pruned"), 0));
    assert!(site.attempts(id).await.is_empty());
    assert_eq!(sink.count("/hook"), 0);
}

#[tokio::test]
async fn a_test_is_sent_at_once_whatever_the_endpoints_state() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site.webhook_with(&sink.url("/hook"), |webhook| webhook.is_active = false).await;
    sink.script("/hook", [status(200), status(503)]);
    for (expected, verdict) in
        [(Some(200), deliveries::Verdict::Success), (Some(503), deliveries::Verdict::Failed)]
    {
        let delivery = site.delivery(&webhook);
        let attempt = running.engine.send_test(&webhook as &Webhook, &delivery).await;
        assert_eq!((attempt.http_status, attempt.verdict), (expected, verdict));
        assert!(attempt.test && attempt.number == 1);
    }
    let refused = Webhook { url: "http://10.0.0.1/".into(), ..webhook };
    let attempt = running.engine.send_test(&refused, &site.delivery(&refused)).await;
    assert_eq!(attempt.error.as_deref(), Some("address 10.0.0.1 is not allowed"));
}
