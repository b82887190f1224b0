//! `docs/calls.md`: its first call, run as it stands there, prints what it says.

use crate::harness::macros::on_both;
use crate::harness::process::Dir;
use crate::harness::{Server, Value, json};
use crate::quick_start::document::{Document, put};
use crate::quick_start::terminal::Terminal;

const FIRST_CALL: &str = "A first call";

/// Each JSON value of a text, with lengths of time that are not the reader's.
fn timeless(text: &str) -> Vec<Value> {
    let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut values: Vec<Value> =
        values.map(|value| value.unwrap_or_else(|error| panic!("{error}: {text}"))).collect();
    for fields in values.iter_mut().filter_map(Value::as_object_mut) {
        for (name, value) in fields.iter_mut().filter(|(name, _)| name.ends_with("_seconds")) {
            assert!(value.is_number(), "{name}: {text}");
            *value = json!("a number");
        }
    }
    values
}

on_both! {
    async fn the_first_call_of_the_guide_goes_as_it_says(server) {
        let mut document = Document::open("docs/calls.md");
        let dir = Dir::new("guide");
        let mut terminal = Terminal::open(dir.path()).await;
        for (at, waits) in [(0, false), (1, false), (2, true), (3, false)] {
            let mut block = document.next(FIRST_CALL, "bash");
            if at == 0 {
                block = put(&block, "http://localhost:8000", &server.address.base());
            }
            if waits {
                // The agent talks no longer than that.
                block = put(&block, "; sleep ", "; : ");
            }
            let printed = terminal.run(&block).await;
            let said = document.next(FIRST_CALL, "json");
            assert_eq!(timeless(&printed), timeless(&said), "after\n{block}");
        }
        document.assert_at_the_end();
    }
}
