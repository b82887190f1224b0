//! Lists deliveries, newest first. A page costs what it looks at and not what the log holds: where what is asked for is
//! rare, it may be short, or empty, and say where the next one goes on.

use super::log::{COLUMNS, LogEntry};
use super::pending;
use crate::hints::{join_in_order, use_index};
use crate::{Conn, Result, on};
use model::{LogId, TenantId, Timestamp, WebhookId};
use sqlx::QueryBuilder;

/// Entries that one page looks at, at most: some 10 ms of a database that has them in memory.
const LOOKED_AT: i64 = 5_000;
/// Moments follow the numbers, save for what the clocks of two servers differ by.
const CLOCKS_DIFFER_MS: i64 = 5_000;

/// Which entries to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this endpoint only; of all that the tenant has otherwise.
    pub webhook: Option<WebhookId>,
    /// With this status only.
    pub status: Option<&'static str>,
    /// About events of this name only.
    pub event: Option<String>,
    /// Queued then or later.
    pub from: Option<Timestamp>,
    /// Queued before that.
    pub to: Option<Timestamp>,
    /// With a lower number only.
    pub before: Option<LogId>,
}

/// Some of the entries asked for.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The newest ones.
    pub entries: Vec<LogEntry>,
    /// The number below which the next page goes on; none if there is nothing more.
    pub next: Option<LogId>,
}

/// The numbers that a page looks at: from `first` to before `before`; of those only some, if so.
#[derive(Debug, Clone)]
struct Span {
    first: i64,
    before: i64,
    only: Option<Vec<LogId>>,
}

/// Entries of a tenant, newest first, `limit` at most.
pub async fn page(mut conn: Conn<'_>, tenant: &TenantId, filter: &Filter, limit: i64) -> Result<Page> {
    let mut span = span(conn.again(), tenant, filter).await?;
    let mut floor = None;
    if filter.status == Some("pending")
        && let Some(webhook) = filter.webhook
    {
        span.only = pending::all_pending(conn.again(), tenant, webhook, LOOKED_AT).await?;
    }
    if span.only.is_none() {
        floor = look_down(conn.again(), tenant, filter, &span).await?;
        span.first = floor.unwrap_or(span.first);
    }
    let mut entries = select(conn, tenant, filter, &span, limit + 1).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = entries.len() > limit;
    entries.truncate(limit);
    let last = entries.last().filter(|_| more).map(|entry| entry.id);
    Ok(Page { entries, next: last.or(floor).map(LogId) })
}

/// The numbers that can be meant, whatever their entries are.
async fn span(mut conn: Conn<'_>, tenant: &TenantId, filter: &Filter) -> Result<Span> {
    let mut span = Span { first: 1, before: i64::MAX, only: None };
    if filter.from.is_some() || filter.to.is_some() {
        let head = crate::journal::head(conn.again(), tenant).await?.map_or(0, |head| head.log_id);
        if let Some(from) = filter.from {
            let early = from.0.saturating_sub(CLOCKS_DIFFER_MS);
            span.first = first_at(conn.again(), tenant, early, head).await?;
        }
        if let Some(to) = filter.to {
            let late = to.0.saturating_add(CLOCKS_DIFFER_MS);
            span.before = first_at(conn, tenant, late, head).await?;
        }
    }
    span.before = span.before.min(filter.before.map_or(i64::MAX, |before| before.0));
    Ok(span)
}

/// The number of the first entry at that moment or later, found by halving; the one after `head` if there is none.
async fn first_at(mut conn: Conn<'_>, tenant: &TenantId, at: i64, head: i64) -> Result<i64> {
    let (mut from, mut to) = (1, head + 1);
    while from < to {
        let middle = from + (to - from) / 2;
        let row: Option<(i64, i64)> = on!(conn.again(), c => sqlx::query_as(
            "SELECT id, created_at FROM webhook_logs WHERE tenant_id = ? AND id >= ? ORDER BY id LIMIT 1")
            .bind(tenant.as_str()).bind(middle).fetch_optional(c).await)?;
        match row {
            Some((id, created_at)) if created_at < at => from = id + 1,
            _ => to = middle,
        }
    }
    Ok(from)
}

