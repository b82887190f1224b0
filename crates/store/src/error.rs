//! What can go wrong with a database, told apart by what the caller can do about it.

use std::fmt::Display;

/// The result of a database call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed database call.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is away, frozen, full or overloaded; the same call may work later.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Another transaction stood in the way; the same transaction may work when repeated at once.
    #[error("the transaction lost against another one: {0}")]
    Contention(String),
    /// A unique key is taken.
    #[error("a unique key is taken: {0}")]
    Duplicate(String),
    /// The stored value is not one that this program writes.
    #[error("unexpected value in {what}: {value}")]
    Corrupt {
        /// Table and column.
        what: &'static str,
        /// The value found.
        value: String,
    },
    /// The schema cannot be used by this program.
    #[error("{0}")]
    Schema(String),
    /// Anything else: a defect of ours, or a limit of the database.
    #[error("database error: {0}")]
    Other(#[source] sqlx::Error),
}

/// Bytes that an error has of a value that could not be read: it ends in the log, and may be a payload.
const VALUE_SHOWN: usize = 256;

/// Says that a stored value could not be read.
pub(crate) fn corrupt(what: &'static str, value: impl Display) -> Error {
    let mut value = value.to_string();
    value.truncate(value.floor_char_boundary(VALUE_SHOWN));
    Error::Corrupt { what, value }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(db) if db.is_unique_violation() => Self::Duplicate(db.message().to_owned()),
            sqlx::Error::Database(db) => match classify(db.as_ref()) {
                Class::Contention => Self::Contention(error.to_string()),
                Class::Unavailable => Self::Unavailable(error.to_string()),
                Class::Other => Self::Other(error),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error.to_string()),
            _ => Self::Other(error),
        }
    }
}

enum Class {
    Contention,
    Unavailable,
    Other,
}

/// MySQL numbers: <https://mariadb.com/kb/en/mariadb-error-code-reference/>; SQLite's: <https://www.sqlite.org/rescode.html>.
fn classify(error: &dyn sqlx::error::DatabaseError) -> Class {
    if let Some(mysql) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return match mysql.number() {
            // Deadlock; lock wait timeout.
            1213 | 1205 => Class::Contention,
            // Too many connections, host blocked, shutdown, access denied, disk full, table full, read-only, killed,
            // prepared statements used up, gone away, lost, idle transaction, statement time-out.
            1040
            | 1041
            | 1044
            | 1045
            | 1049
            | 1053
            | 1114
            | 1129
            | 1130
            | 1152
            | 1158..=1161
            | 1203
            | 1226
            | 1290
            | 1317
            | 1461
            | 1021
            | 1836
            | 1927
            | 1969
            | 3024
            | 4030
            | 4031
            | 1950 => Class::Unavailable,
            _ => Class::Other,
        };
    }
    let primary = error.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
    match primary {
        // SQLITE_BUSY, LOCKED, IOERR, FULL, CANTOPEN, READONLY.
        Some(5 | 6 | 10 | 13 | 14 | 8) => Class::Unavailable,
        _ => Class::Other,
    }
}

impl Error {
    /// Whether repeating the whole transaction at once may help.
    #[must_use]
    pub fn is_contention(&self) -> bool {
        matches!(self, Self::Contention(_))
    }

    /// Whether the database cannot serve now.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Contention(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_cannot_be_read_is_told_by_its_beginning() {
        let told = corrupt("table.column", "ü".repeat(100_000)).to_string();
        assert!(told.starts_with("unexpected value in table.column: üü") && told.len() < 300, "{told}");
    }
}
