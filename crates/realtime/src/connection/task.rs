//! A client with a task of its own, for streams that no loop can own, such as TLS. Everything happens in one poll, so that
//! reading and writing never wait for one another. Knows nothing of what is carried.

use super::client::{Client, Io, Need, Phase};
use super::question::Answer;
use super::{CLOSE_DEADLINE, Member};
use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice, Read, Result, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::Sleep;

/// What one read takes, on the stack of the poll: an idle connection has no buffer.
const BUFFER: usize = 4096;
/// Reads of one turn; then other tasks have theirs.
const READS: usize = 16;

type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

struct Task<S> {
    client: Client,
    stream: S,
    /// The hub has something to say.
    woken: Later<()>,
    /// There are new events.
    news: Later<watch::Receiver<i64>>,
    answer: Option<Later<Answer>>,
    /// When a closing connection is given up.
    deadline: Option<Pin<Box<Sleep>>>,
}

/// Serves the client to its end.
pub(super) async fn run<S: AsyncRead + AsyncWrite + Send + Unpin>(client: Client, stream: S) {
    let head = client.place.tenant.feed.watch();
    let woken = Box::pin(woken(Arc::clone(&client.place.member)));
    let mut task =
        Task { woken, news: Box::pin(changed(head)), client, stream, answer: None, deadline: None };
    task.client.attend();
    poll_fn(|context| task.poll(context)).await;
}

async fn woken(member: Arc<Member>) {
    member.woken().await;
}

async fn changed(mut head: watch::Receiver<i64>) -> watch::Receiver<i64> {
    // Fails only without a sender, which the tenant holds.
    let _ = head.changed().await;
    head
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Task<S> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let needs_turn = self.turn(context);
            if self.client.phase == Phase::Over || self.is_overdue(context) {
                return Poll::Ready(());
            }
            if self.hear_others(context) {
                continue;
            }
            if needs_turn {
                context.waker().wake_by_ref();
            }
            return Poll::Pending;
        }
    }

    /// Reads and writes what can be; whether there is more to do at once.
    fn turn(&mut self, context: &mut Context<'_>) -> bool {
        let mut io = Polled { stream: &mut self.stream, context };
        let mut buffer = [0; BUFFER];
        // The socket says that it is empty when it is asked, and wakes the task only then.
        self.client.may_read = true;
        for _ in 0..READS {
            if !self.client.can_read() {
                break;
            }
            self.client.read(&mut io, &mut buffer);
            self.client.flush(&mut io);
        }
        let need = self.client.catch_up(&mut io, i64::MAX);
        self.settle(need) || self.client.can_read()
    }

    /// Asks what the client wants to know; whether it wants another turn.
    fn settle(&mut self, need: Need) -> bool {
        if let Need::Answer(question) = need {
            let place = &self.client.place;
            self.answer = Some(Box::pin(question.ask(place.hub.clone(), Arc::clone(&place.tenant))));
            return false;
        }
        need == Need::Turn
    }

    /// Takes in what others have to say; whether there was anything.
    fn hear_others(&mut self, context: &mut Context<'_>) -> bool {
        let mut has_news = false;
        if self.woken.as_mut().poll(context).is_ready() {
            self.woken = Box::pin(woken(Arc::clone(&self.client.place.member)));
            self.client.attend();
            has_news = true;
        }
        if let Poll::Ready(head) = self.news.as_mut().poll(context) {
            self.news = Box::pin(changed(head));
            has_news = true;
        }
        let answer = self.answer.as_mut().map(|answer| answer.as_mut().poll(context));
        if let Some(Poll::Ready(answer)) = answer {
            self.answer = None;
            let need = self.client.take_answer(&mut Polled { stream: &mut self.stream, context }, answer);
            self.settle(need);
            has_news = true;
        }
        has_news
    }

    fn is_overdue(&mut self, context: &mut Context<'_>) -> bool {
        if self.client.phase == Phase::Open {
            return false;
        }
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(CLOSE_DEADLINE)));
        deadline.as_mut().poll(context).is_ready()
    }
}

/// A stream that is asked within a poll: what it cannot do now, it wakes the task for.
struct Polled<'a, 'b, S> {
    stream: &'a mut S,
    context: &'a mut Context<'b>,
}

fn now<T>(polled: Poll<Result<T>>) -> Result<T> {
    match polled {
        Poll::Ready(done) => done,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

impl<S: AsyncRead + Unpin> Read for Polled<'_, '_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        now(Pin::new(&mut *self.stream).poll_read(self.context, &mut buffer))?;
        Ok(buffer.filled().len())
    }
}

impl<S: AsyncWrite + Unpin> Write for Polled<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        now(Pin::new(&mut *self.stream).poll_write(self.context, bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> Result<usize> {
        now(Pin::new(&mut *self.stream).poll_write_vectored(self.context, slices))
    }

    fn flush(&mut self) -> Result<()> {
        now(Pin::new(&mut *self.stream).poll_flush(self.context))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Io for Polled<'_, '_, S> {
    const SHORT_READ_EMPTIES: bool = false;

    fn finish(&mut self) {
        // Whether or not the peer hears it, the connection ends soon.
        let _ = Pin::new(&mut *self.stream).poll_shutdown(self.context);
    }
}
