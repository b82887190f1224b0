//! What an event is: its name, whom it concerns, its payload, and which view of it a listener gets.

use crate::catalogue::{self, Audiences, Who};
use crate::{EventId, QueueId, Role, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What is wrong with a text that should have been an event's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be dotted lower-case words of a-z, 0-9 and _, such as order.paid, up to 100 characters")]
pub struct InvalidEventName;

/// An event's name: `[a-z0-9_]+(\.[a-z0-9_]+)*`, at most 100 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventName(Cow<'static, str>);

impl EventName {
    /// A name of the catalogue.
    pub(crate) const fn of_catalogue(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// Takes any well-formed name, of the catalogue or custom.
    pub fn parse(text: &str) -> Result<Self, InvalidEventName> {
        let word =
            |w: &str| !w.is_empty() && w.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if text.len() <= 100 && text.split('.').all(word) {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(InvalidEventName)
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whom an event names. For events of the catalogue, the people that its audience codes speak about; for custom events,
/// the whole audience, everyone in the tenant if nothing is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    /// These users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserId>,
    /// Users of these roles, as they are when the event is sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// Members of these queues, as they are when the event is sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<QueueId>,
}

impl Audience {
    /// Names one user.
    #[must_use]
    pub fn user(user: &UserId) -> Self {
        Self { users: vec![user.clone()], ..Self::default() }
    }

    fn is_unrestricted(&self) -> bool {
        self.users.is_empty() && self.roles.is_empty() && self.queues.is_empty()
    }
}

/// An event that is to be written to its tenant's log.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Made before the transaction, so that a commit whose answer was lost can be looked up.
    pub id: EventId,
    /// What happened.
    pub name: EventName,
    /// What it happened to: `agent:ID`, `call:ID` …; ordered webhooks order by it.
    pub subject: Option<String>,
    /// Whom it names.
    pub audience: Audience,
    /// A compact JSON object, the full view.
    pub payload: Arc<RawValue>,
}

/// An event as it stands in its tenant's log.
#[derive(Debug, Clone)]
pub struct Event {
    /// The tenant whose event it is.
    pub tenant: TenantId,
    /// Its number in the tenant's log: 1, 2, 3 … without a gap.
    pub seq: i64,
    /// The same everywhere the event appears.
    pub id: EventId,
    /// What happened.
    pub name: EventName,
    /// What it happened to.
    pub subject: Option<String>,
    /// Whom it names.
    pub audience: Audience,
    /// The full view, a compact JSON object.
    pub payload: Arc<RawValue>,
    /// When it was written.
    pub created_at: Timestamp,
}

/// Who listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The user; none for a program with an API key.
    pub user: Option<UserId>,
    /// The present role.
    pub role: Role,
}

/// How much of an event a listener gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum View {
    /// The whole payload.
    Full,
    /// The fields meant for the wider audience.
    Team,
}

impl Event {
    /// Which view `viewer` gets; `None` if the event is not for it.
    #[must_use]
    pub fn view_for(&self, viewer: &Viewer) -> Option<View> {
        match catalogue::find(self.name.as_str()) {
            Some(definition) => self.catalogue_view(&definition.audience, viewer),
            None => self.custom_view(viewer),
        }
    }

    fn catalogue_view(&self, audience: &Audiences, viewer: &Viewer) -> Option<View> {
        if viewer.role == Role::Service || audience.full.iter().any(|who| self.is(*who, viewer)) {
            Some(View::Full)
        } else if audience.team.is_some_and(|team| self.is(team.who, viewer)) {
            Some(View::Team)
        } else {
            None
        }
    }

    fn custom_view(&self, viewer: &Viewer) -> Option<View> {
        let sees_all = matches!(viewer.role, Role::Admin | Role::Supervisor | Role::Service);
        let named = self.audience.is_unrestricted()
            || self.names(viewer)
            || self.audience.roles.contains(&viewer.role);
        (sees_all || named).then_some(View::Full)
    }

    fn names(&self, viewer: &Viewer) -> bool {
        viewer.user.as_ref().is_some_and(|user| self.audience.users.contains(user))
    }

    fn is(&self, who: Who, viewer: &Viewer) -> bool {
        match who {
            Who::Oneself | Who::Party | Who::Addressee => self.names(viewer),
            Who::Supervisors => matches!(viewer.role, Role::Admin | Role::Supervisor),
            Who::Admins => viewer.role == Role::Admin,
            Who::Tenant => true,
        }
    }

    /// The payload of that view.
    #[must_use]
    pub fn payload_of(&self, view: View) -> Cow<'_, RawValue> {
        let team = catalogue::find(self.name.as_str()).and_then(|definition| definition.audience.team);
        match (view, team) {
            (View::Team, Some(team)) => {
                only_fields(&self.payload, team.fields).map_or(Cow::Borrowed(&*self.payload), Cow::Owned)
            }
            _ => Cow::Borrowed(&*self.payload),
        }
    }
}

