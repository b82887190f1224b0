//! One server per SQLite file: `serve` holds a lock on a file beside it. The commands do not, they work beside a server.

use anyhow::{Context as _, anyhow};
use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// Holds the lock until it is dropped, or the process ends, however it does.
#[derive(Debug)]
pub struct SingleInstance {
    _file: File,
}

/// Takes the lock for the database at this path; fails if another server has it.
pub fn acquire(database: &Path) -> anyhow::Result<SingleInstance> {
    let path = lock_path(database);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("cannot open the lock file {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(SingleInstance { _file: file }),
        Err(TryLockError::WouldBlock) => Err(anyhow!(
            "another server is running on {}: stop it first, or set DB_PATH to a file of its own",
            database.display()
        )),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

fn lock_path(database: &Path) -> PathBuf {
    let mut path = OsString::from(database);
    path.push(".lock");
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_is_refused_until_the_first_has_gone() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("data/callcenter.db");
        let first = acquire(&database).unwrap();
        let refused = acquire(&database).unwrap_err().to_string();
        assert!(refused.starts_with("another server is running on ") && !refused.contains('\n'), "{refused}");
        drop(first);
        acquire(&database).unwrap();
    }
}
