//! What goes over the wire: a delivery's body and headers. Knows nothing of sockets and of what becomes of the request.

use crate::signing::Signer;
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use model::{Timestamp, personal};
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use store::deliveries::Delivery;
use store::webhooks::Webhook;

#[derive(Serialize)]
struct Body<'a> {
    event: &'a str,
    tenant_id: &'a str,
    timestamp: i64,
    data: Option<&'a RawValue>,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<i64>,
}

/// What a body has around the payload, mostly: with the longest names it is 400 bytes.
const AROUND: usize = 256;

/// The body of every attempt of that delivery. Masking is done here, when it is sent: what is stored is whole.
#[must_use]
pub fn body(webhook: &Webhook, delivery: &Delivery) -> Bytes {
    let payload = delivery.payload.as_deref().map(|payload| {
        if webhook.mask_personal_data {
            personal::masked(&delivery.event, payload)
        } else {
            Cow::Borrowed(payload)
        }
    });
    let body = Body {
        event: delivery.event.as_str(),
        tenant_id: delivery.tenant.as_str(),
        timestamp: delivery.created_at.unix_seconds(),
        data: payload.as_deref(),
        id: delivery.event_id.as_str(),
        seq: delivery.event_seq,
    };
    let mut text = Vec::with_capacity(AROUND + payload.as_ref().map_or(0, |payload| payload.get().len()));
    // Strings, numbers and a payload that is JSON already: this never fails.
    if serde_json::to_writer(&mut text, &body).is_err() {
        text.clear();
    }
    text.into()
}

/// A header as it is sent. Names are in lower case, as HTTP/2 wants them.
pub(crate) type Header = (HeaderName, HeaderValue);

static X_WEBHOOK_ID: HeaderName = HeaderName::from_static("x-webhook-id");
static X_TENANT_ID: HeaderName = HeaderName::from_static("x-tenant-id");
static X_WEBHOOK_EVENT: HeaderName = HeaderName::from_static("x-webhook-event");
static X_WEBHOOK_ATTEMPT: HeaderName = HeaderName::from_static("x-webhook-attempt");
static X_WEBHOOK_DELIVERY: HeaderName = HeaderName::from_static("x-webhook-delivery");
static X_WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("x-webhook-signature");
static WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
static WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
static WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// The headers of one attempt at the moment `now`, own ones of the endpoint first.
#[must_use]
pub fn headers(
    webhook: &Webhook,
    delivery: &Delivery,
    attempt: i64,
    now: Timestamp,
) -> Vec<(String, String)> {
    let own = webhook.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
    let (signer, body) = (signer(webhook), body(webhook, delivery));
    let of_all = of_all_requests(webhook, env!("CARGO_PKG_VERSION"));
    let ours = of_all.into_iter().chain(of_one_request(&signer, delivery, attempt, now, &body));
    let text = |(name, value): Header| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()));
    own.chain(ours.filter_map(text)).collect()
}

/// What signs for an endpoint.
pub(crate) fn signer(webhook: &Webhook) -> Signer {
    let previous = webhook.previous_secret.as_ref().map(|(secret, until)| (secret.as_str(), *until));
    Signer::new(&webhook.secret, previous)
}

/// The platform's headers that are the same in all requests to an endpoint.
pub(crate) fn of_all_requests(webhook: &Webhook, version: &str) -> Vec<Header> {
    let headers = [
        (CONTENT_TYPE, Ok(HeaderValue::from_static("application/json"))),
        (USER_AGENT, HeaderValue::try_from(format!("callcenter/{version}"))),
        (X_WEBHOOK_ID.clone(), Ok(HeaderValue::from(webhook.id.0))),
        (X_TENANT_ID.clone(), HeaderValue::from_str(webhook.tenant.as_str())),
    ];
    present(headers).collect()
}

/// The platform's headers for one attempt with that body.
pub(crate) fn of_one_request(
    signer: &Signer,
    delivery: &Delivery,
    attempt: i64,
    now: Timestamp,
    body: &[u8],
) -> impl Iterator<Item = Header> {
    let id = delivery.event_id.as_str();
    present([
        (X_WEBHOOK_EVENT.clone(), HeaderValue::from_str(delivery.event.as_str())),
        (X_WEBHOOK_ATTEMPT.clone(), Ok(HeaderValue::from(attempt))),
        (X_WEBHOOK_DELIVERY.clone(), Ok(HeaderValue::from(delivery.id.0))),
        (X_WEBHOOK_SIGNATURE.clone(), HeaderValue::try_from(signer.body_signature(body))),
        (WEBHOOK_ID.clone(), HeaderValue::from_str(id)),
        (WEBHOOK_TIMESTAMP.clone(), Ok(HeaderValue::from(now.unix_seconds()))),
        (WEBHOOK_SIGNATURE.clone(), HeaderValue::try_from(signer.standard_signature(id, now, body))),
    ])
}

