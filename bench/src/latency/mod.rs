//! An agent's state change until its WebSocket frame and until its webhook: open loop at a fixed rate, with the cheapest
//! call there is and the disk's fdatasync beside it.

mod listeners;

use crate::client::Client;
use crate::disk;
use crate::percentiles::{Percentiles, percentiles};
use anyhow::{Context, Result};
use listeners::Arrivals;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server, on this machine, with its development admin.
    pub url: String,
    /// State changes a second.
    pub rate: u32,
    /// For how long.
    pub seconds: u32,
    /// A folder on the database's disk, whose fdatasync is told.
    pub disk: PathBuf,
}

/// How long things took.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// State changes a second.
    pub rate: u32,
    /// `GET /health/live` at that rate: the least that a call costs, timer included.
    pub baseline: Percentiles,
    /// Until the change was answered.
    pub answer: Percentiles,
    /// Until it was heard on a WebSocket.
    pub websocket: Percentiles,
    /// Until it was received as a webhook.
    pub webhook: Percentiles,
    /// A flushed overwrite of 4 KiB.
    pub fdatasync: Percentiles,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} state changes a second, each timed from the moment when it was due", self.rate)?;
        for (name, times) in [
            ("GET /health/live", &self.baseline),
            ("change → answer", &self.answer),
            ("change → WebSocket", &self.websocket),
            ("change → webhook receipt", &self.webhook),
            ("fdatasync of 4 KiB", &self.fdatasync),
        ] {
            writeln!(f, "{name:26} {times}")?;
        }
        Ok(())
    }
}

/// The first changes warm caches and connections up and do not count.
const WARM_UP: usize = 100;

/// Measures it all.
pub async fn run(options: &Options) -> Result<Report> {
    let fdatasync = disk::fdatasync(&options.disk).context("measuring fdatasync")?;
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
    Ok(Report {
        rate: options.rate,
        baseline: percentiles(baseline.iter().skip(WARM_UP).map(|((), due, answered)| *answered - *due)),
        answer: percentiles(posts.iter().skip(WARM_UP).map(|post| post.answered - post.due)),
        websocket: delays(&posts, &frames),
        webhook: delays(&posts, &hooks),
        fdatasync: percentiles(fdatasync.into_iter()),
    })
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

fn delays(posts: &[Post], arrivals: &Arrivals) -> Percentiles {
    let arrived: HashMap<i64, Instant> = arrivals.by_version();
    let delay = |post: &Post| arrived.get(&post.version).map(|at| at.saturating_duration_since(post.due));
    percentiles(posts.iter().skip(WARM_UP).filter_map(delay))
}
