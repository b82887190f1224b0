//! A client of the tests: speaks WebSocket over loopback to a loop, or over a pipe to a task.

use super::support::{World, eventually, soon, tenant};
use crate::{Connection, Hub, Opening};
use model::ConnectionId;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpSocket, TcpStream};

/// What serves the connections of a world.
#[derive(Debug, Clone, Copy)]
pub(super) enum Over {
    Loop,
    Task,
}

const MASK: [u8; 4] = [7, 31, 127, 211];

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What comes from the server.
#[derive(Debug)]
pub(super) enum Heard {
    Document(Value),
    Ping,
    Pong(Vec<u8>),
    Closed(Option<u16>),
}

/// The client's end of a connection. Dropping it is a lost network.
pub(super) struct Client {
    stream: Box<dyn Stream>,
    unread: Vec<u8>,
    id: ConnectionId,
    hub: Hub,
}

impl Client {
    pub(super) async fn open(connection: Connection, world: &World, is_narrow: bool) -> Self {
        let id = connection.id().clone();
        let stream: Box<dyn Stream> = match world.over {
            Over::Loop => {
                let (ours, theirs) = loopback(is_narrow).await;
                tokio::spawn(async move { connection.serve_tcp(theirs, Opening::default()).await });
                Box::new(ours)
            }
            Over::Task => {
                let (ours, theirs): (DuplexStream, _) =
                    tokio::io::duplex(if is_narrow { 300 } else { 1 << 20 });
                tokio::spawn(connection.serve(theirs, Opening::default()));
                Box::new(ours)
            }
        };
        Self { stream, unread: Vec::new(), id, hub: world.hub.clone() }
    }

    /// The next thing that comes.
    pub(super) async fn hear(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.take_frame() {
                return heard;
            }
            let read = soon(self.stream.read_buf(&mut self.unread)).await.unwrap_or(0);
            assert!(read > 0, "the server is gone without a close");
        }
    }

    fn take_frame(&mut self) -> Option<Heard> {
        let (first, second) = (*self.unread.first()?, usize::from(*self.unread.get(1)?));
        let (head, length) = match second {
            126 => (4, usize::from(u16::from_be_bytes(*self.unread.get(2..)?.first_chunk()?))),
            127 => (10, usize::try_from(u64::from_be_bytes(*self.unread.get(2..)?.first_chunk()?)).unwrap()),
            short => (2, short),
        };
        let payload = self.unread.get(head..head + length)?.to_vec();
        self.unread.drain(..head + length);
        Some(match first {
            0x81 => Heard::Document(serde_json::from_slice(&payload).unwrap()),
            0x88 => Heard::Closed(payload.first_chunk().map(|code| u16::from_be_bytes(*code))),
            0x89 => Heard::Ping,
            0x8a => Heard::Pong(payload),
            other => panic!("a frame that begins with {other:#x}"),
        })
    }

    /// The next document.
    pub(super) async fn next(&mut self) -> Value {
        loop {
            match self.hear().await {
                Heard::Document(document) => return document,
                Heard::Ping | Heard::Pong(_) => {}
                Heard::Closed(code) => panic!("closed with {code:?}"),
            }
        }
    }

    /// The numbers of the next `count` documents.
    pub(super) async fn seqs(&mut self, count: usize) -> Vec<i64> {
        let mut seqs = Vec::new();
        while seqs.len() < count {
            seqs.push(self.next().await["seq"].as_i64().unwrap());
        }
        seqs
    }

    /// The close code; what comes before it is passed over.
    pub(super) async fn closed(&mut self) -> u16 {
        loop {
            if let Heard::Closed(code) = self.hear().await {
                return code.expect("a code");
            }
        }
    }

    /// Sends a masked frame with this first byte.
    pub(super) async fn say(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match payload.len() {
            short @ 0..126 => frame.push(0x80 | u8::try_from(short).unwrap()),
            medium @ 126..65536 => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(medium).unwrap().to_be_bytes());
            }
            long => {
                frame.push(0x80 | 127);
                frame.extend((long as u64).to_be_bytes());
            }
        }
        frame.extend(MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.write(&frame).await;
    }

    /// Sends bytes as they are. That the server does not want them any more is no failure.
    pub(super) async fn write(&mut self, bytes: &[u8]) {
        let _ = soon(self.stream.write_all(bytes)).await;
    }

    pub(super) async fn text(&mut self, document: &Value) {
        self.say(0x81, document.to_string().as_bytes()).await;
    }

    pub(super) async fn ask(&mut self, document: &Value) -> Value {
        self.text(document).await;
        self.next().await
    }

    /// Ends the connection and waits until the server has noticed.
    pub(super) async fn leave(self) {
        let Self { stream, id, hub, .. } = self;
        drop(stream);
        is_gone(&hub, &id).await;
    }

    /// Waits until the server has given the connection up, without reading what it sent.
    pub(super) async fn given_up(self) {
        is_gone(&self.hub, &self.id).await;
    }
}

async fn is_gone(hub: &Hub, id: &ConnectionId) {
    let is_gone = || async { hub.connections(&tenant()).iter().all(|connection| connection.id != *id) };
    eventually("the connection has ended", is_gone).await;
}

async fn loopback(is_narrow: bool) -> (TcpStream, TcpStream) {
    let (listener, ours) = (TcpSocket::new_v4().unwrap(), TcpSocket::new_v4().unwrap());
    if is_narrow {
        listener.set_send_buffer_size(2048).unwrap();
        ours.set_recv_buffer_size(2048).unwrap();
    }
    listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = listener.listen(1).unwrap();
    let (ours, accepted) = tokio::join!(ours.connect(listener.local_addr().unwrap()), listener.accept());
    (ours.unwrap(), accepted.unwrap().0)
}
