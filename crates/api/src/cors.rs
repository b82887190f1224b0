//! Which web pages may call the API from a browser, and open WebSockets.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, header};

/// What is wrong with a text that should have been an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an origin such as https://app.example.com, with :* for any port, or *")]
pub struct InvalidOrigin;

/// The allowed origins; a page of the server's own origin is always allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<Origin>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Any,
    Exact(String),
    /// Scheme and host, with any port or none.
    AnyPort(String),
}

impl Origins {
    /// Takes a list separated by commas.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(parse_one).collect::<Result<_, _>>().map(Self)
    }

    /// Whether every page may call.
    #[must_use]
    pub fn allow_any(&self) -> bool {
        self.0.contains(&Origin::Any)
    }

    /// Whether a page of `origin` may call a server that was addressed as `host`.
    #[must_use]
    pub fn allow(&self, origin: &str, host: Option<&str>) -> bool {
        let own = origin.split_once("://").map(|(_, authority)| authority);
        if own.is_some() && own == host {
            return true;
        }
        self.0.iter().any(|allowed| match allowed {
            Origin::Any => true,
            Origin::Exact(exact) => exact.eq_ignore_ascii_case(origin),
            Origin::AnyPort(base) => without_port(origin).eq_ignore_ascii_case(base),
        })
    }
}

fn without_port(origin: &str) -> &str {
    match origin.rsplit_once(':') {
        Some((base, port)) if !port.is_empty() && port.bytes().all(|c| c.is_ascii_digit()) => base,
        _ => origin,
    }
}

fn parse_one(text: &str) -> Result<Origin, InvalidOrigin> {
    if text == "*" {
        return Ok(Origin::Any);
    }
    let (base, any_port) = text.strip_suffix(":*").map_or((text, false), |base| (base, true));
    let (scheme, authority) = base.split_once("://").ok_or(InvalidOrigin)?;
    let plain = |c: u8| c.is_ascii_alphanumeric() || b".-:[]".contains(&c);
    let known = matches!(scheme, "http" | "https");
    if !known || authority.is_empty() || !authority.bytes().all(plain) {
        return Err(InvalidOrigin);
    }
    Ok(if any_port { Origin::AnyPort(base.to_owned()) } else { Origin::Exact(base.to_owned()) })
}

pub(crate) fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST).and_then(|value| value.to_str().ok())
}

/// What pages may send, and read of answers beside what they always may.
const METHODS: HeaderValue = HeaderValue::from_static("GET,POST,PUT,PATCH,DELETE");
const SENT: HeaderValue =
    HeaderValue::from_static("authorization,content-type,x-request-id,idempotency-key,last-event-id");
const READ: HeaderValue = HeaderValue::from_static("x-request-id,retry-after");
/// For how many seconds a browser remembers it.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");
/// What the answer depends on, for caches.
const VARY: HeaderValue =
    HeaderValue::from_static("origin, access-control-request-method, access-control-request-headers");

/// What the page behind a request may do, as the Fetch standard has it.
pub(crate) struct Page {
    /// The page's origin, if it may read the answer.
    origin: Option<HeaderValue>,
    /// The browser only asks what the page may do.
    pub is_asking: bool,
}

impl Page {
    pub fn of(request: &Request, origins: &Origins) -> Self {
        let headers = request.headers();
        let may_read =
            |origin: &&HeaderValue| origin.to_str().is_ok_and(|origin| origins.allow(origin, host(headers)));
        Self {
            origin: headers.get(header::ORIGIN).filter(may_read).cloned(),
            is_asking: request.method() == Method::OPTIONS,
        }
    }

    /// Says so in the answer.
    pub fn tell(self, headers: &mut HeaderMap) {
        headers.append(header::VARY, VARY);
        let Some(origin) = self.origin else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self.is_asking {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, SENT);
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED);
        } else {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READ);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::HeaderName;

    #[test]
    fn origins_are_compared_with_their_port_unless_any_port_will_do() {
        let origins = Origins::parse("http://localhost:*, https://app.example.com").unwrap();
        for good in ["http://localhost:3000", "http://localhost", "https://app.example.com"] {
            assert!(origins.allow(good, None), "{good}");
        }
        for bad in [
            "https://localhost:3000",
            "https://app.example.com:8443",
            "http://localhost.evil.com",
            "null",
            "",
        ] {
            assert!(!origins.allow(bad, None), "{bad}");
        }
        assert!(origins.allow("https://own.example.com", Some("own.example.com")));
    }

    fn told(method: &str, origin: &str) -> HeaderMap {
        let request =
            Request::builder().method(method).header("origin", origin).header("host", "api.example.com");
        let page = Page::of(
            &request.body(Body::empty()).unwrap(),
            &Origins::parse("https://app.example.com").unwrap(),
        );
        let mut headers = HeaderMap::new();
        page.tell(&mut headers);
        headers
    }

    #[test]
    fn pages_are_told_what_they_may_do_unless_they_may_nothing() {
        for own in ["https://app.example.com", "https://api.example.com"] {
            let (asked, called) = (told("OPTIONS", own), told("POST", own));
            assert!([&asked, &called].iter().all(|told| told["access-control-allow-origin"] == own));
            assert!(asked["access-control-allow-headers"].to_str().unwrap().contains("idempotency-key"));
            assert!(asked["access-control-allow-methods"].to_str().unwrap().contains("PATCH"));
            assert_eq!(called["access-control-expose-headers"], "x-request-id,retry-after");
        }
        let foreign = told("OPTIONS", "https://evil.example.com");
        assert_eq!(foreign.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["vary"]);
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["example.com", "ftp://x", "https://", "https://a/b", "https://a b"] {
            assert_eq!(Origins::parse(bad), Err(InvalidOrigin), "{bad}");
        }
    }
}
