//! Log-in, refresh, log-out and change of password.

use crate::broadcaster::Broadcaster;
use crate::error::retrying;
use crate::fields::Problems;
use crate::gate::Identity;
use crate::passwords::{self, Hashing};
use crate::rate_limit::{RateLimiter, Source};
use crate::tokens::{Claims, RefreshClaims, Tokens};
use crate::{Error, Result, Settings, agents};
use async_recursion::async_recursion as boxed;
use model::agents::Command;
use model::{EventId, SessionId, Timestamp};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use store::revocations::Revoked;
use store::sessions::{self, Session};
use store::users::{self, User};

/// A spent refresh token still gets its successor for this long, for answers lost on the way.
const GRACE: Duration = Duration::from_secs(10);

/// What a client gets when it signs in or refreshes.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Good for API calls until it expires.
    pub access_token: String,
    /// Good for one refresh.
    pub refresh_token: String,
    /// How long the access token is good.
    pub expires_in: Duration,
    /// Who signed in.
    pub user: User,
}

/// Signs users in.
pub struct SignIn {
    broadcaster: Arc<Broadcaster>,
    tokens: Tokens,
    hashing: Arc<Hashing>,
    access_ttl: Duration,
    refresh_ttl: Duration,
    /// Accounts by their hash: what is sent as an address may be as long as a body.
    failures_by_account: RateLimiter<([u8; 32], Source)>,
    failures_by_address: RateLimiter<Source>,
}

impl SignIn {
    pub(crate) fn new(
        settings: &Settings,
        broadcaster: Arc<Broadcaster>,
        tokens: Tokens,
        hashing: Arc<Hashing>,
    ) -> Self {
        let clock = &broadcaster.clock;
        let by_address = settings.login_limit.map(|limit| limit.scaled(10.0));
        Self {
            tokens,
            hashing,
            access_ttl: settings.access_ttl,
            // A session outlives its access tokens: who ends it ends them.
            refresh_ttl: settings.refresh_ttl.max(settings.access_ttl),
            failures_by_account: RateLimiter::new(settings.login_limit, clock.clone()),
            failures_by_address: RateLimiter::new(by_address, clock.clone()),
            broadcaster,
        }
    }

    /// Starts a session.
    #[boxed]
    pub async fn login(&self, email: &str, password: &str, address: IpAddr) -> Result<SignedIn> {
        let key = email.to_lowercase();
        let user = {
            let mut reader = self.broadcaster.store.read().await?;
            users::find_by_email(reader.conn(), &key).await?
        };
        let hash = user.as_ref().map(|user| user.password_hash.as_str());
        if !self.verify(&key, address, password, hash).await? {
            return Err(WRONG);
        }
        match user {
            Some(user) if user.is_active => retrying(|| self.start_session(&user)).await,
            _ => Err(WRONG),
        }
    }

    /// Verifies a password unless there were too many wrong ones of late. Without a `hash` no password is right.
    async fn verify(
        &self,
        account: &str,
        address: IpAddr,
        password: &str,
        hash: Option<&str>,
    ) -> Result<bool> {
        let address = Source::from(address);
        let account = (Sha256::digest(account.as_bytes()).into(), address);
        let too_many = |retry_after| Error::TooMany { what: "failed log-ins", retry_after };
        self.failures_by_account.peek(account).map_err(too_many)?;
        self.failures_by_address.peek(address).map_err(too_many)?;
        let right = self.hashing.verify(password, hash).await?;
        if !right {
            self.failures_by_account.charge(account);
            self.failures_by_address.charge(address);
        }
        Ok(right)
    }

    /// Starts a session of a user whose password was right, unless the user has been changed since in a way that ended
    /// the sessions there were.
    async fn start_session(&self, verified: &User) -> Result<SignedIn> {
        let mut tx = self.broadcaster.store.begin().await?;
        let user = users::lock(tx.conn(), &verified.tenant, &verified.id).await?;
        let same = |user: &User| user.is_active && user.password_hash == verified.password_hash;
        let user = user.filter(same).ok_or(WRONG)?;
        let now = self.broadcaster.clock.now();
        let session = Session {
            tenant: user.tenant.clone(),
            id: SessionId::generate(),
            user: user.id.clone(),
            generation: 0,
            rotated_at: now,
            expires_at: now.plus(self.refresh_ttl),
            ended_at: None,
        };
        sessions::insert(tx.conn(), &session).await?;
        tx.commit().await?;
        Ok(self.tokens_for(user, &session, now))
    }

    fn tokens_for(&self, user: User, session: &Session, now: Timestamp) -> SignedIn {
        let expires_at = now.plus(self.access_ttl);
        let access_token = self.tokens.sign_access(&Claims {
            sub: user.id.clone(),
            tenant_id: user.tenant.clone(),
            role: user.role,
            sid: session.id.clone(),
            iat: now.unix_seconds(),
            exp: expires_at.unix_seconds(),
            jti: EventId::generate().to_string(),
        });
        let refresh_token = self.tokens.sign_refresh(&RefreshClaims {
            tenant: session.tenant.clone(),
            session: session.id.clone(),
            generation: session.generation,
        });
        SignedIn { access_token, refresh_token, expires_in: self.access_ttl, user }
    }

