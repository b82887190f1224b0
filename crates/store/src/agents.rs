//! Agents' states and their history.

use crate::{Conn, Error, Result, corrupt, on};
use model::agents::{Agent, Change, Chosen, Device, Presence, Source, State, WorkItem};
use model::{TenantId, Timestamp, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::FromRow;

/// Users with their states; whoever was never on duty has none.
macro_rules! listed {
    ($which:literal) => {
        concat!(
            "SELECT u.name, u.id AS user_id, s.presence, s.reason, s.set_source, s.set_by, s.set_at, s.in_force,
             s.remembered, s.work, s.device, s.disconnected_since, s.missed_offers, s.declined_offers, s.state,
             s.previous_state, s.since, s.version, s.duty_since
             FROM users u LEFT JOIN agent_states s ON s.tenant_id = u.tenant_id AND s.user_id = u.id
             WHERE u.tenant_id = ? ",
            $which
        )
    };
}

#[derive(FromRow)]
struct Row {
    user_id: String,
    presence: Option<String>,
    reason: Option<String>,
    set_source: Option<String>,
    set_by: Option<String>,
    set_at: Option<i64>,
    in_force: Option<String>,
    remembered: Option<String>,
    work: Option<String>,
    device: Option<String>,
    disconnected_since: Option<i64>,
    missed_offers: Option<i64>,
    declined_offers: Option<i64>,
    state: Option<String>,
    previous_state: Option<String>,
    since: Option<i64>,
    version: Option<i64>,
    duty_since: Option<i64>,
}

impl TryFrom<Row> for Agent {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let user = UserId::parse(&row.user_id).map_err(|_| corrupt("agent_states.user_id", &row.user_id))?;
        let Some(presence) = row.presence else { return Ok(Self::never_on_duty(user)) };
        let chosen = Chosen {
            presence: word("agent_states.presence", Some(&presence), Presence::parse)?,
            reason: row.reason,
            source: word("agent_states.set_source", row.set_source.as_deref(), Source::parse)?,
            by: row.set_by.as_deref().map(user_id).transpose()?,
            at: row.set_at.map(Timestamp),
        };
        let state = |text: Option<&str>| word("agent_states.state", text, State::parse);
        let count = |number: Option<i64>| u32::try_from(number.unwrap_or(0)).unwrap_or(u32::MAX);
        Ok(Self {
            user,
            chosen,
            in_force: json("agent_states.in_force", row.in_force.as_deref())?,
            remembered: json("agent_states.remembered", row.remembered.as_deref())?,
            work: json::<Vec<WorkItem>>("agent_states.work", row.work.as_deref())?.unwrap_or_default(),
            device: word("agent_states.device", row.device.as_deref(), Device::parse)?,
            disconnected_since: row.disconnected_since.map(Timestamp),
            missed_offers: count(row.missed_offers),
            declined_offers: count(row.declined_offers),
            state: state(row.state.as_deref())?,
            previous_state: row.previous_state.as_deref().map(|text| state(Some(text))).transpose()?,
            since: row.since.map(Timestamp),
            version: row.version.unwrap_or(0),
            duty_since: row.duty_since.map(Timestamp),
        })
    }
}

fn word<T>(column: &'static str, text: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
    let text = text.unwrap_or_default();
    parse(text).ok_or_else(|| corrupt(column, text))
}

fn user_id(text: &str) -> Result<UserId> {
    UserId::parse(text).map_err(|_| corrupt("agent_states.set_by", text))
}

fn json<T: DeserializeOwned>(column: &'static str, text: Option<&str>) -> Result<Option<T>> {
    text.map(|text| serde_json::from_str(text).map_err(|_| corrupt(column, text))).transpose()
}

fn to_json(value: &impl Serialize) -> Option<String> {
    // Plain structs with texts as keys: always JSON.
    serde_json::to_string(value).ok()
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
    Ok(find(conn, tenant, user).await?.map(|listed| (listed.agent, is_active)))
}