/// Where entries are found in the order of their numbers: in the log, or in what is noted of those that were given up.
struct Source {
    /// The table that is walked along.
    table: String,
    /// What joins the log's rows, as `l`, if that is not the log.
    join: String,
    /// The table's name in the query.
    name: &'static str,
    /// The number in it.
    number: &'static str,
}

impl Source {
    fn of(filter: &Filter, mysql: bool) -> Self {
        let by = |index: &str| filter.webhook.map_or_else(String::new, |_| use_index(mysql, index));
        if filter.status == Some("failed") {
            Self {
                table: format!("webhook_failures f{}", by("webhook_failures_webhook")),
                join: format!(
                    " {} webhook_logs l ON l.tenant_id = f.tenant_id AND l.id = f.log_id",
                    join_in_order(mysql)
                ),
                name: "f",
                number: "f.log_id",
            }
        } else {
            let table = format!("webhook_logs l{}", by("webhook_logs_webhook"));
            Self { table, join: String::new(), name: "l", number: "l.id" }
        }
    }
}

/// Pushes what is common to looking down and reading: which numbers of which endpoint.
macro_rules! push_span {
    ($query:expr, $source:expr, $tenant:expr, $filter:expr, $span:expr) => {
        $query.push(format!(" WHERE {}.tenant_id = ", $source.name)).push_bind($tenant.as_str());
        if let Some(webhook) = $filter.webhook {
            $query.push(format!(" AND {}.webhook_id = ", $source.name)).push_bind(webhook.0);
        }
        $query.push(format!(" AND {} >= ", $source.number)).push_bind($span.first);
        $query.push(format!(" AND {} < ", $source.number)).push_bind($span.before);
    };
}

/// The lowest number of those that one page looks at; `None` if they reach to the end.
async fn look_down(conn: Conn<'_>, tenant: &TenantId, filter: &Filter, span: &Span) -> Result<Option<i64>> {
    let source = Source::of(filter, conn.is_mysql());
    on!(conn, c => {
        let mut select = QueryBuilder::new(format!("SELECT {} FROM {}", source.number, source.table));
        push_span!(select, source, tenant, filter, span);
        select.push(format!(" ORDER BY {} DESC LIMIT 1 OFFSET ", source.number)).push_bind(LOOKED_AT - 1);
        select.build_query_scalar().fetch_optional(c).await
    })
}

async fn select(
    conn: Conn<'_>,
    tenant: &TenantId,
    filter: &Filter,
    span: &Span,
    limit: i64,
) -> Result<Vec<LogEntry>> {
    let source = Source::of(filter, conn.is_mysql());
    if span.only.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Vec::new());
    }
    on!(conn, c => {
        let mut select = QueryBuilder::new(COLUMNS);
        select.push(" FROM ").push(&source.table).push(&source.join);
        push_span!(select, source, tenant, filter, span);
        if filter.webhook.is_none() {
            // The log of an endpoint that is gone is removed in steps, and is not shown meanwhile.
            select.push(" AND l.webhook_id IN (SELECT id FROM webhooks WHERE tenant_id = ").push_bind(tenant.as_str()).push(")");
        }
        if let Some(ids) = &span.only {
            select.push(" AND l.id IN (");
            let mut list = select.separated(", ");
            for id in ids {
                list.push_bind(id.0);
            }
            select.push(")");
        }
        if let Some(status) = filter.status {
            select.push(" AND l.status = ").push_bind(status);
        }
        if let Some(event) = &filter.event {
            select.push(" AND l.event = ").push_bind(event);
        }
        if let Some(from) = filter.from {
            select.push(" AND l.created_at >= ").push_bind(from.0);
        }
        if let Some(to) = filter.to {
            select.push(" AND l.created_at < ").push_bind(to.0);
        }
        select.push(format!(" ORDER BY {} DESC LIMIT ", source.number)).push_bind(limit);
        select.build_query_as().fetch_all(c).await
    })
}
