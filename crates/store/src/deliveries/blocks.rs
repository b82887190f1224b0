//! Where a server's deliveries are, for when it is gone: the blocks of ids in which it may have some. No index knows their
//! sender, as each delivery would have to be entered there and taken out again; a block is written once for many.
//!
//! A block stands there from the transaction on that writes its first row, and whoever removes it has locked it before the
//! look at its rows: no row of a server is ever outside.

use super::owned::{self, Key};
use super::{NewDelivery, Owner};
use crate::hints::use_index;
use crate::rows::{MOST, padded};
use crate::{Conn, Result, corrupt, on};
use model::{LogId, ServerId, TenantId, Timestamp, WebhookId};
use sqlx::QueryBuilder;
use std::collections::BTreeSet;

/// Ids of one block: what one commit writes under load, and little to look through for one of a small tenant.
const IDS: i64 = 256;

/// Blocks that are released, or looked at, in one statement or transaction: 4,096 deliveries at most, some 80 ms to release.
pub const BLOCKS_TOGETHER: usize = 16;

/// A block of a tenant's ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Block {
    tenant: TenantId,
    first: i64,
}

impl Block {
    fn of(tenant: &TenantId, id: i64) -> Self {
        Self { tenant: tenant.clone(), first: first_of(id) }
    }
}

fn first_of(id: i64) -> i64 {
    id.div_euclid(IDS) * IDS
}

/// A server, and the tenant and first id of a block in which it has some.
type Noted<'a> = (&'a ServerId, &'a TenantId, i64);

/// Notes the blocks of new deliveries that servers have.
pub(super) async fn note_new(conn: Conn<'_>, rows: &[NewDelivery]) -> Result<()> {
    let blocks: BTreeSet<Noted<'_>> = rows
        .iter()
        .filter_map(|new| match &new.owner {
            Owner::Server(server) => Some((server, &new.tenant, first_of(new.id.0))),
            Owner::Nobody | Owner::Lane(_) => None,
        })
        .collect();
    note(conn, blocks).await
}

/// Notes the blocks of deliveries that a server claims.
pub(super) async fn note_claimed(
    conn: Conn<'_>,
    server: &ServerId,
    tenant: &TenantId,
    ids: &[i64],
) -> Result<()> {
    note(conn, ids.iter().map(|id| (server, tenant, first_of(*id))).collect()).await
}

async fn note(mut conn: Conn<'_>, blocks: BTreeSet<Noted<'_>>) -> Result<()> {
    let insert = if conn.is_mysql() { "INSERT IGNORE" } else { "INSERT OR IGNORE" };
    for part in blocks.into_iter().collect::<Vec<_>>().chunks(MOST) {
        on!(conn.again(), c => {
            let mut insert = QueryBuilder::new(insert);
            insert.push(" INTO webhook_blocks (server_id, tenant_id, first_id) ");
            // To enter one several times makes no difference.
            insert.push_values(padded(part), |mut row, (server, tenant, first)| {
                row.push_bind(server.as_str()).push_bind(tenant.as_str()).push_bind(*first);
            });
            insert.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

fn parse(rows: Vec<(String, i64)>) -> Result<Vec<Block>> {
    let block = |(tenant, first): (String, i64)| {
        let tenant = TenantId::parse(&tenant).map_err(|_| corrupt("webhook_blocks.tenant_id", &tenant))?;
        Ok(Block { tenant, first })
    };
    rows.into_iter().map(block).collect()
}

/// Up to `limit` blocks of all servers, of one tenant if so.
pub(super) async fn of_all_servers(
    conn: Conn<'_>,
    tenant: Option<&TenantId>,
    limit: i64,
) -> Result<Vec<Block>> {
    let rows = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT DISTINCT b.tenant_id, b.first_id FROM webhook_blocks b");
        if let Some(tenant) = tenant {
            select.push(" WHERE b.tenant_id = ").push_bind(tenant.as_str());
        }
        select.push(" LIMIT ").push_bind(limit).build_query_as().fetch_all(c).await
    })?;
    parse(rows)
}

/// The blocks of one server.
pub async fn blocks(conn: Conn<'_>, server: &ServerId) -> Result<Vec<Block>> {
    let rows = on!(conn, c => sqlx::query_as("SELECT tenant_id, first_id FROM webhook_blocks WHERE server_id = ?")
        .bind(server.as_str()).fetch_all(c).await)?;
    parse(rows)
}

/// A server's next blocks behind `after`, locked.
async fn lock(conn: Conn<'_>, server: &ServerId, after: Option<&Block>) -> Result<Vec<Block>> {
    let lock = if conn.is_mysql() { " FOR UPDATE" } else { "" };
    let rows = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT tenant_id, first_id FROM webhook_blocks WHERE server_id = ");
        select.push_bind(server.as_str());
        if let Some(Block { tenant, first }) = after {
            select.push(" AND tenant_id >= ").push_bind(tenant.as_str()).push(" AND (tenant_id > ");
            select.push_bind(tenant.as_str()).push(" OR first_id > ").push_bind(first).push(")");
        }
        let limit = i64::try_from(BLOCKS_TOGETHER).unwrap_or(i64::MAX);
        select.push(" ORDER BY tenant_id, first_id LIMIT ").push_bind(limit).push(lock);
        select.build_query_as().fetch_all(c).await
    })?;
    parse(rows)
}

