//! Which names are taken: by the catalogue, and by the frames of the WebSocket.

/// The first words of names that are the catalogue's own: no custom event may begin with them.
pub const RESERVED_PREFIXES: [&str; 7] =
    ["agent.", "call.", "queue.", "chat.", "user.", "webhook.", "connector."];

/// The types of the WebSocket's own frames, in both directions: a custom event of such a type could not be told from one.
pub const CONTROL_FRAMES: [&str; 12] = [
    "auth.expiring",
    "auth.refresh",
    "auth.refreshed",
    "connection.ready",
    "connection.reset",
    "error",
    "ping",
    "pong",
    "subscribe",
    "subscribed",
    "unsubscribe",
    "unsubscribed",
];

/// Why custom events may not have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reserved {
    /// It is, or looks like, one of the catalogue's.
    #[error(
        "belongs to the catalogue: custom names may not be one of its names nor begin with agent., call., queue., chat., user., webhook. or connector."
    )]
    Catalogue,
    /// It is a frame of the WebSocket.
    #[error("is the type of a control frame of the WebSocket: choose another name, such as order.paid")]
    ControlFrame,
}

/// Whether a name is free for custom events.
pub fn check_custom(name: &str) -> Result<(), Reserved> {
    if CONTROL_FRAMES.contains(&name) {
        Err(Reserved::ControlFrame)
    } else if super::find(name).is_some() {
        Err(Reserved::Catalogue)
    } else {
        check_prefix(name)
    }
}

/// Whether names that begin so are free for custom events.
pub fn check_prefix(beginning: &str) -> Result<(), Reserved> {
    let is_reserved = RESERVED_PREFIXES.iter().any(|prefix| beginning.starts_with(prefix));
    if is_reserved { Err(Reserved::Catalogue) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_names_are_neither_the_catalogues_nor_the_websockets() {
        for name in
            ["agent.custom", "call.incoming", "notification", "alert", "csat.submitted", "connector.x"]
        {
            assert_eq!(check_custom(name), Err(Reserved::Catalogue), "{name}");
        }
        for name in CONTROL_FRAMES {
            assert_eq!(check_custom(name), Err(Reserved::ControlFrame), "{name}");
        }
        for name in ["order.paid", "errors", "ping.pong", "connection.lost", "auth.failed", "callback"] {
            assert_eq!(check_custom(name), Ok(()), "{name}");
        }
    }
}
