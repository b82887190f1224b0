//! What a client says about an endpoint, and the checks that make an endpoint of it.

use crate::Result;
use crate::fields::Problems;
use ::webhooks::{AllowedNetworks, secret, target};
use model::webhook::{
    DEFAULT_RETRY_COUNT, DEFAULT_TIMEOUT_SECONDS, EventPattern, Ordering, RETRY_COUNT, TIMEOUT_SECONDS,
};
use model::{TenantId, Timestamp, WebhookId};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use store::webhooks::Webhook;

const MAX_NAME: usize = 200;
const MAX_EVENTS: usize = 100;
const MAX_HEADERS: usize = 20;
/// Headers that are ours or belong to one connection only (RFC 9110, section 7.6.1).
const FOREIGN_HEADERS: &[&str] = &[
    "content-type",
    "content-length",
    "content-encoding",
    "host",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "x-tenant-id",
];
/// Beginnings of names that are ours.
const FOREIGN_PREFIXES: &[&str] = &["x-webhook-", "webhook-"];

/// An endpoint as a client describes it; what is `None` was not said.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// For people.
    pub name: Option<String>,
    /// Where deliveries go.
    pub url: Option<String>,
    /// Names, prefixes or `*`.
    pub events: Option<Vec<String>>,
    /// Signs deliveries.
    pub secret: Option<String>,
    /// Whether deliveries are queued.
    pub is_active: Option<bool>,
    /// Retries after the first attempt.
    pub retry_count: Option<i64>,
    /// Seconds that one attempt may take.
    pub timeout: Option<i64>,
    /// `none`, `subject` or `strict`.
    pub ordering: Option<String>,
    /// Whether personal data is masked.
    pub mask_personal_data: Option<bool>,
    /// Further headers, or none.
    pub headers: Option<Option<BTreeMap<String, String>>>,
    /// For people, or none.
    pub description: Option<Option<String>>,
}

/// An endpoint with nothing but defaults.
pub(super) fn blank(tenant: &TenantId, created_at: Timestamp) -> Webhook {
    Webhook {
        id: WebhookId(0),
        tenant: tenant.clone(),
        name: String::new(),
        url: String::new(),
        events: vec![EventPattern::Any],
        secret: String::new(),
        previous_secret: None,
        is_active: true,
        retry_count: DEFAULT_RETRY_COUNT,
        timeout_seconds: DEFAULT_TIMEOUT_SECONDS,
        ordering: Ordering::None,
        mask_personal_data: false,
        headers: BTreeMap::new(),
        description: None,
        disabled_reason: None,
        created_at,
        updated_at: created_at,
    }
}

impl Draft {
    /// A whole endpoint: needs a URL, and gets a name and a secret if it has none.
    pub(super) fn complete(&self, base: Webhook, allowed: &AllowedNetworks) -> Result<Webhook> {
        let mut problems = Problems::default();
        problems.check(self.url.is_some(), "url", "is required");
        let mut webhook = self.fill(base, allowed, &mut problems);
        problems.into_result()?;
        if webhook.name.is_empty() {
            webhook.name = host_of(&webhook.url).chars().take(MAX_NAME).collect();
        }
        if webhook.secret.is_empty() {
            webhook.secret = secret::generate();
        }
        Ok(webhook)
    }

    /// The endpoint `base` with what was said changed.
    pub(super) fn apply(&self, base: Webhook, allowed: &AllowedNetworks) -> Result<Webhook> {
        let mut problems = Problems::default();
        let webhook = self.fill(base, allowed, &mut problems);
        problems.into_result()?;
        Ok(webhook)
    }

    fn fill(&self, mut webhook: Webhook, allowed: &AllowedNetworks, problems: &mut Problems) -> Webhook {
        if let Some(name) = &self.name {
            problems.check_text(name, 1, MAX_NAME, "name");
            webhook.name.clone_from(name);
        }
        if let Some(url) = &self.url {
            problems.take("url", target::check(url, allowed));
            webhook.url.clone_from(url);
        }
        if let Some(events) = &self.events {
            webhook.events = check_events(problems, events);
        }
        if let Some(secret) = &self.secret {
            check_secret(problems, secret);
            webhook.secret.clone_from(secret);
        }
        self.fill_delivery(&mut webhook, problems);
        if let Some(headers) = &self.headers {
            webhook.headers = headers.clone().unwrap_or_default();
            check_headers(problems, &webhook.headers);
        }
        if let Some(description) = &self.description {
            if let Some(text) = description {
                problems.check(
                    text.chars().count() <= 1000,
                    "description",
                    "must be up to 1000 characters long",
                );
            }
            webhook.description.clone_from(description);
        }
        webhook
    }

    fn fill_delivery(&self, webhook: &mut Webhook, problems: &mut Problems) {
        webhook.is_active = self.is_active.unwrap_or(webhook.is_active);
        webhook.mask_personal_data = self.mask_personal_data.unwrap_or(webhook.mask_personal_data);
        if let Some(count) = self.retry_count {
            check_range(problems, "retry_count", count, &RETRY_COUNT);
            webhook.retry_count = count;
        }
        if let Some(seconds) = self.timeout {
            check_range(problems, "timeout", seconds, &TIMEOUT_SECONDS);
            webhook.timeout_seconds = seconds;
        }
        if let Some(word) = &self.ordering {
            let ordering = Ordering::parse(word);
            problems.check(ordering.is_some(), "ordering", "must be none, subject or strict");
            webhook.ordering = ordering.unwrap_or_default();
        }
    }
}

