//! The hub's limits. Knows nothing of where they are configured.

/// How much the hub may hold.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// Connections of this server; over it `Refusal::ServerFull`.
    pub max_connections: usize,
    /// Connections of one user to this server; over it `Refusal::UserFull`.
    pub max_connections_per_user: usize,
    /// The log's epoch at the start, told to every connection until the hub goes on in another one.
    pub epoch: String,
    /// Events that a tenant's tail holds at most.
    pub tail_events: usize,
    /// Bytes that a tenant's tail holds at most.
    pub tail_bytes: usize,
    /// Bytes that all tails together hold at most.
    pub tail_bytes_total: usize,
}

impl Default for HubConfig {
    /// A tail of 1,024 events is ten seconds of a busy tenant, and enough for a page reload of everybody at once. The
    /// 64 MiB of all tails are eight tenants at their limit of 8 MiB, or a thousand with 64 KiB each.
    fn default() -> Self {
        Self {
            max_connections: 50_000,
            max_connections_per_user: 50,
            epoch: String::new(),
            tail_events: 1024,
            tail_bytes: 8 << 20,
            tail_bytes_total: 64 << 20,
        }
    }
}
