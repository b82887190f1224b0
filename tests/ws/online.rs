//! `/api/v1/ws/users/online`, page by page.

use crate::harness::macros::on_both;
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Server, Value};

const ONLINE: &str = "/api/v1/ws/users/online";

on_both! {
    async fn online_users_are_listed_page_by_page(server) {
        let admin = server.admin().await;
        let (mut ids, mut open) = (Vec::new(), Vec::new());
        for name in ["a", "b", "c"] {
            let (user, id) = server.user(&format!("{name}@example.com"), "agent").await;
            open.push(Ws::connect(&server, &user).await);
            ids.push(id);
        }
        ids.sort_unstable();
        eventually("all to be online", async || {
            (admin.get(ONLINE).await.expect(200).data().as_array()?.len() == 3).then_some(())
        })
        .await;
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        for at in 0..3 {
            let page = admin.get(&format!("{ONLINE}?limit=1{cursor}")).await.expect(200);
            let users = page.data().as_array().expect("a list");
            assert_eq!(users.len(), 1, "{}", page.text);
            seen.push(users[0]["user_id"].as_str().expect("an id").to_owned());
            let next = &page.body["meta"]["next_cursor"];
            assert_eq!(next == &Value::Null, at == 2, "{}", page.text);
            cursor = format!("&cursor={}", next.as_str().unwrap_or_default());
        }
        assert_eq!(seen, ids);
        for bad in ["limit=0", "limit=201", "limit=x"] {
            admin.get(&format!("{ONLINE}?{bad}")).await.assert_error(400).names("limit");
        }
        admin.get(&format!("{ONLINE}?cursor=%25")).await.assert_error(400).names("cursor");
    }
}
