//! Agents as others look at them.

use super::UserRow;
use crate::{Conn, Error, Result, on};
use model::agents::{Agent, State};
use model::{TenantId, UserId};

/// One user with its state, as listed: id and name.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The agent.
    pub agent: Agent,
    /// The user's display name.
    pub name: String,
}

impl TryFrom<UserRow> for Listed {
    type Error = Error;

    fn try_from(listed: UserRow) -> Result<Self> {
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
    let sql = match state {
        None => listed!("AND u.id > ? AND u.is_active = TRUE ORDER BY u.id LIMIT ?"),
        // Whoever was never on duty has no row.
        Some(State::Offline) => listed!(
            "AND u.id > ? AND u.is_active = TRUE AND COALESCE(s.state, 'offline') = ? ORDER BY u.id LIMIT ?"
        ),
        Some(_) => listed!(
            "agent_states s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id WHERE s.tenant_id = ? ",
            "AND s.user_id > ? AND u.is_active = TRUE AND s.state = ? ORDER BY s.user_id LIMIT ?"
        ),
    };
    let rows: Vec<UserRow> = on!(conn, c => {
        let query = sqlx::query_as(sql).bind(tenant.as_str()).bind(after);
        let query = match state {
            Some(state) => query.bind(state.as_str()),
            None => query,
        };
        query.bind(limit).fetch_all(c).await
    })?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// One user's state; `None` for a user who does not exist.
pub async fn find(conn: Conn<'_>, tenant: &TenantId, user: &UserId) -> Result<Option<Listed>> {
    let row: Option<UserRow> = on!(conn, c => sqlx::query_as(listed!("AND u.id = ?"))
        .bind(tenant.as_str()).bind(user.as_str()).fetch_optional(c).await)?;
    row.map(TryInto::try_into).transpose()
}
