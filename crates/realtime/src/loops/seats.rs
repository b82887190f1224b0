//! A loop's connections, each in a seat whose number is its token. Knows nothing of events.

use super::mailbox::Counted;
use crate::connection::{Client, Io};
use mio::net::TcpStream;
use slab::Slab;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio_util::task::AbortOnDropHandle;

/// Where a connection gets its events from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Its room passes them on, to the group and at the place given here.
    Room { group: usize, at: usize },
    /// It reads them by itself: its socket was full, or it has to catch up.
    Itself,
    /// It has read all that its room has, and waits for the room to come to where it stands.
    Ahead,
}

/// One connection.
pub(super) struct Seat {
    pub stream: TcpStream,
    pub client: Client,
    pub room: usize,
    pub source: Source,
    /// Tells this connection from others that had the key before.
    pub number: u64,
    /// Among the loop's connections.
    pub _counted: Counted,
    /// The last round of the room that looked at this connection by itself.
    pub round: u64,
    /// Is to have a turn.
    pub is_due: bool,
    /// The poll says when its socket has room again: from the first time on that it was full.
    pub hears_of_room: bool,
    /// It is known when the connection is given up.
    pub has_deadline: bool,
    pub is_rung: Arc<AtomicBool>,
    /// The last question to the log; it ends with the connection.
    pub asking: Option<AbortOnDropHandle<()>>,
}

pub(super) type Seats = Slab<Seat>;

impl Io for TcpStream {
    const SHORT_READ_EMPTIES: bool = true;

    fn finish(&mut self) {
        // Fails when the client is gone already.
        let _ = self.shutdown(std::net::Shutdown::Write);
    }
}

impl Seat {
    /// Writes what waits, and reads once.
    pub(super) fn exchange(&mut self, buffer: &mut [u8]) {
        self.client.flush(&mut self.stream);
        if self.client.can_read() {
            self.client.read(&mut self.stream, buffer);
            self.client.flush(&mut self.stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Member;

    #[test]
    fn an_idle_connection_is_small() {
        let bytes = size_of::<Seat>() + size_of::<Member>();
        assert!(bytes < 1024, "{bytes} bytes");
    }
}
