//! Accepts connections and serves each: HTTP/1.1 with upgrades, HTTP/2 under TLS. Knows nothing of what is served.

use super::tls::Certificates;
use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tracing::{debug, warn};

/// How long a connection may take to send the head of its next request, waiting for it included: longer than the 60 s for
/// which balancers keep an idle connection, or they would use one that is just being closed.
const HEAD_WITHIN: Duration = Duration::from_secs(75);
/// How long a handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of a request's head at most, and of the buffer that it is read into.
const HEAD_BYTES: u32 = 32 * 1024;
const BUFFER_BYTES: usize = 64 * 1024;
const HEADERS: usize = 100;
/// Requests that one HTTP/2 connection has open at a time.
const STREAMS: u32 = 200;
/// An HTTP/2 peer that has gone silent is asked this often, and given up if it does not answer.
const H2_PING_EVERY: Duration = Duration::from_secs(30);
/// The pause after a failed accept, which is nearly always for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A server that accepts.
pub struct HttpServer {
    stop_accepting: CancellationToken,
    accepting: JoinHandle<GracefulShutdown>,
}

/// What every connection needs.
struct Shared {
    router: Router,
    tls: Option<Arc<Certificates>>,
    stopping: CancellationToken,
}

impl HttpServer {
    /// Begins to accept, `most` connections at a time; upgraded ones no longer count.
    pub fn start(listener: TcpListener, tls: Option<Arc<Certificates>>, router: Router, most: usize) -> Self {
        let stopping = CancellationToken::new();
        let shared = Arc::new(Shared { router, tls, stopping: stopping.clone() });
        let accepting = tokio::spawn(accept(listener, shared, Arc::new(Semaphore::new(most))));
        Self { stop_accepting: stopping, accepting }
    }

    /// Closes the listener; connections that are open stay usable.
    pub fn stop_accepting(&self) {
        self.stop_accepting.cancel();
    }

    /// Closes idle connections, lets requests in progress finish, and returns when none is left or time is up.
    pub async fn finish(self, within: Duration) {
        self.stop_accepting.cancel();
        if let Ok(connections) = self.accepting.await {
            let open = connections.count();
            if tokio::time::timeout(within, connections.shutdown()).await.is_err() {
                debug!(open, "Some connections did not end in time");
            }
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, places: Arc<Semaphore>) -> GracefulShutdown {
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = shared.stopping.cancelled() => return connections,
            accepted = next(&listener, &places) => accepted,
        };
        if let Some((stream, peer, place)) = accepted {
            let watcher = connections.watcher();
            tokio::spawn(serve(stream, peer, shared.clone(), watcher, place));
        }
    }
}

/// The next connection, once there is a place for it; until then newcomers wait in the kernel.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        // The peer was gone before its turn came.
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => None,
        Err(error) => {
            warn!(%error, "A connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared>,
    watcher: Watcher,
    _place: OwnedSemaphorePermit,
) {
    // Events are small and must not wait for one another.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let router = shared.router.clone();
    let Some(certificates) = &shared.tls else {
        return converse(stream, peer, router, watcher, false).await;
    };
    let handshake = tokio::time::timeout(HANDSHAKE_WITHIN, certificates.acceptor().accept(stream));
    let Some(Ok(Ok(stream))) = shared.stopping.run_until_cancelled(handshake).await else { return };
    let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    converse(stream, peer, router, watcher, is_h2).await;
}

/// Serves one connection to its end, or to its upgrade.
async fn converse<S>(stream: S, peer: SocketAddr, router: Router, watcher: Watcher, is_h2: bool)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let builder = protocol(is_h2);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    // Broken connections are the peers' everyday life.
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        debug!(%peer, error, "A connection broke");
    }
}

/// One protocol or the other: nothing is guessed from what the peer sends first.
fn protocol(is_h2: bool) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_headers(HEADERS)
        .max_buf_size(BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES)
        .keep_alive_interval(H2_PING_EVERY);
    if is_h2 { builder.http2_only() } else { builder.http1_only() }
}
