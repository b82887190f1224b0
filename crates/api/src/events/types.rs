//! `GET /api/v1/event-types`

use crate::envelope::{OkList, PageMeta, SuccessList};
use model::catalogue::{self, Definition, Who};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Who gets an event, as the words `self`, `party`, `addressee`, `queue_members`, `supervisors`, `admins` and `tenant`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventAudience {
    /// These get the whole payload, as do programs with an API key, and webhooks.
    full: Vec<&'static str>,
    /// These, if they are none of the former, get the fields meant for the team, personal data masked.
    team: Vec<&'static str>,
    /// What the visitor gets whose chat it is about; absent if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor: Option<&'static str>,
}

/// An event of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventType {
    #[schema(example = "agent.state.changed")]
    name: &'static str,
    /// When it is sent.
    description: &'static str,
    /// Stored, numbered and delivered to webhooks; otherwise sent once, best effort.
    durable: bool,
    /// Nothing sends it yet: its name and payload are fixed before.
    planned: bool,
    audience: EventAudience,
    /// The JSON Schema of the payload, in full.
    #[schema(value_type = Object)]
    schema: Value,
    /// A payload as it may be.
    #[schema(value_type = Object)]
    example: Value,
}

impl From<&'static Definition> for EventType {
    fn from(definition: &'static Definition) -> Self {
        let words = |audience: &[Who]| audience.iter().map(|who| who.as_str()).collect();
        Self {
            name: definition.name,
            description: definition.description,
            durable: definition.durable,
            planned: definition.planned,
            audience: EventAudience {
                full: words(definition.audience.full),
                team: words(definition.audience.team),
                visitor: definition.audience.visitor,
            },
            schema: catalogue::schema(definition),
            example: catalogue::example(definition),
        }
    }
}

/// List the catalogue's events
///
/// All of them on one page: names, who gets how much, and what payloads look like.
#[utoipa::path(get, path = "/api/v1/event-types", tag = "Events",
    responses((status = 200, body = SuccessList<EventType, PageMeta>)))]
pub(crate) async fn types() -> OkList<EventType, PageMeta> {
    OkList(catalogue::all().map(Into::into).collect(), PageMeta { next_cursor: None })
}
