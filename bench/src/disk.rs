//! What a flushed write costs on the disk that the database stands on.

use std::fs::File;
use std::io::{Result, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// How long 200 overwrites of 4 KiB with fdatasync took, one by one.
pub fn fdatasync(folder: &Path) -> Result<Vec<Duration>> {
    let mut file: File = tempfile::tempfile_in(folder)?;
    let page = [0u8; 4096];
    file.write_all(&page)?;
    file.sync_all()?;
    (0..200)
        .map(|_| {
            let started = Instant::now();
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&page)?;
            file.sync_data()?;
            Ok(started.elapsed())
        })
        .collect()
}
