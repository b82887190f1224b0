//! What requests and answers about queues look like.

use crate::events::object;
use crate::extract::{given, not_null};
use app::queues::Draft;
use model::queues::Member;
use serde::{Deserialize, Serialize};
use store::queues::Stored;
use utoipa::ToSchema;

/// What a queue promises.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlaDraft {
    /// An answer within so many seconds is a good one; 20 if never said.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 86400, example = 20)]
    threshold_seconds: Option<i64>,
    /// How many of a hundred should be good; 80 if never said.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 100, example = 80)]
    target_percent: Option<i64>,
}

/// A queue as a client describes it. `name` and `channel` are required when a queue is created.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueueDraft {
    /// Unique in the tenant.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "Sales")]
    name: Option<String>,
    /// `voice` or `chat`; fixed once the queue exists.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<String>, example = "voice")]
    channel: Option<String>,
    /// What the telephone system calls it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    external_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "object::not_null")]
    sla: Option<SlaDraft>,
    /// Who gives up sooner is left out of every rate; null: as the tenant has it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 3600)]
    short_abandon_seconds: Option<Option<i64>>,
    /// The time that an agent has after a call for its paper work; 0 if never said.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 3600)]
    wrap_up_seconds: Option<i64>,
}

impl From<QueueDraft> for Draft {
    fn from(draft: QueueDraft) -> Self {
        let sla = draft.sla.unwrap_or_default();
        Self {
            name: draft.name,
            channel: draft.channel,
            external_name: draft.external_name,
            threshold_seconds: sla.threshold_seconds,
            target_percent: sla.target_percent,
            short_abandon_seconds: draft.short_abandon_seconds,
            wrap_up_seconds: draft.wrap_up_seconds,
        }
    }
}

/// What a queue promises: the 80/20 of "80 of a hundred within 20 seconds".
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sla)]
pub(crate) struct SlaBody {
    threshold_seconds: u64,
    target_percent: u8,
}

/// A queue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Queue)]
pub(crate) struct QueueBody {
    id: String,
    name: String,
    /// `voice` or `chat`.
    channel: &'static str,
    #[schema(required = true)]
    external_name: Option<String>,
    sla: SlaBody,
    /// Null: as the tenant has it.
    #[schema(required = true)]
    short_abandon_seconds: Option<u64>,
    wrap_up_seconds: u64,
    created_at: String,
    updated_at: String,
}

impl From<Stored> for QueueBody {
    fn from(Stored { queue, created_at, updated_at }: Stored) -> Self {
        let settings = queue.settings;
        Self {
            id: queue.id.into(),
            name: queue.name,
            channel: queue.channel.as_str(),
            external_name: queue.external_name,
            sla: SlaBody {
                threshold_seconds: settings.threshold.as_secs(),
                target_percent: settings.target_percent,
            },
            short_abandon_seconds: settings.short_abandon.map(|limit| limit.as_secs()),
            wrap_up_seconds: settings.wrap_up.as_secs(),
            created_at: created_at.to_string(),
            updated_at: updated_at.to_string(),
        }
    }
}

/// An agent who serves a queue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueueMember)]
pub(crate) struct MemberBody {
    user_id: String,
    /// When the agent became a member.
    since: String,
    /// Whether the agent is paused in this queue.
    paused: bool,
    /// Since when; null without a pause.
    #[schema(required = true)]
    paused_at: Option<String>,
    /// Why; null without a reason, and for agents who ask about a colleague.
    #[schema(required = true)]
    pause_reason: Option<String>,
}

impl From<Member> for MemberBody {
    fn from(member: Member) -> Self {
        Self {
            user_id: member.user.into(),
            since: member.since.to_string(),
            paused: member.pause.is_some(),
            paused_at: member.pause.as_ref().map(|pause| pause.since.to_string()),
            pause_reason: member.pause.and_then(|pause| pause.reason),
        }
    }
}
