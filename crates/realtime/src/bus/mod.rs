//! The connection to Redis: made in the background, watched, made again. Whoever uses it gets an answer soon or none.
//! Knows nothing of keys. The relay carries events between servers through it.

mod doorbell;
mod exchange;
mod link;
mod listener;
mod mark;
mod relay;
mod url;
mod wire;

pub(crate) use exchange::{Exchange, News};
pub use relay::Relay;
pub use url::{InvalidRedisUrl, RedisUrl};

use crate::backoff::Backoff;
use crate::sync::lock;
use link::{Link, Pushes};
use redis::{Cmd, RedisError, RedisResult, ServerErrorKind, Value, cmd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long the start waits for Redis.
const FIRST_OUTCOME: Duration = Duration::from_secs(1);
/// Waiting between tries to connect.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(3);
/// How often Redis is asked whether it is there, how soon at the earliest, and how long it may take to answer.
const CHECK_EVERY: Duration = Duration::from_secs(2);
const CHECK_AT_LEAST_AFTER: Duration = Duration::from_millis(100);
const CHECK_DEADLINE: Duration = Duration::from_secs(1);
/// Callers that use Redis at a time; further ones do without. A frozen Redis holds each for its deadline.
const CALLERS: usize = 256;

/// A handle on the connection to Redis; clones are the same connection.
#[derive(Clone)]
pub struct Bus(Arc<Shared>);

struct Shared {
    url: RedisUrl,
    link: Mutex<Option<Link>>,
    is_connected: watch::Sender<bool>,
    first_outcome: OnceLock<Result<(), String>>,
    has_outcome: Notify,
    /// A call has failed: look at once whether Redis is still there.
    doubt: Notify,
    /// The server does not take writes any more: another one has become the master.
    is_replica: AtomicBool,
    callers: Semaphore,
    closed: CancellationToken,
}

/// Redis cannot be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Away;

impl Bus {
    /// Starts to connect, and keeps connecting whenever Redis is lost, until `close`. Returns once the first try has an
    /// outcome, after a second at most. The caller logs that outcome; later changes are logged here.
    pub async fn connect(url: &RedisUrl) -> Self {
        let bus = Self(Arc::new(Shared {
            url: url.clone(),
            link: Mutex::new(None),
            is_connected: watch::Sender::new(false),
            first_outcome: OnceLock::new(),
            has_outcome: Notify::new(),
            doubt: Notify::new(),
            is_replica: AtomicBool::new(false),
            callers: Semaphore::new(CALLERS),
            closed: CancellationToken::new(),
        }));
        let shared = Arc::clone(&bus.0);
        tokio::spawn(async move { shared.closed.run_until_cancelled(shared.keep_connected()).await });
        if timeout(FIRST_OUTCOME, bus.0.has_outcome.notified()).await.is_err() {
            // Fails when the outcome has just come.
            let _ = bus.0.first_outcome.set(Err(format!("no answer within {} s", FIRST_OUTCOME.as_secs())));
        }
        bus
    }

    /// How the first try to connect went; an error says why it failed.
    pub fn first_outcome(&self) -> Result<(), String> {
        self.0.first_outcome.get().cloned().unwrap_or(Ok(()))
    }

    /// Whether Redis can be used now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        *self.0.is_connected.borrow()
    }

    /// Lets go of Redis for good.
    pub fn close(&self) {
        self.0.closed.cancel();
        *lock(&self.0.link) = None;
        self.0.is_connected.send_replace(false);
    }

    /// Wakes when Redis is lost or there again.
    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.0.is_connected.subscribe()
    }

    /// Whether Redis is a cluster, where channels are sharded.
    fn is_cluster(&self) -> bool {
        self.0.url.is_cluster()
    }

    /// Another connection, to hear channels with.
    async fn listen(&self, pushes: Pushes) -> RedisResult<Link> {
        match timeout(url::CONNECT_DEADLINE, self.0.url.listen(pushes)).await {
            Ok(link) => link,
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        }
    }

    /// Runs commands of one key each and gives their answers, within `deadline` or not at all.
    pub(crate) async fn ask(&self, commands: Vec<Cmd>, deadline: Duration) -> Result<Vec<Value>, Away> {
        let link = lock(&self.0.link).clone().ok_or(Away)?;
        let _place = self.0.callers.try_acquire().map_err(|_| Away)?;
        match timeout(deadline, link.run(commands)).await {
            Ok(Ok(answers)) => Ok(answers),
            Ok(Err(error)) => Err(self.0.note_failure(&error)),
            Err(_) => {
                self.0.doubt.notify_one();
                Err(Away)
            }
        }
    }
}

impl Shared {
    async fn keep_connected(&self) {
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        let mut was_lost = false;
        loop {
            match timeout(url::CONNECT_DEADLINE, self.url.connect()).await {
                Ok(Ok(link)) => {
                    self.note_connected(link.clone(), was_lost);
                    was_lost = true;
                    let reason = self.watch_over(&link, &mut backoff).await;
                    self.note_lost(&reason);
                }
                Ok(Err(error)) => self.note_outcome(Err(error.to_string())),
                Err(_) => self.note_outcome(Err("no answer".into())),
            }
            sleep(backoff.wait()).await;
        }
    }

    /// Returns, with the reason, once the connection cannot be used any more.
    async fn watch_over(&self, link: &Link, backoff: &mut Backoff) -> String {
        loop {
            tokio::select! {
                () = sleep(CHECK_EVERY) => {}
                () = self.doubt.notified() => sleep(CHECK_AT_LEAST_AFTER).await,
            }
            // One key, so that in a cluster one node that is down is not taken for all.
            let check = vec![cmd("GET").arg("callcenter:check").clone()];
            match timeout(CHECK_DEADLINE, link.run(check)).await {
                Err(_) => return format!("no answer within {} s", CHECK_DEADLINE.as_secs()),
                Ok(Err(error)) => return error.to_string(),
                Ok(Ok(_)) if self.is_replica.swap(false, Ordering::Relaxed) => {
                    return "the server has become a replica".into();
                }
                Ok(Ok(_)) => *backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT),
            }
        }
    }

    fn note_failure(&self, error: &RedisError) -> Away {
        tracing::debug!(%error, "A Redis call failed");
        if error.kind() == redis::ErrorKind::Server(ServerErrorKind::ReadOnly) {
            self.is_replica.store(true, Ordering::Relaxed);
        }
        self.doubt.notify_one();
        Away
    }

    fn note_connected(&self, link: Link, was_lost: bool) {
        *lock(&self.link) = Some(link);
        self.is_connected.send_replace(true);
        let is_news = self.first_outcome.get().is_some();
        self.note_outcome(Ok(()));
        if was_lost {
            tracing::info!("Redis connected again (multi-server mode)");
        } else if is_news {
            tracing::info!("Redis connected (multi-server mode)");
        }
    }

    fn note_lost(&self, reason: &str) {
        *lock(&self.link) = None;
        self.is_connected.send_replace(false);
        tracing::warn!("Redis connection lost: {reason} (local mode until it is back)");
    }

    fn note_outcome(&self, outcome: Result<(), String>) {
        if self.first_outcome.set(outcome).is_ok() {
            self.has_outcome.notify_one();
        }
    }
}
