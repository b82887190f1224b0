//! Reads who came online and who went, as any server has found out, and hands each on once, for one user in the order in
//! which it was so. Knows nothing of how it is found out.

use model::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;
use store::Store;
use store::presence_edges::{self as rows, Edge};
use tokio::sync::mpsc;

/// Edges read at a time, beside those that are read again.
const PAGE: i64 = 1000;
/// Numbers that may become visible late: ten servers in the midst of writing 200 edges each.
const UNDER_WAY: i64 = 2000;
/// How long a transaction takes, at most, from there to its end. A number that is not seen until then never will be.
const OVERLAP: Duration = Duration::from_secs(10);

/// What was told, and what is to be told.
pub(super) struct Teller<'a> {
    store: &'a Store,
    edges: &'a mpsc::Sender<Edge>,
    begun: Timestamp,
    /// The last look that succeeded.
    looked_at: Timestamp,
    numbers: Numbers,
}

impl<'a> Teller<'a> {
    /// Begins with what is found from now on, by the clock that all servers share.
    pub(super) fn new(store: &'a Store, edges: &'a mpsc::Sender<Edge>, now: Timestamp) -> Self {
        Self { store, edges, begun: now, looked_at: now, numbers: Numbers::default() }
    }

    /// Hands on what is new.
    pub(super) async fn tell(&mut self, now: Timestamp) -> store::Result<()> {
        while self.tell_page(now).await? >= PAGE {}
        self.looked_at = now;
        Ok(())
    }

    /// Gives how many were new.
    async fn tell_page(&mut self, now: Timestamp) -> store::Result<i64> {
        let since = self.looked_at.minus(OVERLAP).max(self.begun);
        let mut reader = self.store.read().await?;
        let found = rows::since(reader.conn(), self.numbers.after(), since, UNDER_WAY + PAGE).await?;
        drop(reader);
        let mut new = 0;
        for (number, edge) in found {
            if self.numbers.take(number, now) {
                new += 1;
                // Who is not told of an edge finds the state by asking.
                let _ = self.edges.try_send(edge);
            }
        }
        self.numbers.forget(now.minus(OVERLAP));
        Ok(new)
    }
}

/// Which numbers were seen. They become visible out of order, and some never do.
#[derive(Default)]
struct Numbers {
    newest: i64,
    /// Those below it that were not seen, since when; of the last `UNDER_WAY`.
    missing: BTreeMap<i64, Timestamp>,
}

impl Numbers {
    /// The number behind which there may be something new.
    fn after(&self) -> i64 {
        self.missing.first_key_value().map_or(self.newest, |(first, _)| first - 1)
    }

    /// Notes a number; false if it was seen before.
    fn take(&mut self, number: i64, now: Timestamp) -> bool {
        if number <= self.newest {
            return self.missing.remove(&number).is_some();
        }
        let first = (self.newest + 1).max(number - UNDER_WAY);
        self.missing.extend((first..number).map(|missing| (missing, now)));
        self.newest = number;
        true
    }

    /// Waits no longer for what has been missing since `before`, nor for what is far behind.
    fn forget(&mut self, before: Timestamp) {
        let oldest = self.newest - UNDER_WAY;
        self.missing.retain(|number, since| *number >= oldest && *since > before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(100_000);

    fn seen(numbers: &mut Numbers, read: &[i64]) -> Vec<bool> {
        read.iter().map(|number| numbers.take(*number, NOW)).collect()
    }

    #[test]
    fn each_number_is_new_once_however_late_it_becomes_visible() {
        let mut numbers = Numbers { newest: 10, ..Numbers::default() };
        assert_eq!(seen(&mut numbers, &[11, 14]), [true, true]);
        assert_eq!(numbers.after(), 11);
        assert_eq!(seen(&mut numbers, &[13, 14, 15]), [true, false, true]);
        assert_eq!(numbers.after(), 11);
        assert_eq!(seen(&mut numbers, &[12, 12, 13, 15]), [true, false, false, false]);
        assert_eq!(numbers.after(), 15);
    }

    #[test]
    fn what_never_comes_is_waited_for_only_for_a_while() {
        let mut numbers = Numbers::default();
        assert_eq!(seen(&mut numbers, &[5000]), [true]);
        assert_eq!((numbers.after(), numbers.missing.len()), (2999, 2000));
        assert_eq!(seen(&mut numbers, &[5500]), [true]);
        numbers.forget(NOW.minus(OVERLAP));
        assert_eq!((numbers.after(), numbers.missing.len()), (3499, 1999));
        numbers.forget(NOW);
        assert_eq!((numbers.after(), numbers.missing.len()), (5500, 0));
    }
}
