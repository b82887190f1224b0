//! How far the log had come in each of its epochs, where a restored backup of the database does not bring that back.

use realtime::Bus;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Where the marks are.
pub enum MarkPlace {
    /// In a file, which one server at a time has.
    File(PathBuf),
    /// In Redis.
    Redis(Bus),
    /// Nowhere but in the memory of servers that run.
    Memory,
}

impl MarkPlace {
    /// Beside this SQLite file.
    #[must_use]
    pub fn beside(database: &Path) -> Self {
        Self::File(with_ending(database, ".marks"))
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut path = OsString::from(path);
    path.push(ending);
    path.into()
}

/// What is known: events by epoch, never fewer than before.
pub(super) struct Marks {
    place: MarkPlace,
    known: BTreeMap<String, i64>,
    /// What stood there when it was last read; none if that failed.
    kept: Option<BTreeMap<String, i64>>,
    has_warned: bool,
}

impl Marks {
    pub(super) fn new(place: MarkPlace) -> Self {
        Self { place, known: BTreeMap::new(), kept: None, has_warned: false }
    }

    /// The most events that are known of that epoch.
    pub(super) fn of(&self, epoch: &str) -> i64 {
        self.known.get(epoch).copied().unwrap_or(0)
    }

    /// Learns what is kept.
    pub(super) async fn read(&mut self) {
        self.kept = match &self.place {
            MarkPlace::File(path) => read_file(path).await.map_err(|error| self.warn(&error)).ok(),
            MarkPlace::Redis(bus) => bus.log_marks().await.map(BTreeMap::from_iter),
            MarkPlace::Memory => None,
        };
        for (epoch, events) in self.kept.iter().flatten() {
            raise(&mut self.known, epoch, *events);
        }
    }

    /// The log has had so many events in that epoch. What could not be read is not replaced.
    pub(super) async fn raise(&mut self, epoch: &str, events: i64) {
        raise(&mut self.known, epoch, events);
        let is_kept = |kept: &BTreeMap<String, i64>| kept.get(epoch).is_some_and(|kept| *kept >= events);
        if self.kept.as_ref().is_none_or(is_kept) {
            return;
        }
        match &self.place {
            MarkPlace::File(path) => {
                if let Err(error) = write_file(path, &self.known).await {
                    self.warn(&error);
                }
            }
            MarkPlace::Redis(bus) => bus.raise_log_mark(epoch, events).await,
            MarkPlace::Memory => {}
        }
    }

    /// Once: what fails each time is no news.
    fn warn(&mut self, error: &io::Error) {
        if let (MarkPlace::File(path), false) = (&self.place, std::mem::replace(&mut self.has_warned, true)) {
            tracing::warn!(%error, path = %path.display(), "How far the log has come cannot be kept: a restored backup would not be noticed");
        }
    }
}

fn raise(marks: &mut BTreeMap<String, i64>, epoch: &str, events: i64) {
    let mark = marks.entry(epoch.to_owned()).or_insert(events);
    *mark = events.max(*mark);
}

/// A line for each epoch; others are passed over.
async fn read_file(path: &Path) -> io::Result<BTreeMap<String, i64>> {
    let text = match tokio::fs::read_to_string(path).await {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        read => read?,
    };
    let mark = |line: &str| {
        let (epoch, events) = line.split_once(' ')?;
        Some((epoch.to_owned(), events.parse().ok()?))
    };
    Ok(text.lines().filter_map(mark).collect())
}

/// Under another name first: a process that is killed leaves the old marks or the new ones. Not flushed, as that would hold up
/// commits: after a loss of power the next look writes them again.
async fn write_file(path: &Path, marks: &BTreeMap<String, i64>) -> io::Result<()> {
    let text: String = marks.iter().map(|(epoch, events)| format!("{epoch} {events}\n")).collect();
    let unfinished = with_ending(path, ".new");
    tokio::fs::write(&unfinished, text).await?;
    tokio::fs::rename(&unfinished, path).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_file(path: &Path) -> Marks {
        Marks::new(MarkPlace::File(path.to_owned()))
    }

    #[tokio::test]
    async fn marks_outlive_the_process_and_never_fall() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks");
        for (epoch, events) in [("e1", 5), ("e1", 3), ("e2", 1)] {
            let mut marks = in_file(&path);
            marks.read().await;
            marks.raise(epoch, events).await;
        }
        let mut marks = in_file(&path);
        marks.read().await;
        assert_eq!((marks.of("e1"), marks.of("e2"), marks.of("e3")), (5, 1, 0));
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_passed_over_and_what_cannot_be_read_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks");
        std::fs::write(&path, "e1 5\nnonsense\ne2 x\n").unwrap();
        let mut marks = in_file(&path);
        marks.read().await;
        assert_eq!((marks.of("e1"), marks.of("e2")), (5, 0));
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        let mut marks = in_file(&path);
        marks.read().await;
        marks.raise("e1", 7).await;
        assert_eq!(std::fs::read(&path).unwrap(), [0xff, 0xfe]);
    }
}
