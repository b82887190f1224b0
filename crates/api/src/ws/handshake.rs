//! The opening handshake of RFC 6455: what a client's request must say, and the answer. Knows nothing of who asks and of
//! what follows.

use crate::error::ApiError;
use axum::Extension;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use realtime::Connection;
use sha1::{Digest, Sha1};
use std::sync::{Arc, Mutex, PoisonError};

/// The standard's fixed text, which no other protocol would append to the key.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const VERSION: HeaderValue = HeaderValue::from_static("13");

/// A request that may be upgraded. Extensions and subprotocols that it offers are not taken up, and so not answered.
pub(crate) struct Handshake {
    key: HeaderValue,
}

/// In the extensions of an answer that opens a WebSocket: what takes over the TCP connection that the request came over,
/// and writes the answer too.
#[derive(Clone)]
pub struct Takeover(Arc<Mutex<Option<Connection>>>);

impl Takeover {
    fn by(connection: Connection) -> Self {
        Self(Arc::new(Mutex::new(Some(connection))))
    }

    /// The WebSocket, the first time.
    #[must_use]
    pub fn take(&self) -> Option<Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<S: Sync> FromRequestParts<S> for Handshake {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let headers = &parts.headers;
        // HTTP/2 has another handshake.
        let is_upgrade = parts.version == Version::HTTP_11
            && names(headers, &header::CONNECTION, "upgrade")
            && names(headers, &header::UPGRADE, "websocket");
        if !is_upgrade {
            return Err(not_a_websocket());
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
            return Err(other_version());
        }
        let key =
            headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key)).cloned().ok_or_else(bad_key)?;
        Ok(Self { key })
    }
}

impl Handshake {
    /// The answer, with the connection that takes over behind it. If the client has gone meanwhile, both are dropped, and
    /// the connection's place is free again.
    pub(crate) fn accept(self, connection: Connection) -> Response {
        let headers = [
            (header::CONNECTION, HeaderValue::from_static("Upgrade")),
            (header::UPGRADE, HeaderValue::from_static("websocket")),
            (header::SEC_WEBSOCKET_ACCEPT, accept(&self.key)),
        ];
        (StatusCode::SWITCHING_PROTOCOLS, Extension(Takeover::by(connection)), headers).into_response()
    }
}

/// Whether a header that holds a list holds this word.
fn names(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let lists = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|entry| entry.trim().eq_ignore_ascii_case(word))
}

/// Sixteen bytes in base64.
fn is_key(key: &HeaderValue) -> bool {
    STANDARD.decode(key.as_bytes()).is_ok_and(|bytes| bytes.len() == 16)
}

fn accept(key: &HeaderValue) -> HeaderValue {
    let digest = Sha1::new().chain_update(key.as_bytes()).chain_update(GUID).finalize();
    // Base64 is always a header's value.
    HeaderValue::from_str(&STANDARD.encode(digest)).unwrap_or(HeaderValue::from_static(""))
}

fn not_a_websocket() -> ApiError {
    let message = "this is a WebSocket endpoint: connect with a WebSocket client over HTTP/1.1";
    ApiError::new(StatusCode::BAD_REQUEST, "upgrade_required", message)
}

fn other_version() -> ApiError {
    let message = "the WebSocket protocol is spoken in version 13 only: send Sec-WebSocket-Version: 13";
    ApiError::new(StatusCode::UPGRADE_REQUIRED, "unsupported_version", message)
}

fn bad_key() -> ApiError {
    let message = "Sec-WebSocket-Key must be 16 random bytes in base64";
    ApiError::new(StatusCode::BAD_REQUEST, "bad_handshake", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_the_standards_own_key() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert!(is_key(&key));
        assert_eq!(accept(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for bad in ["", "short", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZSE="] {
            assert!(!is_key(&HeaderValue::from_static(bad)), "{bad}");
        }
    }

    #[test]
    fn lists_are_searched_word_by_word() {
        let mut headers = HeaderMap::new();
        headers.append(header::CONNECTION, HeaderValue::from_static("keep-alive, Upgrade"));
        assert!(names(&headers, &header::CONNECTION, "upgrade"));
        assert!(!names(&headers, &header::CONNECTION, "up"));
    }
}
