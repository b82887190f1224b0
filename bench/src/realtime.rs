//! Fan-out: many WebSockets, events published at a fixed rate, each delivery checked and timed. The clients run in this
//! process, so that the server's own share is read from `/proc`. Knows nothing of the server's crates.

use crate::client::Client;
use crate::cpu;
use crate::percentiles::{Percentiles, percentiles};
use anyhow::{Context, Result};
use futures_util::StreamExt;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server, on this machine, with its development admin.
    pub url: String,
    /// WebSockets that listen.
    pub connections: usize,
    /// Calls a second; above 0.
    pub rate: u32,
    /// Events in one call; they go out together.
    pub together: usize,
    /// Calls.
    pub calls: usize,
    /// The server's process, to read its CPU time and memory.
    pub pid: Option<u32>,
}

/// What it cost.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// WebSockets that listened.
    pub connections: usize,
    /// Frames that arrived.
    pub deliveries: usize,
    /// Frames that did not follow the one before.
    pub lost_or_out_of_order: u64,
    /// From publishing to each arrival.
    pub publish_to_delivery: Percentiles,
    /// The server's CPU time for each delivery; none if its process is not known.
    pub cpu_us_per_delivery: Option<f64>,
    /// What its memory grew by for each connection.
    pub idle_bytes_per_connection: Option<u64>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, deliveries, lost_or_out_of_order, .. } = self;
        writeln!(
            f,
            "{deliveries} deliveries to {connections} WebSockets, {lost_or_out_of_order} lost or out of order"
        )?;
        writeln!(f, "from publishing to delivery: {}", self.publish_to_delivery)?;
        if let Some(us) = self.cpu_us_per_delivery {
            writeln!(f, "CPU of the server: {us:.2} µs a delivery")?;
        }
        if let Some(bytes) = self.idle_bytes_per_connection {
            writeln!(f, "memory of the server: {bytes} bytes an idle connection")?;
        }
        Ok(())
    }
}

/// How long the last deliveries may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long connections are idle before the server's memory is looked at.
const IDLE: Duration = Duration::from_secs(2);

/// Runs it and gives the report.
pub async fn run(options: &Options) -> Result<Report> {
    let publisher = Client::log_in(&options.url).await.context("logging in")?;
    let resident = || options.pid.and_then(cpu::resident_memory);
    let used = || options.pid.and_then(cpu::of_tree);
    let before = resident();
    let (began, expected) = (Instant::now(), options.calls * options.together);
    let faults = Arc::new(AtomicU64::new(0));
    let mut listeners = JoinSet::new();
    for _ in 0..options.connections {
        let socket = connect(&options.url, &publisher.token).await?;
        listeners.spawn(listen(socket, expected, began, Arc::clone(&faults)));
    }
    sleep(IDLE).await;
    let grown = resident().zip(before).map(|(after, before)| after.saturating_sub(before));
    let cpu_before = used();
    publish(&publisher, options, began).await?;
    let delays = timeout(PATIENCE, listeners.join_all()).await.context("not every event arrived")?;
    let cpu = used().zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
    let deliveries = delays.iter().map(Vec::len).sum::<usize>();
    Ok(Report {
        connections: options.connections,
        deliveries,
        lost_or_out_of_order: faults.load(Ordering::Relaxed),
        publish_to_delivery: percentiles(delays.into_iter().flatten()),
        cpu_us_per_delivery: cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / deliveries.max(1) as f64),
        idle_bytes_per_connection: grown.map(|bytes| bytes / options.connections.max(1) as u64),
    })
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn connect(url: &str, token: &str) -> Result<Socket> {
    let mut request = format!("{}/ws", url.replacen("http", "ws", 1)).into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
    let (mut socket, _) = connect_async(request).await?;
    socket.next().await.context("no first frame")??;
    Ok(socket)
}

/// The delays of all events that were published, in order; faults are counted.
async fn listen(
    mut socket: Socket,
    expected: usize,
    began: Instant,
    faults: Arc<AtomicU64>,
) -> Vec<Duration> {
    let (mut delays, mut last) = (Vec::with_capacity(expected), None);
    while delays.len() < expected {
        let Some(Ok(message)) = socket.next().await else { break };
        let now = began.elapsed();
        let Ok(frame) = serde_json::from_slice::<Value>(&message.into_data()) else { continue };
        let Some(sent) = frame["payload"]["sent_us"].as_u64() else { continue };
        let seq = frame["seq"].as_i64().unwrap_or_default();
        if last.is_some_and(|last| seq != last + 1) {
            faults.fetch_add(1, Ordering::Relaxed);
        }
        last = Some(seq);
        delays.push(now.saturating_sub(Duration::from_micros(sent)));
    }
    delays
}

async fn publish(publisher: &Client, options: &Options, began: Instant) -> Result<()> {
    let mut ticks = interval(Duration::from_secs(1) / options.rate);
    for _ in 0..options.calls {
        ticks.tick().await;
        let sent = u64::try_from(began.elapsed().as_micros())?;
        let payload = json!({ "sent_us": sent, "text": "x".repeat(150) });
        let event = json!({ "type": "bench.event", "payload": payload });
        publisher.publish(&Value::Array(vec![event; options.together])).await?;
    }
    Ok(())
}
