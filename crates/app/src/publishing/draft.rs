//! What a client says about an event, and the checks that make an event of it.

use crate::fields::Problems;
use crate::{Error, Result};
use model::{Audience, EventId, EventName, NewEvent, QueueId, Role, TenantId, UserId, catalogue};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// The largest payload in bytes, without white space and before the tenant's id is added.
const MAX_PAYLOAD: usize = 64 << 10;
/// The most events in one call.
const MAX_EVENTS: usize = 500;
/// The most names in one list of an audience.
const MAX_NAMED: usize = 1000;

/// An event as a client describes it.
#[derive(Debug)]
pub struct EventDraft {
    /// How the fields of this event are told: empty for a single event, `[3].` in a list.
    pub path: String,
    /// A custom name.
    pub name: String,
    /// A JSON object.
    pub payload: Box<RawValue>,
    /// What it is about.
    pub subject: Option<String>,
    /// Whether an audience was given; without one, it is for everyone.
    pub has_audience: bool,
    /// User ids.
    pub users: Vec<String>,
    /// Words of roles.
    pub roles: Vec<String>,
    /// Queue ids.
    pub queues: Vec<String>,
}

/// The queues that audiences name, whether they exist or not.
pub(super) fn queues(drafts: &[EventDraft]) -> HashSet<QueueId> {
    drafts.iter().flat_map(|draft| &draft.queues).filter_map(|id| QueueId::parse(id).ok()).collect()
}

/// Checks all events, where `queues` has those that exist; one bad event refuses them all.
pub(super) fn check_all(
    tenant: &TenantId,
    drafts: Vec<EventDraft>,
    queues: &HashSet<QueueId>,
) -> Result<Vec<NewEvent>> {
    let mut problems = Problems::default();
    if drafts.is_empty() || drafts.len() > MAX_EVENTS {
        return Err(Error::field("body", format!("must hold 1 to {MAX_EVENTS} events")));
    }
    let events: Vec<Option<NewEvent>> =
        drafts.into_iter().map(|draft| check(tenant, draft, queues, &mut problems)).collect();
    problems.into_result()?;
    Ok(events.into_iter().flatten().collect())
}

fn check(
    tenant: &TenantId,
    draft: EventDraft,
    queues: &HashSet<QueueId>,
    problems: &mut Problems,
) -> Option<NewEvent> {
    let path = draft.path.clone();
    let name = problems.take(&format!("{path}type"), EventName::parse(&draft.name));
    if name.is_some() {
        problems.take(&format!("{path}type"), catalogue::check_custom(&draft.name));
    }
    if let Some(subject) = &draft.subject {
        problems.check_text(subject, 1, 200, &format!("{path}subject"));
    }
    let payload = problems.take(&format!("{path}payload"), payload(tenant, &draft.payload));
    let audience = audience(&draft, queues, problems);
    Some(NewEvent {
        id: EventId::generate(),
        name: name?,
        subject: draft.subject,
        audience,
        payload: payload?,
    })
}

fn audience(draft: &EventDraft, known: &HashSet<QueueId>, problems: &mut Problems) -> Audience {
    let path = format!("{}audience", draft.path);
    for (field, list) in [("users", &draft.users), ("roles", &draft.roles), ("queues", &draft.queues)] {
        let message = format!("must name {MAX_NAMED} at most");
        problems.check(list.len() <= MAX_NAMED, &format!("{path}.{field}"), &message);
    }
    let user = |(at, id): (usize, &String)| {
        UserId::parse(id).map_err(|error| problems.add(format!("{path}.users[{at}]"), error.to_string())).ok()
    };
    let users = draft.users.iter().enumerate().filter_map(user).collect();
    let mut roles = Vec::new();
    for (at, word) in draft.roles.iter().enumerate() {
        match Role::parse_user(word) {
            Some(role) => roles.push(role),
            None => problems.add(format!("{path}.roles[{at}]"), "must be admin, supervisor or agent"),
        }
    }
    let mut queues = Vec::new();
    for (at, id) in draft.queues.iter().enumerate() {
        match QueueId::parse(id).ok().filter(|id| known.contains(id)) {
            Some(queue) => queues.push(queue),
            None => problems.add(format!("{path}.queues[{at}]"), "names a queue that does not exist"),
        }
    }
    if draft.has_audience && draft.users.is_empty() && draft.roles.is_empty() && draft.queues.is_empty() {
        // An empty union is not everyone: it leaves those who see all events anyway.
        roles.push(Role::Admin);
    }
    Audience { users, roles, queues }
}

