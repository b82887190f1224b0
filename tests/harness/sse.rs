//! A client of an event stream: blocks of lines, each parted from the next by an empty one.

use std::collections::VecDeque;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;

use super::wait::within;
use super::{Client, Server, Value};

pub struct Sse {
    body: Incoming,
    text: String,
    blocks: VecDeque<Block>,
    /// Held, so that the connection lives as long as the stream.
    _pool: Pool<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

/// One block: an event, or an id alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    pub id: Option<String>,
    pub event: Option<String>,
    pub data: Option<Value>,
}

impl Sse {
    /// Opens the stream; the status and the error's text if it is refused.
    pub async fn open(
        server: &Server,
        client: &Client,
        query: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, (u16, String)> {
        let pool = server.address.pool();
        let mut request = Request::get(format!("{}/api/v1/events/stream{query}", server.address.base()));
        request = request.header("authorization", format!("Bearer {}", client.token()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::new()).expect("a request");
        let response = within("the stream's head", pool.request(request)).await.expect("the server answers");
        let (parts, body) = response.into_parts();
        if parts.status != 200 {
            let bytes = body.collect().await.expect("a body").to_bytes();
            return Err((parts.status.as_u16(), String::from_utf8_lossy(&bytes).into_owned()));
        }
        assert_eq!(parts.headers["content-type"], "text/event-stream");
        assert!(parts.headers.contains_key("x-request-id"));
        Ok(Self { body, text: String::new(), blocks: VecDeque::new(), _pool: pool })
    }

    /// The next block; nothing when the stream has ended.
    pub async fn next(&mut self) -> Option<Block> {
        loop {
            if let Some(block) = self.blocks.pop_front() {
                return Some(block);
            }
            let frame = within("a block", self.body.frame()).await?.ok()?;
            let Ok(data) = frame.into_data() else { continue };
            self.text.push_str(std::str::from_utf8(&data).expect("UTF-8, cut between characters"));
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                self.blocks.extend(Block::read(block));
                self.text = rest.to_owned();
            }
        }
    }

    /// The next event.
    pub async fn event(&mut self) -> Block {
        loop {
            let block = self.next().await.expect("the stream goes on");
            if block.event.is_some() {
                return block;
            }
        }
    }

    /// Reads until the server ends the stream.
    pub async fn ended(&mut self) {
        while self.next().await.is_some() {}
    }
}

impl Block {
    /// Nothing for a block of comments.
    fn read(text: &str) -> Option<Self> {
        let mut block = Self::default();
        for line in text.lines().filter(|line| !line.starts_with(':')) {
            let (field, value) = line.split_once(": ").unwrap_or((line, ""));
            match field {
                "id" => block.id = Some(value.to_owned()),
                "event" => block.event = Some(value.to_owned()),
                "data" => block.data = Some(serde_json::from_str(value).expect("JSON")),
                "retry" => assert!(value.parse::<u64>().is_ok(), "{value}"),
                unknown => panic!("unknown field {unknown}"),
            }
        }
        (block != Self::default()).then_some(block)
    }
}
