//! Ports for what a test starts; also for the tests inside crates.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// A port that nobody listens on, below the range from which the kernel takes those of outgoing connections, so
/// that it is still free when the server binds it.
pub fn free_port() -> u16 {
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
        let spread = u16::try_from(std::process::id() % 200).expect("below 200");
        AtomicU16::new(11_000 + spread * 100)
    });
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        if std::net::TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}
