//! `GET /api/v1/event-types`

use crate::harness::macros::on_both;
use crate::harness::{Server, Value};

const TYPES: &str = "/api/v1/event-types";

on_both! {
    async fn everybody_reads_the_whole_catalogue(server) {
        let admin = server.admin().await;
        let all = admin.get(TYPES).await.expect(200);
        let all = all.data().as_array().expect("a list");
        let find = |name: &str| all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name}"));
        let changed = find("agent.state.changed");
        assert_eq!((&changed["durable"], &changed["audience"]["team"][0]), (&true.into(), &"tenant".into()));
        assert_eq!(find("queue.stats")["durable"], false);
        for event in all {
            let (properties, example) = (&event["schema"]["properties"], event["example"].as_object());
            for field in example.expect("an object").keys() {
                assert!(properties[field].is_object(), "{}: {field}", event["name"]);
            }
            let required = event["schema"]["required"].as_array().expect("a list");
            assert!(required.iter().all(|field| !event["example"][field.as_str().unwrap()].is_null()
                || properties[field.as_str().unwrap()]["type"].is_array()), "{event}");
            assert!(event["description"].as_str().is_some_and(|text| !text.is_empty()), "{event}");
        }
        let names: Vec<&Value> = all.iter().map(|event| &event["name"]).collect();
        let (kim, _) = server.user("kim@example.com", "agent").await;
        let (reader, _) = server.program(&admin, &["events:read"]).await;
        for client in [&kim, &reader] {
            let seen = client.get(TYPES).await.expect(200);
            assert!(seen.data().as_array().unwrap().iter().map(|event| &event["name"]).eq(names.iter().copied()));
        }
        let (writer, _) = server.program(&admin, &["events:write"]).await;
        writer.get(TYPES).await.assert_error(403);
        server.anonymous().get(TYPES).await.assert_error(401);
    }
}
