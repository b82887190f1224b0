//! The gate, with sessions that end elsewhere.

use super::revoking::POLL;
use super::*;
use crate::tokens::Claims;
use realtime::HubConfig;
use std::path::Path;
use std::sync::Arc;
use store::revocations::{self, Revoked};
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
        let hub = Hub::new(HubConfig::default(), store.clone(), clock.clone(), model::ServerId::generate());
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
