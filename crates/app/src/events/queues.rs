//! What is said about queues as set up, their members and their numbers.

use super::event;
use crate::queues::{AgentCounts, Ended, Stats};
use model::agents::Source;
use model::duration::seconds;
use model::queues::{Channel, Member, Queue};
use model::{Audience, EventName, NewEvent, QueueId, TenantId, Timestamp, UserId, catalogue};
use serde::Serialize;
use std::time::Duration;

/// What all events about a queue begin with.
#[derive(Serialize)]
struct About<'a> {
    queue_id: &'a QueueId,
    queue_name: &'a str,
    tenant_id: &'a TenantId,
    channel: Channel,
    at: Timestamp,
}

fn about<'a>(tenant: &'a TenantId, queue: &'a Queue, at: Timestamp) -> About<'a> {
    About { queue_id: &queue.id, queue_name: &queue.name, tenant_id: tenant, channel: queue.channel, at }
}

fn of_queue(name: EventName, queue: &QueueId, users: Vec<UserId>, fields: &impl Serialize) -> NewEvent {
    let audience = Audience { users, queues: vec![queue.clone()], ..Audience::default() };
    event(name, format!("queue:{queue}"), audience, fields)
}

/// `queue.created`
pub(crate) fn created(tenant: &TenantId, queue: &Queue, at: Timestamp) -> NewEvent {
    of_queue(catalogue::QUEUE_CREATED, &queue.id, Vec::new(), &about(tenant, queue, at))
}

/// `queue.updated`
pub(crate) fn updated(tenant: &TenantId, queue: &Queue, at: Timestamp) -> NewEvent {
    of_queue(catalogue::QUEUE_UPDATED, &queue.id, Vec::new(), &about(tenant, queue, at))
}

/// `queue.deleted`
pub(crate) fn deleted(tenant: &TenantId, queue: &Queue, at: Timestamp) -> NewEvent {
    of_queue(catalogue::QUEUE_DELETED, &queue.id, Vec::new(), &about(tenant, queue, at))
}

/// Who did something with a member: the user, none for a program.
#[derive(Debug, Clone)]
pub(crate) struct Author {
    /// In what capacity.
    pub source: Source,
    /// The user.
    pub by: Option<UserId>,
}

#[derive(Serialize)]
struct MemberAdded<'a> {
    #[serde(flatten)]
    about: About<'a>,
    user_id: &'a UserId,
    penalty: u32,
    membership: &'static str,
    paused: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a UserId>,
}

/// `queue.member.added`
pub(crate) fn member_added(
    tenant: &TenantId,
    queue: &Queue,
    member: &Member,
    by: Option<&UserId>,
    at: Timestamp,
) -> NewEvent {
    let fields = MemberAdded {
        about: about(tenant, queue, at),
        user_id: &member.user,
        penalty: 0,
        membership: "dynamic",
        paused: member.pause.is_some(),
        by,
    };
    of_queue(catalogue::QUEUE_MEMBER_ADDED, &queue.id, vec![member.user.clone()], &fields)
}

#[derive(Serialize)]
struct MemberRemoved<'a> {
    #[serde(flatten)]
    about: About<'a>,
    user_id: &'a UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a UserId>,
    while_on_call: bool,
}

/// `queue.member.removed`
pub(crate) fn member_removed(
    tenant: &TenantId,
    queue: &Queue,
    user: &UserId,
    by: Option<&UserId>,
    while_on_call: bool,
    at: Timestamp,
) -> NewEvent {
    let fields = MemberRemoved { about: about(tenant, queue, at), user_id: user, by, while_on_call };
    of_queue(catalogue::QUEUE_MEMBER_REMOVED, &queue.id, vec![user.clone()], &fields)
}

#[derive(Serialize)]
struct MemberPause<'a> {
    #[serde(flatten)]
    about: About<'a>,
    user_id: &'a UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    source: Source,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a UserId>,
    /// How long the pause was, once it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_seconds: Option<f64>,
}

/// `queue.member.paused`, and, of a pause that is over, `queue.member.unpaused`.
pub(crate) fn member_pause(
    tenant: &TenantId,
    queue: &Queue,
    user: &UserId,
    reason: Option<&str>,
    author: &Author,
    lasted: Option<Duration>,
    at: Timestamp,
) -> NewEvent {
    let name = match lasted {
        None => catalogue::QUEUE_MEMBER_PAUSED,
        Some(_) => catalogue::QUEUE_MEMBER_UNPAUSED,
    };
    let fields = MemberPause {
        about: about(tenant, queue, at),
        user_id: user,
        reason,
        source: author.source,
        by: author.by.as_ref(),
        paused_seconds: lasted.map(seconds),
    };
    of_queue(name, &queue.id, vec![user.clone()], &fields)
}

#[derive(Serialize)]
struct QueueStats<'a> {
    #[serde(flatten)]
    about: About<'a>,
    waiting: u64,
    longest_wait_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_joined_at: Option<Timestamp>,
    agents: AgentCounts,
    today: Ended,
    last_30_minutes: Ended,
}

/// `queue.stats`, which stands in no log.
pub(crate) fn stats(tenant: &TenantId, stats: &Stats, at: Timestamp) -> NewEvent {
    let fields = QueueStats {
        about: about(tenant, &stats.queue, at),
        waiting: stats.waiting,
        longest_wait_seconds: seconds(stats.longest_wait(at)),
        oldest_joined_at: stats.oldest_joined_at,
        agents: stats.agents,
        today: stats.told(&stats.today),
        last_30_minutes: stats.told(&stats.last_30_minutes),
    };
    of_queue(catalogue::QUEUE_STATS, &stats.queue.id, Vec::new(), &fields)
}