fn check_range(problems: &mut Problems, field: &str, value: i64, allowed: &RangeInclusive<i64>) {
    let message = format!("must be {} to {}", allowed.start(), allowed.end());
    problems.check(allowed.contains(&value), field, &message);
}

fn check_events(problems: &mut Problems, events: &[String]) -> Vec<EventPattern> {
    if events.is_empty() || events.len() > MAX_EVENTS {
        problems.add("events", format!("must hold 1 to {MAX_EVENTS} names; [\"*\"] is every event"));
    }
    let parse =
        |(at, text): (usize, &String)| problems.take(&format!("events[{at}]"), EventPattern::parse(text));
    events.iter().enumerate().take(MAX_EVENTS).filter_map(parse).collect()
}

fn check_secret(problems: &mut Problems, text: &str) {
    let printable = text.chars().all(|c| !c.is_control());
    if !(1..=256).contains(&text.len()) || !printable {
        problems.add("secret", "must be 1 to 256 printable characters");
    } else if text.starts_with("whsec_") && !::webhooks::secret::is_well_formed(text) {
        problems.add("secret", "begins with whsec_ and must then go on in base64");
    }
}

/// A secret that is given by itself.
pub(super) fn check_new_secret(secret: Option<&str>) -> Result<()> {
    let mut problems = Problems::default();
    if let Some(secret) = secret {
        check_secret(&mut problems, secret);
    }
    problems.into_result()
}

fn check_headers(problems: &mut Problems, headers: &BTreeMap<String, String>) {
    problems.check(headers.len() <= MAX_HEADERS, "headers", "must be 20 at most");
    for (name, value) in headers {
        let field = format!("headers.{name}");
        let lower = name.to_ascii_lowercase();
        let token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
        if name.is_empty() || name.len() > 100 || !name.bytes().all(token) {
            problems.add(field, "is not a header name");
        } else if FOREIGN_HEADERS.contains(&lower.as_str())
            || FOREIGN_PREFIXES.iter().any(|p| lower.starts_with(p))
        {
            problems.add(field, "is set by the platform or belongs to the connection");
        } else if value.len() > 1024 || !value.bytes().all(|c| (b' '..=b'~').contains(&c)) {
            problems.add(field, "must be up to 1024 visible ASCII characters");
        }
    }
}

/// The host of a URL that was checked before.
pub(super) fn host_of(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|c| c.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn allowed() -> AllowedNetworks {
        AllowedNetworks::parse("127.0.0.0/8").unwrap()
    }

    fn base() -> Webhook {
        blank(&TenantId::parse("t").unwrap(), Timestamp(0))
    }

    fn fields(result: Result<Webhook>) -> Vec<String> {
        match result {
            Err(Error::Invalid(problems)) => problems.into_iter().map(|problem| problem.field).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_the_url_is_required() {
        let draft = Draft { url: Some("https://hooks.example.com:8443/in".into()), ..Draft::default() };
        let webhook = draft.complete(base(), &allowed()).unwrap();
        assert_eq!(webhook.name, "hooks.example.com");
        assert!(webhook.secret.starts_with("whsec_"));
        assert_eq!(fields(Draft::default().complete(base(), &allowed())), ["url"]);
        // A host may be longer than a name.
        let url = format!("https://{}.example.com/", ["a"; 110].join("."));
        let webhook = Draft { url: Some(url), ..Draft::default() }.complete(base(), &allowed()).unwrap();
        assert_eq!(webhook.name.len(), MAX_NAME);
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        let headers = [("X-Webhook-ID", "1"), ("Connection", "close"), ("X Y", "1"), ("X-Good", "1")];
        let draft = Draft {
            url: Some("ftp://example.com".into()),
            events: Some(vec!["call.*".into(), "Bad".into()]),
            retry_count: Some(21),
            timeout: Some(0),
            ordering: Some("random".into()),
            secret: Some("whsec_***".into()),
            headers: Some(Some(headers.map(|(name, value)| (name.into(), value.into())).into())),
            ..Draft::default()
        };
        let named = fields(draft.complete(base(), &allowed()));
        for field in [
            "url",
            "events[1]",
            "retry_count",
            "timeout",
            "ordering",
            "secret",
            "headers.X-Webhook-ID",
            "headers.Connection",
            "headers.X Y",
        ] {
            assert!(named.iter().any(|name| name == field), "{field} in {named:?}");
        }
        assert_eq!(named.len(), 9, "{named:?}");
    }

    #[test]
    fn an_empty_list_of_events_is_refused() {
        let draft = Draft { events: Some(Vec::new()), ..Draft::default() };
        assert_eq!(fields(draft.apply(base(), &allowed())), ["events"]);
    }
}