/// Those whose value may stand in a header, which all of ours may.
fn present<const N: usize, E>(
    headers: [(HeaderName, Result<HeaderValue, E>); N],
) -> impl Iterator<Item = Header> {
    headers.into_iter().filter_map(|(name, value)| Some((name, value.ok()?)))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use model::webhook::Ordering;
    use model::{EventId, EventName, LogId, TenantId, WebhookId};

    pub(crate) fn webhook() -> Webhook {
        Webhook {
            id: WebhookId(7),
            tenant: TenantId::parse("t1").unwrap(),
            name: "w".into(),
            url: "https://example.com/".into(),
            events: Vec::new(),
            secret: "new".into(),
            previous_secret: Some(("old".into(), Timestamp(10_000))),
            is_active: true,
            retry_count: 3,
            timeout_seconds: 5,
            ordering: Ordering::None,
            mask_personal_data: false,
            headers: [("X-Own".to_owned(), "1".to_owned())].into(),
            description: None,
            disabled_reason: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        }
    }

    pub(crate) fn delivery(id: i64, seq: Option<i64>) -> Delivery {
        Delivery {
            tenant: TenantId::parse("t1").unwrap(),
            id: LogId(id),
            webhook: WebhookId(7),
            event_id: EventId::parse("e1").unwrap(),
            event_seq: seq,
            event: EventName::parse("order.paid").unwrap(),
            subject: None,
            attempts: 0,
            retries: 0,
            created_at: Timestamp(1_729_866_000_999),
            payload: Some(RawValue::from_string(r#"{"b":1,"a":[2.50]}"#.into()).unwrap().into()),
        }
    }

    #[test]
    fn the_body_is_that_of_the_quick_start_with_id_and_seq_behind() {
        assert_eq!(
            body(&webhook(), &delivery(1, Some(9))),
            r#"{"event":"order.paid","tenant_id":"t1","timestamp":1729866000,"data":{"b":1,"a":[2.50]},"id":"e1","seq":9}"#
        );
        assert!(!String::from_utf8_lossy(&body(&webhook(), &delivery(1, None))).contains("seq"));
    }

    #[test]
    fn personal_data_is_masked_and_the_masked_body_is_signed_where_the_endpoint_wants_it_so() {
        let (plain, masking) = (webhook(), Webhook { mask_personal_data: true, ..webhook() });
        let json = r#"{"from":{"number":"+4930901820"}}"#;
        let call = Delivery {
            event: EventName::parse("call.incoming").unwrap(),
            payload: Some(RawValue::from_string(json.into()).unwrap().into()),
            ..delivery(1, Some(9))
        };
        let text = |webhook: &Webhook| String::from_utf8(body(webhook, &call).to_vec()).unwrap();
        assert!(text(&plain).contains("+4930901820"));
        assert!(text(&masking).contains(r#""from":{"number":"+********20"}"#), "{}", text(&masking));
        let sent = headers(&masking, &call, 1, Timestamp(0));
        let signature = signer(&masking).body_signature(text(&masking).as_bytes());
        assert!(sent.contains(&("x-webhook-signature".to_owned(), signature)));
        assert_eq!(body(&masking, &delivery(1, None)), body(&plain, &delivery(1, None)));
    }

    #[test]
    fn the_headers_name_and_sign_the_attempt() {
        let headers = headers(&webhook(), &delivery(12, Some(9)), 2, Timestamp(5_000));
        let value = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let signature = signer(&webhook()).body_signature(&body(&webhook(), &delivery(12, Some(9))));
        for (name, expected) in [
            ("content-type", "application/json"),
            ("x-webhook-id", "7"),
            ("x-tenant-id", "t1"),
            ("x-webhook-event", "order.paid"),
            ("x-webhook-attempt", "2"),
            ("x-webhook-delivery", "12"),
            ("webhook-id", "e1"),
            ("webhook-timestamp", "5"),
            ("X-Own", "1"),
            ("x-webhook-signature", &signature),
        ] {
            assert_eq!(value(name), Some(expected), "{name}");
        }
        assert!(value("user-agent").unwrap().starts_with("callcenter/"));
    }

    #[test]
    fn the_old_secret_signs_until_its_time_is_over() {
        let signatures = |now| {
            let headers = headers(&webhook(), &delivery(1, None), 1, Timestamp(now));
            let (_, value) = headers.into_iter().find(|(name, _)| name == "webhook-signature").unwrap();
            value.split(' ').count()
        };
        assert_eq!((signatures(9_999), signatures(10_000)), (2, 1));
    }
}
