//! Who gets an event, and which view of it: the catalogue's audiences compared with a listener. Judged when an event is sent,
//! by what the listener is then. Knows nothing of connections.

use crate::catalogue::{self, Definition, Who};
use crate::raw_object::{Object, object, raw};
use crate::{Event, QueueId, Role, UserId, personal};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;

/// The queues that a user is a member of: sorted, so that equal ones compare as equal, and shared, so that copies are cheap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Memberships(Arc<[QueueId]>);

impl Memberships {
    /// Whether any of these queues is among them.
    #[must_use]
    pub fn include_any(&self, queues: &[QueueId]) -> bool {
        queues.iter().any(|queue| self.0.binary_search(queue).is_ok())
    }

    /// The queues, sorted.
    #[must_use]
    pub fn queues(&self) -> &[QueueId] {
        &self.0
    }
}

impl FromIterator<QueueId> for Memberships {
    fn from_iter<I: IntoIterator<Item = QueueId>>(queues: I) -> Self {
        let mut queues: Vec<QueueId> = queues.into_iter().collect();
        queues.sort_unstable();
        queues.dedup();
        Self(queues.into())
    }
}

/// Who listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Viewer {
    /// The user; none for a program with an API key.
    pub user: Option<UserId>,
    /// The present role.
    pub role: Role,
    /// The queues that the user is a member of now.
    pub queues: Memberships,
}

impl Viewer {
    /// A listener that is a member of no queue.
    #[must_use]
    pub fn new(user: Option<UserId>, role: Role) -> Self {
        Self { user, role, queues: Memberships::default() }
    }

    /// The same, as a member of these queues.
    #[must_use]
    pub fn member_of(self, queues: Memberships) -> Self {
        Self { queues, ..self }
    }
}

/// How much of an event a listener gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum View {
    /// The whole payload.
    Full,
    /// The fields meant for the wider audience, personal data masked.
    Team,
}

impl Event {
    /// Which view `viewer` gets, the widest that it may; `None` if the event is not for it.
    #[must_use]
    pub fn view_for(&self, viewer: &Viewer) -> Option<View> {
        match catalogue::find(self.name.as_str()) {
            Some(definition) => self.catalogue_view(definition, viewer),
            None => self.custom_view(viewer),
        }
    }

    fn catalogue_view(&self, definition: &Definition, viewer: &Viewer) -> Option<View> {
        let is_any = |audience: &[Who]| audience.iter().any(|who| self.is(*who, viewer));
        if viewer.role == Role::Service || is_any(definition.audience.full) {
            Some(View::Full)
        } else {
            is_any(definition.audience.team).then_some(View::Team)
        }
    }

    fn custom_view(&self, viewer: &Viewer) -> Option<View> {
        let sees_all = matches!(viewer.role, Role::Admin | Role::Supervisor | Role::Service);
        let named = self.audience.is_unrestricted()
            || self.names(viewer)
            || self.audience.roles.contains(&viewer.role)
            || viewer.queues.include_any(&self.audience.queues);
        (sees_all || named).then_some(View::Full)
    }

    fn names(&self, viewer: &Viewer) -> bool {
        viewer.user.as_ref().is_some_and(|user| self.audience.users.contains(user))
    }

    fn is(&self, who: Who, viewer: &Viewer) -> bool {
        match who {
            Who::Oneself | Who::Party | Who::Addressee => self.names(viewer),
            Who::QueueMembers => viewer.queues.include_any(&self.audience.queues),
            Who::Supervisors => matches!(viewer.role, Role::Admin | Role::Supervisor),
            Who::Admins => viewer.role == Role::Admin,
            Who::Tenant => true,
        }
    }

    /// The payload of that view.
    #[must_use]
    pub fn payload_of(&self, view: View) -> Cow<'_, RawValue> {
        match (view, catalogue::find(self.name.as_str())) {
            (View::Team, Some(definition)) => {
                let fields = team_fields(&self.payload, definition);
                Cow::Owned(personal::masked(&self.name, &fields).into_owned())
            }
            _ => Cow::Borrowed(&*self.payload),
        }
    }
}

/// The payload without the fields that are not for the team. What is no object has none.
fn team_fields(payload: &RawValue, definition: &Definition) -> Box<RawValue> {
    let Object(mut fields) = serde_json::from_str(payload.get()).unwrap_or_default();
    fields.retain(|(name, _)| definition.field(name).is_some_and(|field| field.team));
    raw(object(fields.iter().map(|(name, value)| (name.as_str(), value.get().to_owned()))))
}

#[cfg(test)]
mod tests;