/// Pushes the condition for those blocks of a server.
macro_rules! push_blocks {
    ($query:expr, $server:expr, $blocks:expr) => {
        $query.push(" WHERE server_id = ").push_bind($server.as_str()).push(" AND (");
        for (at, Block { tenant, first }) in padded($blocks).enumerate() {
            $query.push(if at == 0 { "(tenant_id = " } else { " OR (tenant_id = " });
            $query.push_bind(tenant.as_str()).push(" AND first_id = ").push_bind(*first).push(")");
        }
        $query.push(")");
    };
}

async fn remove(conn: Conn<'_>, server: &ServerId, blocks: &[Block]) -> Result<()> {
    if blocks.is_empty() {
        return Ok(());
    }
    on!(conn, c => {
        let mut delete = QueryBuilder::new("DELETE FROM webhook_blocks");
        push_blocks!(delete, server, blocks);
        delete.build().execute(c).await.map(|_| ())
    })
}

/// Which of the deliveries that servers have.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Held<'a> {
    /// Those of this server only.
    pub(super) sender: Option<&'a ServerId>,
    /// To this endpoint only.
    pub(super) webhook: Option<WebhookId>,
}

/// What is selected of deliveries in blocks. The bounds are values and not columns of a joined table: MySQL would look through
/// all of a tenant's log for each block.
macro_rules! select_held {
    ($what:literal, $mysql:expr, $blocks:expr, $held:expr) => {{
        let mut select = QueryBuilder::new(concat!("SELECT ", $what, " FROM webhook_logs"));
        select.push(if $mysql { use_index(true, "PRIMARY") } else { String::new() }).push(" WHERE (");
        for (at, Block { tenant, first }) in padded($blocks).enumerate() {
            select
                .push(if at == 0 { "(tenant_id = " } else { " OR (tenant_id = " })
                .push_bind(tenant.as_str());
            select.push(" AND id >= ").push_bind(*first).push(" AND id < ").push_bind(*first + IDS).push(")");
        }
        match $held.sender {
            Some(sender) => select.push(") AND sender = ").push_bind(sender.as_str()),
            None => select.push(") AND sender IS NOT NULL"),
        };
        if let Some(webhook) = $held.webhook {
            select.push(" AND webhook_id = ").push_bind(webhook.0);
        }
        select
    }};
}

/// Deliveries in those blocks.
pub(super) async fn held(mut conn: Conn<'_>, blocks: &[Block], held: Held<'_>) -> Result<Vec<Key>> {
    let mysql = conn.is_mysql();
    let mut keys = Vec::new();
    for part in blocks.chunks(BLOCKS_TOGETHER) {
        let rows = on!(conn.again(), c => select_held!("tenant_id, id", mysql, part, held)
            .build_query_as().fetch_all(c).await)?;
        keys.append(&mut owned::parse(rows));
    }
    Ok(keys)
}

/// A delivery that a server has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// Which one.
    pub key: Key,
    /// Where it goes.
    pub webhook: WebhookId,
    /// When it was queued.
    pub created_at: Timestamp,
}

/// All that a server has.
pub async fn owned(mut conn: Conn<'_>, server: &ServerId) -> Result<Vec<Owned>> {
    let mysql = conn.is_mysql();
    let held = Held { sender: Some(server), ..Held::default() };
    let mut all = Vec::new();
    for part in blocks(conn.again(), server).await?.chunks(BLOCKS_TOGETHER) {
        let rows: Vec<(String, i64, i64, i64)> = on!(conn.again(), c =>
            select_held!("tenant_id, id, webhook_id, created_at", mysql, part, held).build_query_as().fetch_all(c).await)?;
        all.extend(rows.into_iter().filter_map(|(tenant, id, webhook, created_at)| {
            let key = (TenantId::parse(&tenant).ok()?, LogId(id));
            Some(Owned { key, webhook: WebhookId(webhook), created_at: Timestamp(created_at) })
        }));
    }
    Ok(all)
}

