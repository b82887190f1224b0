//! Agents' states: what is stored of each, and the locks that order its changes.

use crate::{Conn, Error, Result, corrupt, on};
use model::agents::{Agent, Chosen, Device, Presence, Source, State, WorkItem};
use model::{TenantId, Timestamp, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::FromRow;

/// Users with their states; whoever was never on duty has none.
macro_rules! listed {
    ($which:literal) => {
        listed!(
            "users u LEFT JOIN agent_states s ON s.tenant_id = u.tenant_id AND s.user_id = u.id WHERE u.tenant_id = ? ",
            $which
        )
    };
    ($from:literal, $which:literal) => {
        concat!(
            "SELECT u.name, u.is_active, u.id AS user_id, s.presence, s.reason, s.set_source, s.set_by, s.set_at,
             s.in_force, s.remembered, s.work, s.device, s.disconnected_since, s.missed_offers, s.declined_offers,
             s.state, s.previous_state, s.since, s.version, s.duty_since, s.next_timer FROM ",
            $from,
            $which
        )
    };
}

mod history;
mod list;
mod timers;

pub use history::{HistoryEntry, HistoryFilter, add_to_history, history};
pub use list::{Listed, find, page};
pub use timers::{due, look_at, look_at_all, set_timer};

#[derive(FromRow)]
struct UserRow {
    name: String,
    is_active: bool,
    next_timer: Option<i64>,
    #[sqlx(flatten)]
    row: Row,
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

/// An agent whose row nobody else changes until the transaction ends.
#[derive(Debug)]
pub struct Locked {
    /// The agent.
    pub agent: Agent,
    /// Whether the user may sign in.
    pub is_active: bool,
    /// When something happens to it by itself, as stored.
    pub next_timer: Option<Timestamp>,
}

/// The agent, locked with its user, so that changes of one agent follow each other. `None` for a user who does not exist.
pub async fn lock(conn: Conn<'_>, tenant: &TenantId, user: &UserId) -> Result<Option<Locked>> {
    let sql = if conn.is_mysql() { listed!("AND u.id = ? FOR UPDATE") } else { listed!("AND u.id = ?") };
    let row: Option<UserRow> = on!(conn, c => sqlx::query_as(sql)
        .bind(tenant.as_str()).bind(user.as_str()).fetch_optional(c).await)?;
    let read = |row: UserRow| {
        let (is_active, next_timer) = (row.is_active, row.next_timer.map(Timestamp));
        Ok(Locked { agent: row.row.try_into()?, is_active, next_timer })
    };
    row.map(read).transpose()
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