    /// Exchanges a refresh token for a new pair. A token that was spent before ends the session.
    #[boxed]
    pub async fn refresh(&self, refresh_token: &str) -> Result<SignedIn> {
        let claims = self.tokens.read_refresh(refresh_token).ok_or(SPENT)?;
        retrying(|| self.exchange(&claims)).await
    }

    async fn exchange(&self, claims: &RefreshClaims) -> Result<SignedIn> {
        let mut work = self.broadcaster.begin().await?;
        let now = self.broadcaster.clock.now();
        let session = sessions::lock(work.conn(), &claims.tenant, &claims.session).await?;
        let open = |session: &Session| session.ended_at.is_none() && session.expires_at > now;
        let mut session = session.filter(open).ok_or(SPENT)?;
        let user = users::find(work.conn(), &claims.tenant, &session.user).await?;
        let user = user.filter(|user| user.is_active).ok_or(SPENT)?;
        let just_spent =
            claims.generation + 1 == session.generation && now.since(session.rotated_at) <= GRACE;
        if claims.generation == session.generation {
            session.generation += 1;
            session.expires_at = now.plus(self.refresh_ttl);
            let (id, expires_at) = (&session.id, session.expires_at);
            sessions::rotate(work.conn(), &claims.tenant, id, session.generation, now, expires_at).await?;
            work.commit().await?;
        } else if !just_spent {
            drop(work);
            self.end_stolen(&session).await?;
            return Err(SPENT);
        }
        Ok(self.tokens_for(user, &session, now))
    }

    /// Ends a session whose refresh token was used twice, and with the last one the duty. In a transaction of its own, because
    /// users are locked before their sessions.
    async fn end_stolen(&self, session: &Session) -> Result<()> {
        let (tenant, user) = (&session.tenant, &session.user);
        let mut work = self.broadcaster.begin().await?;
        let now = self.broadcaster.clock.now();
        // Whoever was faster has ended it: the user, by signing out, or an admin.
        let is_there = users::lock(work.conn(), tenant, user).await?.is_some();
        let now_stored = sessions::lock(work.conn(), tenant, &session.id).await?;
        if !is_there || now_stored.is_none_or(|session| session.ended_at.is_some()) {
            return Ok(());
        }
        sessions::end(work.conn(), tenant, &session.id, now).await?;
        work.revoke(tenant, Revoked::Session(session.id.clone())).await?;
        let others = sessions::open_of_user(work.conn(), tenant, user).await?;
        if others.iter().all(|(_, expires_at)| *expires_at <= now) {
            agents::end_duty(&mut work, tenant, user, Command::SignedOut, now).await?;
        }
        work.commit().await?;
        tracing::warn!(tenant_id = %tenant, session_id = %session.id, "Session ended: a spent refresh token was used again");
        Ok(())
    }

    /// Ends the session.
    #[boxed]
    pub async fn logout(&self, identity: &Identity) -> Result<()> {
        retrying(|| async {
            let mut work = self.broadcaster.begin().await?;
            let now = self.broadcaster.clock.now();
            sessions::end(work.conn(), &identity.tenant, &identity.session, now).await?;
            work.revoke(&identity.tenant, Revoked::Session(identity.session.clone())).await?;
            work.commit().await
        })
        .await
    }

    /// Sets a new password and ends the user's other sessions.
    #[boxed]
    pub async fn change_password(
        &self,
        identity: &Identity,
        current: &str,
        new: &str,
        address: IpAddr,
    ) -> Result<()> {
        let mut problems = Problems::default();
        passwords::check(&mut problems, "new_password", new);
        problems.check(current != new, "new_password", "must differ from the present one");
        problems.into_result()?;
        let user = self.me(identity).await?;
        if !self.verify(&user.email.to_lowercase(), address, current, Some(&user.password_hash)).await? {
            return Err(wrong_present_password());
        }
        let hash = self.hashing.hash(new).await?;
        retrying(|| self.store_password(identity, &user.password_hash, &hash)).await
    }

    async fn store_password(&self, identity: &Identity, verified: &str, hash: &str) -> Result<()> {
        let mut work = self.broadcaster.begin().await?;
        let now = self.broadcaster.clock.now();
        let user = users::lock(work.conn(), &identity.tenant, &identity.user).await?;
        let user = user.ok_or(Error::NotFound("user"))?;
        // Somebody else was faster, an admin perhaps who wants this caller out: the password just verified is an old one.
        if user.password_hash != verified {
            return Err(wrong_present_password());
        }
        users::update(work.conn(), &User { password_hash: hash.to_owned(), updated_at: now, ..user }).await?;
        let keep = Some(&identity.session);
        crate::users::end_sessions(&mut work, &identity.tenant, &identity.user, keep, now).await?;
        work.commit().await
    }

    /// The signed-in user.
    #[boxed]
    pub async fn me(&self, identity: &Identity) -> Result<User> {
        let mut reader = self.broadcaster.store.read().await?;
        let user = users::find(reader.conn(), &identity.tenant, &identity.user).await?;
        user.ok_or(Error::NotFound("user"))
    }
}

fn wrong_present_password() -> Error {
    Error::field("current_password", "is not your present password")
}

const WRONG: Error = Error::Unauthorized {
    code: "invalid_credentials",
    message: "the e-mail address or the password is wrong",
};
const SPENT: Error = Error::Unauthorized {
    code: "invalid_refresh_token",
    message: "the refresh token is not valid, was used before, or its session has ended: log in again",
};
