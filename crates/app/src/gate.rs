//! Who may come in: checks access tokens against sessions and users, remembers the answer, and forgets it as soon as any
//! server ends a session or changes a user.

use crate::api_keys;
use crate::tokens::Tokens;
use crate::{Error, Result};
use model::{ApiKeyId, Clock, Role, Scope, SessionId, TenantId, Timestamp, UserId, Viewer};
use realtime::{Authority, Bearer, CheckFuture, Hub};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use store::revocations::{self, Revocation, Revoked};
use store::{Store, sessions, users};
use tokio::time::Instant;

/// How often each server asks what to forget.
const POLL: Duration = Duration::from_millis(500);
/// Without an answer for this long, nothing remembered is trusted.
const TRUST: Duration = Duration::from_secs(5);
/// Rows are read again for this long, because they become visible out of order.
const OVERLAP: Duration = Duration::from_secs(30);
/// Sessions remembered, about 300 bytes each; beyond it all are looked up anew.
const MAX_REMEMBERED: usize = 50_000;

/// A signed-in user, as of this moment.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The user's tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// The user's present role, whatever the token says.
    pub role: Role,
    /// The sign-in.
    pub session: SessionId,
    /// When the access token expires.
    pub expires_at: Timestamp,
}

impl Identity {
    /// The identity as a listener to events.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        Viewer { user: Some(self.user.clone()), role: self.role }
    }
}

/// A program with an API key, as of this moment.
#[derive(Debug, Clone)]
pub struct Program {
    /// The tenant that the key acts for.
    pub tenant: TenantId,
    /// The key's id.
    pub key: ApiKeyId,
    /// What it may do.
    pub scopes: Arc<[Scope]>,
    /// When the key expires; none for never.
    pub expires_at: Option<Timestamp>,
    /// The key's hash.
    hash: Arc<str>,
}

/// Whoever calls with good credentials.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A signed-in user.
    User(Identity),
    /// A program with an API key.
    Program(Program),
}

impl Caller {
    /// The caller's tenant.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::User(identity) => &identity.tenant,
            Self::Program(program) => &program.tenant,
        }
    }

    /// The user's or the key's id.
    #[must_use]
    pub fn credential(&self) -> &str {
        match self {
            Self::User(identity) => identity.user.as_str(),
            Self::Program(program) => program.key.as_str(),
        }
    }

    /// The caller as a listener to events.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        match self {
            Self::User(identity) => identity.viewer(),
            Self::Program(_) => Viewer { user: None, role: Role::Service },
        }
    }

    /// What ends together with the credentials: the sign-in, or the key, whose id serves as one.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        match self {
            Self::User(identity) => Some(identity.session.clone()),
            Self::Program(program) => SessionId::parse(program.key.as_str()).ok(),
        }
    }

    /// When the credentials expire.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        match self {
            Self::User(identity) => identity.expires_at,
            Self::Program(program) => program.expires_at.unwrap_or(Timestamp(i64::MAX)),
        }
    }
}

