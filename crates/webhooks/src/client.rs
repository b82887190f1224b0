//! The HTTP client: one exchange within one time limit, no redirects, no proxies, the answer's body cut off. Knows
//! nothing of deliveries, retries or what an answer means.

mod failure;
pub(crate) mod stage;

use crate::guard::{CountedStream, GuardedConnector};
use crate::{AllowedNetworks, ExtraRoots, roots};
use bytes::Bytes;
pub(crate) use failure::{Failure, FailureKind};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use stage::{Progress, Stage};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tower::Service;

/// How much of an answer's body is read.
const BODY: usize = 4096;
/// Many servers close a connection that was idle for 5 s; one that we close before cannot be closed under a request.
const IDLE: Duration = Duration::from_secs(4);
/// Idle connections kept for one host. Many endpoints may stand on one, so it is all that can be in flight: fewer, and what
/// one endpoint gives back the next one has to open again.
const IDLE_PER_HOST: usize = crate::limits::UNRECORDED;
/// With so many sockets open none is kept any more. Those in use are at most 256 and the tests by hand, so that there
/// are never more than 512 + 288, below the usual limit of 1,024 open files.
const SOCKETS_KEPT: usize = 512;
/// The greatest head of an answer: 256 of them are 16 MiB.
const HEAD: usize = 64 << 10;

type Pool = legacy::Client<Staged, Full<Bytes>>;

/// Sends requests.
pub(crate) struct Client {
    keeping: Pool,
    closing: Pool,
    open: Arc<AtomicUsize>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<String>,
    /// The body's beginning, as text.
    pub(crate) body: Option<String>,
    /// Until the headers were there.
    pub(crate) took: Duration,
}

impl Client {
    pub(crate) fn new(allowed: AllowedNetworks, extra: &ExtraRoots) -> Self {
        let open = Arc::new(AtomicUsize::new(0));
        let connector = Staged(https(GuardedConnector::new(&Arc::new(allowed), &open), extra));
        let pool = |idle| {
            legacy::Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(idle)
                .http1_max_buf_size(HEAD)
                .http2_keep_alive_interval(Duration::from_secs(10))
                .http2_keep_alive_timeout(Duration::from_secs(5))
                .build(connector.clone())
        };
        Self { keeping: pool(IDLE_PER_HOST), closing: pool(0), open }
    }

    /// One exchange, all of it within `limit`.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        limit: Duration,
    ) -> Result<Answer, Failure> {
        let begun = Instant::now();
        let crowded = self.open.load(Ordering::Relaxed) >= SOCKETS_KEPT;
        let pool = if crowded { &self.closing } else { &self.keeping };
        let progress = Progress::default();
        let exchange = progress.scope(async { pool.request(request).await });
        match timeout_at(begun + limit, exchange).await {
            Ok(Ok(response)) => Ok(read(response, begun, begun + limit).await),
            Ok(Err(error)) => Err(Failure::of(&error)),
            Err(_) => Err(Failure::timed_out(limit, progress.words())),
        }
    }
}

/// Takes the answer apart. Its status counts, whatever its body does.
async fn read(response: Response<Incoming>, begun: Instant, until: Instant) -> Answer {
    let took = begun.elapsed();
    let status = response.status();
    let retry_after = response.headers().get(hyper::header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut body = response.into_body();
    let mut text = Vec::new();
    while text.len() < BODY {
        let Ok(Some(Ok(frame))) = timeout_at(until, body.frame()).await else { break };
        if let Some(data) = frame.data_ref() {
            let room = BODY - text.len();
            text.extend_from_slice(data.get(..room).unwrap_or(data));
        }
    }
    // MySQL's text columns take no invalid UTF-8, and terminals no NUL.
    let body = (!text.is_empty()).then(|| String::from_utf8_lossy(&text).replace('\0', "\u{fffd}"));
    Answer { status, retry_after, body, took }
}

fn https(inner: GuardedConnector, extra: &ExtraRoots) -> HttpsConnector<GuardedConnector> {
    HttpsConnectorBuilder::new()
        .with_tls_config(roots::tls(extra))
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(inner)
}

/// Notes when a connection is ready for the request.
#[derive(Clone)]
struct Staged(HttpsConnector<GuardedConnector>);

impl Service<Uri> for Staged {
    type Response = MaybeHttpsStream<CountedStream>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let progress = stage::current();
        let connecting = self.0.call(uri);
        Box::pin(async move {
            let stream = connecting.await?;
            progress.set(Stage::Headers);
            Ok(stream)
        })
    }
}
