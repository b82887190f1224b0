//! Calls with agents' parts in them and their stays in queues. A call is read and written whole; of a write only the rows
//! that differ.

mod erase;
mod list;
mod rows;
mod stale;
mod waiting;
mod write;

pub use erase::{erasable, erase};
pub use list::{Filter, page};
pub use stale::stale;
pub use waiting::{Waiting, waiting};
pub use write::put;

use crate::{Conn, Result, corrupt, on};
use model::calls::Call;
use model::{CallId, LegId, QueueId, TenantId};

/// A call, and what tells its first report from another one with the same id.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The call.
    pub call: Call,
    /// A hash of the body that it was reported with.
    pub body_hash: String,
}

/// The call of that id.
pub async fn find(conn: Conn<'_>, tenant: &TenantId, id: &CallId) -> Result<Option<Stored>> {
    let sql = "SELECT * FROM calls WHERE tenant_id = ? AND id = ?";
    Ok(rows::load(conn, tenant, sql, std::slice::from_ref(id)).await?.pop())
}

/// The call of that id, locked until the transaction ends.
pub async fn lock(conn: Conn<'_>, tenant: &TenantId, id: &CallId) -> Result<Option<Stored>> {
    let sql = if conn.is_mysql() {
        "SELECT * FROM calls WHERE tenant_id = ? AND id = ? FOR UPDATE"
    } else {
        "SELECT * FROM calls WHERE tenant_id = ? AND id = ?"
    };
    Ok(rows::load(conn, tenant, sql, std::slice::from_ref(id)).await?.pop())
}

/// The queue that an agent served with that part in a call, if any.
pub async fn queue_of_leg(
    conn: Conn<'_>,
    tenant: &TenantId,
    call: &CallId,
    leg: &LegId,
) -> Result<Option<QueueId>> {
    let queue: Option<Option<String>> = on!(conn, c => sqlx::query_scalar(
        "SELECT queue_id FROM call_legs WHERE tenant_id = ? AND call_id = ? AND id = ?")
        .bind(tenant.as_str()).bind(call.as_str()).bind(leg.as_str()).fetch_optional(c).await)?;
    queue.flatten().map(|id| QueueId::parse(&id).map_err(|_| corrupt("call_legs.queue_id", id))).transpose()
}
