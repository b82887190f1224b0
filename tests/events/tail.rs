//! `callcenter events tail` beside a running server.

use super::{event, names, publish};
use crate::harness::macros::on_both;
use crate::harness::process::Process;
use crate::harness::wait::eventually;
use crate::harness::{Server, Value, json};

/// The lines so far, once there are that many.
async fn lines(tail: &Process, count: usize) -> Vec<Value> {
    let lines = eventually(&format!("{count} lines"), async || {
        Some(tail.lines()).filter(|lines| lines.len() >= count)
    })
    .await;
    lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

on_both! {
    async fn it_begins_behind_a_number_and_follows(server) {
        let admin = server.admin().await;
        publish(&admin, json!([event("1"), event("2"), event("3")])).await;
        let arguments = ["events", "tail", "--tenant", "tenant-123", "--after", "1", "--follow"];
        let mut tail = server.spawn_cli(&arguments);
        assert_eq!(names(&lines(&tail, 2).await), ["2", "3"]);
        publish(&admin, event("4")).await;
        assert_eq!(names(&lines(&tail, 3).await), ["2", "3", "4"]);
        assert!(tail.exited().is_none(), "it goes on");
        server.restart().await;
        publish(&admin, event("5")).await;
        let last = lines(&tail, 4).await.pop().expect("a line");
        assert_eq!((&last["seq"], &last["type"]), (&json!(5), &json!("order.paid")));
        tail.kill_9();
    }

    async fn without_follow_it_ends_and_wrong_arguments_are_refused(server) {
        let admin = server.admin().await;
        publish(&admin, json!([event("1"), event("2")])).await;
        let tail = async |more: &[&'static str]| {
            server.cli(&[&["events", "tail", "--tenant", "tenant-123"], more].concat()).await
        };
        let ended = tail(&["--after", "1"]).await;
        assert_eq!((ended.code, ended.stdout.lines().count()), (Some(0), 1), "{ended:?}");
        assert_eq!(tail(&["--after", "9"]).await.stdout, "");
        assert_eq!(tail(&["--after", "x"]).await.code, Some(2));
        assert_eq!(server.cli(&["events", "tail"]).await.code, Some(2));
        assert_eq!(server.cli(&["events", "tail", "--tenant", "nobody"]).await.code, Some(1));
    }
}