#[derive(Clone)]
struct Remembered {
    tenant: TenantId,
    user: UserId,
    role: Role,
}

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
            None => self.look_up_program(hash).await?,
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
        let role = match self.remembered(&tenant, &user, &session) {
            Some(role) => role,
            None => self.look_up(&tenant, &user, &session).await?,
        };
        Ok(Identity { tenant, user, role, session, expires_at })
    }

    /// The same caller as of this moment, unless the credentials have ended since.
    pub async fn check_again(&self, caller: &Caller) -> Result<Caller> {
        match caller.clone() {
            Caller::User(Identity { tenant, user, session, expires_at, .. }) => {
                self.identity(tenant, user, session, expires_at).await.map(Caller::User)
            }
            Caller::Program(program) => self.program_of(program.hash.to_string()).await.map(Caller::Program),
        }
    }

    fn remembered(&self, tenant: &TenantId, user: &UserId, session: &SessionId) -> Option<Role> {
        if !self.is_current() {
            return None;
        }
        let sessions = self.sessions();
        let known = sessions.get(session)?;
        (known.tenant == *tenant && known.user == *user).then_some(known.role)
    }

    /// Whether revocations were read of late, so that what is remembered can be trusted.
    fn is_current(&self) -> bool {
        let polled_at = *self.polled_at.lock().unwrap_or_else(PoisonError::into_inner);
        polled_at.is_some_and(|at| at.elapsed() <= TRUST)
    }

    async fn look_up(&self, tenant: &TenantId, user: &UserId, session: &SessionId) -> Result<Role> {
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        let mut reader = self.store.read().await?;
        if !sessions::is_open(reader.conn(), tenant, session, user, self.clock.now()).await? {
            return Err(ENDED);
        }
        let user =
            users::find(reader.conn(), tenant, user).await?.filter(|user| user.is_active).ok_or(ENDED)?;
        let mut sessions = self.sessions();
        if self.forgotten.load(Ordering::SeqCst) == forgotten {
            if sessions.len() >= MAX_REMEMBERED {
                sessions.clear();
            }
            let known = Remembered { tenant: tenant.clone(), user: user.id, role: user.role };
            sessions.insert(session.clone(), known);
        }
        Ok(user.role)
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, Remembered>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was revoked, and closes or re-scopes its connections.
    pub(crate) async fn forget(&self, tenant: &TenantId, revoked: &[Revoked]) {
        for revoked in revoked {
            self.forget_one(tenant, revoked).await;
        }
    }

    async fn forget_one(&self, tenant: &TenantId, revoked: &Revoked) {
        {
            let mut sessions = self.sessions();
            self.forgotten.fetch_add(1, Ordering::SeqCst);
            sessions.retain(|id, known| match revoked {
                Revoked::Session(session) => id != session || known.tenant != *tenant,
                Revoked::User(user) => known.user != *user || known.tenant != *tenant,
                Revoked::Key(_) | Revoked::Connection(_) => true,
            });
            if let Revoked::Key(key) = revoked {
                self.programs().retain(|_, known| known.key != *key || known.tenant != *tenant);
            }
        }
        match revoked {
            Revoked::Session(session) => self.hub.end_session(tenant, session),
            Revoked::Connection(connection) => {
                self.hub.close_connection(tenant, connection);
            }
            Revoked::Key(key) => {
                if let Ok(session) = SessionId::parse(key.as_str()) {
                    self.hub.end_session(tenant, &session);
                }
            }
            Revoked::User(user) => match self.present_role(tenant, user).await {
                Ok(role) => self.hub.user_changed(tenant, user, role),
                Err(error) => {
                    // Nobody knows what the user may see now: the connections close, and come back when it is known.
                    tracing::warn!(tenant_id = %tenant, user_id = %user, %error, "User's connections closed: role unknown");
                    self.hub.user_changed(tenant, user, None);
                }
            },
        }
    }

    async fn present_role(&self, tenant: &TenantId, user: &UserId) -> Result<Option<Role>> {
        let mut reader = self.store.read().await?;
        let user = users::find(reader.conn(), tenant, user).await?;
        Ok(user.filter(|user| user.is_active).map(|user| user.role))
    }

    /// Follows what other servers and the command line revoke. Runs until it is dropped.
    pub async fn follow(&self) {
        // The first reading counts as well: the gate is open already, and what it remembers may be older.
        let mut seen: HashSet<i64> = HashSet::new();
        let mut read_until = self.clock.now();
        loop {
            let (asked_at, now) = (Instant::now(), self.clock.now());
            match self.read_revocations(read_until).await {
                Ok(rows) => {
                    let ids: HashSet<i64> = rows.iter().map(|row| row.id).collect();
                    let new: Vec<Revocation> =
                        rows.into_iter().filter(|row| !seen.contains(&row.id)).collect();
                    for row in &new {
                        self.forget(&row.tenant, std::slice::from_ref(&row.revoked)).await;
                    }
                    // What is no longer in the window can no longer come back.
                    seen = ids;
                    read_until = now;
                    *self.polled_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked_at);
                }
                Err(error) => tracing::debug!(%error, "Revocations could not be read"),
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// What was revoked since the last reading that succeeded, however long ago that is, and somewhat before.
    async fn read_revocations(&self, read_until: Timestamp) -> Result<Vec<Revocation>> {
        let since = read_until.min(self.clock.now()).minus(OVERLAP);
        let mut reader = self.store.read().await?;
        Ok(revocations::since(reader.conn(), since).await?)
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
                session: identity.session,
                expires_at: identity.expires_at,
            })
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::Claims;
    use realtime::HubConfig;
    use std::path::Path;
    use store::sessions::Session;
    use store::users::User;
    use store::{Database, migrate, tenants};
    use tokio::time::{sleep, timeout};

    struct World {
        store: Store,
        clock: Clock,
        gate: Arc<Gate>,
        tokens: Tokens,
        tenant: TenantId,
        user: UserId,
    }

    impl World {
        async fn begin(folder: &Path) -> Self {
            let store = Store::connect(&Database::Sqlite(folder.join("test.db"))).await.unwrap();
            migrate(&store).await.unwrap();
            let clock = Clock::default();
            let hub =
                Hub::new(HubConfig::default(), store.clone(), clock.clone(), model::ServerId::generate());
            let gate = Arc::new(Gate::new(store.clone(), clock.clone(), hub));
            let tokens = Tokens::new(b"secret");
            gate.use_tokens(tokens.clone());
            let (tenant, user) = (TenantId::parse("t").unwrap(), UserId::parse("u").unwrap());
            let mut tx = store.begin().await.unwrap();
            tenants::insert(tx.conn(), &tenant, "T", clock.now()).await.unwrap();
            users::insert(
                tx.conn(),
                &User {
                    tenant: tenant.clone(),
                    id: user.clone(),
                    email: "u@example.com".into(),
                    password_hash: String::new(),
                    name: "U".into(),
                    role: Role::Agent,
                    extension: None,
                    is_active: true,
                    created_at: clock.now(),
                    updated_at: clock.now(),
                },
            )
            .await
            .unwrap();
            tx.commit().await.unwrap();
            Self { store, clock, gate, tokens, tenant, user }
        }

        async fn sign_in(&self) -> (SessionId, String) {
            let (id, now) = (SessionId::generate(), self.clock.now());
            let expires_at = now.plus(Duration::from_secs(86_400));
            let mut tx = self.store.begin().await.unwrap();
            let session = Session {
                tenant: self.tenant.clone(),
                id: id.clone(),
                user: self.user.clone(),
                generation: 0,
                rotated_at: now,
                expires_at,
                ended_at: None,
            };
            sessions::insert(tx.conn(), &session).await.unwrap();
            tx.commit().await.unwrap();
            let token = self.tokens.sign_access(&Claims {
                sub: self.user.clone(),
                tenant_id: self.tenant.clone(),
                role: Role::Agent,
                sid: id.clone(),
                iat: now.unix_seconds(),
                exp: expires_at.unix_seconds(),
                jti: "j".into(),
            });
            (id, token)
        }

        /// Another server ends the session.
        async fn end_elsewhere(&self, id: &SessionId) {
            let (mut tx, now) = (self.store.begin().await.unwrap(), self.clock.now());
            sessions::end(tx.conn(), &self.tenant, id, now).await.unwrap();
            revocations::insert(tx.conn(), &self.tenant, &Revoked::Session(id.clone()), now).await.unwrap();
            tx.commit().await.unwrap();
        }

        async fn lets_in(&self, token: &str) -> bool {
            self.gate.authenticate(token).await.is_ok()
        }

        async fn until_it_is_shut(&self, token: &str) {
            let shut = async {
                while self.lets_in(token).await {
                    sleep(Duration::from_millis(20)).await;
                }
            };
            timeout(Duration::from_secs(30), shut).await.expect("the session ends here as well");
        }
    }

    #[tokio::test]
    async fn a_session_that_ended_before_the_first_reading_is_not_let_in() {
        let folder = tempfile::tempdir().unwrap();
        let world = World::begin(folder.path()).await;
        let (id, token) = world.sign_in().await;
        assert!(world.lets_in(&token).await, "remembered now");
        world.end_elsewhere(&id).await;
        let gate = world.gate.clone();
        let following = tokio::spawn(async move { gate.follow().await });
        world.until_it_is_shut(&token).await;
        sleep(POLL).await;
        assert!(!world.lets_in(&token).await);
        following.abort();
    }
    #[tokio::test]
    async fn what_was_revoked_while_the_database_was_away_is_read_however_long_that_was() {
        let folder = tempfile::tempdir().unwrap();
        let world = World::begin(folder.path()).await;
        let (id, _) = world.sign_in().await;
        let last_read = world.clock.now();
        world.end_elsewhere(&id).await;
        world.clock.advance(Duration::from_secs(600));
        let read = world.gate.read_revocations(last_read).await.unwrap();
        assert_eq!(read.into_iter().map(|row| row.revoked).collect::<Vec<_>>(), [Revoked::Session(id)]);
    }
}
