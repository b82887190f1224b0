//! Fan-out: many WebSockets, events published at a fixed rate, each delivery checked and timed. The clients run in this
//! process, so that the server's own share is read from `/proc`. Knows nothing of the server's crates.

use crate::client::Client;
use crate::percentiles::summary;
use anyhow::{Context, Result, ensure};
use clap::Args;
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// Start the server with `RATE_LIMIT_API=off WS_MAX_CONNECTIONS_PER_USER=100000`.
#[derive(Args)]
pub struct Options {
    /// The server, on this machine.
    #[arg(long, default_value = "http://127.0.0.1:8000")]
    url: String,
    /// WebSockets that listen.
    #[arg(long, default_value_t = 1000)]
    connections: usize,
    /// Events a second.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// Events in one call; they go out together.
    #[arg(long, default_value_t = 1)]
    together: usize,
    /// Calls.
    #[arg(long, default_value_t = 300)]
    calls: usize,
    /// The server's process, to read its CPU time and memory.
    #[arg(long)]
    pid: Option<u32>,
}

/// How long the last deliveries may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Kernel ticks a second in `/proc/PID/stat`.
const TICKS: f64 = 100.0;

/// Runs it and gives the report.
pub async fn run(options: &Options) -> Result<Value> {
    let publisher = Client::log_in(&options.url).await.context("logging in")?;
    let before = resident_bytes(options.pid)?;
    let (began, expected) = (Instant::now(), options.calls * options.together);
    let faults = Arc::new(AtomicU64::new(0));
    let mut listeners = JoinSet::new();
    for _ in 0..options.connections {
        let socket = connect(&options.url, &publisher.token).await?;
        listeners.spawn(listen(socket, expected, began, Arc::clone(&faults)));
    }
    sleep(Duration::from_secs(2)).await;
    let idle = resident_bytes(options.pid)?;
    let cpu_before = cpu_seconds(options.pid)?;
    publish(&publisher, options, began).await?;
    let delays = timeout(PATIENCE, listeners.join_all()).await.context("not every event arrived")?;
    let cpu = cpu_seconds(options.pid)? - cpu_before;
    let deliveries = delays.iter().map(Vec::len).sum::<usize>();
    Ok(json!({
        "connections": options.connections,
        "deliveries": deliveries,
        "lost_or_out_of_order": faults.load(Ordering::Relaxed),
        "publish_to_delivery": summary(delays.into_iter().flatten()),
        "server_cpu_s_per_million": options.pid.map(|_| cpu * 1e6 / deliveries.max(1) as f64),
        "idle_bytes_per_connection": options.pid.map(|_| idle.saturating_sub(before) / options.connections.max(1) as u64),
    }))
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
    ensure!(options.rate > 0, "--rate must be above 0");
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

/// User and system time of the process so far.
fn cpu_seconds(pid: Option<u32>) -> Result<f64> {
    let Some(pid) = pid else { return Ok(0.0) };
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    Ok((ticks(11) + ticks(12)) / TICKS)
}

fn resident_bytes(pid: Option<u32>) -> Result<u64> {
    let Some(pid) = pid else { return Ok(0) };
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    Ok(line.split_whitespace().next().unwrap_or("0").parse::<u64>()? * 1024)
}
