//! How many rows one statement writes. A statement is prepared once for each number of rows on each connection, and preparing
//! costs more than running it; so the numbers are few.

use sqlx::{Database, Encode, QueryBuilder, Type};

/// Rows of one statement, at most. With 18 columns far below SQLite's 32,766 parameters.
pub(crate) const MOST: usize = 256;

/// The rows in parts of 256, 128, 64, …, 1: nine statements for any number of rows, and nine at most for up to 511.
pub(crate) fn parts<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    parts_and_rest(rows, 1)
}

/// The same down to 16, and what is left in one: twenty statements, for rows of which there are mostly as few as the last time.
pub(crate) fn few_parts<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    parts_and_rest(rows, 15)
}

/// In parts of powers of two; not more than `whole` stay together.
fn parts_and_rest<T>(mut rows: &[T], whole: usize) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let fits = 1 << rows.len().min(MOST).checked_ilog2()?;
        let (part, rest) = rows.split_at(if rows.len() <= whole { rows.len() } else { fits });
        rows = rest;
        Some(part)
    })
}

/// The rows, the last one repeated up to the next power of two, or beyond 64 to the next multiple of 32, for statements to
/// which it makes no difference that a row comes twice.
pub(crate) fn padded<T>(rows: &[T]) -> impl Iterator<Item = &T> {
    let full = if rows.len() > 64 { rows.len().next_multiple_of(32) } else { rows.len().next_power_of_two() };
    let missing = full - rows.len();
    rows.iter().chain(rows.last().into_iter().cycle().take(missing))
}

/// Pushes `before`, which ends with a column, and ` IN (…)` with at least one id.
pub(crate) fn push_in<'a, DB>(query: &mut QueryBuilder<DB>, before: &str, ids: impl Iterator<Item = &'a str>)
where
    DB: Database,
    &'a str: Encode<'a, DB> + Type<DB>,
{
    let mut list = query.push(before).push(" IN (").separated(", ");
    for id in ids {
        list.push_bind(id);
    }
    query.push(")");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_rows_are_written_once_and_in_order() {
        for count in [0, 1, 2, 3, 31, 255, 256, 257, 500, 1000] {
            let rows: Vec<usize> = (0..count).collect();
            let sizes: Vec<usize> = parts(&rows).map(<[usize]>::len).collect();
            assert!(sizes.iter().all(|size| size.is_power_of_two() && *size <= MOST), "{count}: {sizes:?}");
            assert_eq!(parts(&rows).flatten().copied().collect::<Vec<_>>(), rows);
            assert_eq!(few_parts(&rows).flatten().copied().collect::<Vec<_>>(), rows);
        }
    }

    #[test]
    fn few_rows_stay_together() {
        let sizes = |count: usize| few_parts(&vec![0; count]).map(<[i32]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(10), [10]);
        assert_eq!(sizes(16), [16]);
        assert_eq!(sizes(300), [256, 32, 12]);
        assert_eq!(sizes(0), [0; 0]);
    }

    #[test]
    fn padding_repeats_the_last_row() {
        assert_eq!(padded(&[1, 2, 3]).copied().collect::<Vec<_>>(), [1, 2, 3, 3]);
        assert_eq!(padded(&[1, 2]).count(), 2);
        for (rows, full) in [(33, 64), (64, 64), (65, 96), (97, 128), (131, 160), (256, 256)] {
            assert_eq!(padded(&vec![0; rows]).count(), full);
        }
        assert_eq!(padded::<i32>(&[]).count(), 0);
    }
}
