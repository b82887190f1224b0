//! What goes over the wire: a delivery's body and headers. Knows nothing of sockets and of what becomes of the request.

use crate::signing;
use bytes::Bytes;
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
    // Strings, numbers and a payload that is JSON already: this never fails.
    serde_json::to_vec(&body).unwrap_or_default().into()
}

/// The headers of one attempt at the moment `now`, own ones of the endpoint first.
#[must_use]
pub fn headers(
    webhook: &Webhook,
    delivery: &Delivery,
    attempt: i64,
    now: Timestamp,
) -> Vec<(String, String)> {
    let version = env!("CARGO_PKG_VERSION");
    let own = webhook.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
    let ours = signed_headers(webhook, delivery, attempt, now, &body(webhook, delivery), version);
    own.chain(ours.into_iter().map(|(name, value)| (name.to_owned(), value))).collect()
}

/// The platform's own headers for that body. The names in lower case, as HTTP/2 wants them.
pub(crate) fn signed_headers(
    webhook: &Webhook,
    delivery: &Delivery,
    attempt: i64,
    now: Timestamp,
    body: &[u8],
    version: &str,
) -> Vec<(&'static str, String)> {
    let id = delivery.event_id.as_str();
    let previous = webhook.previous_secret.as_ref().filter(|(_, until)| *until > now);
    let secrets: Vec<&str> =
        std::iter::once(webhook.secret.as_str()).chain(previous.map(|(secret, _)| secret.as_str())).collect();
    vec![
        ("content-type", "application/json".to_owned()),
        ("user-agent", format!("callcenter/{version}")),
        ("x-webhook-id", webhook.id.to_string()),
        ("x-tenant-id", delivery.tenant.to_string()),
        ("x-webhook-event", delivery.event.to_string()),
        ("x-webhook-attempt", attempt.to_string()),
        ("x-webhook-delivery", delivery.id.to_string()),
        ("x-webhook-signature", signing::body_signature(&webhook.secret, body)),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", now.unix_seconds().to_string()),
        ("webhook-signature", signing::standard_signature(&secrets, id, now.unix_seconds(), body)),
    ]
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
        let signature = signing::body_signature("new", text(&masking).as_bytes());
        assert!(sent.contains(&("x-webhook-signature".to_owned(), signature)));
        assert_eq!(body(&masking, &delivery(1, None)), body(&plain, &delivery(1, None)));
    }

    #[test]
    fn the_headers_name_and_sign_the_attempt() {
        let headers = headers(&webhook(), &delivery(12, Some(9)), 2, Timestamp(5_000));
        let value = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let signature = signing::body_signature("new", &body(&webhook(), &delivery(12, Some(9))));
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
