//! Lists calls, newest first, along an index whatever is asked for.

use super::{Stored, rows};
use crate::{Conn, Result, on};
use model::{QueueId, TenantId, Timestamp, UserId};
use sqlx::QueryBuilder;

/// Which calls to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those that go on, or only those that have ended.
    pub active: Option<bool>,
    /// Only those that this agent has or had a part in.
    pub user: Option<UserId>,
    /// Only those whose present or last queue this is.
    pub queue: Option<QueueId>,
    /// Begun then or later.
    pub from: Option<Timestamp>,
    /// Begun before that.
    pub to: Option<Timestamp>,
    /// Behind this call: when that began, and its id.
    pub after: Option<(Timestamp, String)>,
}

impl Filter {
    /// Whether to walk along the agent's parts. Few calls go on at a time: those are looked at one by one.
    fn by_leg(&self) -> bool {
        self.user.is_some() && self.active != Some(true)
    }
}

/// Calls of a tenant, newest first, `limit` at most.
pub async fn page(mut conn: Conn<'_>, tenant: &TenantId, filter: &Filter, limit: i64) -> Result<Vec<Stored>> {
    let ids = ids(conn.again(), tenant, filter, limit).await?;
    rows::load_all(conn, tenant, &ids).await
}

async fn ids(conn: Conn<'_>, tenant: &TenantId, filter: &Filter, limit: i64) -> Result<Vec<String>> {
    let (started, id, queue_id) = if filter.by_leg() {
        ("l.started_at", "l.call_id", "l.call_queue_id")
    } else {
        ("c.started_at", "c.id", "c.queue_id")
    };
    on!(conn, c => {
        let mut select = QueryBuilder::new(if filter.by_leg() {
            "SELECT c.id FROM call_legs l JOIN calls c ON c.tenant_id = l.tenant_id AND c.id = l.call_id WHERE l.tenant_id = "
        } else {
            "SELECT c.id FROM calls c WHERE c.tenant_id = "
        });
        select.push_bind(tenant.as_str());
        match &filter.user {
            Some(user) if filter.by_leg() => {
                select.push(" AND l.attempt = 1 AND l.user_id = ").push_bind(user.as_str());
            }
            Some(user) => {
                select.push(" AND EXISTS (SELECT 1 FROM call_legs l WHERE l.tenant_id = c.tenant_id
                    AND l.call_id = c.id AND l.user_id = ").push_bind(user.as_str()).push(")");
            }
            None => {}
        }
        if let Some(active) = filter.active {
            select.push(if active { " AND c.ended_at IS NULL" } else { " AND c.ended_at IS NOT NULL" });
        }
        if let Some(queue) = &filter.queue {
            select.push(format!(" AND {queue_id} = ")).push_bind(queue.as_str());
        }
        if let Some(from) = filter.from {
            select.push(format!(" AND {started} >= ")).push_bind(from.0);
        }
        if let Some(to) = filter.to {
            select.push(format!(" AND {started} < ")).push_bind(to.0);
        }
        if let Some((at, after)) = &filter.after {
            // The first half is for the index, which an OR is not.
            select.push(format!(" AND {started} <= ")).push_bind(at.0);
            select.push(format!(" AND ({started} < ")).push_bind(at.0);
            select.push(format!(" OR {id} < ")).push_bind(after.as_str()).push(")");
        }
        select.push(format!(" ORDER BY {started} DESC, {id} DESC LIMIT ")).push_bind(limit);
        select.build_query_scalar().fetch_all(c).await
    })
}