/// When the oldest delivery in those blocks was queued.
pub(super) async fn oldest(mut conn: Conn<'_>, blocks: &[Block]) -> Result<Option<i64>> {
    let mysql = conn.is_mysql();
    let mut oldest = None;
    for part in blocks.chunks(BLOCKS_TOGETHER) {
        let first: Option<i64> = on!(conn.again(), c => select_held!("MIN(created_at)", mysql, part, Held::default())
            .build_query_scalar().fetch_one(c).await)?;
        oldest = oldest.into_iter().chain(first).min();
    }
    Ok(oldest)
}

/// What was given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    /// How many deliveries.
    pub deliveries: u64,
    /// Behind which block it goes on; none at the end.
    pub next: Option<Block>,
}

/// Gives back what a server has in its next blocks behind `after`, save those few hundred that it goes on with. In a
/// transaction, and waits for those of that server that are under way.
pub async fn release(
    mut conn: Conn<'_>,
    server: &ServerId,
    after: Option<&Block>,
    keep: &[Key],
) -> Result<Released> {
    let blocks = lock(conn.again(), server, after).await?;
    let mut deliveries = 0;
    for block in &blocks {
        deliveries += release_block(conn.again(), server, block, keep).await?;
    }
    if keep.is_empty() {
        remove(conn, server, &blocks).await?;
    }
    let more = blocks.len() >= BLOCKS_TOGETHER;
    Ok(Released { deliveries, next: blocks.into_iter().next_back().filter(|_| more) })
}

async fn release_block(conn: Conn<'_>, server: &ServerId, block: &Block, keep: &[Key]) -> Result<u64> {
    let ids = block.first..block.first + IDS;
    let keep = keep.iter().filter(|(tenant, id)| *tenant == block.tenant && ids.contains(&id.0));
    let keep: Vec<LogId> = keep.map(|(_, id)| *id).collect();
    on!(conn, c => {
        let mut update = QueryBuilder::new(
            "UPDATE webhook_logs SET waits = '', sender = NULL, next_attempt_at = COALESCE(next_attempt_at, created_at)
             WHERE tenant_id = ");
        update.push_bind(block.tenant.as_str());
        update.push(" AND id >= ").push_bind(ids.start).push(" AND id < ").push_bind(ids.end);
        update.push(" AND sender = ").push_bind(server.as_str());
        for id in &keep {
            update.push(" AND id <> ").push_bind(id.0);
        }
        update.build().execute(c).await.map(|done| done.rows_affected())
    })
}

/// Those of up to 16 blocks of a server in which it has nothing any more, as far as is seen without waiting for anybody.
pub async fn empty(conn: Conn<'_>, server: &ServerId, blocks: &[Block]) -> Result<Vec<Block>> {
    let held = held(conn, blocks, Held { sender: Some(server), ..Held::default() }).await?;
    let used: BTreeSet<Block> = held.iter().map(|(tenant, id)| Block::of(tenant, id.0)).collect();
    Ok(blocks.iter().filter(|block| !used.contains(block)).cloned().collect())
}

/// Removes those of up to 16 blocks of a server in which it still has nothing, save those in which somebody is at work. In a
/// transaction. They must have stood there for some seconds: whoever has written in them since holds them until the commit.
pub async fn remove_empty(mut conn: Conn<'_>, server: &ServerId, blocks: &[Block]) -> Result<()> {
    if blocks.is_empty() {
        return Ok(());
    }
    let lock = if conn.is_mysql() { " FOR UPDATE SKIP LOCKED" } else { "" };
    let locked = on!(conn.again(), c => {
        let mut select = QueryBuilder::new("SELECT tenant_id, first_id FROM webhook_blocks");
        push_blocks!(select, server, blocks);
        select.push(lock).build_query_as().fetch_all(c).await
    })?;
    // Without locks on the rows: those could wait for a claim that waits for the block.
    let empty = empty(conn.again(), server, &parse(locked)?).await?;
    remove(conn, server, &empty).await
}

/// Who has deliveries without being entered as a server: nobody renews for it and nobody would find it dead.
pub async fn senders_without_server(conn: Conn<'_>) -> Result<Vec<ServerId>> {
    let ids: Vec<String> = on!(conn, c => sqlx::query_scalar(
        "SELECT DISTINCT server_id FROM webhook_blocks WHERE server_id NOT IN (SELECT id FROM servers)")
        .fetch_all(c).await)?;
    Ok(ids.iter().filter_map(|id| ServerId::parse(id).ok()).collect())
}
