//! The key that signs tokens where nobody configured one: made once in development and kept where the data is.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use store::{Database, Store, platform};

/// The file beside the SQLite file.
const FILE: &str = "jwt_secret";
const BYTES: usize = 32;

/// The kept secret; a new one is made if there is none. Servers that share a database share the secret.
pub async fn kept(database: &Database, store: &Store) -> anyhow::Result<String> {
    match database {
        Database::Sqlite(path) => in_file(&path.with_file_name(FILE)),
        Database::MySql { .. } => {
            let mut tx = store.begin().await?;
            let secret = platform::get_or_put(tx.conn(), FILE, &fresh()).await?;
            tx.commit().await?;
            Ok(secret)
        }
    }
}

fn in_file(path: &Path) -> anyhow::Result<String> {
    if let Some(secret) = read(path)? {
        return Ok(secret);
    }
    // Written under another name first: a crash leaves no half of a secret behind.
    let unfinished = path.with_extension("new");
    let secret = fresh();
    let written = create_private(&unfinished).and_then(|mut file| {
        file.write_all(secret.as_bytes())?;
        file.sync_all()
    });
    let kept = written.and_then(|()| std::fs::rename(&unfinished, path));
    kept.with_context(|| format!("cannot keep a new JWT secret in {}", path.display()))?;
    Ok(secret)
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().len() >= BYTES => Ok(Some(text.trim().to_owned())),
        Ok(_) => anyhow::bail!("{} is not a JWT secret: remove it, or set JWT_SECRET", path.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read the JWT secret in {}", path.display())),
    }
}

fn create_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn fresh() -> String {
    BASE64.encode(rand::random::<[u8; BYTES]>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let secret = in_file(&path).unwrap();
        assert_eq!(BASE64.decode(&secret).unwrap().len(), BYTES);
        assert_eq!(in_file(&path).unwrap(), secret);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_secret_is_not_replaced_in_silence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        std::fs::write(&path, "short").unwrap();
        assert!(in_file(&path).is_err());
    }

    #[tokio::test]
    async fn servers_on_one_sqlite_file_find_the_same_secret() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(folder.path().join("x.db"));
        let store = Store::connect(&database).await.unwrap();
        let secret = kept(&database, &store).await.unwrap();
        assert_eq!(kept(&database, &store).await.unwrap(), secret);
        assert!(folder.path().join(FILE).exists());
    }
}
