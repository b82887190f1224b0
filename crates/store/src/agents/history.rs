//! What agents' states were: one row a change, kept for reports on adherence.

use crate::{Conn, Result, on};
use model::agents::Change;
use model::{CallId, TenantId, Timestamp, UserId};
use sqlx::FromRow;

/// Adds the change of a published state to the agent's history.
pub async fn add_to_history(conn: Conn<'_>, tenant: &TenantId, change: &Change) -> Result<()> {
    let Some(changed) = change.state_changed() else { return Ok(()) };
    on!(conn, c => sqlx::query(
        "INSERT INTO agent_state_history (tenant_id, user_id, version, state, previous_state, previous_state_ms, presence,
         reason, source, changed_by, call_id, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(tenant.as_str()).bind(change.agent.user.as_str()).bind(changed.version).bind(changed.state.as_str())
        .bind(changed.previous_state.as_str())
        .bind(i64::try_from(changed.previous_state_lasted.as_millis()).unwrap_or(i64::MAX))
        .bind(change.agent.chosen.presence.as_str())
        .bind(&changed.reason).bind(changed.source.as_str()).bind(changed.by.as_ref().map(UserId::as_str))
        .bind(changed.call.as_ref().map(CallId::as_str)).bind(changed.at.0).execute(c).await.map(|_| ()))
}

/// One entry of an agent's history.
#[derive(Debug, Clone, FromRow)]
pub struct HistoryEntry {
    /// Counts the agent's changes.
    pub version: i64,
    /// The state entered.
    pub state: String,
    /// The state left.
    pub previous_state: String,
    /// How long the state left had held.
    pub previous_state_ms: i64,
    /// What was chosen then: the same as the state, or what lies under the work.
    pub presence: String,
    /// Why.
    pub reason: Option<String>,
    /// Who or what caused it.
    pub source: String,
    /// Who did, if it was not the platform or the telephone system.
    pub changed_by: Option<String>,
    /// The call that the state came from.
    pub call_id: Option<String>,
    /// When, in milliseconds since 1970.
    pub changed_at: i64,
}

/// Which changes are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct HistoryFilter {
    /// At this moment or later.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    /// Below this version.
    pub before: Option<i64>,
}

/// An agent's changes, newest first.
pub async fn history(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    user: &UserId,
    filter: HistoryFilter,
    limit: i64,
) -> Result<Vec<HistoryEntry>> {
    // Moments follow versions: an interval of the one is one of the other, and the primary key has the other in order.
    let first = match filter.from {
        Some(from) => first_since(conn.again(), tenant, user, from).await?,
        None => Some(0),
    };
    let end = match filter.to {
        Some(to) => first_since(conn.again(), tenant, user, to).await?,
        None => None,
    };
    let Some(first) = first else { return Ok(Vec::new()) };
    let before = filter.before.unwrap_or(i64::MAX).min(end.unwrap_or(i64::MAX));
    on!(conn, c => sqlx::query_as(
        "SELECT version, state, previous_state, previous_state_ms, presence, reason, source, changed_by, call_id, changed_at
         FROM agent_state_history WHERE tenant_id = ? AND user_id = ? AND version >= ? AND version < ?
         ORDER BY version DESC LIMIT ?")
        .bind(tenant.as_str()).bind(user.as_str()).bind(first).bind(before).bind(limit).fetch_all(c).await)
}

/// The version of the agent's first change at that moment or later.
async fn first_since(
    conn: Conn<'_>,
    tenant: &TenantId,
    user: &UserId,
    moment: Timestamp,
) -> Result<Option<i64>> {
    on!(conn, c => sqlx::query_scalar(
        "SELECT version FROM agent_state_history WHERE tenant_id = ? AND user_id = ? AND changed_at >= ?
         ORDER BY changed_at, version LIMIT 1")
        .bind(tenant.as_str()).bind(user.as_str()).bind(moment.0).fetch_optional(c).await)
}
