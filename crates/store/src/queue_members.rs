//! Who serves which queue. Users who are deactivated keep their rows, for when they come back, and are no members meanwhile.

use crate::asked::{self, Asked};
use crate::queues::queue_id;
use crate::rows::{padded, push_in};
use crate::{Conn, Error, Result, corrupt, from_row, on};
use model::agents::State;
use model::queues::{Member, Pause};
use model::{Memberships, QueueId, TenantId, Timestamp, UserId};
use sqlx::QueryBuilder;

struct Row {
    user_id: String,
    since: i64,
    paused_since: Option<i64>,
    pause_reason: Option<String>,
}

from_row!(Row: user_id, since, paused_since, pause_reason);

impl TryFrom<Row> for Member {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let reason = row.pause_reason;
        Ok(Self {
            user: UserId::parse(&row.user_id).map_err(|_| corrupt("queue_members.user_id", &row.user_id))?,
            since: Timestamp(row.since),
            pause: row.paused_since.map(|since| Pause { reason, since: Timestamp(since) }),
        })
    }
}

/// The queues that a user is a member of.
pub async fn of_user(conn: Conn<'_>, tenant: &TenantId, user: &UserId) -> Result<Memberships> {
    let rows: Vec<String> = on!(conn, c => sqlx::query_scalar(
        "SELECT queue_id FROM queue_members WHERE tenant_id = ? AND user_id = ?")
        .bind(tenant.as_str()).bind(user.as_str()).fetch_all(c).await)?;
    rows.iter().map(|id| queue_id(id)).collect()
}

/// The queues that any of these users is a member of.
pub async fn of_users(conn: Conn<'_>, tenant: &TenantId, users: &[UserId]) -> Result<Memberships> {
    if users.is_empty() {
        return Ok(Memberships::default());
    }
    let rows: Vec<(String,)> = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT DISTINCT queue_id FROM queue_members WHERE tenant_id = ");
        select.push_bind(tenant.as_str());
        push_in(&mut select, " AND user_id", padded(users).map(UserId::as_str));
        select.build_query_as().fetch_all(c).await
    })?;
    rows.iter().map(|(id,)| queue_id(id)).collect()
}

/// That member of that queue; none for one who is deactivated.
pub async fn find(
    conn: Conn<'_>,
    tenant: &TenantId,
    queue: &QueueId,
    user: &UserId,
) -> Result<Option<Member>> {
    let row: Option<Row> = on!(conn, c => sqlx::query_as(
        "SELECT m.user_id, m.since, m.paused_since, m.pause_reason FROM queue_members m
         JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id AND u.is_active = TRUE
         WHERE m.tenant_id = ? AND m.queue_id = ? AND m.user_id = ?")
        .bind(tenant.as_str()).bind(queue.as_str()).bind(user.as_str()).fetch_optional(c).await)?;
    row.map(TryInto::try_into).transpose()
}

/// A queue's members by user id, after the id `after`, `limit` at most.
pub async fn page(
    conn: Conn<'_>,
    tenant: &TenantId,
    queue: &QueueId,
    after: &str,
    limit: i64,
) -> Result<Vec<Member>> {
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT m.user_id, m.since, m.paused_since, m.pause_reason FROM queue_members m
         JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id AND u.is_active = TRUE
         WHERE m.tenant_id = ? AND m.queue_id = ? AND m.user_id > ? ORDER BY m.user_id LIMIT ?")
        .bind(tenant.as_str()).bind(queue.as_str()).bind(after).bind(limit).fetch_all(c).await)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// How many members a queue has, those included who are deactivated.
pub async fn count(conn: Conn<'_>, tenant: &TenantId, queue: &QueueId) -> Result<i64> {
    on!(conn, c => sqlx::query_scalar("SELECT COUNT(*) FROM queue_members WHERE tenant_id = ? AND queue_id = ?")
        .bind(tenant.as_str()).bind(queue.as_str()).fetch_one(c).await)
}

/// Stores a member as it is now.
pub async fn put(conn: Conn<'_>, tenant: &TenantId, queue: &QueueId, member: &Member) -> Result<()> {
    let pause = member.pause.as_ref();
    on!(conn, c => sqlx::query(
        "REPLACE INTO queue_members (tenant_id, queue_id, user_id, since, paused_since, pause_reason)
         VALUES (?, ?, ?, ?, ?, ?)")
        .bind(tenant.as_str()).bind(queue.as_str()).bind(member.user.as_str()).bind(member.since.0)
        .bind(pause.map(|pause| pause.since.0)).bind(pause.and_then(|pause| pause.reason.as_deref()))
        .execute(c).await.map(|_| ()))
}

/// Takes a member out of a queue.
pub async fn remove(conn: Conn<'_>, tenant: &TenantId, queue: &QueueId, user: &UserId) -> Result<()> {
    on!(conn, c => sqlx::query("DELETE FROM queue_members WHERE tenant_id = ? AND queue_id = ? AND user_id = ?")
        .bind(tenant.as_str()).bind(queue.as_str()).bind(user.as_str()).execute(c).await.map(|_| ()))
}

/// Takes all members out of a queue.
pub async fn remove_all(conn: Conn<'_>, tenant: &TenantId, queue: &QueueId) -> Result<()> {
    on!(conn, c => sqlx::query("DELETE FROM queue_members WHERE tenant_id = ? AND queue_id = ?")
        .bind(tenant.as_str()).bind(queue.as_str()).execute(c).await.map(|_| ()))
}

/// How many members of a queue are in a state, paused in the queue or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InState {
    /// The queue's place in what was asked.
    pub place: usize,
    /// Their published state.
    pub state: State,
    /// Whether they are paused in the queue.
    pub is_paused: bool,
    /// How many they are.
    pub members: u64,
}

/// The members of these queues, counted by state.
pub async fn by_state(mut conn: Conn<'_>, all: &[Asked<'_>]) -> Result<Vec<InState>> {
    let mut counted = Vec::new();
    for part in asked::parts(all) {
        let join = asked::join(&conn, "queue_members m", "PRIMARY");
        let users = asked::join(&conn, "users u", "PRIMARY");
        let rows: Vec<(i64, String, i64, i64)> = on!(conn.again(), c => {
            let mut select = QueryBuilder::new("SELECT a.place, COALESCE(s.state, 'offline') AS present,
                CASE WHEN m.paused_since IS NULL THEN 0 ELSE 1 END AS paused, COUNT(*)");
            asked::push_from(&mut select, part);
            select.push(join).push("ON m.tenant_id = a.tenant_id AND m.queue_id = a.queue_id");
            select.push(users).push("ON u.tenant_id = m.tenant_id AND u.id = m.user_id AND u.is_active = TRUE
                LEFT JOIN agent_states s ON s.tenant_id = m.tenant_id AND s.user_id = m.user_id
                GROUP BY a.place, present, paused");
            select.build_query_as().fetch_all(c).await
        })?;
        for (place, state, paused, members) in rows {
            counted.push(InState {
                place: asked::place(place),
                state: State::parse(&state).ok_or_else(|| corrupt("agent_states.state", &state))?,
                is_paused: paused != 0,
                members: u64::try_from(members).unwrap_or_default(),
            });
        }
    }
    Ok(counted)
}
