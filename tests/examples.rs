//! `examples/`: the scripted day of a call center, played against a real server, and the check of its statistics by the log.

use crate::harness::Server;
use crate::harness::exec::Ended;
use crate::harness::macros::on_both;
use crate::harness::process::{Dir, guarded, run};
use crate::quick_start::document::repository;

/// Runs a program of `examples/day`, which leaves nothing in the repository.
async fn python(dir: &Dir, program: &str, arguments: &[&str]) -> Ended {
    let mut command = guarded("python3");
    command.arg("-B").arg(repository().join("examples/day").join(program));
    command.args(arguments).current_dir(dir.path());
    run(command, "").await.into()
}

async fn day(server: &Server, dir: &Dir, agents: &str, calls: &str) -> Ended {
    let url = server.address.base();
    let played = python(dir, "day.py", &["--url", &url, "--agents", agents, "--calls", calls]).await;
    assert_eq!(played.code, Some(0), "{played:?}");
    played
}

async fn check(dir: &Dir, more: &[&str]) -> Ended {
    let mut arguments = vec!["--run", "day.json"];
    arguments.extend(more);
    python(dir, "check.py", &arguments).await
}

fn assert_equal(checked: &Ended) {
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.stdout.contains("All numbers are equal, and the log is in order."), "{checked:?}");
}

on_both! {
    async fn a_day_ends_with_the_statistics_that_its_log_comes_to(server) {
        let dir = Dir::new("day");
        let played = day(&server, &dir, "8", "60").await;
        assert!(played.stdout.contains("TEST_CLOCK is on"), "{played:?}");
        assert_equal(&check(&dir, &[]).await);

        let misled = check(&dir, &["--short-abandon", "3600"]).await;
        assert_eq!(misled.code, Some(1), "{misled:?}");
        assert!(misled.stdout.contains("DIFFERS"), "{misled:?}");
    }
}

#[tokio::test]
async fn a_day_is_played_without_a_clock_that_moves_too() {
    let (server, dir) = (Server::builder().without_env("TEST_CLOCK").start().await, Dir::new("day"));
    let played = day(&server, &dir, "4", "30").await;
    assert!(played.stdout.contains("No TEST_CLOCK"), "{played:?}");
    assert_equal(&check(&dir, &[]).await);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_one_line() {
    let dir = Dir::new("day");
    for [program, name, value] in [["day.py", "--email", "a@b.example"], ["check.py", "--key", "cck_none"]] {
        let ended = python(&dir, program, &["--url", "http://127.0.0.1:9", name, value]).await;
        assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1), "{ended:?}");
    }
}
