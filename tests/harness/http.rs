//! An HTTP client for tests. Each answer of the API is held against the server's own OpenAPI document.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::http::response;
use hyper::{Method, Request as HttpRequest, Version};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;

use super::Value;
use super::address::Address;
use super::catalogue;
use super::contract::Contract;
use super::wait::within;

pub struct Http {
    base: String,
    pool: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Http {
    pub fn new(address: &Address) -> Self {
        Self { base: address.base(), pool: address.pool() }
    }

    async fn send(&self, request: HttpRequest<Full<Bytes>>) -> Result<Answer, String> {
        let failed = |error: &dyn std::error::Error| format!("{error}: {:?}", error.source());
        let response = self.pool.request(request).await.map_err(|error| failed(&error))?;
        let (parts, body) = response.into_parts();
        let raw = body.collect().await.map_err(|error| failed(&error))?.to_bytes();
        Ok(Answer::new(&parts, &raw))
    }
}

/// Who is asking: a server and, mostly, a token.
#[derive(Clone)]
pub struct Client {
    http: Arc<Http>,
    pub token: Option<String>,
}

impl Client {
    pub fn new(http: Arc<Http>, token: Option<String>) -> Self {
        Self { http, token }
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().expect("this client has signed in")
    }

    pub fn request(&self, method: Method, path: &str) -> Request {
        let mut headers = HeaderMap::new();
        if let Some(token) = &self.token {
            headers
                .insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).expect("a token"));
        }
        Request { http: Arc::clone(&self.http), method, path: path.to_owned(), headers, body: Bytes::new() }
    }

    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }

    pub fn post(&self, path: &str, body: impl Into<Value>) -> Request {
        self.request(Method::POST, path).json(&body.into())
    }

    pub fn put(&self, path: &str, body: impl Into<Value>) -> Request {
        self.request(Method::PUT, path).json(&body.into())
    }

    pub fn patch(&self, path: &str, body: impl Into<Value>) -> Request {
        self.request(Method::PATCH, path).json(&body.into())
    }

    /// A `POST` without a body.
    pub fn post_empty(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }
}

/// A request that is sent when awaited.
#[must_use = "a request is sent when awaited"]
pub struct Request {
    http: Arc<Http>,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string())
    }

    /// Any bytes, under any content type; an empty type sends none.
    pub fn raw(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        if !content_type.is_empty() {
            self.headers.insert(CONTENT_TYPE, HeaderValue::from_str(content_type).expect("a content type"));
        }
        self
    }

    /// For calls that may find nobody there.
    pub async fn try_send(self) -> Result<Answer, String> {
        let what = format!("{} {}", self.method, self.path);
        let mut request = HttpRequest::new(Full::new(self.body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = format!("{}{}", self.http.base, self.path).parse().expect("a path");
        *request.headers_mut() = self.headers.clone();
        let answer = within(&what, self.http.send(request)).await?;
        if self.path.starts_with("/api/v1/") {
            Contract::of(&self.http).await.check(&self.method, &self.path, &answer);
        }
        let is_log = self.path.split('?').next() == Some("/api/v1/events") && self.method == Method::GET;
        if is_log && answer.status == 200 {
            catalogue::check_page(&self.http, &self.headers, &answer).await;
        }
        Ok(answer)
    }
}

impl IntoFuture for Request {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.try_send().await.expect("the server answers") })
    }
}

impl Http {
    /// The server's own document, outside the checks that are made with it.
    pub async fn openapi(&self) -> Value {
        let mut request = HttpRequest::new(Full::default());
        *request.uri_mut() = format!("{}/openapi.json", self.base).parse().expect("an address");
        within("/openapi.json", self.send(request)).await.expect("the server answers").expect(200).body
    }

    /// The server's catalogue of events, outside the checks as well.
    pub async fn event_types(&self, headers: &HeaderMap) -> Answer {
        let mut request = HttpRequest::new(Full::default());
        *request.uri_mut() = format!("{}/api/v1/event-types", self.base).parse().expect("an address");
        *request.headers_mut() = headers.clone();
        within("the catalogue", self.send(request)).await.expect("the server answers").expect(200)
    }
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub version: Version,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Answer {
    fn new(head: &response::Parts, raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw).into_owned();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Self {
            status: head.status.as_u16(),
            version: head.version,
            headers: head.headers.clone(),
            body,
            text,
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The answer again, if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "answer: {}", self.text);
        self
    }

    /// A text of the payload.
    #[track_caller]
    pub fn text_of(&self, field: &str) -> &str {
        self.data()[field].as_str().unwrap_or_else(|| panic!("no text {field} in {}", self.text))
    }

    /// The payload of a success.
    #[track_caller]
    pub fn data(&self) -> &Value {
        assert_eq!(self.body["success"], true, "answer {}: {}", self.status, self.text);
        &self.body["data"]
    }

    /// The answer again, if it is any success.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert!((200..300).contains(&self.status), "answer {}: {}", self.status, self.text);
        self
    }

    /// A refusal with this status, in the contract's form.
    #[track_caller]
    pub fn assert_error(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "answer: {}", self.text);
        assert!(self.body["error"]["code"].is_string(), "answer: {}", self.text);
        self
    }

    /// One of the details is about this field, and says something.
    #[track_caller]
    pub fn names(&self, field: &str) -> &Self {
        let details = self.body["error"]["details"].as_array().cloned().unwrap_or_default();
        let about = details.iter().find(|detail| detail["field"] == field);
        let message = about.and_then(|detail| detail["message"].as_str()).unwrap_or_default();
        assert!(!message.is_empty(), "no detail names {field}: {}", self.text);
        self
    }
}
