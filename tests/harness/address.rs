//! Where a server is, and how to get there: plainly, or over TLS where the server has a certificate.

use std::path::Path;
use std::sync::Arc;

use hyper::body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use super::tls;

#[derive(Clone)]
pub struct Address {
    port: u16,
    authority: Option<Arc<Path>>,
}

/// What carries the bytes.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Address {
    /// With the file of the authority behind the server's certificate, if it speaks TLS.
    pub fn new(port: u16, authority: Option<&Path>) -> Self {
        Self { port, authority: authority.map(Arc::from) }
    }

    /// What stands before a path.
    pub fn base(&self) -> String {
        match self.authority {
            Some(_) => format!("https://localhost:{}", self.port),
            None => format!("http://127.0.0.1:{}", self.port),
        }
    }

    /// For HTTP/2 where TLS lets them agree on it, and HTTP/1.1. Nothing is kept open: a test that kills its server must not
    /// meet a dead connection later.
    pub fn pool<B: Body<Data: Send> + Send>(&self) -> Pool<HttpsConnector<HttpConnector>, B> {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(self.client(&[]))
            .https_or_http()
            .enable_all_versions()
            .build();
        Pool::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector)
    }

    /// A plain connection, if there is somebody to take it.
    pub async fn try_connect(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect(("127.0.0.1", self.port)).await
    }

    /// The same, for somebody who has room for a few kilobytes until he reads.
    pub async fn connect_narrow(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a buffer");
        socket.connect(([127, 0, 0, 1], self.port).into()).await.expect("a connection")
    }

    /// A connection for whatever is said on it, over TLS agreed to be HTTP/1.1.
    pub async fn connect(&self) -> Box<dyn Stream> {
        let stream = self.try_connect().await.expect("a connection");
        if self.authority.is_none() {
            return Box::new(stream);
        }
        let name = ServerName::try_from("localhost").expect("a name");
        let connector = TlsConnector::from(Arc::new(self.client(&["http/1.1"])));
        Box::new(connector.connect(name, stream).await.expect("a handshake"))
    }

    fn client(&self, protocols: &[&str]) -> ClientConfig {
        tls::client(self.authority.as_deref(), protocols)
    }
}
