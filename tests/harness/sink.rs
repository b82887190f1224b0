//! A webhook receiver: it records what arrives and answers as it is told to. It also has the files of a web page, if it is
//! given some.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::wait::eventually;
use super::{Value, token};

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: String,
    pub path: String,
    pub version: Version,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("webhook bodies are JSON")
    }

    /// Whether `X-Webhook-Signature` is what the quick start's Python would compute.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let mut expected = "sha256=".to_owned();
        for byte in token::hmac(secret.as_bytes(), &self.body) {
            write!(expected, "{byte:02x}").expect("a string takes all");
        }
        self.header("x-webhook-signature") == expected
    }
}

/// How the sink answers one request.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    delay: Duration,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Answer,
    Stall,
    Close,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), delay: Duration::ZERO, end: End::Answer }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn body(self, body: &str) -> Self {
        Self { body: body.to_owned(), ..self }
    }

    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Takes the request and never answers.
    pub fn stall() -> Self {
        Self { end: End::Stall, ..Self::status(200) }
    }

    /// Takes the request and closes the connection.
    pub fn close() -> Self {
        Self { end: End::Close, ..Self::status(200) }
    }
}

struct State {
    connections: usize,
    received: Vec<Received>,
    next: VecDeque<Reply>,
    otherwise: Reply,
    files: HashMap<String, Reply>,
}

pub struct Sink {
    origin: String,
    state: Arc<Mutex<State>>,
    // Ends the receiver, and every connection it has, with the value.
    _tasks: JoinSet<()>,
}

impl Sink {
    pub async fn start() -> Self {
        Self::serve("http://127.0.0.1", None).await
    }

    /// One that speaks TLS, and is called `localhost`.
    pub async fn start_tls(tls: Arc<ServerConfig>) -> Self {
        Self::serve("https://localhost", Some(tls.into())).await
    }

    async fn serve(host: &str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = State {
            connections: 0,
            received: Vec::new(),
            next: VecDeque::new(),
            otherwise: Reply::status(200),
            files: HashMap::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, tls, Arc::clone(&state)));
        Self { origin: format!("{host}:{port}"), state, _tasks: tasks }
    }

    pub fn url(&self) -> String {
        format!("{}/hook", self.origin)
    }

    /// What a page of it has as its origin.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// From now on answers with this file at that path; such requests are not recorded.
    pub fn add_file(&self, path: String, content_type: &str, body: &str) {
        let file = Reply::status(200).header("content-type", content_type).body(body);
        self.state.lock().unwrap().files.insert(path, file);
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    /// The answers to the next requests, in order of arrival.
    pub fn reply_next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.state.lock().unwrap().next.extend(replies);
    }

    /// The answer to all others; 200 until this is called.
    pub fn reply_always(&self, reply: Reply) {
        self.state.lock().unwrap().otherwise = reply;
    }

    pub fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    pub fn count(&self) -> usize {
        self.state.lock().unwrap().received.len()
    }

    /// Waits until at least `count` requests have come, and returns all.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        eventually(&format!("{count} requests at the sink"), async || {
            let received = self.received();
            (received.len() >= count).then_some(received)
        })
        .await
    }

    /// Waits until an event of this type has come.
    pub async fn wait_for_event(&self, event: &str) -> Received {
        eventually(&format!("{event} at the sink"), async || {
            self.received().into_iter().find(|request| request.json()["event"] == event)
        })
        .await
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        state.lock().unwrap().connections += 1;
        connections.spawn(connection(stream, tls.clone(), Arc::clone(&state)));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, state: Arc<Mutex<State>>) {
    let Some(tls) = tls else { return serve(stream, false, state).await };
    // A client that does not like the certificate goes away.
    let Ok(stream) = tls.accept(stream).await else { return };
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    serve(stream, http2, state).await;
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    http2: bool,
    state: Arc<Mutex<State>>,
) {
    use hyper::server::conn::{http1, http2};
    let service = service_fn(|request| answer(request, Arc::clone(&state)));
    let stream = TokioIo::new(stream);
    // A client that goes away in the middle is the client's business.
    let _ = if http2 {
        http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await
    } else {
        http1::Builder::new().serve_connection(stream, service).await
    };
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, String> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    let file = state.lock().unwrap().files.get(parts.uri.path()).cloned();
    let reply = file.unwrap_or_else(|| {
        let mut state = state.lock().unwrap();
        let (method, path) = (parts.method.to_string(), parts.uri.to_string());
        let version = parts.version;
        state.received.push(Received { method, path, version, headers: parts.headers, body });
        state.next.pop_front().unwrap_or_else(|| state.otherwise.clone())
    });
    tokio::time::sleep(reply.delay).await;
    match reply.end {
        End::Stall => std::future::pending().await,
        End::Close => Err("the connection closes".to_owned()),
        End::Answer => {
            let mut response = Response::builder().status(reply.status);
            for (name, value) in reply.headers {
                response = response.header(name, value);
            }
            Ok(response.body(Full::from(reply.body)).expect("a response"))
        }
    }
}
