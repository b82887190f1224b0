//! Measures a running server from the outside: fan-out to many WebSockets, or an agent's state change until its WebSocket frame and until its webhook,
//! open loop at a fixed rate, with the disk's fdatasync beside it. Knows nothing of the server's crates.

mod client;
mod disk;
mod listeners;
mod percentiles;
mod realtime;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use client::Client;
use listeners::Arrivals;
use percentiles::summary;
use serde_json::json;
use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

#[derive(Parser)]
struct Arguments {
    /// Without one: latency.
    #[command(subcommand)]
    load: Option<Load>,
    #[command(flatten)]
    latency: Options,
}

#[derive(Subcommand)]
enum Load {
    /// Events to many WebSockets.
    Realtime(realtime::Options),
}

/// POST /agent-state/me → WebSocket and → webhook, at a fixed rate. Start the server with RATE_LIMIT_API=off.
#[derive(clap::Args)]
struct Options {
    /// The server, on this machine.
    #[arg(long, default_value = "http://127.0.0.1:8000")]
    url: String,
    /// State changes a second.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// For how long.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// A folder on the database's disk, to measure its fdatasync.
    #[arg(long, default_value = ".")]
    disk: PathBuf,
}

/// The first changes warm caches and connections up and do not count.
const WARM_UP: usize = 100;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let report = match &arguments.load {
        Some(Load::Realtime(options)) => realtime::run(options).await?,
        None => latency(&arguments.latency).await?,
    };
    writeln!(std::io::stdout(), "{report:#}")?;
    Ok(())
}

async fn latency(options: &Options) -> Result<serde_json::Value> {
    let before = disk::fdatasync(&options.disk).context("measuring fdatasync")?;
    let client = Client::log_in(&options.url).await.context("logging in")?;
    let frames =
        listeners::web_socket(&options.url, &client.token).await.context("connecting the WebSocket")?;
    let (address, hooks) = listeners::webhook_sink().await?;
    client.create_webhook(&format!("http://{address}/")).await.context("creating the webhook")?;
    let baseline = paced(options, |_| {
        let client = client.clone();
        async move { client.live().await }
    });
    let baseline = baseline.await?;
    let posts = drive(&client, options).await?;
    timeout(Duration::from_secs(10), async {
        frames.wait_for(posts.len()).await;
        hooks.wait_for(posts.len()).await;
    })
    .await
    .context("not every event arrived")?;
    let after = disk::fdatasync(&options.disk).context("measuring fdatasync")?;
    Ok(json!({
        "rate_per_second": options.rate,
        "changes": posts.len() - WARM_UP,
        "baseline_answer": summary(baseline.iter().skip(WARM_UP).map(|((), due, answered)| *answered - *due)),
        "post_answer": summary(posts.iter().skip(WARM_UP).map(|post| post.answered - post.due)),
        "post_to_websocket": delays(&posts, &frames),
        "post_to_webhook": delays(&posts, &hooks),
        "fdatasync_before": summary(before.into_iter()),
        "fdatasync_after": summary(after.into_iter()),
    }))
}

struct Post {
    version: i64,
    due: Instant,
    answered: Instant,
}

/// Changes the state at the times when changes are due.
async fn drive(client: &Client, options: &Options) -> Result<Vec<Post>> {
    let changes = paced(options, |number| {
        let client = client.clone();
        async move { client.change_state(&format!("n{number}")).await }
    });
    let post = |(version, due, answered)| Post { version, due, answered };
    Ok(changes.await?.into_iter().map(post).collect())
}

/// Makes calls at the times when they are due, whether or not earlier ones were answered; gives each with its times.
async fn paced<T, F>(options: &Options, call: impl Fn(usize) -> F) -> Result<Vec<(T, Instant, Instant)>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let total = usize::try_from(options.rate * options.seconds)? + WARM_UP;
    let mut ticks = interval(Duration::from_secs(1) / options.rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut running = JoinSet::new();
    for number in 0..total {
        let due = ticks.tick().await;
        let call = call(number);
        running.spawn(async move { Ok((call.await?, due, Instant::now())) });
    }
    let mut calls = running.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    calls.sort_by_key(|(_, due, _)| *due);
    Ok(calls)
}

fn delays(posts: &[Post], arrivals: &Arrivals) -> serde_json::Value {
    let arrived: HashMap<i64, Instant> = arrivals.by_version();
    let delay = |post: &Post| arrived.get(&post.version).map(|at| at.saturating_duration_since(post.due));
    summary(posts.iter().skip(WARM_UP).filter_map(delay))
}
