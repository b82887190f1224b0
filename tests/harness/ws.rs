//! A WebSocket client: one JSON document a frame, both ways.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};
use tokio_tungstenite::tungstenite::{Bytes, Error};

use super::address::Stream;
use super::catalogue;
use super::wait::within;
use super::{Client, Server, Value};

pub struct Ws {
    socket: WebSocketStream<Box<dyn Stream>>,
}

/// A handshake that was answered by something other than an upgrade.
#[derive(Debug)]
pub struct Refusal {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Ws {
    /// Connects as this client and takes the first frame, which is always `connection.ready`; with its payload.
    pub async fn connect(server: &Server, client: &Client) -> (Self, Value) {
        let bearer = format!("Bearer {}", client.token());
        let mut ws = Self::open(server, "/ws", &[("authorization", &bearer)]).await.expect("a connection");
        let ready = ws.expect_type("connection.ready").await;
        (ws, ready["payload"].clone())
    }

    /// Only the handshake.
    pub async fn open(
        server: &Server,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Refusal> {
        let url = format!("{}{path}", server.address.base()).replacen("http", "ws", 1);
        let mut request = url.into_client_request().expect("an address");
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a header value");
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        let stream = within("a connection", server.address.connect()).await;
        match within("the handshake", tokio_tungstenite::client_async(request, stream)).await {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(Error::Http(response)) => {
                let (head, body) = response.into_parts();
                let body = serde_json::from_slice(body.as_deref().unwrap_or_default()).unwrap_or_default();
                Err(Refusal { status: head.status.as_u16(), headers: head.headers, body })
            }
            Err(error) => panic!("the handshake failed: {error}"),
        }
    }

    /// The next text frame; panics when the connection closes instead.
    pub async fn next_json(&mut self) -> Value {
        let frame = serde_json::from_str(&self.next_text().await).expect("JSON");
        catalogue::check_frame(&frame);
        frame
    }

    /// The next event of the log. What is told beside it, such as `user.online` of this very connection, comes when it comes;
    /// but nobody who waits for an event is told to start over.
    pub async fn next_event(&mut self) -> Value {
        loop {
            let frame = self.next_json().await;
            assert_ne!(frame["type"], "connection.reset", "{frame}");
            if frame["seq"].is_number() {
                return frame;
            }
        }
    }

    /// The next text frame, letter by letter: for numbers that no [`Value`] holds.
    pub async fn next_text(&mut self) -> String {
        match self.next().await {
            Next::Text(text) => text,
            Next::Closed(code) => panic!("closed with {code} where a frame was expected"),
        }
    }

    /// The next frame, which must be of this type.
    pub async fn expect_type(&mut self, kind: &str) -> Value {
        let frame = self.next_json().await;
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }

    /// Skips frames until one of this type comes.
    pub async fn wait_for(&mut self, kind: &str) -> Value {
        self.wait_for_any(&[kind]).await
    }

    /// Skips frames until one of these types comes; not for ever, however many others come.
    pub async fn wait_for_any(&mut self, kinds: &[&str]) -> Value {
        let found = async {
            loop {
                let frame = self.next_json().await;
                if kinds.iter().any(|kind| frame["type"] == *kind) {
                    return frame;
                }
            }
        };
        within(&kinds.join(" or "), found).await
    }

    /// Reads to the end and returns the close code (1006 when there was no close frame).
    pub async fn close_code(&mut self) -> u16 {
        // As a whole: the server's pings alone would let it wait for ever.
        let ended = async {
            loop {
                if let Next::Closed(code) = self.next().await {
                    return code;
                }
            }
        };
        within("the end of the connection", ended).await
    }

    pub async fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.expect("the connection is open");
    }

    pub async fn send_binary(&mut self, bytes: &[u8]) {
        self.socket
            .send(Message::binary(Bytes::copy_from_slice(bytes)))
            .await
            .expect("the connection is open");
    }

    /// Says goodbye as a browser does that leaves the page.
    pub async fn close(mut self) {
        let _ = self.socket.close(None).await;
        let _ = self.close_code().await;
    }

    async fn next(&mut self) -> Next {
        loop {
            match within("a frame", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => return Next::Text(text.to_string()),
                Some(Ok(Message::Close(frame))) => return Next::Closed(code(frame)),
                Some(Ok(Message::Binary(_))) => panic!("the server never sends binary frames"),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Next::Closed(1006),
            }
        }
    }
}

enum Next {
    Text(String),
    Closed(u16),
}

fn code(frame: Option<CloseFrame>) -> u16 {
    frame.map_or(1005, |frame| frame.code.into())
}
