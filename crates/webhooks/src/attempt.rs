//! Makes one attempt and says what it means for the delivery and the endpoint. Knows nothing of queues or the database.

use crate::client::{Answer, Client, Failure, FailureKind};
use crate::endpoints::Endpoint;
use crate::lane::Standing;
use crate::limits::SILENCE;
use crate::{request, retry_after};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, StatusCode, Uri};
use model::{Clock, Timestamp};
use std::time::Duration;
use store::deliveries::{Attempt, Delivery, Verdict};
use tokio::time::Instant;

/// What the error column holds at most.
const ERROR_LENGTH: usize = 500;

/// Room for an attempt's own headers, and for those of HTTP.
const HEADERS_OF_ONE: usize = 10;

/// What an attempt means.
#[derive(Debug)]
pub(crate) struct Made {
    /// For the log. The verdict of a failure that may be repeated is decided when it is written down.
    pub(crate) attempt: Attempt,
    pub(crate) next: Next,
    pub(crate) standing: Standing,
    /// Until when the endpoint asked to be left alone.
    pub(crate) pause: Option<Timestamp>,
    /// It answered 410.
    pub(crate) gone: bool,
}

/// What is left to decide.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Next {
    /// Nothing.
    Decided,
    /// A retry, if one is left.
    RetryIfLeft {
        /// How many the endpoint allows.
        retry_count: i64,
        /// The random part of the delay, from 0 to 1.
        spread: f64,
    },
}

/// Sends a delivery once. An error says that this machine could not send, which is no attempt.
pub(crate) async fn make(
    client: &Client,
    clock: &Clock,
    endpoint: &Endpoint,
    delivery: &Delivery,
) -> Result<Made, Failure> {
    let (at, begun) = (clock.now(), Instant::now());
    let number = delivery.attempts + 1;
    let result = match &endpoint.uri {
        Ok(uri) => {
            let request = build(uri, endpoint, delivery, number, at);
            client.send(request, endpoint.timeout()).await
        }
        Err(problem) => Err(Failure::new(FailureKind::Failed, problem.clone())),
    };
    let blank = Attempt {
        tenant: delivery.tenant.clone(),
        log: delivery.id,
        webhook: delivery.webhook,
        number,
        retries: delivery.retries,
        at,
        duration_ms: milliseconds(begun.elapsed()),
        http_status: None,
        error: None,
        response_body: None,
        verdict: Verdict::Failed,
        // A test stays one when its entry is retried.
        test: delivery.event == model::catalogue::WEBHOOK_TEST,
        paused_until: None,
    };
    let retry = Next::RetryIfLeft { retry_count: endpoint.webhook.retry_count, spread: rand::random() };
    match result {
        Ok(answer) => Ok(judge(answer, blank, retry)),
        Err(failure) if failure.kind == FailureKind::Ours => Err(failure),
        Err(failure) => Ok(judge_failure(&failure, blank, retry)),
    }
}

fn build(
    uri: &Uri,
    endpoint: &Endpoint,
    delivery: &Delivery,
    number: i64,
    at: Timestamp,
) -> Request<Full<Bytes>> {
    let body = request::body(&endpoint.webhook, delivery);
    let mut headers = endpoint.headers.clone();
    headers.reserve(HEADERS_OF_ONE);
    for (name, value) in request::of_one_request(&endpoint.signer, delivery, number, at, &body) {
        headers.insert(name, value);
    }
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = hyper::Method::POST;
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers;
    request
}

fn judge(answer: Answer, blank: Attempt, retry: Next) -> Made {
    let Answer { status, body, .. } = answer;
    let attempt = Attempt {
        http_status: Some(status.as_u16().into()),
        duration_ms: milliseconds(answer.took),
        response_body: body,
        ..blank
    };
    let made = Made { attempt, next: Next::Decided, standing: Standing::Answers, pause: None, gone: false };
    if status.is_success() {
        return with_verdict(made, Verdict::Success, None);
    }
    let words = format!("answered {status}").trim_end_matches(" <unknown status code>").to_owned();
    if status == StatusCode::GONE {
        return Made { gone: true, ..with_verdict(made, Verdict::Failed, Some(words)) };
    }
    let asks_to_wait = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let now = made.attempt.at.plus(answer.took);
    let wait = answer.retry_after.filter(|_| asks_to_wait).and_then(|text| retry_after::parse(&text, now));
    if let Some(wait) = wait {
        let due = now.plus(wait);
        let words = format!("{words}, asked to come back in {} s", wait.as_secs());
        let attempt = Attempt { paused_until: Some(due), ..made.attempt };
        let made = Made { attempt, pause: Some(due), ..made };
        return with_verdict(made, Verdict::Retry(due), Some(words));
    }
    let words = if status.is_redirection() { format!("{words}: redirect not followed") } else { words };
    Made { next: retry, ..with_verdict(made, Verdict::Failed, Some(words)) }
}