/// The JSON object `payload` without the fields that are not in `fields`.
fn only_fields(payload: &RawValue, fields: &[&str]) -> Option<Box<RawValue>> {
    let mut object: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(payload.get()).ok()?;
    object.retain(|name, _| fields.contains(&name.as_ref()));
    serde_json::value::to_raw_value(&object).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, audience: Audience) -> Event {
        let payload = r#"{"user_id":"u1","tenant_id":"t","state":"break","reason":"lunch","version":3}"#;
        Event {
            tenant: TenantId::parse("t").unwrap(),
            seq: 1,
            id: EventId::generate(),
            name: EventName::parse(name).unwrap(),
            subject: None,
            audience,
            payload: RawValue::from_string(payload.into()).unwrap().into(),
            created_at: Timestamp(0),
        }
    }

    fn viewer(user: &str, role: Role) -> Viewer {
        Viewer { user: Some(UserId::parse(user).unwrap()), role }
    }

    fn user(id: &str) -> Audience {
        Audience::user(&UserId::parse(id).unwrap())
    }

    #[test]
    fn names_are_dotted_lower_case_words() {
        for good in ["call.incoming", "order_2", "a.b.c"] {
            assert!(EventName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "a.", ".a", "a..b", "A.b", "a b", "a-b", &"a".repeat(101)] {
            assert!(EventName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn colleagues_see_the_state_but_not_the_reason() {
        let event = event("agent.state.changed", user("u1"));
        assert_eq!(event.view_for(&viewer("u1", Role::Agent)), Some(View::Full));
        assert_eq!(event.view_for(&viewer("u2", Role::Supervisor)), Some(View::Full));
        assert_eq!(event.view_for(&viewer("u2", Role::Agent)), Some(View::Team));
        let team = event.payload_of(View::Team);
        assert!(
            team.get().contains("\"state\":\"break\"") && !team.get().contains("lunch"),
            "{}",
            team.get()
        );
    }

    #[test]
    fn a_log_in_is_for_supervisors_and_the_agent_itself() {
        let event = event("agent.login", user("u1"));
        assert_eq!(event.view_for(&viewer("u2", Role::Agent)), None);
        assert_eq!(event.view_for(&viewer("u1", Role::Agent)), Some(View::Full));
        assert_eq!(event.view_for(&viewer("u2", Role::Admin)), Some(View::Full));
    }

    #[test]
    fn a_custom_event_is_for_everyone_unless_it_names_somebody() {
        let agent = viewer("u2", Role::Agent);
        assert_eq!(event("order.paid", Audience::default()).view_for(&agent), Some(View::Full));
        assert_eq!(event("order.paid", user("u1")).view_for(&agent), None);
        assert_eq!(event("order.paid", user("u2")).view_for(&agent), Some(View::Full));
        let supervisors = Audience { roles: vec![Role::Supervisor], ..Audience::default() };
        assert_eq!(event("order.paid", supervisors.clone()).view_for(&agent), None);
        assert_eq!(event("order.paid", supervisors).view_for(&viewer("u3", Role::Admin)), Some(View::Full));
    }

    #[test]
    fn programs_see_everything() {
        let program = Viewer { user: None, role: Role::Service };
        assert_eq!(event("agent.login", user("u1")).view_for(&program), Some(View::Full));
        assert_eq!(event("order.paid", user("u1")).view_for(&program), Some(View::Full));
    }
}