/// Stores an agent as it is now, and when something happens to it by itself.
pub async fn put(
    conn: Conn<'_>,
    tenant: &TenantId,
    agent: &Agent,
    next_timer: Option<Timestamp>,
) -> Result<()> {
    let chosen = &agent.chosen;
    let work = if agent.work.is_empty() { None } else { to_json(&agent.work) };
    on!(conn, c => sqlx::query(
        "REPLACE INTO agent_states (tenant_id, user_id, presence, reason, set_source, set_by, set_at, in_force, remembered,
         work, device, disconnected_since, missed_offers, declined_offers, state, previous_state, since, version, duty_since,
         next_timer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(tenant.as_str()).bind(agent.user.as_str()).bind(chosen.presence.as_str()).bind(&chosen.reason)
        .bind(chosen.source.as_str()).bind(chosen.by.as_ref().map(UserId::as_str)).bind(chosen.at.map(|at| at.0))
        .bind(agent.in_force.as_ref().and_then(to_json)).bind(agent.remembered.as_ref().and_then(to_json)).bind(&work)
        .bind(agent.device.as_str()).bind(agent.disconnected_since.map(|at| at.0))
        .bind(i64::from(agent.missed_offers)).bind(i64::from(agent.declined_offers))
        .bind(agent.state.as_str()).bind(agent.previous_state.map(State::as_str)).bind(agent.since.map(|at| at.0))
        .bind(agent.version).bind(agent.duty_since.map(|at| at.0)).bind(next_timer.map(|at| at.0))
        .execute(c).await.map(|_| ()))
}

/// Stores when something happens to an agent by itself, and nothing else.
pub async fn set_timer(
    conn: Conn<'_>,
    tenant: &TenantId,
    user: &UserId,
    next: Option<Timestamp>,
) -> Result<()> {
    on!(conn, c => sqlx::query("UPDATE agent_states SET next_timer = ? WHERE tenant_id = ? AND user_id = ?")
        .bind(next.map(|at| at.0)).bind(tenant.as_str()).bind(user.as_str()).execute(c).await.map(|_| ()))
}

/// Up to `limit` agents, of every tenant, to whom something happens by itself at `now` or before.
pub async fn due(conn: Conn<'_>, now: Timestamp, limit: i64) -> Result<Vec<(TenantId, UserId)>> {
    let rows: Vec<(String, String)> = on!(conn, c => sqlx::query_as(
        "SELECT tenant_id, user_id FROM agent_states WHERE next_timer <= ? ORDER BY next_timer LIMIT ?")
        .bind(now.0).bind(limit).fetch_all(c).await)?;
    let read = |(tenant, user): (String, String)| {
        let tenant = TenantId::parse(&tenant).map_err(|_| corrupt("agent_states.tenant_id", &tenant))?;
        Ok((tenant, user_id(&user)?))
    };
    rows.into_iter().map(read).collect()
}

/// Adds the change of a published state to the agent's history.
pub async fn add_to_history(conn: Conn<'_>, tenant: &TenantId, change: &Change) -> Result<()> {
    let Some(changed) = change.state_changed() else { return Ok(()) };
    on!(conn, c => sqlx::query(
        "INSERT INTO agent_state_history (tenant_id, user_id, version, state, previous_state, previous_state_ms, reason,
         source, changed_by, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(tenant.as_str()).bind(change.agent.user.as_str()).bind(changed.version).bind(changed.state.as_str())
        .bind(changed.previous_state.as_str())
        .bind(i64::try_from(changed.previous_state_lasted.as_millis()).unwrap_or(i64::MAX))
        .bind(&changed.reason).bind(changed.source.as_str()).bind(changed.by.as_ref().map(UserId::as_str))
        .bind(changed.at.0).execute(c).await.map(|_| ()))
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
    name: String,
    #[sqlx(flatten)]
    row: Row,
}

impl TryFrom<ListedRow> for Listed {
    type Error = Error;

    fn try_from(listed: ListedRow) -> Result<Self> {
        Ok(Self { agent: listed.row.try_into()?, name: listed.name })
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
    let sql = listed!(
        "AND u.id > ? AND u.is_active = TRUE AND (? = '' OR COALESCE(s.state, 'offline') = ?) ORDER BY u.id LIMIT ?"
    );
    let state = state.map_or("", State::as_str);
    let rows: Vec<ListedRow> = on!(conn, c => sqlx::query_as(sql)
        .bind(tenant.as_str()).bind(after).bind(state).bind(state).bind(limit).fetch_all(c).await)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// One user's state; `None` for a user who does not exist.
pub async fn find(conn: Conn<'_>, tenant: &TenantId, user: &UserId) -> Result<Option<Listed>> {
    let row: Option<ListedRow> = on!(conn, c => sqlx::query_as(listed!("AND u.id = ?"))
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
