//! The receiving end: one thread that answers 200 and counts what arrived, each event once an endpoint.

use super::message::{Marks, now_us};
use crate::cpu;
use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::collections::HashSet;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

/// How long nothing may arrive before the rest counts as lost.
const SILENCE: Duration = Duration::from_secs(30);

/// What has arrived of one run.
#[derive(Default)]
struct Arrived {
    run: u64,
    /// Endpoint and number; some 20 bytes each.
    seen: HashSet<(u32, u64)>,
    delays: Vec<Duration>,
    duplicates: u64,
}

/// A handle on the sink; its thread ends with the process.
#[derive(Clone)]
pub(super) struct Sink {
    pub(super) address: SocketAddr,
    thread: Option<PathBuf>,
    arrived: Arc<Mutex<Arrived>>,
    count: watch::Sender<usize>,
}

impl Sink {
    /// Starts to listen on loopback.
    pub(super) async fn start() -> Result<Self> {
        let (arrived, count) = (Arc::<Mutex<Arrived>>::default(), watch::Sender::new(0));
        let (listening, heard) = oneshot::channel();
        let (noting, counting) = (arrived.clone(), count.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
                let address = listener.as_ref().ok().and_then(|listener| listener.local_addr().ok());
                let _ = listening.send((address, cpu::this_thread()));
                if let Ok(listener) = listener {
                    accept(&listener, &noting, &counting).await;
                }
            });
        });
        let (address, thread) = heard.await?;
        Ok(Self {
            address: address.context("the receiver cannot listen on loopback")?,
            thread,
            arrived,
            count,
        })
    }

    /// CPU time used so far.
    pub(super) fn cpu(&self) -> Option<Duration> {
        self.thread.as_deref().and_then(cpu::of_thread)
    }

    /// Forgets what came and counts that run from now on.
    pub(super) fn begin(&self, run: u64) {
        *lock(&self.arrived) = Arrived { run, ..Arrived::default() };
        self.count.send_replace(0);
    }

    /// Returns once so many deliveries have arrived, or none has for long.
    pub(super) async fn wait_for(&self, deliveries: usize) {
        let mut count = self.count.subscribe();
        loop {
            let so_far = *count.borrow_and_update();
            // The sender lives as long as `self`.
            if so_far >= deliveries || timeout(SILENCE, count.changed()).await.is_err() {
                return;
            }
        }
    }

    /// How many have arrived.
    pub(super) fn received(&self) -> usize {
        lock(&self.arrived).seen.len()
    }

    /// How many came again.
    pub(super) fn duplicates(&self) -> u64 {
        lock(&self.arrived).duplicates
    }

    /// How long after they were due the events arrived.
    pub(super) fn delays(&self) -> Vec<Duration> {
        lock(&self.arrived).delays.clone()
    }
}

fn lock(arrived: &Mutex<Arrived>) -> MutexGuard<'_, Arrived> {
    arrived.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: &TcpListener, arrived: &Arc<Mutex<Arrived>>, count: &watch::Sender<usize>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let (arrived, count) = (arrived.clone(), count.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| receive(request, arrived.clone(), count.clone()));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn receive(
    request: Request<Incoming>,
    arrived: Arc<Mutex<Arrived>>,
    count: watch::Sender<usize>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let at = now_us();
    let endpoint = request.uri().path().rsplit('/').next().and_then(|last| last.parse().ok()).unwrap_or(0);
    if let Ok(body) = request.into_body().collect().await
        && let Some(marks) = std::str::from_utf8(&body.to_bytes()).ok().and_then(Marks::find)
    {
        note(&arrived, &count, endpoint, marks, at);
    }
    Ok(Response::new(Full::default()))
}

fn note(arrived: &Mutex<Arrived>, count: &watch::Sender<usize>, endpoint: u32, marks: Marks, at: u64) {
    let mut arrived = lock(arrived);
    if arrived.run != marks.run {
        return;
    }
    if arrived.seen.insert((endpoint, marks.number)) {
        arrived.delays.push(Duration::from_micros(at.saturating_sub(marks.due_us)));
        count.send_replace(arrived.seen.len());
    } else {
        arrived.duplicates += 1;
    }
}
