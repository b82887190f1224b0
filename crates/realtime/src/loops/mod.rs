//! The loops: a few threads, one a core, which own the plain TCP connections and write to their sockets themselves. An
//! idle connection has no task, no timer and no buffer; an event wakes each loop once, whatever the number of listeners.

mod mailbox;
mod pace;
mod room;
mod run;
mod seats;

use crate::connection::Client;
use crate::sync::lock;
use mailbox::{Counted, Mailbox, Message};
use mio::{Poll, Token, Waker};
use run::Loop;
use std::io::{Error, ErrorKind, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// The waker's; connections have the keys of their seats.
const WAKE: Token = Token(usize::MAX);

/// All loops. Their threads start with the first connection and end with this.
#[derive(Debug, Default)]
pub(crate) struct Loops(Mutex<Vec<Arc<Mailbox>>>);

impl Loops {
    /// Gives a connection to the loop with the fewest. For callers within the runtime.
    pub(crate) fn take(&self, stream: TcpStream, client: Client) -> Result<()> {
        let mailbox = self.least_busy()?;
        let counted = Counted::by(&mailbox);
        mailbox.send(Message::Adopt(Box::new((stream, client, counted))));
        Ok(())
    }

    /// Has each loop do something.
    #[cfg(test)]
    pub(crate) fn each_does(&self, what: fn()) {
        lock(&self.0).iter().for_each(|mailbox| mailbox.send(Message::Do(Box::new(what))));
    }

    fn least_busy(&self) -> Result<Arc<Mailbox>> {
        let mut loops = lock(&self.0);
        if loops.is_empty() {
            let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            for number in 0..cores {
                loops.push(start(number)?);
            }
        }
        let least = loops.iter().min_by_key(|mailbox| mailbox.connections());
        least.cloned().ok_or_else(|| Error::from(ErrorKind::NotFound))
    }
}

impl Drop for Loops {
    fn drop(&mut self) {
        for mailbox in lock(&self.0).drain(..) {
            mailbox.send(Message::Stop);
        }
    }
}

fn start(number: usize) -> Result<Arc<Mailbox>> {
    let poll = Poll::new()?;
    let mailbox = Arc::new(Mailbox::new(Waker::new(poll.registry(), WAKE)?));
    let (mine, runtime) = (Arc::clone(&mailbox), Handle::current());
    let run = move || {
        let mut this = Loop::new(poll, mine, runtime);
        // A defect that panics costs this loop's connections, which come back, and not those of the next hours.
        while catch_unwind(AssertUnwindSafe(|| this.run())).is_err() {
            tracing::error!("A loop has failed; its connections are closed and it goes on");
            this.give_all_up();
            while catch_unwind(AssertUnwindSafe(|| this.start_over())).is_err() {
                tracing::error!("A loop's connection is lost without a word");
            }
        }
    };
    std::thread::Builder::new().name(format!("sockets-{number}")).spawn(run)?;
    Ok(mailbox)
}
