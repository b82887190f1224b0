//! Queues of several tenants in one statement: what a small statement costs is mostly that it is one.

use crate::Conn;
use crate::deliveries::hints::{join_in_order, use_index};
use model::{QueueId, TenantId};
use sqlx::{Database, Encode, QueryBuilder, Type};

/// Queues of one statement, at most: SQLite takes 500 parts of a UNION.
pub(crate) const TOGETHER: usize = 256;

/// A queue whose numbers are asked for. An answer names it by its place in the list.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its tenant.
    pub tenant: &'a TenantId,
    /// Its id.
    pub queue: &'a QueueId,
    /// The day, counted from 1970-01-01, where a day is asked for.
    pub day: i64,
}

/// Joins each one's rows of a table to what is asked, which neither optimizer knows to be little, along an index that MySQL is
/// told. An `ON` has to follow.
pub(crate) fn join(conn: &Conn<'_>, table: &str, index: &str) -> String {
    let along = if conn.is_mysql() { use_index(true, index) } else { String::new() };
    format!(" {} {table}{along} ", join_in_order(conn.is_mysql()))
}

/// Pushes ` FROM (…) a`, a table with the columns `place`, `tenant_id`, `queue_id` and `day`. Rows without a tenant, which match
/// nothing, bring it to a power of two.
pub(crate) fn push_from<'a, DB>(query: &mut QueryBuilder<DB>, asked: &[Asked<'a>])
where
    DB: Database,
    i64: Encode<'a, DB> + Type<DB>,
    Option<i64>: Encode<'a, DB> + Type<DB>,
    Option<&'a str>: Encode<'a, DB> + Type<DB>,
{
    query.push(" FROM (");
    for (place, at) in (0..asked.len().next_power_of_two()).zip(0i64..) {
        let one = asked.get(place);
        query.push(if place == 0 { "SELECT " } else { " UNION ALL SELECT " });
        query.push_bind(at).push(if place == 0 { " AS place, " } else { ", " });
        query.push_bind(one.map(|one| one.tenant.as_str()));
        query.push(if place == 0 { " AS tenant_id, " } else { ", " });
        query.push_bind(one.map(|one| one.queue.as_str()));
        query.push(if place == 0 { " AS queue_id, " } else { ", " });
        query.push_bind(one.map(|one| one.day));
        query.push(if place == 0 { " AS day" } else { "" });
    }
    query.push(") a");
}

/// The place that a row names.
pub(crate) fn place(number: i64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
