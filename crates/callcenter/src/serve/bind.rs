//! The address to listen on: taken early, so that a second server fails before it does anything; opened late, so that
//! nobody connects before there is an answer.

use anyhow::{Context as _, anyhow};
use std::io::{Error, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::{TcpListener, TcpSocket};

/// Connections that wait to be accepted; the kernel cuts it to its own limit.
const BACKLOG: u32 = 4096;

/// A bound socket that does not listen yet.
pub struct Reserved {
    socket: TcpSocket,
    host: String,
    port: u16,
}

impl Reserved {
    /// Binds the first address of the host that can be bound.
    pub async fn bind(host: &str, port: u16) -> anyhow::Result<Self> {
        let mut failure = None;
        for address in addresses(host, port).await? {
            match bound(address) {
                Ok(socket) => return Ok(Self { socket, host: host.to_owned(), port }),
                // In use is the answer; another family's absence is not.
                Err(error) if error.kind() == ErrorKind::AddrInUse => {
                    return Err(explained(host, port, &error));
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        let failure = failure.unwrap_or_else(|| Error::from(ErrorKind::AddrNotAvailable));
        Err(explained(host, port, &failure))
    }

    /// Begins to listen.
    pub fn listen(self) -> anyhow::Result<TcpListener> {
        self.socket.listen(BACKLOG).map_err(|error| explained(&self.host, self.port, &error))
    }
}

fn bound(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart must not wait for the connections of the last run to be forgotten.
    socket.set_reuseaddr(true)?;
    // Events are small and must not wait for one another. Accepted connections inherit it.
    socket.set_nodelay(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn addresses(host: &str, port: u16) -> anyhow::Result<Vec<SocketAddr>> {
    if host.eq_ignore_ascii_case("localhost") {
        // Whoever connects to localhost tries both.
        let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        return Ok(both.map(|address| SocketAddr::new(address, port)).to_vec());
    }
    let found = tokio::net::lookup_host((host, port)).await;
    Ok(found
        .with_context(|| format!("SERVER_HOST {host} is not an address or a name that can be resolved"))?
        .collect())
}

fn explained(host: &str, port: u16, error: &Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!(
                "port {port} on {host} is in use: stop the program that listens there, or set SERVER_PORT"
            )
        }
        ErrorKind::AddrNotAvailable => anyhow!("SERVER_HOST {host} is not an address of this machine"),
        ErrorKind::PermissionDenied => {
            anyhow!("not allowed to listen on port {port}: set SERVER_PORT above 1023")
        }
        _ => anyhow!("cannot listen on {}: {error}", shown(host, port)),
    }
}

/// `HOST:PORT`, with brackets where they are needed.
pub fn shown(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_one_clear_line() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = taken.local_addr().unwrap().port();
        for host in ["127.0.0.1", "localhost", "0.0.0.0"] {
            let refused = Reserved::bind(host, port).await.err().unwrap().to_string();
            assert_eq!(refused.split(':').next().unwrap(), format!("port {port} on {host} is in use"));
        }
    }

    #[tokio::test]
    async fn nobody_can_connect_before_it_listens() {
        let reserved = Reserved::bind("localhost", 0).await.unwrap();
        let address = reserved.socket.local_addr().unwrap();
        assert!(address.ip().is_loopback());
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
        let _listener = reserved.listen().unwrap();
        assert!(tokio::net::TcpStream::connect(address).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_written_to_a_connection_does_not_wait_for_more() {
        let reserved = Reserved::bind("localhost", 0).await.unwrap();
        let address = reserved.socket.local_addr().unwrap();
        let listener = reserved.listen().unwrap();
        let _peer = tokio::net::TcpStream::connect(address).await.unwrap();
        assert!(listener.accept().await.unwrap().0.nodelay().unwrap());
    }

    #[tokio::test]
    async fn a_foreign_address_is_refused() {
        let refused = Reserved::bind("192.0.2.1", 0).await.err().unwrap().to_string();
        assert_eq!(refused, "SERVER_HOST 192.0.2.1 is not an address of this machine");
        assert_eq!((shown("::", 1).as_str(), shown("h", 1).as_str()), ("[::]:1", "h:1"));
    }
}