/// The payload without white space and with the tenant's id, otherwise byte for byte as it came.
fn payload(tenant: &TenantId, raw: &RawValue) -> Result<Arc<RawValue>, Cow<'static, str>> {
    let fields: Fields<'_> = serde_json::from_str(raw.get()).map_err(|_| "must be a JSON object")?;
    let mut text = without_white_space(raw.get());
    if text.len() > MAX_PAYLOAD {
        return Err("must be 64 KiB at most".into());
    }
    let own = format!("\"{tenant}\"");
    if fields.tenants.iter().any(|tenant| tenant.get() != own) {
        return Err(format!("has a tenant_id other than {tenant}").into());
    }
    if fields.tenants.is_empty() {
        text.pop();
        if !fields.is_empty {
            text.push(',');
        }
        text.push_str(&format!("\"tenant_id\":{own}}}"));
    }
    RawValue::from_string(text).map(Into::into).map_err(|_| "must be a JSON object".into())
}

/// What is to be known of a payload's fields. Readers differ on which of two equal names counts, so all are looked at.
struct Fields<'a> {
    is_empty: bool,
    tenants: Vec<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields { is_empty: true, tenants: Vec::new() };
        while let Some((name, value)) = map.next_entry::<Cow<'_, str>, &RawValue>()? {
            fields.is_empty = false;
            if name == "tenant_id" {
                fields.tenants.push(value);
            }
        }
        Ok(fields)
    }
}

/// Valid JSON without the white space between its parts.
fn without_white_space(json: &str) -> String {
    let (mut compact, mut in_text, mut escaped) = (String::with_capacity(json.len()), false, false);
    for character in json.chars() {
        if in_text {
            in_text = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if matches!(character, ' ' | '\t' | '\n' | '\r') {
            continue;
        } else {
            in_text = character == '"';
        }
        compact.push(character);
    }
    compact
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(json: &str) -> Result<String, String> {
        let raw = RawValue::from_string(json.into()).unwrap();
        let tenant = TenantId::parse("t").unwrap();
        payload(&tenant, &raw).map(|payload| payload.get().to_owned()).map_err(Cow::into_owned)
    }

    #[test]
    fn the_tenant_is_added_and_nothing_else_is_changed() {
        assert_eq!(of("{ }").unwrap(), r#"{"tenant_id":"t"}"#);
        assert_eq!(
            of("{ \"b\" : 1.0 ,\n \"a\": \" x\\\" y\\\\\" }").unwrap(),
            r#"{"b":1.0,"a":" x\" y\\","tenant_id":"t"}"#
        );
        assert_eq!(of(r#"{"tenant_id":"t","n":1e400}"#).unwrap(), r#"{"tenant_id":"t","n":1e400}"#);
    }

    #[test]
    fn other_tenants_other_types_and_giants_are_refused() {
        const TWICE: [&str; 2] =
            [r#"{"tenant_id":"u","tenant_id":"t"}"#, r#"{"tenant_id":"t","tenant\u005fid":"u"}"#];
        for bad in [r#"{"tenant_id":"u"}"#, r#"{"tenant_id":null}"#, "[]", "1", "\"x\"", "null"]
            .into_iter()
            .chain(TWICE)
        {
            assert!(of(bad).is_err(), "{bad}");
        }
        let fits = "x".repeat(MAX_PAYLOAD - r#"{"a":""}"#.len());
        assert!(of(&format!(r#"{{"a":"{fits}"}}"#)).is_ok());
        assert!(of(&format!(r#"{{"a":"{fits}x"}}"#)).is_err());
    }

    proptest! {
        #[test]
        fn white_space_goes_and_meaning_stays(text in "[ \\\\\"a\n]{0,20}", number in any::<f64>()) {
            let value = serde_json::json!({ "t": text, "n": [number, { text.clone(): null }] });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(without_white_space(&pretty), serde_json::to_string(&value).unwrap());
        }
    }
}
