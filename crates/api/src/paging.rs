//! `?limit=` and `?cursor=`. A cursor is opaque: the key of the last row that was shown, in base64.

use crate::envelope::PageMeta;
use crate::error::{ApiError, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use utoipa::IntoParams;

const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 200;

/// A page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// How many entries to give, 1 to 200; 50 if not said.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    pub limit: Option<String>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl Page {
    pub fn limit(&self) -> Result<i64> {
        let Some(text) = &self.limit else { return Ok(DEFAULT_LIMIT) };
        let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        limit.ok_or_else(|| ApiError::parameter("limit", "must be a whole number from 1 to 200"))
    }

    /// The key after which the page begins; none for the first page.
    pub fn after(&self) -> Result<Option<String>> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let key = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        key.map(Some).ok_or_else(unknown_cursor)
    }

    /// The same, where keys are numbers.
    pub fn after_number(&self) -> Result<Option<i64>> {
        self.after()?.map(|key| key.parse().map_err(|_| unknown_cursor())).transpose()
    }
}

pub(crate) fn unknown_cursor() -> ApiError {
    ApiError::parameter("cursor", "must be the next_cursor of the page before")
}

/// Where a list goes on whose query asked for one row more than `limit`: takes that row away.
pub(crate) fn next_cursor<T>(rows: &mut Vec<T>, limit: i64, key: impl Fn(&T) -> String) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if rows.len() <= limit {
        return None;
    }
    rows.truncate(limit);
    rows.last().map(|row| cursor(&key(row)))
}

/// What a client gives back to go on after that key.
pub(crate) fn cursor(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

pub(crate) fn meta<T>(rows: &mut Vec<T>, limit: i64, key: impl Fn(&T) -> String) -> PageMeta {
    PageMeta { next_cursor: next_cursor(rows, limit, key) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_to_the_page_after() {
        let mut rows = vec![1, 2, 3];
        let cursor = next_cursor(&mut rows, 2, ToString::to_string).unwrap();
        assert_eq!(rows, [1, 2]);
        let page = Page { cursor: Some(cursor), ..Page::default() };
        assert_eq!(page.after_number().unwrap(), Some(2));
        assert_eq!(next_cursor(&mut rows, 2, ToString::to_string), None);
    }

    #[test]
    fn limits_are_1_to_200() {
        for (text, good) in
            [("1", true), ("200", true), ("0", false), ("201", false), ("-1", false), ("x", false)]
        {
            let page = Page { limit: Some(text.into()), ..Page::default() };
            assert_eq!(page.limit().is_ok(), good, "{text}");
        }
    }
}
