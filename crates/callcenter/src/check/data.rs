//! The items that a look at the database decides.

use super::facts::{Data, Facts};
use super::item::Item;
use crate::database::place;

/// Reachable, fitting, closed to strangers, durable.
pub fn items(facts: &Facts) -> Vec<Item> {
    let place = place(&facts.config.database);
    match &facts.data {
        Data::Absent => {
            vec![Item::ok("database", format!("{place} is not there yet: the first start makes it."))]
        }
        Data::Unreachable(why) => vec![Item::fail("database", format!("{why}."))],
        Data::Open { schema, admin_is_open, flushes_commits } => vec![
            Item::ok("database", format!("The database at {place} answers.")),
            schema_item(schema),
            admin_item(*admin_is_open),
            durability(*flushes_commits),
        ],
    }
}

fn schema_item(schema: &Result<usize, String>) -> Item {
    const NAME: &str = "schema";
    match schema {
        Ok(0) => Item::ok(NAME, "The schema is up to date."),
        Ok(open) => Item::ok(
            NAME,
            format!("The schema fits: the next start applies the {open} migrations that are open."),
        ),
        Err(why) => Item::fail(NAME, format!("{why}.")),
    }
}

fn admin_item(is_open: bool) -> Item {
    const NAME: &str = "development_admin";
    if is_open {
        Item::fail(
            NAME,
            format!(
                "Everybody knows the password of {email}: change it with callcenter user reset-password --email {email}.",
                email = app::setup::DEVELOPMENT_EMAIL
            ),
        )
    } else {
        Item::ok(NAME, "The development admin is not open to strangers.")
    }
}

fn durability(flushes_commits: Option<bool>) -> Item {
    const NAME: &str = "durability";
    const WHAT_TO_DO: &str = "set innodb_flush_log_at_trx_commit=1 on the server";
    match flushes_commits {
        Some(true) => Item::ok(NAME, "Every commit is flushed to disk."),
        Some(false) => Item::warn(
            NAME,
            format!("A crash of the database's machine can lose acknowledged events: {WHAT_TO_DO}."),
        ),
        None => {
            Item::warn(NAME, format!("It is not known whether commits are flushed to disk: {WHAT_TO_DO}."))
        }
    }
}
