//! Reading lists to their end.

use super::{Client, Value};

/// More entries than any test makes: a list that never ends is one that repeats itself.
const MANY: usize = 1000;

/// What a list holds, read with one entry a page. `path` may have a query.
pub async fn one_by_one(client: &Client, path: &str) -> Vec<Value> {
    let first = format!("{path}{}limit=1", if path.contains('?') { '&' } else { '?' });
    let (mut all, mut next) = (Vec::new(), Some(first.clone()));
    while let Some(path) = next.take() {
        let page = client.get(&path).await.expect(200);
        let entries = page.data().as_array().expect("a list");
        let cursor = page.body["meta"]["next_cursor"].as_str();
        assert!(entries.len() == 1 || (cursor.is_none() && all.is_empty()), "{path}: {}", page.text);
        all.extend(entries.iter().cloned());
        assert!(all.len() <= MANY, "{path} goes on and on");
        next = cursor.map(|cursor| format!("{first}&cursor={cursor}"));
    }
    all
}

/// This text of each entry.
pub fn each(entries: &[Value], field: &str) -> Vec<String> {
    entries.iter().map(|entry| entry[field].as_str().expect("a text").to_owned()).collect()
}
