//! How many sockets this process may have open, and what that leaves for WebSockets and requests.

/// Descriptors for all that is not a WebSocket: requests, webhook endpoints, the database, files.
const RESERVED: u64 = 512;
/// Of these, for everything but requests: database and Redis, endpoints, files.
const NOT_REQUESTS: u64 = 256;
/// Connections with requests at most. Each may hold some 80 KiB of buffers, 1.3 GiB in all; requests in progress are as many at most,
/// however many streams HTTP/2 has, and what they hold besides has its bounds in `api` (`places.rs`, `bodies.rs`).
const MOST_REQUESTS: u64 = 16_384;

/// How many connections of each kind there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// WebSockets.
    pub websockets: usize,
    /// Connections that are not (yet) WebSockets.
    pub requests: usize,
}

/// Lifts this process's descriptor limit as far as it is allowed to, and gives it; without one on systems that do not say.
pub fn lift() -> u64 {
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX)
}

/// What `lift` would give.
pub fn attainable() -> u64 {
    rlimit::Resource::NOFILE.get().map_or(u64::MAX, |(_, hard)| hard)
}

impl Limits {
    /// The limits under a descriptor limit, with as many WebSockets as wanted if that is possible.
    #[must_use]
    pub fn under(descriptors: u64, websockets_wanted: usize) -> Self {
        let wanted = u64::try_from(websockets_wanted).unwrap_or(u64::MAX);
        let websockets = wanted.min(descriptors.saturating_sub(RESERVED)).max(1);
        let left = descriptors.saturating_sub(websockets).saturating_sub(NOT_REQUESTS);
        let requests = left.clamp(16, MOST_REQUESTS);
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Self { websockets: size(websockets), requests: size(requests) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_websockets_as_wanted_if_there_are_descriptors() {
        assert_eq!(Limits::under(1_000_000, 50_000), Limits { websockets: 50_000, requests: 16_384 });
        assert_eq!(Limits::under(51_000, 50_000), Limits { websockets: 50_000, requests: 744 });
    }

    #[test]
    fn they_are_cut_to_the_limit_less_512() {
        assert_eq!(Limits::under(1024, 50_000), Limits { websockets: 512, requests: 256 });
        assert_eq!(Limits::under(100, 50_000), Limits { websockets: 1, requests: 16 });
    }

    #[test]
    fn the_limit_can_be_read() {
        assert!(attainable() > 0);
    }
}
