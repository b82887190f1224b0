//! What servers say to each other, as bytes. Knows nothing of how it gets there.
//!
//! A message is its sender's id, a blank, and a JSON document, so that a server knows its own words without reading them.

use super::exchange::News;
use model::{Audience, Event, EventId, EventName, ServerId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;

/// A message ends with the event that makes it this large.
const MESSAGE_BYTES: usize = 64 << 10;

/// What one server says to the others about a tenant. An unknown field is a newer server's, and passed over.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Message<'a> {
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    events: Vec<Logged<'a>>,
    /// Users have come or gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    edges: bool,
}

/// An event.
#[derive(Debug, Serialize, Deserialize)]
struct Logged<'a> {
    seq: i64,
    id: EventId,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default)]
    audience: Audience,
    #[serde(borrow)]
    payload: &'a RawValue,
    created_at: i64,
}

/// What came from another server.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub events: Vec<Arc<Event>>,
    pub edges: bool,
}

/// The sender's id in front of its words.
fn envelope(from: &ServerId, message: &Message<'_>) -> Vec<u8> {
    let mut bytes = format!("{from} ").into_bytes();
    // None of the types can fail to serialise.
    bytes.extend(serde_json::to_vec(message).unwrap_or_default());
    bytes
}

/// A message that says nothing but that it arrived.
pub(super) fn beat(from: &ServerId) -> Vec<u8> {
    envelope(from, &Message::default())
}

/// The news as messages, each about one tenant.
pub(super) fn messages(from: &ServerId, news: &[News]) -> Vec<(TenantId, Vec<u8>)> {
    let mut messages = Vec::new();
    for of_one_tenant in news.chunk_by(|a, b| a.tenant() == b.tenant()) {
        let (mut message, mut bytes) = (Message::default(), 0);
        for (at, news) in of_one_tenant.iter().enumerate() {
            bytes += news.bytes() + 256;
            match news {
                News::Event(event) => message.events.push(Logged::of(event)),
                News::Edges(_) => message.edges = true,
            }
            if bytes >= MESSAGE_BYTES || at + 1 == of_one_tenant.len() {
                messages.push((news.tenant().clone(), envelope(from, &message)));
                (message, bytes) = (Message::default(), 0);
            }
        }
    }
    messages
}

/// Whether these are that server's words.
pub(super) fn is_from(bytes: &[u8], server: &ServerId) -> bool {
    bytes.strip_prefix(server.as_str().as_bytes()).is_some_and(|rest| rest.first() == Some(&b' '))
}

/// Reads a message about a tenant; `None` if it is none.
pub(super) fn read(bytes: &[u8], tenant: &TenantId) -> Option<Heard> {
    let blank = bytes.iter().position(|byte| *byte == b' ')?;
    let message: Message<'_> = serde_json::from_slice(&bytes[blank..]).ok()?;
    let events =
        message.events.iter().map(|event| event.read(tenant).map(Arc::new)).collect::<Option<_>>()?;
    Some(Heard { events, edges: message.edges })
}

impl<'a> Logged<'a> {
    fn of(event: &'a Event) -> Self {
        Self {
            seq: event.seq,
            id: event.id.clone(),
            name: event.name.to_string(),
            subject: event.subject.clone(),
            audience: event.audience.clone(),
            payload: &event.payload,
            created_at: event.created_at.0,
        }
    }

    fn read(&self, tenant: &TenantId) -> Option<Event> {
        Some(Event {
            tenant: tenant.clone(),
            seq: self.seq,
            id: self.id.clone(),
            name: EventName::parse(&self.name).ok()?,
            subject: self.subject.clone(),
            audience: self.audience.clone(),
            payload: self.payload.to_owned().into(),
            created_at: Timestamp(self.created_at),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(tenant: &str, seq: i64, bytes: usize) -> Arc<Event> {
        let payload = format!(r#"{{"b":1,"a":2.50,"x":"{}"}}"#, "x".repeat(bytes));
        Arc::new(Event {
            tenant: TenantId::parse(tenant).unwrap(),
            seq,
            id: EventId::generate(),
            name: EventName::parse("order.paid").unwrap(),
            subject: Some("call:7".into()),
            audience: Audience::default(),
            payload: RawValue::from_string(payload).unwrap().into(),
            created_at: Timestamp(1_729_866_000_007),
        })
    }

    fn event(tenant: &str, seq: i64, bytes: usize) -> News {
        News::Event(logged(tenant, seq, bytes))
    }

    #[test]
    fn an_event_arrives_as_it_left() {
        let (from, sent) = (ServerId::generate(), logged("t", 7, 3));
        let edges = News::Edges(sent.tenant.clone());
        let messages = messages(&from, &[News::Event(Arc::clone(&sent)), edges]);
        let (tenant, bytes) = &messages[0];
        let heard = read(bytes, tenant).unwrap();
        assert_eq!(format!("{:?}", heard.events[0]), format!("{sent:?}"));
        assert!(heard.edges);
        assert!(is_from(bytes, &from) && !is_from(bytes, &ServerId::generate()));
    }

    #[test]
    fn messages_are_about_one_tenant_and_of_bounded_size() {
        let news: Vec<News> =
            (1..=100).map(|n| event("a", n, 2000)).chain([event("b", 1, 1), event("a", 101, 1)]).collect();
        let messages = messages(&ServerId::generate(), &news);
        let tenants: Vec<&str> = messages.iter().map(|(tenant, _)| tenant.as_str()).collect();
        assert_eq!(tenants, ["a", "a", "a", "a", "b", "a"]);
        assert!(messages.iter().all(|(_, bytes)| bytes.len() < 2 * MESSAGE_BYTES));
        let count = |(tenant, bytes): &(TenantId, Vec<u8>)| read(bytes, tenant).unwrap().events.len();
        assert_eq!(messages.iter().map(count).sum::<usize>(), 102);
    }

    #[test]
    fn what_is_no_message_is_none() {
        let tenant = TenantId::parse("t").unwrap();
        for bad in ["", "x", "x y", "x {\"events\":[{}]}", "x 7"] {
            assert!(read(bad.as_bytes(), &tenant).is_none(), "{bad}");
        }
        assert!(read(&beat(&ServerId::generate()), &tenant).unwrap().events.is_empty());
        assert!(read(b"newer {\"tomorrow\":1}", &tenant).unwrap().events.is_empty());
    }
}
