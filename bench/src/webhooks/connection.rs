//! One kept-alive HTTP/1.1 connection, used by one caller at a time: the cheapest client there is on this HTTP library.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The connection; opened when it is needed.
pub(super) struct Connection {
    /// `host:port`.
    authority: String,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// To the host and port of an `http://` URL.
    pub(super) fn to(url: &str) -> Result<Self> {
        let rest =
            url.strip_prefix("http://").with_context(|| format!("{url} does not begin with http://"))?;
        let authority = rest.split('/').next().unwrap_or(rest).to_owned();
        Ok(Self { authority, sender: None })
    }

    /// One exchange; gives the status and the whole answer.
    pub(super) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<(StatusCode, Bytes)> {
        let mut sender = match self.sender.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.open().await?,
        };
        sender.ready().await?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.authority)
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = sender.send_request(request.body(Full::new(body))?).await?;
        let status = response.status();
        let answer = response.into_body().collect().await?.to_bytes();
        self.sender = Some(sender);
        Ok((status, answer))
    }

    /// One exchange that must succeed.
    pub(super) async fn call(
        &mut self,
        method: Method,
        path: &str,
        token: &str,
        body: Bytes,
    ) -> Result<Bytes> {
        let bearer = format!("Bearer {token}");
        let (status, answer) = self.send(method, path, &[("authorization", &bearer)], body).await?;
        if !status.is_success() {
            bail!("{path}: {status}: {}", String::from_utf8_lossy(&answer));
        }
        Ok(answer)
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Ends with the sender.
        tokio::spawn(connection);
        Ok(sender)
    }
}
