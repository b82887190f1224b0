//! Agents' states and their history.

use crate::{Conn, Error, Result, corrupt, on};
use model::agents::{Agent, Change, Presence, State};
use model::{TenantId, Timestamp, UserId};
use sqlx::FromRow;

#[derive(FromRow)]
struct Row {
    user_id: String,
    presence: String,
    reason: Option<String>,
    state: String,
    previous_state: Option<String>,
    since: Option<i64>,
    version: i64,
    duty_since: Option<i64>,
}

impl TryFrom<Row> for Agent {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let state = |word: &str| State::parse(word).ok_or_else(|| corrupt("agent_states.state", word));
        Ok(Self {
            user: UserId::parse(&row.user_id).map_err(|_| corrupt("agent_states.user_id", &row.user_id))?,
            presence: Presence::parse(&row.presence)
                .ok_or_else(|| corrupt("agent_states.presence", &row.presence))?,
            reason: row.reason,
            state: state(&row.state)?,
            previous_state: row.previous_state.as_deref().map(state).transpose()?,
            since: row.since.map(Timestamp),
            version: row.version,
            duty_since: row.duty_since.map(Timestamp),
        })
    }
}

/// The agent's state and whether the user is active, the user's row locked so that changes of one agent follow each other.
/// `None` for a user who does not exist.
pub async fn lock(mut conn: Conn<'_>, tenant: &TenantId, user: &UserId) -> Result<Option<(Agent, bool)>> {
    let sql = if conn.is_mysql() {
        "SELECT is_active FROM users WHERE tenant_id = ? AND id = ? FOR UPDATE"
    } else {
        "SELECT is_active FROM users WHERE tenant_id = ? AND id = ?"
    };
    let is_active: Option<bool> = on!(conn.again(), c => sqlx::query_scalar(sql)
        .bind(tenant.as_str()).bind(user.as_str()).fetch_optional(c).await)?;
    let Some(is_active) = is_active else { return Ok(None) };
    let row: Option<Row> = on!(conn, c => sqlx::query_as("SELECT * FROM agent_states WHERE tenant_id = ? AND user_id = ?")
        .bind(tenant.as_str()).bind(user.as_str()).fetch_optional(c).await)?;
    let agent = row.map_or_else(|| Ok(Agent::never_on_duty(user.clone())), TryInto::try_into)?;
    Ok(Some((agent, is_active)))
}

/// Stores a change and its entry in the history.
pub async fn put(mut conn: Conn<'_>, tenant: &TenantId, change: &Change) -> Result<()> {
    let agent = &change.agent;
    on!(conn.again(), c => sqlx::query(
        "REPLACE INTO agent_states (tenant_id, user_id, presence, reason, state, previous_state, since, version, duty_since)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(tenant.as_str()).bind(agent.user.as_str()).bind(agent.presence.as_str()).bind(&agent.reason)
        .bind(agent.state.as_str()).bind(agent.previous_state.map(State::as_str)).bind(agent.since.map(|at| at.0))
        .bind(agent.version).bind(agent.duty_since.map(|at| at.0)).execute(c).await.map(|_| ()))?;
    on!(conn, c => sqlx::query(
        "INSERT INTO agent_state_history (tenant_id, user_id, version, state, previous_state, previous_state_ms, reason,
         source, changed_by, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(tenant.as_str()).bind(agent.user.as_str()).bind(agent.version).bind(agent.state.as_str())
        .bind(change.previous_state.as_str())
        .bind(i64::try_from(change.previous_state_lasted.as_millis()).unwrap_or(i64::MAX))
        .bind(&agent.reason).bind(change.source.as_str()).bind(change.by.as_ref().map(UserId::as_str)).bind(change.at.0)
        .execute(c).await.map(|_| ()))
}

/// One user with its state, as listed: id and name.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The agent.
    pub agent: Agent,
    /// The user's display name.
    pub name: String,
}

#[derive(FromRow)]
struct ListedRow {
    id: String,
    name: String,
    presence: Option<String>,
    reason: Option<String>,
    state: Option<String>,
    previous_state: Option<String>,
    since: Option<i64>,
    version: Option<i64>,
    duty_since: Option<i64>,
}

impl TryFrom<ListedRow> for Listed {
    type Error = Error;

    fn try_from(row: ListedRow) -> Result<Self> {
        let agent = Row {
            user_id: row.id,
            presence: row.presence.unwrap_or_else(|| Presence::Offline.as_str().into()),
            reason: row.reason,
            state: row.state.unwrap_or_else(|| State::Offline.as_str().into()),
            previous_state: row.previous_state,
            since: row.since,
            version: row.version.unwrap_or(0),
            duty_since: row.duty_since,
        };
        Ok(Self { agent: agent.try_into()?, name: row.name })
    }
}

/// Every active user's state, by user id after `after`; of one state only if `state` says so. `limit` rows at most.
pub async fn page(
    conn: Conn<'_>,
    tenant: &TenantId,
    state: Option<State>,
    after: &str,
    limit: i64,
) -> Result<Vec<Listed>> {
    let rows: Vec<ListedRow> = on!(conn, c => sqlx::query_as(
        "SELECT u.id, u.name, s.presence, s.reason, s.state, s.previous_state, s.since, s.version, s.duty_since
         FROM users u LEFT JOIN agent_states s ON s.tenant_id = u.tenant_id AND s.user_id = u.id
         WHERE u.tenant_id = ? AND u.id > ? AND u.is_active = TRUE AND (? = '' OR COALESCE(s.state, 'offline') = ?)
         ORDER BY u.id LIMIT ?")
        .bind(tenant.as_str()).bind(after).bind(state.map_or("", State::as_str)).bind(state.map_or("", State::as_str))
        .bind(limit).fetch_all(c).await)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// One user's state; `None` for a user who does not exist.
pub async fn find(conn: Conn<'_>, tenant: &TenantId, user: &UserId) -> Result<Option<Listed>> {
    let row: Option<ListedRow> = on!(conn, c => sqlx::query_as(
        "SELECT u.id, u.name, s.presence, s.reason, s.state, s.previous_state, s.since, s.version, s.duty_since
         FROM users u LEFT JOIN agent_states s ON s.tenant_id = u.tenant_id AND s.user_id = u.id
         WHERE u.tenant_id = ? AND u.id = ?")
        .bind(tenant.as_str()).bind(user.as_str()).fetch_optional(c).await)?;
    row.map(TryInto::try_into).transpose()
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
    /// Why.
    pub reason: Option<String>,
    /// Who or what caused it.
    pub source: String,
    /// The person who caused it.
    pub changed_by: Option<String>,
    /// When, in milliseconds since 1970.
    pub changed_at: i64,
}

/// An agent's changes, newest first, below version `before`.
pub async fn history(
    conn: Conn<'_>,
    tenant: &TenantId,
    user: &UserId,
    before: i64,
    limit: i64,
) -> Result<Vec<HistoryEntry>> {
    on!(conn, c => sqlx::query_as(
        "SELECT * FROM agent_state_history WHERE tenant_id = ? AND user_id = ? AND version < ? ORDER BY version DESC LIMIT ?")
        .bind(tenant.as_str()).bind(user.as_str()).bind(before).bind(limit).fetch_all(c).await)
}
