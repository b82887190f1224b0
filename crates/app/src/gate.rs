//! Who may come in: checks access tokens against sessions and users, and remembers the answer, until `revoking` says
//! otherwise.

mod caller;
mod revoking;
#[cfg(test)]
mod tests;

pub use caller::{Caller, Identity, Program};

use crate::api_keys;
use crate::tokens::Tokens;
use crate::{Error, Result};
use async_recursion::async_recursion as boxed;
use model::{Clock, Memberships, Role, SessionId, TenantId, Timestamp, UserId};
use realtime::{Authority, Bearer, CheckFuture, Hub};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use store::{Reader, Store, queue_members, sessions, users};
use tokio::time::Instant;

/// Without an answer for this long, nothing remembered is trusted.
const TRUST: Duration = Duration::from_secs(5);
/// Sessions remembered, about 300 bytes each; beyond it all are looked up anew.
const MAX_REMEMBERED: usize = 50_000;

#[derive(Clone)]
struct Remembered {
    tenant: TenantId,
    user: UserId,
    present: Present,
}

/// What a user may see and do, as of now.
pub(crate) type Present = (Role, Memberships);

/// Checks credentials.
pub struct Gate {
    store: Store,
    clock: Clock,
    hub: Hub,
    tokens: OnceLock<Tokens>,
    sessions: Mutex<HashMap<SessionId, Remembered>>,
    /// By hash.
    programs: Mutex<HashMap<String, Program>>,
    /// Counts what was forgotten, so that an answer read before is not remembered after.
    forgotten: AtomicU64,
    polled_at: Mutex<Option<Instant>>,
}

impl Gate {
    /// A gate that closes the hub's connections of those who lose their right.
    #[must_use]
    pub fn new(store: Store, clock: Clock, hub: Hub) -> Self {
        Self {
            store,
            clock,
            hub,
            tokens: OnceLock::new(),
            sessions: Mutex::default(),
            programs: Mutex::default(),
            forgotten: AtomicU64::new(0),
            polled_at: Mutex::new(None),
        }
    }

    pub(crate) fn use_tokens(&self, tokens: Tokens) {
        // Set once, when the application is put together.
        let _ = self.tokens.set(tokens);
    }

    /// Whose access token or API key this is.
    #[boxed]
    pub async fn authenticate(&self, token: &str) -> Result<Caller> {
        if token.starts_with(api_keys::PREFIX) {
            return self.program(token).await.map(Caller::Program);
        }
        self.user(token).await.map(Caller::User)
    }

    async fn program(&self, key: &str) -> Result<Program> {
        self.program_of(api_keys::hash(key)).await
    }

    async fn program_of(&self, hash: String) -> Result<Program> {
        let known = if self.is_current() { self.programs().get(&hash).cloned() } else { None };
        let program = match known {
            Some(program) => program,
            // Boxed, like `look_up`: the database's part is large, and nearly all calls are answered from memory.
            None => Box::pin(self.look_up_program(hash)).await?,
        };
        if program.expires_at.is_some_and(|at| at <= self.clock.now()) {
            return Err(UNKNOWN_KEY);
        }
        Ok(program)
    }

    async fn look_up_program(&self, hash: String) -> Result<Program> {
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        let mut reader = self.store.read().await?;
        let key = store::api_keys::find_by_hash(reader.conn(), &hash).await?.ok_or(UNKNOWN_KEY)?;
        let program = Program {
            tenant: key.tenant,
            key: key.id,
            scopes: key.scopes.into(),
            expires_at: key.expires_at,
            hash: hash.as_str().into(),
        };
        let mut programs = self.programs();
        if self.forgotten.load(Ordering::SeqCst) == forgotten {
            if programs.len() >= MAX_REMEMBERED {
                programs.clear();
            }
            programs.insert(hash, program.clone());
        }
        Ok(program)
    }

