//! What a webhook delivery costs: events published one by one to a server, which delivers them to a receiver on this
//! machine, beside a ceiling that signs and posts the same bodies straight to the receiver.

mod connection;
mod load;
mod message;
mod report;
mod sink;

use crate::percentiles::percentiles;
use crate::{Server, cpu, disk};
use anyhow::{Context, Result, bail};
use connection::Connection;
use hyper::Method;
use load::{Load, Target};
use report::Measured;
pub use report::{Ceiling, Delivered, Report};
use serde_json::{Value, json};
use sink::Sink;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// Events a measurement.
    pub events: u64,
    /// A measurement for each of these numbers of endpoints; every event goes to all of them.
    pub endpoints: Vec<u32>,
    /// Calls at a time.
    pub publishers: u64,
    /// Events a second for the latency; 0 leaves it out.
    pub rate: u32,
    /// A folder on the database's disk, whose fdatasync is told.
    pub disk: PathBuf,
    /// An admin's access token of the server; without one, that of the development admin is got.
    pub token: Option<String>,
}

/// Posts for the ceiling: about half a second's worth, fewer where few events are asked for.
const CEILING: RangeInclusive<u64> = 1_000..=50_000;
/// Events before each measurement: connections open, statements are prepared, the endpoint is known.
const WARM_UP: u64 = 500;
/// Seconds for which latency is measured.
const LATENCY_SECONDS: u32 = 10;

/// Measures it all.
pub async fn run(server: &Server, options: &Options) -> Result<Report> {
    let fdatasync = disk::fdatasync(&options.disk).context("measuring fdatasync")?;
    let sink = Sink::start().await?;
    let mut bench = Bench {
        server,
        options,
        sink,
        connection: Connection::to(&server.url)?,
        runs: 0,
        token: String::new(),
    };
    bench.token = bench.token().await?;
    let mut report = Report {
        events: options.events,
        publishers: options.publishers,
        payload_bytes: message::PAYLOAD,
        ceiling: bench.ceiling().await?,
        delivered: Vec::new(),
        latency_rate: options.rate,
        latency: None,
        fdatasync: percentiles(fdatasync.into_iter()),
        peak_memory_mib: BTreeMap::new(),
    };
    for endpoints in &options.endpoints {
        let webhooks = bench.create_webhooks(*endpoints).await?;
        let measured = bench.measure(*endpoints, &mut report).await;
        bench.delete_webhooks(&webhooks).await?;
        measured?;
    }
    for (name, pid) in &server.processes {
        let mib = cpu::peak_memory(*pid).map(|bytes| bytes >> 20);
        report.peak_memory_mib.extend(mib.map(|mib| (name.clone(), mib)));
    }
    Ok(report)
}

struct Bench<'a> {
    server: &'a Server,
    options: &'a Options,
    sink: Sink,
    connection: Connection,
    runs: u64,
    token: String,
}

impl Bench<'_> {
    async fn token(&mut self) -> Result<String> {
        if let Some(token) = &self.options.token {
            return Ok(token.clone());
        }
        let body = json!({ "email": "admin@example.com", "password": "password" }).to_string();
        let answer = self.connection.call(Method::POST, "/api/v1/auth/login", "", body.into()).await;
        let answer: Value = serde_json::from_slice(&answer.context("logging in as the development admin")?)?;
        Ok(answer["data"]["access_token"].as_str().context("the log-in gave no token")?.to_owned())
    }

    /// Distinct from every other run, of other processes too.
    fn next_run(&mut self) -> u64 {
        self.runs += 1;
        u64::from(std::process::id()) << 32 | self.runs
    }

    async fn ceiling(&mut self) -> Result<Ceiling> {
        let run = self.next_run();
        self.sink.begin(run);
        let url = format!("http://{}", self.sink.address);
        let messages = (10 * self.options.events).clamp(*CEILING.start(), *CEILING.end());
        let load = Load {
            target: Target::Receiver { url },
            run,
            messages,
            connections: self.options.publishers,
            rate: None,
        };
        let sent = load::send(load).await.context("measuring the ceiling")?;
        Ok(Ceiling::new(messages, sent.took, sent.cpu))
    }

    async fn create_webhooks(&mut self, endpoints: u32) -> Result<Vec<i64>> {
        let mut ids = Vec::new();
        for endpoint in 0..endpoints {
            let url = format!("http://{}/hook/{endpoint}", self.sink.address);
            let body = json!({ "url": url, "events": [message::EVENT] }).to_string();
            let answer =
                self.connection.call(Method::POST, "/api/v1/webhooks", &self.token, body.into()).await;
            let answer: Value = serde_json::from_slice(&answer.context("creating a webhook")?)?;
            ids.push(answer["data"]["id"].as_i64().context("a webhook without an id")?);
        }
        Ok(ids)
    }

    async fn delete_webhooks(&mut self, ids: &[i64]) -> Result<()> {
        for id in ids {
            let path = format!("/api/v1/webhooks/{id}");
            let answer = self.connection.call(Method::DELETE, &path, &self.token, bytes::Bytes::new()).await;
            answer.context("deleting a webhook")?;
        }
        Ok(())
    }

    async fn measure(&mut self, endpoints: u32, report: &mut Report) -> Result<()> {
        self.publish(WARM_UP, None, endpoints).await?;
        let (sink, before) = (self.sink.cpu(), self.cpu());
        let started = Instant::now();
        self.publish(self.options.events, None, endpoints).await?;
        let took = started.elapsed();
        let by_process = self.cpu().into_iter().map(|(name, after)| {
            let used = used(before.get(&name).copied().flatten(), after);
            (name, used)
        });
        let measured = Measured {
            endpoints,
            events: self.options.events,
            took,
            cpu: by_process.collect(),
            receiver_cpu: used(sink, self.sink.cpu()),
            duplicates: self.sink.duplicates(),
        };
        report.delivered.push(Delivered::new(measured, &report.ceiling));
        if endpoints == 1 && self.options.rate > 0 {
            let rate = self.options.rate;
            self.publish(u64::from(rate * LATENCY_SECONDS), Some(rate), endpoints).await?;
            report.latency = Some(percentiles(self.sink.delays().into_iter()));
        }
        Ok(())
    }

    fn cpu(&self) -> BTreeMap<String, Option<Duration>> {
        self.server.processes.iter().map(|(name, pid)| (name.clone(), cpu::of_tree(*pid))).collect()
    }

    /// Publishes and waits until all has arrived.
    async fn publish(&mut self, messages: u64, rate: Option<u32>, endpoints: u32) -> Result<()> {
        let run = self.next_run();
        self.sink.begin(run);
        let target = Target::Server { url: self.server.url.clone(), token: self.token.clone() };
        let connections = self.options.publishers;
        load::send(Load { target, run, messages, connections, rate }).await.context("publishing")?;
        let expected = usize::try_from(messages * u64::from(endpoints))?;
        self.sink.wait_for(expected).await;
        let received = self.sink.received();
        if received < expected {
            bail!("{received} of {expected} deliveries arrived, and no more for 30 s");
        }
        Ok(())
    }
}

/// What was used between two looks.
fn used(before: Option<Duration>, after: Option<Duration>) -> Option<Duration> {
    after.zip(before).map(|(after, before)| after.saturating_sub(before))
}