fn judge_failure(failure: &Failure, blank: Attempt, retry: Next) -> Made {
    let slow = blank.duration_ms > milliseconds(SILENCE);
    let stalled = slow || failure.kind == FailureKind::Stalled;
    let standing = if stalled { Standing::Stalled } else { Standing::Answers };
    let made = Made { attempt: blank, next: retry, standing, pause: None, gone: false };
    with_verdict(made, Verdict::Failed, Some(failure.words.chars().take(ERROR_LENGTH).collect()))
}

fn with_verdict(made: Made, verdict: Verdict, error: Option<String>) -> Made {
    Made { attempt: Attempt { verdict, error, ..made.attempt }, ..made }
}

/// The end of a delivery that is not attempted any more.
pub(crate) fn end_without(delivery: &Delivery, at: Timestamp, why: &str) -> Attempt {
    Attempt {
        tenant: delivery.tenant.clone(),
        log: delivery.id,
        webhook: delivery.webhook,
        number: delivery.attempts,
        retries: delivery.retries,
        at,
        duration_ms: 0,
        http_status: None,
        error: Some(why.to_owned()),
        response_body: None,
        verdict: Verdict::Failed,
        // It says nothing about the endpoint's health.
        test: true,
        paused_until: None,
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::{delivery, webhook};
    use store::webhooks::Webhook;

    const RETRY: Next = Next::RetryIfLeft { retry_count: 3, spread: 0.5 };

    fn judged(status: u16, retry_after: Option<&str>) -> Made {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: retry_after.map(str::to_owned),
            body: None,
            took: Duration::from_millis(12),
        };
        judge(answer, end_without(&delivery(1, None), Timestamp(1_000), ""), RETRY)
    }

    #[test]
    fn only_2xx_is_success_and_all_else_is_retried() {
        for status in [200, 201, 204, 299] {
            let made = judged(status, None);
            assert_eq!((made.attempt.verdict, made.next), (Verdict::Success, Next::Decided), "{status}");
            assert_eq!(made.attempt.error, None);
        }
        for status in [300, 301, 302, 304, 400, 401, 404, 429, 500, 503] {
            assert_eq!(judged(status, None).next, RETRY, "{status}");
        }
        assert_eq!(judged(500, None).attempt.error.as_deref(), Some("answered 500 Internal Server Error"));
        assert!(judged(302, None).attempt.error.unwrap().ends_with("redirect not followed"));
    }

    #[test]
    fn the_platforms_headers_replace_an_endpoints_own() {
        let own = |name: &str| (name.to_owned(), "own".to_owned());
        let headers = ["Content-Type", "x-tenant-id", "Webhook-Id", "X-Own"].map(own).into();
        let endpoint = Endpoint::new(Webhook { headers, ..webhook() }, "1");
        let request = build(endpoint.uri.as_ref().unwrap(), &endpoint, &delivery(1, None), 1, Timestamp(0));
        for (name, value) in [
            ("content-type", "application/json"),
            ("x-tenant-id", "t1"),
            ("webhook-id", "e1"),
            ("user-agent", "callcenter/1"),
            ("x-own", "own"),
        ] {
            let all: Vec<_> = request.headers().get_all(name).iter().collect();
            assert_eq!(all, [value], "{name}");
        }
    }

    #[test]
    fn gone_is_final() {
        let made = judged(410, Some("5"));
        assert!(made.gone);
        assert_eq!((made.attempt.verdict, made.next), (Verdict::Failed, Next::Decided));
    }

    #[test]
    fn a_wait_that_is_asked_for_uses_up_no_retry() {
        for status in [429, 503] {
            let made = judged(status, Some("30"));
            let due = Timestamp(1_000 + 12 + 30_000);
            assert_eq!((made.attempt.verdict, made.next), (Verdict::Retry(due), Next::Decided));
            assert_eq!(made.pause, Some(due));
            assert!(made.attempt.error.unwrap().contains(", asked to come back in 30 s"));
        }
        assert_eq!(judged(500, Some("30")).next, RETRY);
        assert_eq!(judged(503, Some("whenever")).next, RETRY);
    }
}
