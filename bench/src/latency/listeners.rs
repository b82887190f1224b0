//! The two ends of an event: a WebSocket and a webhook receiver. Both note when each version of the agent arrived.

use anyhow::Result;
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// When each version arrived first.
#[derive(Clone)]
pub struct Arrivals {
    seen: Arc<Mutex<HashMap<i64, Instant>>>,
    count: watch::Sender<usize>,
}

impl Arrivals {
    fn new() -> Self {
        Self { seen: Arc::default(), count: watch::Sender::new(0) }
    }

    fn note(&self, payload: &Value, at: Instant) {
        let Some(version) = payload["version"].as_i64() else { return };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry(version).or_insert(at);
        self.count.send_replace(seen.len());
    }

    /// Returns once so many versions have arrived.
    pub async fn wait_for(&self, versions: usize) {
        // The sender lives as long as `self`, so this cannot fail.
        let _ = self.count.subscribe().wait_for(|count| *count >= versions).await;
    }

    /// All arrivals.
    pub fn by_version(&self) -> HashMap<i64, Instant> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Listens to `/ws`.
pub async fn web_socket(url: &str, token: &str) -> Result<Arrivals> {
    let mut request = format!("{}/ws", url.replacen("http", "ws", 1)).into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
    let (mut socket, _) = connect_async(request).await?;
    let arrivals = Arrivals::new();
    let noting = arrivals.clone();
    // The first frame says that the connection is in place.
    socket.next().await;
    tokio::spawn(async move {
        while let Some(Ok(message)) = socket.next().await {
            let at = Instant::now();
            let Ok(text) = message.into_text() else { continue };
            let frame: Value = serde_json::from_str(&text).unwrap_or_default();
            if frame["type"] == "agent.state.changed" {
                noting.note(&frame["payload"], at);
            }
        }
    });
    Ok(arrivals)
}

/// Receives webhooks on loopback.
pub async fn webhook_sink() -> Result<(SocketAddr, Arrivals)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let arrivals = Arrivals::new();
    let noting = arrivals.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let noting = noting.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| receive(request, noting.clone()));
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok((address, arrivals))
}

async fn receive(request: Request<Incoming>, noting: Arrivals) -> Result<Response<Full<Bytes>>, Infallible> {
    let at = Instant::now();
    if let Ok(body) = request.into_body().collect().await {
        let body: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
        noting.note(&body["data"], at);
    }
    Ok(Response::new(Full::new(Bytes::new())))
}
