//! An HTTP server that records what it gets and answers as its script says.

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How to answer one request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// With this status and header.
    Status(u16, Option<(&'static str, String)>),
    /// With 200 and a body of that size.
    Body(usize),
    /// With 200 and a body that never ends and says nothing after its first bytes.
    EndlessBody,
    /// Once the gate opens.
    AtGate,
}

pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

#[derive(Default)]
struct State {
    received: Mutex<Vec<Received>>,
    scripts: Mutex<HashMap<String, VecDeque<Answer>>>,
    defaults: Mutex<HashMap<String, Answer>>,
}

pub struct Sink {
    pub address: SocketAddr,
    state: Arc<State>,
    gate: watch::Sender<bool>,
}

type Body = BoxBody<Bytes, Infallible>;

impl Sink {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, state, gate) =
            (listener.local_addr().unwrap(), Arc::new(State::default()), watch::Sender::new(false));
        let (served, opened) = (Arc::clone(&state), gate.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, gate) = (Arc::clone(&served), opened.subscribe());
                let service = service_fn(move |request| answer(Arc::clone(&state), gate.clone(), request));
                tokio::spawn(async move {
                    let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, state, gate }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next answers on that path; after them the path's usual one.
    pub fn script(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        self.state.scripts.lock().unwrap().entry(path.into()).or_default().extend(answers);
    }

    /// The usual answer on that path, instead of 200.
    pub fn always(&self, path: &str, answer: Answer) {
        self.state.defaults.lock().unwrap().insert(path.into(), answer);
    }

    pub fn open_gate(&self) {
        self.gate.send_replace(true);
    }

    pub fn count(&self, path: &str) -> usize {
        self.received(|all| all.iter().filter(|one| one.path == path).count())
    }

    pub fn received<R>(&self, look: impl FnOnce(&[Received]) -> R) -> R {
        look(&self.state.received.lock().unwrap())
    }

    /// The log ids in the order of their arrival.
    pub fn deliveries(&self, path: &str) -> Vec<i64> {
        let id = |one: &Received| one.headers["x-webhook-delivery"].to_str().unwrap().parse().unwrap();
        self.received(|all| all.iter().filter(|one| one.path == path).map(id).collect())
    }
}

async fn answer(
    state: Arc<State>,
    mut gate: watch::Receiver<bool>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let scripted = state.scripts.lock().unwrap().get_mut(&path).and_then(VecDeque::pop_front);
    let usual = state.defaults.lock().unwrap().get(&path).cloned();
    let answer = scripted.or(usual).unwrap_or(Answer::Status(200, None));
    state.received.lock().unwrap().push(Received { path, headers: head.headers, body });
    let mut response = Response::new(full("ok"));
    match answer {
        Answer::Status(status, header) => {
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            if let Some((name, value)) = header {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        Answer::Body(size) => *response.body_mut() = full("x".repeat(size)),
        Answer::EndlessBody => *response.body_mut() = endless(),
        Answer::AtGate => {
            let _ = gate.wait_for(|open| *open).await;
        }
    }
    Ok(response)
}

fn full(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).boxed()
}

fn endless() -> Body {
    Endless { begun: false }.boxed()
}

/// Says something once and never anything again.
struct Endless {
    begun: bool,
}

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if std::mem::replace(&mut self.begun, true) {
            Poll::Pending
        } else {
            Poll::Ready(Some(Ok(Frame::data("begun".into()))))
        }
    }
}
