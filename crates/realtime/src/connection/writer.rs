//! The writing half: events in order from the feed or the log, answers, pings. Knows nothing of what clients say.

use super::batch::Batch;
use super::cursor::{Cursor, Sight, Stop};
use super::{Context, End, resume};
use crate::frame::{self, Ready, Reset};
use crate::log::Extent;
use crate::socket::{FrameSink, Gone};
use crate::sync::lock;
use futures_util::future::{BoxFuture, FutureExt};
use model::Event;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long one write may take. It holds some 64 KiB, so that a client which reads 2 KiB a second can follow.
const WRITE_DEADLINE: Duration = Duration::from_secs(60);

/// A question to the log that is under way; it goes on while answers and pings are written.
type Question<'a> = Option<BoxFuture<'a, Answer>>;

/// What the log said.
enum Answer {
    /// A page, and where the feed ended when it was asked for.
    Page(Vec<Event>, Option<i64>),
    Extent(Extent),
}

struct Writer<'a, S> {
    context: &'a Context<'a>,
    sink: &'a mut S,
    cursor: Cursor,
    head: watch::Receiver<i64>,
    question: Question<'a>,
    answer: Option<Answer>,
}

pub(super) async fn run<S: FrameSink>(context: &Context<'_>, sink: &mut S) -> End {
    let place = context.place;
    let head = place.tenant.feed.watch();
    let start = place.begin().await;
    let cursor = Cursor::new(start.next, start.from_oldest);
    let mut writer = Writer { context, sink, cursor, head, question: None, answer: None };
    let Err(Gone) = writer.run(&start).await;
    End::Gone
}

impl<S: FrameSink> Writer<'_, S> {
    async fn run(&mut self, start: &resume::Start) -> Result<std::convert::Infallible, Gone> {
        self.send(self.greeting(start)).await?;
        loop {
            let mut batch = Batch::default();
            self.take_due(&mut batch);
            let stop = self.advance(&mut batch);
            if batch.frames().is_empty() {
                self.wait(stop).await;
            } else {
                self.send(batch).await?;
            }
        }
    }

    fn greeting(&self, start: &resume::Start) -> Batch {
        let place = self.context.place;
        let mut batch = Batch::default();
        batch.text(frame::ready(&Ready {
            connection_id: &place.member.id,
            user_id: place.member.user.as_ref(),
            tenant_id: &place.tenant.id,
            role: place.member.viewer().role,
            seq: start.seq,
            epoch: &place.hub.0.config.epoch,
        }));
        if let Some(oldest_seq) = start.reset {
            batch.text(self.reset(oldest_seq, start.seq));
        }
        batch
    }

    fn reset(&self, oldest_seq: i64, seq: i64) -> bytes::Bytes {
        frame::reset(&Reset { oldest_seq, seq, epoch: &self.context.place.hub.0.config.epoch })
    }

    /// What goes before events.
    fn take_due(&mut self, batch: &mut Batch) {
        let member = &self.context.place.member;
        if member.take_ping() {
            batch.ping();
        }
        for answer in self.context.outbox.take() {
            batch.text(answer);
        }
        if member.take_expiry() {
            batch.text(frame::expiring(member.expires_at()));
        }
        for letter in member.take_letters(&lock(&self.context.filter)) {
            batch.text(letter);
        }
    }

    /// Moves the cursor: through what the log said, then through the feed.
    fn advance(&mut self, batch: &mut Batch) -> Stop {
        let feed = &self.context.place.tenant.feed;
        let viewer = self.context.place.member.viewer();
        let filter = lock(&self.context.filter);
        let sight = Sight { viewer: &viewer, filter: &filter };
        self.head.borrow_and_update();
        let lost = match self.answer.take() {
            Some(Answer::Page(page, head)) => self.cursor.absorb(page, head, &sight, batch) == Stop::Lost,
            Some(Answer::Extent(extent)) => {
                let seq = extent.head.max(feed.head().unwrap_or(0));
                self.cursor.jump(seq + 1);
                batch.text(self.reset(extent.oldest, seq));
                false
            }
            None => false,
        };
        if lost {
            return Stop::Lost;
        }
        if self.question.is_some() { Stop::Behind } else { self.cursor.follow(feed, &sight, batch) }
    }

    /// Returns when there may be something to write.
    async fn wait(&mut self, stop: Stop) {
        let place = self.context.place;
        match stop {
            Stop::Full | Stop::CaughtUp => {}
            Stop::Behind if self.question.is_none() => self.ask_for_page(),
            Stop::Behind => {}
            Stop::Lost => self.ask_for_extent(),
        }
        let is_waiting = self.question.is_none();
        tokio::select! {
            () = place.member.wake.notified() => {}
            answer = under_way(&mut self.question) => {
                self.question = None;
                self.answer = Some(answer);
            }
            // Fails only without a sender, which the tenant holds.
            _ = self.head.changed(), if is_waiting => {}
        }
    }

    fn ask_for_page(&mut self) {
        let place = self.context.place;
        let (after, rows) = (self.cursor.passed(), self.cursor.rows());
        let head = place.tenant.feed.head();
        let page =
            async move { Answer::Page(place.hub.0.log.page(&place.tenant.id, after, rows).await, head) };
        self.question = Some(page.boxed());
    }

    fn ask_for_extent(&mut self) {
        let place = self.context.place;
        let extent = async move { Answer::Extent(place.hub.0.log.extent(&place.tenant.id).await) };
        self.question = Some(extent.boxed());
    }

    async fn send(&mut self, batch: Batch) -> Result<(), Gone> {
        timeout(WRITE_DEADLINE, self.sink.send(batch.frames())).await.unwrap_or(Err(Gone))
    }
}

/// The answer to the question, if there is one under way.
async fn under_way(question: &mut Question<'_>) -> Answer {
    match question {
        Some(question) => question.await,
        None => std::future::pending().await,
    }
}
