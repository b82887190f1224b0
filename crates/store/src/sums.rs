//! Rows of sums that statements add to in place, so that nothing is ever counted by looking through what was counted.

use crate::Conn;

/// Behind the values of an `INSERT`: where a row of that key is known, each of `sums` grows by what is new, and each of
/// `greatest` becomes the greater of both.
pub(crate) fn add_to_known(conn: &Conn<'_>, key: &str, sums: &[&str], greatest: &[&str]) -> String {
    let is_mysql = conn.is_mysql();
    let new = |column: &str| match is_mysql {
        true => format!("VALUES({column})"),
        false => format!("excluded.{column}"),
    };
    let (on_known, greater) = match is_mysql {
        true => (" ON DUPLICATE KEY UPDATE ".to_owned(), "GREATEST"),
        false => (format!(" ON CONFLICT ({key}) DO UPDATE SET "), "MAX"),
    };
    let adding = sums.iter().map(|column| format!("{column} = {column} + {}", new(column)));
    let growing = greatest.iter().map(|column| format!("{column} = {greater}({column}, {})", new(column)));
    on_known + &adding.chain(growing).collect::<Vec<_>>().join(", ")
}

/// A count as the databases keep it.
pub(crate) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count that was kept.
pub(crate) fn read(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
