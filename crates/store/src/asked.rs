//! Queues of several tenants in one statement: what a small statement costs is mostly that it is one.

use crate::Conn;
use crate::hints::{join_in_order, use_index};
use model::{QueueId, TenantId};
use sqlx::{Database, Encode, QueryBuilder, Type};

/// Queues of one statement, at most: SQLite takes 500 parts of a UNION.
const TOGETHER: usize = 256;

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

/// What one statement asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    /// The place of the first.
    first: usize,
    asked: &'a [Asked<'a>],
}

/// All that is asked, a statement's worth at a time.
pub(crate) fn parts<'a>(all: &'a [Asked<'a>]) -> impl Iterator<Item = Part<'a>> {
    let firsts = (0..).step_by(TOGETHER);
    firsts.zip(all.chunks(TOGETHER)).map(|(first, asked)| Part { first, asked })
}

/// Pushes ` FROM (…) a`, a table with the columns `place`, `tenant_id`, `queue_id` and `day`. Rows without a tenant, which match
/// nothing, bring it to a power of two.
pub(crate) fn push_from<'a, DB>(query: &mut QueryBuilder<DB>, part: Part<'a>)
where
    DB: Database,
    i64: Encode<'a, DB> + Type<DB>,
    Option<i64>: Encode<'a, DB> + Type<DB>,
    Option<&'a str>: Encode<'a, DB> + Type<DB>,
{
    query.push(" FROM (");
    for at in 0..part.asked.len().next_power_of_two() {
        // The first SELECT names the columns of them all.
        let (select, [place, tenant_id, queue_id, day]) = match at {
            0 => ("SELECT ", [" AS place, ", " AS tenant_id, ", " AS queue_id, ", " AS day"]),
            _ => (" UNION ALL SELECT ", [", ", ", ", ", ", ""]),
        };
        let one = part.asked.get(at);
        query.push(select).push_bind(i64::try_from(part.first + at).unwrap_or(i64::MAX)).push(place);
        query.push_bind(one.map(|one| one.tenant.as_str())).push(tenant_id);
        query.push_bind(one.map(|one| one.queue.as_str())).push(queue_id);
        query.push_bind(one.map(|one| one.day)).push(day);
    }
    query.push(") a");
}

/// The place that a row names.
pub(crate) fn place(number: i64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
