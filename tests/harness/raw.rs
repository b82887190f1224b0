//! A WebSocket as bytes: says whatever a test wants to say, and reads frames without an opinion on them.

use super::address::Stream;
use super::wait::within;
use super::{Client, Server, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The first byte of whole frames.
pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8a;
/// Of fragments: the first, one between, the last.
pub const TEXT_BEGINS: u8 = 0x01;
pub const GOES_ON: u8 = 0x00;
pub const ENDS: u8 = 0x80;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame as a client has to send it.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, payload.len() as u64, true);
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// A head in the shortest form, without the mask's bytes.
pub fn head(first: u8, length: u64, is_masked: bool) -> Vec<u8> {
    let mask = if is_masked { 0x80 } else { 0 };
    let mut head = vec![first];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 126 => head.push(mask | short),
        (_, Ok(medium)) => {
            head.push(mask | 126);
            head.extend(medium.to_be_bytes());
        }
        _ => {
            head.push(mask | 127);
            head.extend(length.to_be_bytes());
        }
    }
    head
}

/// The request for an upgrade, with these headers beside `Host` and the token.
pub fn request(client: &Client, headers: &[(&str, &str)]) -> String {
    let mut text =
        format!("GET /ws HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n", client.token());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text + "\r\n"
}

/// What every handshake needs.
pub const HANDSHAKE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// What comes from the server.
#[derive(Debug, PartialEq)]
pub enum Frame {
    Document(Value),
    Ping,
    Pong(Vec<u8>),
    Closed(Option<u16>),
    /// The connection is closed.
    End,
}

pub struct Raw {
    stream: Box<dyn Stream>,
    unread: Vec<u8>,
}

fn type_of(document: &Value) -> &str {
    document["type"].as_str().unwrap_or_default()
}

impl Raw {
    /// Connects and says nothing.
    pub async fn open(server: &Server) -> Self {
        let stream = within("a connection", server.address.connect()).await;
        Self { stream, unread: Vec::new() }
    }

    /// Connects, is upgraded, and has read `connection.ready`.
    pub async fn connect(server: &Server, client: &Client) -> Self {
        Self::open(server).await.upgraded(client).await
    }

    /// The same, with room for a few kilobytes until it reads.
    pub async fn connect_narrow(server: &Server, client: &Client) -> Self {
        let stream = Box::new(within("a connection", server.address.connect_narrow()).await);
        Self { stream, unread: Vec::new() }.upgraded(client).await
    }

    async fn upgraded(self, client: &Client) -> Self {
        let mut raw = self;
        raw.send(request(client, &HANDSHAKE).as_bytes()).await;
        let answer = raw.answer().await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        raw.expect_document("connection.ready").await;
        raw
    }

    /// The head of the answer to the handshake.
    pub async fn answer(&mut self) -> String {
        loop {
            let end = self.unread.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                let head = self.unread.drain(..end + 4).collect();
                return String::from_utf8(head).expect("text");
            }
            assert!(self.read().await > 0, "no answer");
        }
    }

    /// Sends bytes. That the server does not want them any more is no failure.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = within("sending", self.stream.write_all(bytes)).await;
    }

    /// Sends a masked frame.
    pub async fn say(&mut self, first: u8, payload: &[u8]) {
        self.send(&masked(first, payload)).await;
    }

    async fn read(&mut self) -> usize {
        within("bytes", self.stream.read_buf(&mut self.unread)).await.unwrap_or(0)
    }

    /// Takes all that comes until the server ends, to be looked at afterwards, so that a busy machine is not too slow
    /// for a server that is about to end.
    pub async fn take_all(&mut self) {
        while self.read().await > 0 {}
    }

    /// The next frame. That a user has come or gone is told whenever it is found out, and passed over.
    pub async fn next(&mut self) -> Frame {
        loop {
            match self.take_frame() {
                Some(Frame::Document(told)) if ["user.online", "user.offline"].contains(&type_of(&told)) => {
                    continue;
                }
                Some(frame) => return frame,
                None => {}
            }
            if self.read().await == 0 {
                return Frame::End;
            }
        }
    }

    fn take_frame(&mut self) -> Option<Frame> {
        let (first, second) = (*self.unread.first()?, *self.unread.get(1)?);
        assert_eq!(second & 0x80, 0, "a server does not mask");
        let (head, length) = match second {
            126 => (4, usize::from(u16::from_be_bytes(*self.unread.get(2..)?.first_chunk()?))),
            127 => (10, usize::try_from(u64::from_be_bytes(*self.unread.get(2..)?.first_chunk()?)).ok()?),
            short => (2, usize::from(short)),
        };
        let payload = self.unread.get(head..head + length)?.to_vec();
        self.unread.drain(..head + length);
        Some(match first {
            TEXT => Frame::Document(serde_json::from_slice(&payload).expect("one JSON document")),
            CLOSE => Frame::Closed(payload.first_chunk().map(|code| u16::from_be_bytes(*code))),
            PING => Frame::Ping,
            PONG => Frame::Pong(payload),
            other => panic!("a frame that begins with {other:#x}"),
        })
    }

    /// The next frame, which must be a document of this type.
    pub async fn expect_document(&mut self, kind: &str) -> Value {
        match self.next().await {
            Frame::Document(document) if document["type"] == kind => document,
            other => panic!("{other:?} where {kind} was expected"),
        }
    }
}
