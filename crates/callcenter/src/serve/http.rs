//! Accepts connections and serves each: HTTP/1.1 with upgrades, HTTP/2 under TLS. Knows nothing of what is served.

use super::handover::{Held, Successor};
use super::tls::Certificates;
use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
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
/// Requests that one HTTP/2 connection has open at a time, with heads of 6.25 MiB at most; those of all connections together have a
/// bound in `api` (`places.rs`).
const STREAMS: u32 = 200;
/// Bytes of bodies that wait to be read, of one HTTP/2 stream, which are what HTTP/1 has in its buffer, and of all of a connection's, so
/// that one that is not read stops no other. hyper's own bound, 1 MiB, is 16 GiB for all connections.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// An HTTP/2 peer that has gone silent is asked this often, and given up if it does not answer.
const H2_PING_EVERY: Duration = Duration::from_secs(30);
/// The pause after a failed accept, which is nearly always for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A server that accepts.
pub struct HttpServer {
    shared: Arc<Shared>,
}

/// What every connection needs.
struct Shared {
    router: Router,
    tls: Option<Arc<Certificates>>,
    /// The accepting task and one for each connection; upgraded connections have left it.
    tasks: TaskTracker,
    /// Nobody new.
    stop_accepting: CancellationToken,
    /// Requests in progress are the last.
    finish: CancellationToken,
}

impl HttpServer {
    /// Begins to accept, `most` connections at a time; upgraded ones no longer count.
    pub fn start(listener: TcpListener, tls: Option<Arc<Certificates>>, router: Router, most: usize) -> Self {
        let shared = Arc::new(Shared {
            router,
            tls,
            tasks: TaskTracker::new(),
            stop_accepting: CancellationToken::new(),
            finish: CancellationToken::new(),
        });
        shared.tasks.spawn(accept(listener, shared.clone(), Arc::new(Semaphore::new(most))));
        Self { shared }
    }

    /// Closes the listener; connections that are open stay usable.
    pub fn stop_accepting(&self) {
        self.shared.stop_accepting.cancel();
    }

