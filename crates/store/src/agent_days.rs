//! Agents' numbers by day.

use crate::rows::{padded, parts, push_in};
use crate::sums::{add_to_known, read, stored};
use crate::{Conn, Result, corrupt, on};
use model::agents::Day;
use model::{Handling, TenantId, UserId};
use sqlx::QueryBuilder;
use std::collections::HashMap;

const SUMS: [&str; 5] = ["handled", "talk_ms", "hold_ms", "wrap_up_ms", "missed_offers"];

/// What is to be added to an agent's numbers of a day of the tenant's, counted from 1970-01-01.
pub type More<'a> = (&'a TenantId, &'a UserId, i64, Day);

/// Adds to agents' numbers. Rows are locked in the order of `all`.
pub async fn add(mut conn: Conn<'_>, all: &[More<'_>]) -> Result<()> {
    for part in parts(all) {
        let add = add_to_known(&conn, "tenant_id, user_id, day", &SUMS, &[]);
        on!(conn.again(), c => {
            let mut insert = QueryBuilder::new("INSERT INTO agent_days (tenant_id, user_id, day, ");
            insert.push(SUMS.join(", ")).push(") ");
            insert.push_values(part, |mut row, (tenant, user, day, more)| {
                let handling = more.handling;
                row.push_bind(tenant.as_str()).push_bind(user.as_str()).push_bind(*day)
                    .push_bind(stored(handling.legs)).push_bind(stored(handling.talk_ms))
                    .push_bind(stored(handling.hold_ms)).push_bind(stored(handling.wrap_up_ms))
                    .push_bind(stored(more.missed_offers));
            });
            insert.push(&add);
            insert.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// The numbers of these agents of a day; those without any are left out.
pub async fn of_users(
    conn: Conn<'_>,
    tenant: &TenantId,
    users: &[UserId],
    day: i64,
) -> Result<HashMap<UserId, Day>> {
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, i64, i64, i64, i64, i64)> = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT user_id, handled, talk_ms, hold_ms, wrap_up_ms, missed_offers
            FROM agent_days WHERE tenant_id = ");
        select.push_bind(tenant.as_str()).push(" AND day = ").push_bind(day);
        push_in(&mut select, " AND user_id", padded(users).map(UserId::as_str));
        select.build_query_as().fetch_all(c).await
    })?;
    let read_row = |(user, legs, talk_ms, hold_ms, wrap_up_ms, missed_offers): (String, _, _, _, _, _)| {
        let user = UserId::parse(&user).map_err(|_| corrupt("agent_days.user_id", user))?;
        let handling = Handling {
            legs: read(legs),
            talk_ms: read(talk_ms),
            hold_ms: read(hold_ms),
            wrap_up_ms: read(wrap_up_ms),
        };
        Ok((user, Day { handling, missed_offers: read(missed_offers) }))
    };
    rows.into_iter().map(read_row).collect()
}
