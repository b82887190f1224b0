//! Opens connections, and only to addresses that are allowed: after the name was resolved, on the address dialled, at
//! every attempt. Counts open sockets. Knows nothing of requests.

use crate::client::stage::{self, Stage};
use crate::{AllowedNetworks, target};
use hyper::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tower::Service;

/// Time for all addresses of a name together; what is left of the attempt's own limit, if that is less.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(10);

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type BoxFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Why nothing was dialled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("address {0} is not allowed")]
    NotAllowed(IpAddr),
    #[error("name does not resolve")]
    Unresolved(#[source] Option<io::Error>),
}

/// Resolves names and keeps the allowed addresses.
#[derive(Debug, Clone)]
pub(crate) struct Resolver(Arc<AllowedNetworks>);

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Refusal;
    type Future = BoxFuture<Self::Response, Refusal>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allowed = Arc::clone(&self.0);
        Box::pin(async move { resolve(&name, &allowed).await.map(Vec::into_iter) })
    }
}

async fn resolve(name: &Name, allowed: &AllowedNetworks) -> Result<Vec<SocketAddr>, Refusal> {
    let found = tokio::net::lookup_host((name.as_str(), 0)).await;
    let mut all: Vec<SocketAddr> = found.map_err(|error| Refusal::Unresolved(Some(error)))?.collect();
    // Where `localhost` is ::1 alone, programs that listen on 127.0.0.1 only would not be found.
    if name.as_str().eq_ignore_ascii_case("localhost") && !all.iter().any(SocketAddr::is_ipv4) {
        all.push((Ipv4Addr::LOCALHOST, 0).into());
    }
    permitted(all, allowed)
}

/// Of what a name stands for at this moment, the addresses that may be dialled.
fn permitted(mut all: Vec<SocketAddr>, allowed: &AllowedNetworks) -> Result<Vec<SocketAddr>, Refusal> {
    let Some(first) = all.first().map(SocketAddr::ip) else { return Err(Refusal::Unresolved(None)) };
    all.retain(|address| allowed.permits(address.ip()));
    if all.is_empty() { Err(Refusal::NotAllowed(first)) } else { Ok(all) }
}

/// Opens TCP connections.
#[derive(Clone)]
pub(crate) struct GuardedConnector {
    inner: HttpConnector<Resolver>,
    allowed: Arc<AllowedNetworks>,
    open: Arc<AtomicUsize>,
}

impl GuardedConnector {
    /// `open` counts the sockets.
    pub(crate) fn new(allowed: &Arc<AllowedNetworks>, open: &Arc<AtomicUsize>) -> Self {
        let mut inner = HttpConnector::new_with_resolver(Resolver(Arc::clone(allowed)));
        inner.enforce_http(false);
        inner.set_nodelay(true);
        inner.set_connect_timeout(Some(CONNECT_LIMIT));
        Self { inner, allowed: Arc::clone(allowed), open: Arc::clone(open) }
    }

    /// Judges a host that is an address, which the resolver never sees.
    fn check_literal(&self, uri: &Uri) -> Result<(), BoxError> {
        match target::literal(uri.host().unwrap_or_default())? {
            Some(address) if !self.allowed.permits(address) => Err(Refusal::NotAllowed(address).into()),
            _ => Ok(()),
        }
    }
}

impl Service<Uri> for GuardedConnector {
    type Response = CountedStream;
    type Error = BoxError;
    type Future = BoxFuture<CountedStream, BoxError>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let checked = self.check_literal(&uri);
        let stage = stage::current();
        let secure = uri.scheme_str() == Some("https");
        let connecting = self.inner.call(uri);
        let open = Arc::clone(&self.open);
        Box::pin(async move {
            checked?;
            stage.set(Stage::Connecting);
            let inner = connecting.await?;
            stage.set(if secure { Stage::Handshake } else { Stage::Headers });
            Ok(CountedStream::new(inner, open))
        })
    }
}

/// A socket that is counted as long as it is open.
pub(crate) struct CountedStream {
    inner: TokioIo<TcpStream>,
    open: Arc<AtomicUsize>,
}

impl CountedStream {
    fn new(inner: TokioIo<TcpStream>, open: Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self { inner, open }
    }
}

impl Drop for CountedStream {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connection for CountedStream {
    fn connected(&self) -> Connected {
        self.inner.connected()
    }
}

impl Read for CountedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl Write for CountedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, buffers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialled(found: &[&str], allowed: &AllowedNetworks) -> Result<Vec<String>, String> {
        let found = found.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect();
        let addresses = permitted(found, allowed).map_err(|refusal| refusal.to_string())?;
        Ok(addresses.iter().map(|address| address.ip().to_string()).collect())
    }

    #[test]
    fn of_a_names_addresses_only_those_that_are_allowed_are_dialled() {
        let none = AllowedNetworks::none();
        assert_eq!(dialled(&["8.8.8.8", "2606:4700::1"], &none).unwrap(), ["8.8.8.8", "2606:4700::1"]);
        assert_eq!(dialled(&["10.0.0.1", "8.8.8.8", "::1"], &none).unwrap(), ["8.8.8.8"]);
        let some = AllowedNetworks::parse("10.0.0.0/8").unwrap();
        assert_eq!(dialled(&["127.0.0.1", "10.0.0.1"], &some).unwrap(), ["10.0.0.1"]);
        for private in
            ["127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "::ffff:10.0.0.1", "fe80::1"]
        {
            let refused = dialled(&[private, "192.168.0.1"], &none).unwrap_err();
            assert_eq!(refused, format!("address {private} is not allowed"));
        }
        assert_eq!(dialled(&[], &none).unwrap_err(), "name does not resolve");
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_stands_for_at_each_attempt() {
        for name in ["localhost", "LOCALHOST"] {
            let name: Name = name.parse().unwrap();
            let refused = resolve(&name, &AllowedNetworks::none()).await.unwrap_err();
            assert!(matches!(refused, Refusal::NotAllowed(address) if address.is_loopback()), "{refused}");
            let open = AllowedNetworks::parse("127.0.0.0/8").unwrap();
            let dialled = resolve(&name, &open).await.unwrap();
            assert!(dialled.iter().all(|address| address.ip() == Ipv4Addr::LOCALHOST), "{dialled:?}");
        }
    }
}