    /// Closes idle connections, lets requests in progress finish, and returns when none is left or time is up.
    pub async fn finish(&self, within: Duration) {
        self.shared.stop_accepting.cancel();
        self.shared.finish.cancel();
        self.shared.tasks.close();
        if tokio::time::timeout(within, self.shared.tasks.wait()).await.is_err() {
            warn!(left = self.shared.tasks.len(), "Some requests did not end in time");
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, places: Arc<Semaphore>) {
    while let Some(accepted) = shared.stop_accepting.run_until_cancelled(next(&listener, &places)).await {
        if let Some((stream, peer, place)) = accepted {
            shared.tasks.spawn(serve(stream, peer, shared.clone(), place));
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
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => {
            None
        }
        Err(error) => {
            warn!(%error, "A connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>, place: OwnedSemaphorePermit) {
    let served = match &shared.tls {
        None => serve_plain(stream, peer, &shared, place).await,
        // Boxed: most of a connection's task is for TLS and HTTP/2.
        Some(certificates) => Box::pin(serve_tls(stream, peer, &shared, certificates, place)).await,
    };
    // Broken connections are the peers' everyday life.
    if let Err(error) = served {
        debug!(%peer, %error, "A connection broke");
    }
}

async fn serve_plain(
    stream: TcpStream,
    peer: SocketAddr,
    shared: &Shared,
    place: OwnedSemaphorePermit,
) -> hyper::Result<()> {
    if let Some((websocket, stream, opening)) = serve_http1(stream, peer, shared).await? {
        drop(place);
        websocket.serve_tcp(stream, opening).await;
    }
    Ok(())
}

async fn serve_tls(
    stream: TcpStream,
    peer: SocketAddr,
    shared: &Shared,
    certificates: &Certificates,
    _place: OwnedSemaphorePermit,
) -> hyper::Result<()> {
    let handshake = tokio::time::timeout(HANDSHAKE_WITHIN, certificates.acceptor().accept(stream));
    let Some(Ok(Ok(stream))) = shared.finish.run_until_cancelled(handshake).await else { return Ok(()) };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        return serve_http2(stream, peer, shared).await;
    }
    if let Some((websocket, stream, opening)) = serve_http1(stream, peer, shared).await? {
        // The hub owns it from now on, and HTTP's end does not wait for it.
        tokio::spawn(websocket.serve(stream, opening));
    }
    Ok(())
}

/// Serves one connection to its end, or to the WebSocket that takes it over.
async fn serve_http1<S>(
    stream: S,
    peer: SocketAddr,
    shared: &Shared,
) -> hyper::Result<Option<(realtime::Connection, S, realtime::Opening)>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (router, successor) = (shared.router.clone(), Successor::default());
    let found = successor.clone();
    let service = service_fn(move |request| {
        let (answering, successor) = (router.clone().oneshot(with_peer(request, peer)), successor.clone());
        async move {
            let mut response = answering.await?;
            successor.look_at(&mut response);
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_headers(HEADERS)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(Held::new(stream, found.clone()), service);
    let is_finishing = tokio::select! {
        biased;
        done = &mut connection => { done?; false }
        () = shared.finish.cancelled() => true,
    };
    if is_finishing {
        Pin::new(&mut connection).graceful_shutdown();
        (&mut connection).await?;
    }
    Ok(found.take(connection.into_parts()))
}

/// Serves one connection to its end.
async fn serve_http2<S>(stream: S, peer: SocketAddr, shared: &Shared) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = shared.router.clone();
    let service = service_fn(move |request| router.clone().oneshot(with_peer(request, peer)));
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(H2_PING_EVERY)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        done = connection.as_mut() => return done,
        () = shared.finish.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

/// Tells whoever answers where the request comes from.
fn with_peer(mut request: Request<Incoming>, peer: SocketAddr) -> Request<Incoming> {
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Notify;

    /// A server whose `/held` says when it is asked and answers when it is let.
    struct Held {
        server: HttpServer,
        address: SocketAddr,
        asked: Arc<Notify>,
        let_go: Arc<Notify>,
    }

    async fn start(most: usize) -> Held {
        let (asked, let_go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (asking, letting) = (asked.clone(), let_go.clone());
        let held = get(async move || {
            asking.notify_one();
            letting.notified().await;
            "held"
        });
        let peer = get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/held", held).route("/peer", peer);
        Held { server: HttpServer::start(listener, None, router, most), address, asked, let_go }
    }

    async fn ask(stream: &mut TcpStream, path: &str) {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    }

    /// All that comes until `end`, or until the connection closes.
    async fn answer(stream: &mut TcpStream, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) || text.is_empty() {
            let mut buffer = [0; 4096];
            match stream.read(&mut buffer).await {
                Ok(read) if read > 0 => text.push_str(&String::from_utf8_lossy(&buffer[..read])),
                _ => break,
            }
        }
        text
    }

    #[tokio::test]
    async fn at_the_end_requests_in_progress_are_answered_and_idle_connections_close() {
        let held = start(10).await;
        let mut idle = TcpStream::connect(held.address).await.unwrap();
        ask(&mut idle, "/peer").await;
        assert!(answer(&mut idle, "127.0.0.1").await.starts_with("HTTP/1.1 200 "));
        let mut busy = TcpStream::connect(held.address).await.unwrap();
        ask(&mut busy, "/held").await;
        held.asked.notified().await;
        let at_the_end = async {
            assert_eq!(answer(&mut idle, "never").await, "");
            assert!(TcpStream::connect(held.address).await.is_err());
            held.let_go.notify_one();
            assert!(answer(&mut busy, "held").await.starts_with("HTTP/1.1 200 "));
        };
        tokio::join!(held.server.finish(Duration::from_secs(60)), at_the_end);
    }

    #[tokio::test]
    async fn open_connections_stay_usable_while_nobody_new_comes_in() {
        let held = start(10).await;
        let mut open = TcpStream::connect(held.address).await.unwrap();
        ask(&mut open, "/peer").await;
        answer(&mut open, "127.0.0.1").await;
        held.server.stop_accepting();
        while TcpStream::connect(held.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        ask(&mut open, "/peer").await;
        assert!(answer(&mut open, "127.0.0.1").await.starts_with("HTTP/1.1 200 "));
    }

    #[tokio::test]
    async fn over_the_limit_newcomers_wait_for_a_place() {
        let held = start(1).await;
        let address = held.address;
        let mut first = TcpStream::connect(address).await.unwrap();
        ask(&mut first, "/peer").await;
        answer(&mut first, "127.0.0.1").await;
        let mut second = TcpStream::connect(address).await.unwrap();
        ask(&mut second, "/peer").await;
        let mut answered = pin!(answer(&mut second, "127.0.0.1"));
        assert!(tokio::time::timeout(Duration::from_millis(100), answered.as_mut()).await.is_err());
        drop(first);
        assert!(answered.await.ends_with("127.0.0.1"));
    }

    #[tokio::test]
    async fn http2_needs_tls_and_heads_have_a_limit() {
        let held = start(10).await;
        let address = held.address;
        let mut h2 = TcpStream::connect(address).await.unwrap();
        h2.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        assert!(!answer(&mut h2, "\r\n\r\n").await.contains(" 200 "));
        let mut many = TcpStream::connect(address).await.unwrap();
        let headers = "X-A: a\r\n".repeat(HEADERS + 1);
        many.write_all(format!("GET /peer HTTP/1.1\r\n{headers}\r\n").as_bytes()).await.unwrap();
        assert!(answer(&mut many, "\r\n\r\n").await.starts_with("HTTP/1.1 431 "));
    }

    /// Frames as HTTP/2 has them, each with its type and its payload, up to the answer to the client's settings.
    async fn frames(stream: &mut (impl AsyncRead + Unpin)) -> Vec<(u8, Vec<u8>)> {
        let mut frames = Vec::new();
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await.unwrap();
            let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            let mut payload = vec![0; length];
            stream.read_exact(&mut payload).await.unwrap();
            frames.push((head[3], payload));
            if (head[3], head[4]) == (SETTINGS, 1) {
                return frames;
            }
        }
    }

    const SETTINGS: u8 = 4;
    const WINDOW_UPDATE: u8 = 8;

    #[tokio::test]
    async fn an_http2_peer_is_told_how_much_it_may_send() {
        let held = start(1).await;
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let peer = held.address;
        let shared = held.server.shared.clone();
        let serving = tokio::spawn(async move { serve_http2(server, peer, &shared).await });
        client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        let frames = frames(&mut client).await;
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
        let settings: Vec<(u32, u32)> =
            frames[0].1.chunks(6).map(|one| (number(&one[..2]), number(&one[2..]))).collect();
        for setting in [(3, STREAMS), (4, STREAM_WINDOW), (6, HEAD_BYTES)] {
            assert!(settings.contains(&setting), "{setting:?} in {settings:?}");
        }
        let updates = frames.iter().filter(|(kind, _)| *kind == WINDOW_UPDATE);
        let more: u32 = updates.map(|(_, payload)| number(payload)).sum();
        assert!(65_535 + more <= CONNECTION_WINDOW, "{more} more for the connection");
        drop(client);
        let _ = serving.await.unwrap();
    }
}
