//! What agents' states were: one row a change, kept for reports on adherence.

use crate::hints::use_index;
use crate::rows::{padded, parts, push_in};
use crate::sums::read;
use crate::{Conn, Result, corrupt, from_row, on};
use model::agents::{Change, State, Times};
use model::{CallId, TenantId, Timestamp, UserId};
use sqlx::QueryBuilder;
use std::collections::HashMap;

/// Adds changes of published states to their agents' histories; changes that nobody sees are passed over.
pub async fn add_to_history(mut conn: Conn<'_>, changes: &[(&TenantId, &Change)]) -> Result<()> {
    let rows: Vec<_> = changes
        .iter()
        .filter_map(|(tenant, change)| Some((tenant, &change.agent, change.state_changed()?)))
        .collect();
    for part in parts(&rows) {
        on!(conn.again(), c => {
            let mut insert = QueryBuilder::new("INSERT INTO agent_state_history (tenant_id, user_id, version, state,
                previous_state, previous_state_ms, presence, reason, source, changed_by, call_id, changed_at) ");
            insert.push_values(part, |mut row, (tenant, agent, changed)| {
                let lasted = i64::try_from(changed.previous_state_lasted.as_millis()).unwrap_or(i64::MAX);
                row.push_bind(tenant.as_str()).push_bind(agent.user.as_str()).push_bind(changed.version)
                    .push_bind(changed.state.as_str()).push_bind(changed.previous_state.as_str()).push_bind(lasted)
                    .push_bind(agent.chosen.presence.as_str()).push_bind(changed.reason.as_deref())
                    .push_bind(changed.source.as_str()).push_bind(changed.by.as_ref().map(UserId::as_str))
                    .push_bind(changed.call.as_ref().map(CallId::as_str)).push_bind(changed.at.0);
            });
            insert.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// One entry of an agent's history.
#[derive(Debug, Clone)]
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

from_row!(
    HistoryEntry: version, state, previous_state, previous_state_ms, presence, reason, source, changed_by,
    call_id, changed_at
);

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

/// How long these agents were in each state from `from` until their last change; those without one since then are left out.
pub async fn times_since(
    conn: Conn<'_>,
    tenant: &TenantId,
    users: &[UserId],
    from: Timestamp,
) -> Result<HashMap<UserId, Times>> {
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    let lesser = if conn.is_mysql() { "LEAST" } else { "MIN" };
    let along = use_index(conn.is_mysql(), "agent_state_history_of_agent");
    let rows: Vec<(String, String, i64)> = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT user_id, previous_state, CAST(SUM(");
        select.push(lesser).push("(previous_state_ms, changed_at - ").push_bind(from.0);
        select.push(")) AS SIGNED) FROM agent_state_history").push(&along);
        select.push(" WHERE tenant_id = ").push_bind(tenant.as_str());
        select.push(" AND changed_at >= ").push_bind(from.0);
        push_in(&mut select, " AND user_id", padded(users).map(UserId::as_str));
        select.push(" GROUP BY user_id, previous_state");
        select.build_query_as().fetch_all(c).await
    })?;
    let mut all: HashMap<UserId, Times> = HashMap::new();
    for (user, word, ms) in rows {
        let user = UserId::parse(&user).map_err(|_| corrupt("agent_state_history.user_id", user))?;
        let state = State::parse(&word).ok_or_else(|| corrupt("agent_state_history.previous_state", word))?;
        all.entry(user).or_default().add(state, read(ms));
    }
    Ok(all)
}

/// Whether anything is kept of an agent.
pub async fn has_history(conn: Conn<'_>, tenant: &TenantId, user: &UserId) -> Result<bool> {
    let one: Option<i64> = on!(conn, c => sqlx::query_scalar(
        "SELECT version FROM agent_state_history WHERE tenant_id = ? AND user_id = ? LIMIT 1")
        .bind(tenant.as_str()).bind(user.as_str()).fetch_optional(c).await)?;
    Ok(one.is_some())
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
