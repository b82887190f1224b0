//! Who serves which queue.

use crate::{Conn, Result, corrupt, on};
use model::{Memberships, QueueId, TenantId, UserId};

/// The queues that a user is a member of.
pub async fn of_user(conn: Conn<'_>, tenant: &TenantId, user: &UserId) -> Result<Memberships> {
    let rows: Vec<String> = on!(conn, c => sqlx::query_scalar(
        "SELECT queue_id FROM queue_members WHERE tenant_id = ? AND user_id = ?")
        .bind(tenant.as_str()).bind(user.as_str()).fetch_all(c).await)?;
    rows.iter().map(|id| QueueId::parse(id).map_err(|_| corrupt("queue_members.queue_id", id))).collect()
}
