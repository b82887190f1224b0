//! Which web pages may call the API from a browser, and open WebSockets.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};

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

/// Tells browsers what pages may do, and answers when they ask, as the Fetch standard has it.
pub(crate) fn layer(origins: &Origins) -> CorsLayer {
    let origins = origins.clone();
    let may_call = move |origin: &HeaderValue, request: &Parts| {
        origin.to_str().is_ok_and(|origin| origins.allow(origin, host(&request.headers)))
    };
    let header = HeaderName::from_static;
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(may_call))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header("x-request-id"),
            header("idempotency-key"),
            header("last-event-id"),
        ])
        .expose_headers([header("x-request-id"), header::RETRY_AFTER])
        .max_age(Duration::from_secs(600))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::extract::Request;
    use axum::response::Response;
    use std::convert::Infallible;
    use tower::{Layer as _, ServiceExt as _, service_fn};

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

    async fn told(method: &str, origin: &str) -> HeaderMap {
        let origins = Origins::parse("https://app.example.com").unwrap();
        let service =
            layer(&origins).layer(service_fn(async |_| Ok::<_, Infallible>(Response::new(Body::empty()))));
        let request =
            Request::builder().method(method).header("origin", origin).header("host", "api.example.com");
        service.oneshot(request.body(Body::empty()).unwrap()).await.unwrap().into_parts().0.headers
    }

    #[tokio::test]
    async fn pages_are_told_what_they_may_do_unless_they_may_nothing() {
        for own in ["https://app.example.com", "https://api.example.com"] {
            let (asked, called) = (told("OPTIONS", own).await, told("POST", own).await);
            assert!([&asked, &called].iter().all(|told| told["access-control-allow-origin"] == own));
            assert!(asked["access-control-allow-headers"].to_str().unwrap().contains("idempotency-key"));
            assert!(asked["access-control-allow-methods"].to_str().unwrap().contains("PATCH"));
            assert_eq!(called["access-control-expose-headers"], "x-request-id,retry-after");
        }
        for method in ["OPTIONS", "POST"] {
            let foreign = told(method, "https://evil.example.com").await;
            assert!(!foreign.contains_key("access-control-allow-origin") && foreign.contains_key("vary"));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["example.com", "ftp://x", "https://", "https://a/b", "https://a b"] {
            assert_eq!(Origins::parse(bad), Err(InvalidOrigin), "{bad}");
        }
    }
}
