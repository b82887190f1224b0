//! Where the data is: MySQL if `DB_HOST` is set, the embedded SQLite if not.

use super::reader::Reader;
use super::values::{host, number, word};
use std::path::PathBuf;
use store::{Database, Tls};

const TLS: &[(&str, Tls)] =
    &[("disabled", Tls::Disabled), ("preferred", Tls::Preferred), ("required", Tls::Required)];

/// Reads the `DB_` variables; all are checked, also those that are not in use.
pub fn read(reader: &mut Reader<'_>) -> Option<Database> {
    let server = reader.optional("DB_HOST", host);
    let port = reader.required("DB_PORT", number(1..=65_535));
    let user = reader.required("DB_USER", |text| name(text, 80));
    let password = reader.text("DB_PASSWORD").unwrap_or_default().to_owned();
    let database = reader.required("DB_NAME", |text| name(text, 64));
    let path = reader.required("DB_PATH", path);
    let max_connections = reader.required("DB_MAX_CONNECTIONS", number(1..=10_000));
    let tls = reader.required("DB_TLS", word(TLS));
    let (server, port, user, database) = (server?, port?, user?, database?);
    let (path, max_connections, tls) = (path?, max_connections?, tls?);
    Some(match server {
        Some(host) => Database::MySql { host, port, user, password, name: database, tls, max_connections },
        None => Database::Sqlite(path),
    })
}

fn name(text: &str, longest: usize) -> Result<String, String> {
    if text.chars().count() <= longest && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(format!("must be up to {longest} characters"))
    }
}

fn path(text: &str) -> Result<PathBuf, &'static str> {
    let is_file =
        !text.ends_with('/') && !text.contains('\0') && !text.starts_with("file:") && text != ":memory:";
    if is_file { Ok(PathBuf::from(text)) } else { Err("must be the path of a file") }
}

#[cfg(test)]
mod tests {
    use super::super::Sources;
    use super::*;

    fn read_of(environment: &[(&str, &str)]) -> (Option<Database>, usize) {
        let sources = Sources::of(environment, "");
        let mut reader = Reader::new(&sources);
        let database = read(&mut reader);
        (database, reader.problems.len())
    }

    #[test]
    fn without_a_host_it_is_the_embedded_database() {
        let (database, _) = read_of(&[("DB_PASSWORD", "x")]);
        assert!(matches!(database, Some(Database::Sqlite(path)) if path == *"data/callcenter.db"));
    }

    #[test]
    fn with_a_host_it_is_mysql() {
        let (database, _) = read_of(&[("DB_HOST", "db"), ("DB_PORT", "3307"), ("DB_TLS", "required")]);
        let Some(Database::MySql { host, port, user, name, tls, max_connections, .. }) = database else {
            panic!("{database:?}");
        };
        assert_eq!(
            (host.as_str(), port, user.as_str(), name.as_str()),
            ("db", 3307, "callcenter", "callcenter")
        );
        assert_eq!((tls, max_connections), (Tls::Required, 20));
    }

    #[test]
    fn every_bad_value_is_a_problem_of_its_own() {
        let bad = [
            ("DB_HOST", "a b"),
            ("DB_PORT", "x"),
            ("DB_NAME", &"n".repeat(65)),
            ("DB_PATH", "data/"),
            ("DB_MAX_CONNECTIONS", "0"),
            ("DB_TLS", "maybe"),
        ];
        assert!(matches!(read_of(&bad), (None, 6)), "{:?}", read_of(&bad));
    }
}
