//! Which way a query is to go. Left to themselves the databases may take a long walk along one index for a short one along
//! another: SQLite knows nothing of what the tables hold, and MySQL guesses.

/// Behind a table: the index by which it is read.
pub(crate) fn use_index(mysql: bool, index: &str) -> String {
    if mysql { format!(" FORCE INDEX ({index})") } else { format!(" INDEXED BY {index}") }
}

/// Between two tables: the first one is read first.
pub(crate) fn join_in_order(mysql: bool) -> &'static str {
    if mysql { "STRAIGHT_JOIN" } else { "CROSS JOIN" }
}
