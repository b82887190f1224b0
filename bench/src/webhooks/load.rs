//! The sending end: what publishes events to the server, and what posts the same bodies to the receiver without any server
//! in between. One thread, as many connections as asked for.

use super::connection::Connection;
use super::message::{EVENT, Marks, now_us};
use crate::cpu;
use anyhow::{Result, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use hyper::Method;
use sha2::Sha256;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Where the messages of a run go.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// `POST /api/v1/events` of the server at `url`, one event a call.
    Server { url: String, token: String },
    /// Signed, to that URL of the receiver: the least that delivering can cost.
    Receiver { url: String },
}

/// What is sent.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) target: Target,
    pub(super) run: u64,
    pub(super) messages: u64,
    pub(super) connections: u64,
    /// Messages a second; none for as fast as they are taken.
    pub(super) rate: Option<u32>,
}

/// How it went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) took: Duration,
    /// CPU time of the sending thread.
    pub(super) cpu: Option<Duration>,
}

/// Sends it all, from a thread of its own, so that its CPU time is known.
pub(super) async fn send(load: Load) -> Result<Sent> {
    tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (started, before) = (Instant::now(), cpu::of_this_thread());
        runtime.block_on(send_all(load))?;
        let cpu = cpu::of_this_thread().zip(before).map(|(after, before)| after.saturating_sub(before));
        Ok(Sent { took: started.elapsed(), cpu })
    })
    .await?
}

async fn send_all(load: Load) -> Result<()> {
    let next = Arc::new(AtomicU64::new(0));
    let started = (Instant::now(), now_us());
    let mut senders = JoinSet::new();
    for _ in 0..load.connections {
        senders.spawn(one_sender(load.clone(), next.clone(), started));
    }
    while let Some(ended) = senders.join_next().await {
        ended??;
    }
    Ok(())
}

async fn one_sender(load: Load, next: Arc<AtomicU64>, started: (Instant, u64)) -> Result<()> {
    let url = match &load.target {
        Target::Server { url, .. } | Target::Receiver { url } => url,
    };
    let mut connection = Connection::to(url)?;
    loop {
        let number = next.fetch_add(1, Relaxed);
        if number >= load.messages {
            return Ok(());
        }
        let due_us = due(&load, number, started).await;
        let marks = Marks { run: load.run, number, due_us };
        match &load.target {
            Target::Server { token, .. } => {
                let body = format!(r#"{{"type":"{EVENT}","payload":{}}}"#, marks.payload());
                connection.call(Method::POST, "/api/v1/events", token, body.into()).await?;
            }
            Target::Receiver { .. } => post_signed(&mut connection, marks).await?,
        }
    }
}

/// Waits until the message is due and gives that moment. With a rate the clock starts when it was due, not when it got its
/// turn, so that a server that falls behind does not make its own figures look better.
async fn due(load: &Load, number: u64, (started, started_us): (Instant, u64)) -> u64 {
    let Some(rate) = load.rate else { return now_us() };
    let offset_us = number * 1_000_000 / u64::from(rate);
    tokio::time::sleep_until(started + Duration::from_micros(offset_us)).await;
    started_us + offset_us
}

/// What every engine must do for a delivery, and no more: one HMAC over id, time and body, one request.
async fn post_signed(connection: &mut Connection, marks: Marks) -> Result<()> {
    let body = Bytes::from(marks.payload());
    let id = format!("msg_{}_{}", marks.run, marks.number);
    let seconds = (marks.due_us / 1_000_000).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"bench")?;
    for part in [id.as_bytes(), b".", seconds.as_bytes(), b".", &body] {
        mac.update(part);
    }
    let signature = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    let headers =
        [("webhook-id", &*id), ("webhook-timestamp", &*seconds), ("webhook-signature", &*signature)];
    let (status, _) = connection.send(Method::POST, "/hook/0", &headers, body).await?;
    if !status.is_success() {
        bail!("the receiver answered {status}");
    }
    Ok(())
}
