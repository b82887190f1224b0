//! `bench`: measures on this machine and prints a report. Uses none of this process's settings.

use crate::cli::Bench;
use crate::output;
use anyhow::Context as _;
use bench::{Server, latency, realtime, webhooks};
use serde::Serialize;
use std::fmt::Display;

/// Measures and prints.
pub async fn run(what: Bench) -> anyhow::Result<()> {
    match what {
        Bench::Webhooks { events, endpoints, publishers, rate, url, token, pid, folder, json } => {
            let server = match url {
                Some(url) => Server::running(&url, pid),
                None => {
                    let program = std::env::current_exe().context("finding this program")?;
                    Server::start(&program, &folder).await?
                }
            };
            let options = webhooks::Options { events, endpoints, publishers, rate, disk: folder, token };
            let report = webhooks::run(&server, &options).await;
            server.stop().await?;
            print(&report?, json.json)
        }
        Bench::Latency { url, rate, seconds, folder, json } => {
            let options = latency::Options { url, rate, seconds, disk: folder };
            print(&latency::run(&options).await?, json.json)
        }
        Bench::Realtime { url, connections, rate, together, calls, pid, json } => {
            let (connections, together) = (usize::try_from(connections)?, usize::try_from(together)?);
            let options =
                realtime::Options { url, connections, rate, together, calls: usize::try_from(calls)?, pid };
            print(&realtime::run(&options).await?, json.json)
        }
    }
}

fn print(report: &(impl Display + Serialize), json: bool) -> anyhow::Result<()> {
    if json { output::line(serde_json::to_string(report)?) } else { output::line(report) }
}
