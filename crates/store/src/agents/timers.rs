//! Which agents are to be looked at, and when. `next_timer` is the moment at which something happens to an agent by itself;
//! one that has come stays until somebody has looked (`app`), so that no other change of the agent makes it forgotten.

use super::user_id;
use crate::rows::push_in;
use crate::{Conn, Result, corrupt, on, rows};
use model::{TenantId, Timestamp, UserId};
use sqlx::QueryBuilder;

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

/// Has those users looked at, as far as they are on duty. Their rows in `users` are to be locked.
pub async fn look_at(mut conn: Conn<'_>, tenant: &TenantId, users: &[&UserId]) -> Result<()> {
    for some in rows::parts(users) {
        on!(conn.again(), c => {
            let mut update = QueryBuilder::new(
                "UPDATE agent_states SET next_timer = 0 WHERE duty_since IS NOT NULL AND tenant_id = ");
            update.push_bind(tenant.as_str());
            push_in(&mut update, " AND user_id", some.iter().map(|user| user.as_str()));
            update.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Has all of the tenant's agents on duty looked at. Those whose change is under way are waited for.
pub async fn look_at_all(conn: Conn<'_>, tenant: &TenantId) -> Result<()> {
    on!(conn, c => sqlx::query("UPDATE agent_states SET next_timer = 0 WHERE tenant_id = ? AND duty_since IS NOT NULL")
        .bind(tenant.as_str()).execute(c).await.map(|_| ()))
}
