//! Keys of programs: made once, shown once, kept as a hash.

use crate::broadcaster::{Broadcaster, Trace};
use crate::error::retrying;
use crate::fields::Problems;
use crate::gate::Identity;
use crate::{Error, Result};
use async_recursion::async_recursion as boxed;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{ApiKeyId, Scope, TenantId, Timestamp};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use store::api_keys::{self as rows, ApiKey};
use store::revocations::Revoked;

/// What every key begins with.
pub const PREFIX: &str = "cck_";

/// A key as a client describes it.
#[derive(Debug, Clone)]
pub struct KeyDraft {
    /// For people.
    pub name: String,
    /// Words of scopes.
    pub scopes: Vec<String>,
    /// From when on it is no longer good, in RFC 3339.
    pub expires_at: Option<String>,
}

/// Manages API keys.
pub struct ApiKeys {
    broadcaster: Arc<Broadcaster>,
}

impl ApiKeys {
    pub(crate) fn new(broadcaster: Arc<Broadcaster>) -> Self {
        Self { broadcaster }
    }

    /// The tenant's keys by id, after the id `after`.
    #[boxed]
    pub async fn page(&self, tenant: &TenantId, after: &str, limit: i64) -> Result<Vec<ApiKey>> {
        let mut reader = self.broadcaster.store.read().await?;
        Ok(rows::page(reader.conn(), tenant, after, limit).await?)
    }

    /// Makes a key; gives it together with its text, which nobody will see again.
    #[boxed]
    pub async fn create(&self, by: &Identity, draft: &KeyDraft) -> Result<(ApiKey, String)> {
        let now = self.broadcaster.clock.now();
        let (scopes, expires_at) = checked(draft, now)?;
        let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
        let key = ApiKey {
            tenant: by.tenant.clone(),
            id: ApiKeyId::generate(),
            name: draft.name.clone(),
            key_hash: hash(&text),
            scopes,
            created_by: Some(by.user.clone()),
            created_at: now,
            expires_at,
        };
        let mut work = self.broadcaster.begin().await?;
        rows::insert(work.conn(), &key).await?;
        work.leaves(Trace::Key(key.tenant.clone(), key.id.clone()));
        work.commit().await?;
        Ok((key, text))
    }

    /// Removes a key, which is no longer good at once.
    #[boxed]
    pub async fn delete(&self, tenant: &TenantId, id: &ApiKeyId) -> Result<()> {
        retrying(|| async {
            let mut work = self.broadcaster.begin().await?;
            if !rows::delete(work.conn(), tenant, id).await? {
                return Err(Error::NotFound("API key"));
            }
            work.revoke(tenant, Revoked::Key(id.clone())).await?;
            work.commit().await
        })
        .await
    }
}

/// SHA-256 in lower-case hex: the form in which a key is kept and found. A key has 256 random bits, so a fast hash will do.
pub(crate) fn hash(key: &str) -> String {
    model::hex(&Sha256::digest(key.as_bytes()))
}

fn checked(draft: &KeyDraft, now: Timestamp) -> Result<(Vec<Scope>, Option<Timestamp>)> {
    let mut problems = Problems::default();
    problems.check_text(&draft.name, 1, 200, "name");
    problems.check(!draft.scopes.is_empty(), "scopes", "must hold at least one scope");
    let mut scopes: Vec<Scope> = Vec::new();
    for (at, word) in draft.scopes.iter().enumerate() {
        match Scope::parse(word) {
            Some(scope) if !scopes.contains(&scope) => scopes.push(scope),
            Some(_) => {}
            None => {
                let known: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
                problems.add(format!("scopes[{at}]"), format!("must be one of {}", known.join(", ")));
            }
        }
    }
    let expires_at = draft.expires_at.as_deref().map(Timestamp::parse_rfc3339);
    let in_future = expires_at.is_none_or(|at| at.is_some_and(|at| at > now));
    problems.check(in_future, "expires_at", "must be a moment in the future such as 2030-01-31T00:00:00Z");
    problems.into_result()?;
    Ok((scopes, expires_at.flatten()))
}
