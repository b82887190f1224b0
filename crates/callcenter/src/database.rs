//! Opens the database, and says in one line why that failed: which host and port, never the password.

use anyhow::{anyhow, bail};
use std::path::Path;
use std::time::Duration;
use store::{Database, Store};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The database's place, for people.
pub fn place(database: &Database) -> String {
    match database {
        Database::Sqlite(path) => path.display().to_string(),
        Database::MySql { host, port, .. } if host.contains(':') => format!("[{host}]:{port}"),
        Database::MySql { host, port, .. } => format!("{host}:{port}"),
    }
}

/// Connects; makes the SQLite file if there is none.
pub async fn connect(database: &Database) -> anyhow::Result<Store> {
    match Store::connect(database).await {
        Ok(store) => Ok(store),
        Err(error) => Err(unreachable(database, &error).await),
    }
}

/// Connects to a database that is there already.
pub async fn connect_existing(database: &Database) -> anyhow::Result<Store> {
    if let Database::Sqlite(path) = database
        && !path.is_file()
    {
        bail!("there is no database at {}: run callcenter migrate first, or set DB_PATH", path.display());
    }
    connect(database).await
}

/// Connects without making or changing anything; `None` if the SQLite file is not there yet.
pub async fn connect_untouched(database: &Database) -> anyhow::Result<Option<Store>> {
    match database {
        Database::Sqlite(path) if !path.exists() => Ok(None),
        Database::Sqlite(path) => {
            let read_only = Database::Sqlite(read_only(path)?.into());
            match Store::connect(&read_only).await {
                Ok(store) => Ok(Some(store)),
                Err(error) => Err(unreachable(database, &error).await),
            }
        }
        Database::MySql { .. } => connect(database).await.map(Some),
    }
}

/// An empty database that goes with the process, to ask what a new one would look like.
pub async fn connect_nowhere() -> anyhow::Result<Store> {
    Ok(Store::connect(&Database::Sqlite(":memory:".into())).await?)
}

/// The path as a URI that opens the file for reading (<https://www.sqlite.org/uri.html>). With a write-ahead log beside
/// it, somebody writes or has crashed: then its locks and log count. Without one the file is all there is, and nothing is
/// made beside it.
fn read_only(path: &Path) -> anyhow::Result<String> {
    let absolute = std::path::absolute(path)?;
    let text = absolute.to_str().ok_or_else(|| anyhow!("DB_PATH is not UTF-8 text"))?;
    let log = std::path::PathBuf::from(format!("{text}-wal"));
    let how = if log.exists() { "mode=ro" } else { "immutable=1" };
    // Everything encoded, slashes too: seen as a path, the URI has no folder that would be made.
    let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    Ok(format!("file:{encoded}?{how}"))
}

async fn unreachable(database: &Database, error: &store::Error) -> anyhow::Error {
    let why = match error {
        store::Error::Unavailable(why) => one_line(why),
        other => one_line(&other.to_string()),
    };
    match database {
        Database::Sqlite(_) => anyhow!("cannot open the database {}: {why}", place(database)),
        Database::MySql { host, port, .. } => {
            let why = refused_connection(host, *port).await.unwrap_or(why);
            let place = place(database);
            anyhow!(
                "cannot reach the database at {place}: {why}; check that it runs and that the DB_ variables are right"
            )
        }
    }
}

/// Why not even a connection comes about. The pool tries for a while and then knows only that its time is up.
async fn refused_connection(host: &str, port: u16) -> Option<String> {
    match timeout(Duration::from_secs(1), TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("it does not answer".to_owned()),
    }
}

/// Error messages of servers may have line breaks.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_database_that_is_not_there_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(folder.path().join("new/x.db"));
        assert!(connect_untouched(&database).await.unwrap().is_none());
        assert!(connect_existing(&database).await.is_err());
        assert!(files(folder.path()).is_empty());
    }

    #[tokio::test]
    async fn looking_at_a_database_changes_nothing_whether_it_is_in_use_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(folder.path().join("a b.db"));
        let store = connect(&database).await.unwrap();
        store::migrate(&store).await.unwrap();
        let in_use = files(folder.path());
        let is_migrated = async || {
            let looking = connect_untouched(&database).await.unwrap().unwrap();
            let status = store::migration_status(&looking).await.unwrap();
            looking.close().await;
            status.iter().all(|migration| migration.applied)
        };
        assert!(is_migrated().await);
        assert_eq!(files(folder.path()), in_use);
        store.close().await;
        let before = (files(folder.path()), std::fs::read(folder.path().join("a b.db")).unwrap());
        assert!(is_migrated().await);
        assert!(before == (files(folder.path()), std::fs::read(folder.path().join("a b.db")).unwrap()));
    }

    #[tokio::test]
    async fn an_unreachable_server_is_named_without_its_password() {
        let database = Database::MySql {
            host: "127.0.0.1".into(),
            port: 1,
            user: "callcenter".into(),
            password: "hidden".into(),
            name: "callcenter".into(),
            tls: store::Tls::Preferred,
            max_connections: 1,
        };
        let message = connect(&database).await.unwrap_err().to_string();
        assert!(
            message.contains("127.0.0.1:1") && !message.contains("hidden") && !message.contains('\n'),
            "{message}"
        );
    }
}
