//! Lists of calls, read page by page.

use super::{CALLS, Center, queue};
use crate::harness::macros::on_both;
use crate::harness::paging::{each, one_by_one};
use crate::harness::{Server, json};

on_both! {
    async fn a_page_at_a_time_shows_each_call_once_whatever_is_asked_for(server) {
        let center = Center::open(&server).await;
        let other = queue(&center.admin, "Other", 0, &[]).await;
        // Every other one goes on, and every third is with Lee or waits elsewhere.
        for number in 0..12 {
            let id = format!("c{number:02}");
            let queue = if number % 3 == 0 { &other } else { &center.queue };
            let body = json!({
                "id": id, "direction": "inbound", "queue_id": queue, "from": { "number": "1" }, "to": { "number": "2" },
            });
            center.pbx.post(CALLS, body).await.expect(201);
            let user = if number % 3 == 1 { &center.lee_id } else { &center.kim_id };
            center.of(user, &id, "ring").await.expect(200);
            if number % 2 == 0 {
                center.report(&id, "end", json!({ "ended_by": "customer" })).await.expect(200);
            }
        }
        let all: Vec<String> = (0..12).rev().map(|number| format!("c{number:02}")).collect();
        let ids = |keep: &dyn Fn(usize) -> bool| -> Vec<String> {
            all.iter().filter(|id| keep(id[1..].parse().unwrap())).cloned().collect()
        };
        let expected = [
            (String::new(), all.clone()),
            ("?active=true".to_owned(), ids(&|number| number % 2 == 1)),
            ("?active=false".to_owned(), ids(&|number| number % 2 == 0)),
            (format!("?queue_id={other}"), ids(&|number| number % 3 == 0)),
            (format!("?user_id={}", center.lee_id), ids(&|number| number % 3 == 1)),
            (format!("?user_id={}&active=true", center.lee_id), ids(&|number| number % 6 == 1)),
            (format!("?queue_id={other}&active=false"), ids(&|number| number % 6 == 0)),
        ];
        // As they came, and all of the same moment: then their ids tell which comes first.
        for moment in ["", "2026-01-01T00:00:00Z"] {
            if !moment.is_empty() {
                server.sql("UPDATE calls SET started_at = 1767225600000; UPDATE call_legs SET started_at = 1767225600000;").await;
            }
            for (query, expected) in &expected {
                let found = one_by_one(&center.pbx, &format!("{CALLS}{query}")).await;
                assert_eq!(&each(&found, "id"), expected, "{query} {moment}");
                let whole = center.pbx.get(&format!("{CALLS}{query}")).await.expect(200);
                assert_eq!(&each(whole.data().as_array().unwrap(), "id"), expected, "{query} {moment}");
            }
        }
        let since = one_by_one(&center.pbx, &format!("{CALLS}?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00.001Z")).await;
        assert_eq!(each(&since, "id"), all);
        assert_eq!(one_by_one(&center.pbx, &format!("{CALLS}?to=2026-01-01T00:00:00Z")).await, [json!(null); 0]);
    }
}
