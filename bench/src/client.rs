//! The few API calls that the benchmark makes.

use anyhow::{Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// A signed-in client with kept-alive connections.
#[derive(Clone)]
pub struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    url: String,
    /// The access token.
    pub token: String,
}

impl Client {
    /// Logs in as the development admin.
    pub async fn log_in(url: &str) -> Result<Self> {
        let http = Http::builder(TokioExecutor::new()).build_http();
        let mut client = Self { http, url: url.into(), token: String::new() };
        let body = json!({ "email": "admin@example.com", "password": "password" });
        let answer = client.call(Method::POST, "/api/v1/auth/login", &body).await?;
        client.token = answer["data"]["access_token"].as_str().unwrap_or_default().into();
        Ok(client)
    }

    /// Makes every state change go to that address.
    pub async fn create_webhook(&self, target: &str) -> Result<()> {
        let body = json!({ "url": target, "events": ["agent.state.changed"] });
        self.call(Method::POST, "/api/v1/webhooks", &body).await.map(|_| ())
    }

    /// Changes the reason of a break, which is a change of state; gives its version.
    pub async fn change_state(&self, reason: &str) -> Result<i64> {
        let body = json!({ "state": "break", "reason": reason });
        let answer = self.call(Method::POST, "/api/v1/agent-state/me", &body).await?;
        Ok(answer["data"]["version"].as_i64().unwrap_or_default())
    }

    /// Publishes events.
    pub async fn publish(&self, events: &Value) -> Result<()> {
        self.call(Method::POST, "/api/v1/events", events).await.map(|_| ())
    }

    /// The cheapest call there is, which touches nothing: what HTTP itself costs here.
    pub async fn live(&self) -> Result<()> {
        self.call(Method::GET, "/health/live", &Value::Null).await.map(|_| ())
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.token))
            .body(Full::new(Bytes::from(body.to_string())))?;
        let response = self.http.request(request).await?;
        let status = response.status();
        let bytes = response.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            bail!("{path}: {status}: {}", String::from_utf8_lossy(&bytes));
        }
        Ok(serde_json::from_slice(&bytes)?)
    }
}
