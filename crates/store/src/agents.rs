//! Agents' states: what is stored of each, and the locks that order its changes.

use crate::rows::{padded, parts};
use crate::{Conn, Error, Result, corrupt, from_row, on};
use model::agents::{Agent, Chosen, Device, Presence, Source, State, WorkItem};
use model::{TenantId, Timestamp, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::QueryBuilder;
use std::collections::{BTreeMap, BTreeSet};

/// Users with their states; whoever was never on duty has none.
macro_rules! listed {
    ($which:literal) => {
        listed!("users u", joined, "WHERE u.tenant_id = ? ", $which)
    };
    ($users:literal, joined, $where:literal, $which:literal) => {
        listed!(
            $users,
            " LEFT JOIN agent_states s ON s.tenant_id = u.tenant_id AND s.user_id = u.id ",
            $where,
            $which
        )
    };
    ($($from:literal),+) => {
        concat!(
            "SELECT u.tenant_id, u.name, u.is_active, u.id AS user_id, s.presence, s.reason, s.set_source, s.set_by, s.set_at,
             s.in_force, s.remembered, s.work, s.device, s.disconnected_since, s.missed_offers, s.declined_offers,
             s.state, s.previous_state, s.since, s.version, s.duty_since, s.next_timer FROM ",
            $($from),+
        )
    };
}

/// Agents that one statement locks, at most.
const AT_A_TIME: usize = 64;

mod history;
mod list;
mod timers;

pub use history::{HistoryEntry, HistoryFilter, add_to_history, has_history, history, times_since};
pub use list::{Listed, find, page};
pub use timers::{due, look_at, look_at_all, set_timer};

struct UserRow {
    tenant_id: String,
    name: String,
    is_active: bool,
    next_timer: Option<i64>,
    row: Row,
}

from_row!(UserRow: tenant_id, name, is_active, next_timer; row);

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

from_row!(
    Row: user_id, presence, reason, set_source, set_by, set_at, in_force, remembered, work, device,
    disconnected_since, missed_offers, declined_offers, state, previous_state, since, version, duty_since
);

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

/// An agent's key.
pub type Key = (TenantId, UserId);

/// The agent, locked with its user, so that changes of one agent follow each other. `None` for a user who does not exist.
pub async fn lock(conn: Conn<'_>, tenant: &TenantId, user: &UserId) -> Result<Option<Locked>> {
    let keys = BTreeSet::from([(tenant.clone(), user.clone())]);
    Ok(lock_all(conn, &keys).await?.into_values().next())
}

/// The same for several, who are locked in the order of their keys; without users who do not exist.
pub async fn lock_all(mut conn: Conn<'_>, keys: &BTreeSet<Key>) -> Result<BTreeMap<Key, Locked>> {
    let mut locked = BTreeMap::new();
    let keys: Vec<&Key> = keys.iter().collect();
    for chunk in keys.chunks(AT_A_TIME) {
        locked.extend(lock_chunk(conn.again(), chunk).await?);
    }
    Ok(locked)
}

async fn lock_chunk(conn: Conn<'_>, keys: &[&Key]) -> Result<Vec<(Key, Locked)>> {
    // The key's index is to be used however few users there are: a scan would wait for everybody's locks.
    let (select, end) = if conn.is_mysql() {
        let select = listed!("users u FORCE INDEX (PRIMARY)", joined, "WHERE ", "");
        (select, " ORDER BY u.tenant_id, u.id FOR UPDATE")
    } else {
        (listed!("users u", joined, "WHERE ", ""), "")
    };
    let rows: Vec<UserRow> = on!(conn, c => {
        let mut select = QueryBuilder::new(select);
        let mut list = select.separated(" OR ");
        for (tenant, user) in padded(keys) {
            list.push("(u.tenant_id = ").push_bind_unseparated(tenant.as_str());
            list.push_unseparated(" AND u.id = ").push_bind_unseparated(user.as_str()).push_unseparated(")");
        }
        select.push(end);
        select.build_query_as().fetch_all(c).await
    })?;
    let read = |row: UserRow| {
        let tenant =
            TenantId::parse(&row.tenant_id).map_err(|_| corrupt("users.tenant_id", &row.tenant_id))?;
        let (is_active, next_timer) = (row.is_active, row.next_timer.map(Timestamp));
        let agent: Agent = row.row.try_into()?;
        Ok(((tenant, agent.user.clone()), Locked { agent, is_active, next_timer }))
    };
    rows.into_iter().map(read).collect()
}

/// An agent as it is now.
#[derive(Debug, Clone, Copy)]
pub struct Now<'a> {
    /// Whose.
    pub tenant: &'a TenantId,
    /// The agent.
    pub agent: &'a Agent,
    /// When something happens to it by itself.
    pub next_timer: Option<Timestamp>,
}

/// Stores agents as they are now, each once.
pub async fn put(mut conn: Conn<'_>, agents: &[Now<'_>]) -> Result<()> {
    for part in parts(agents) {
        let documents: Vec<[Option<String>; 3]> = part.iter().map(|now| documents(now.agent)).collect();
        on!(conn.again(), c => {
            let mut replace = QueryBuilder::new("REPLACE INTO agent_states (tenant_id, user_id, presence, reason,
                set_source, set_by, set_at, in_force, remembered, work, device, disconnected_since, missed_offers,
                declined_offers, state, previous_state, since, version, duty_since, next_timer) ");
            replace.push_values(part.iter().zip(&documents), |mut row, (now, [in_force, remembered, work])| {
                let (agent, chosen) = (now.agent, &now.agent.chosen);
                row.push_bind(now.tenant.as_str()).push_bind(agent.user.as_str()).push_bind(chosen.presence.as_str())
                    .push_bind(chosen.reason.as_deref()).push_bind(chosen.source.as_str())
                    .push_bind(chosen.by.as_ref().map(UserId::as_str)).push_bind(chosen.at.map(|at| at.0))
                    .push_bind(in_force.as_deref()).push_bind(remembered.as_deref()).push_bind(work.as_deref())
                    .push_bind(agent.device.as_str()).push_bind(agent.disconnected_since.map(|at| at.0))
                    .push_bind(i64::from(agent.missed_offers)).push_bind(i64::from(agent.declined_offers))
                    .push_bind(agent.state.as_str()).push_bind(agent.previous_state.map(State::as_str))
                    .push_bind(agent.since.map(|at| at.0)).push_bind(agent.version)
                    .push_bind(agent.duty_since.map(|at| at.0)).push_bind(now.next_timer.map(|at| at.0));
            });
            replace.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// What is stored as JSON: the wish in force, the one remembered, and the work.
fn documents(agent: &Agent) -> [Option<String>; 3] {
    let work = if agent.work.is_empty() { None } else { to_json(&agent.work) };
    [agent.in_force.as_ref().and_then(to_json), agent.remembered.as_ref().and_then(to_json), work]
}