    fn programs(&self) -> MutexGuard<'_, HashMap<String, Program>> {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn user(&self, token: &str) -> Result<Identity> {
        let claims = self.tokens.get().and_then(|tokens| tokens.read_access(token)).ok_or(INVALID)?;
        let expires_at = claims.expires_at();
        self.identity(claims.tenant_id, claims.sub, claims.sid, expires_at).await
    }

    /// The user of a sign-in that somebody has proven, unless it has ended.
    pub(crate) async fn identity(
        &self,
        tenant: TenantId,
        user: UserId,
        session: SessionId,
        expires_at: Timestamp,
    ) -> Result<Identity> {
        if expires_at <= self.clock.now() {
            return Err(EXPIRED);
        }
        let (role, queues) = match self.remembered(&tenant, &user, &session) {
            Some(present) => present,
            None => Box::pin(self.look_up(&tenant, &user, &session)).await?,
        };
        Ok(Identity { tenant, user, role, queues, session, expires_at })
    }

    /// The same caller as of this moment, unless the credentials have ended since.
    #[boxed]
    pub async fn check_again(&self, caller: &Caller) -> Result<Caller> {
        match caller.clone() {
            Caller::User(Identity { tenant, user, session, expires_at, .. }) => {
                self.identity(tenant, user, session, expires_at).await.map(Caller::User)
            }
            Caller::Program(program) => self.program_of(program.hash.to_string()).await.map(Caller::Program),
        }
    }

    fn remembered(&self, tenant: &TenantId, user: &UserId, session: &SessionId) -> Option<Present> {
        if !self.is_current() {
            return None;
        }
        let sessions = self.sessions();
        let known = sessions.get(session)?;
        (known.tenant == *tenant && known.user == *user).then(|| known.present.clone())
    }

    /// Whether revocations were read of late, so that what is remembered can be trusted.
    fn is_current(&self) -> bool {
        let polled_at = *self.polled_at.lock().unwrap_or_else(PoisonError::into_inner);
        polled_at.is_some_and(|at| at.elapsed() <= TRUST)
    }

    async fn look_up(&self, tenant: &TenantId, user: &UserId, session: &SessionId) -> Result<Present> {
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        let mut reader = self.store.read().await?;
        if !sessions::is_open(reader.conn(), tenant, session, user, self.clock.now()).await? {
            return Err(ENDED);
        }
        let present = present(&mut reader, tenant, user).await?.ok_or(ENDED)?;
        let mut sessions = self.sessions();
        if self.forgotten.load(Ordering::SeqCst) == forgotten {
            if sessions.len() >= MAX_REMEMBERED {
                sessions.clear();
            }
            let known = Remembered { tenant: tenant.clone(), user: user.clone(), present: present.clone() };
            sessions.insert(session.clone(), known);
        }
        Ok(present)
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, Remembered>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Authority for Gate {
    fn check<'a>(&'a self, token: &'a str) -> CheckFuture<'a> {
        Box::pin(async move {
            let identity = self.user(token).await.map_err(|error| error.to_string())?;
            Ok(Bearer {
                tenant: identity.tenant,
                user: identity.user,
                role: identity.role,
                queues: identity.queues,
                session: identity.session,
                expires_at: identity.expires_at,
            })
        })
    }
}

/// The user's present role and queues; none for one who is gone or may not sign in.
async fn present(reader: &mut Reader, tenant: &TenantId, user: &UserId) -> Result<Option<Present>> {
    let found = users::find(reader.conn(), tenant, user).await?.filter(|user| user.is_active);
    let Some(found) = found else { return Ok(None) };
    Ok(Some((found.role, queue_members::of_user(reader.conn(), tenant, user).await?)))
}

const INVALID: Error = Error::Unauthorized {
    code: "invalid_token",
    message: "the access token is not valid: log in and send it as Authorization: Bearer TOKEN",
};
const EXPIRED: Error = Error::Unauthorized {
    code: "token_expired",
    message: "the access token has expired: get a new one from POST /api/v1/auth/refresh",
};
const UNKNOWN_KEY: Error = Error::Unauthorized {
    code: "invalid_api_key",
    message: "the API key is unknown, was removed or has expired",
};
pub(crate) const ENDED: Error =
    Error::Unauthorized { code: "session_ended", message: "the session has ended: log in again" };
