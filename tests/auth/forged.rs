//! Access tokens that the server did not make, or not for this.

use std::time::Duration;

use super::{me, session};
use crate::harness::macros::on_both;
use crate::harness::token::{claims, signed, unsigned};
use crate::harness::ws::Ws;
use crate::harness::{Server, json};

const SECRET: &str = "a secret that this file knows, 32 bytes and more";

async fn assert_refused(server: &Server, token: &str, why: &str) {
    let status = me(&server.with_token(token)).await.status;
    assert_eq!(status, 401, "{why}: {token}");
    let bearer = format!("Bearer {token}");
    let refusal = Ws::open(server, "/ws", &[("authorization", &bearer)]).await.err();
    assert_eq!(refusal.map(|refusal| refusal.status), Some(401), "{why}, on /ws: {token}");
}

on_both! {
    async fn a_token_that_nobody_signed_is_refused(server, JWT_SECRET = SECRET) {
        let claims = claims(session(&server).await.client.token());
        for alg in ["none", "None", "NONE", "nOnE", ""] {
            let bare = unsigned(&json!({ "alg": alg, "typ": "JWT" }), &claims);
            assert_refused(&server, &format!("{bare}."), alg).await;
            assert_refused(&server, &bare, alg).await;
            assert_refused(&server, &format!("{bare}.AAAA"), alg).await;
        }
    }

    async fn a_token_signed_with_another_secret_or_method_is_refused(server, JWT_SECRET = SECRET) {
        let claims = claims(session(&server).await.client.token());
        assert_refused(&server, &signed(&claims, "another secret"), "another secret").await;
        assert_refused(&server, &signed(&claims, ""), "no secret").await;
        let good = signed(&claims, SECRET);
        me(&server.with_token(&good)).await.expect(200);
        let signature = good.rsplit('.').next().unwrap();
        for alg in ["HS512", "RS256", "none"] {
            let head = unsigned(&json!({ "alg": alg, "typ": "JWT" }), &claims);
            assert_refused(&server, &format!("{head}.{signature}"), alg).await;
        }
    }

    async fn changed_claims_under_the_old_signature_are_refused(server) {
        let own = session(&server).await;
        let signature = own.client.token().rsplit('.').next().unwrap().to_owned();
        let mut changed = claims(own.client.token());
        changed["tenant_id"] = json!("another");
        let head = unsigned(&json!({ "alg": "HS256", "typ": "JWT" }), &changed);
        assert_refused(&server, &format!("{head}.{signature}"), "another tenant's id").await;
    }

    async fn well_signed_claims_about_nobody_are_refused(server, JWT_SECRET = SECRET) {
        server.other_tenant("other").await;
        let real = claims(session(&server).await.client.token());
        for (claim, value) in [
            ("sub", json!("nobody")),
            ("sid", json!("no-such-session")),
            ("tenant_id", json!("other")),
            ("tenant_id", json!("no-such-tenant")),
            ("tenant_id", json!("")),
            ("exp", json!("tomorrow")),
            ("sub", json!(null)),
        ] {
            let mut forged = real.clone();
            forged[claim] = value;
            assert_refused(&server, &signed(&forged, SECRET), claim).await;
        }
    }

    async fn the_users_present_role_decides_not_the_tokens(server, JWT_SECRET = SECRET) {
        let (agent, _) = server.user("agent@example.com", "agent").await;
        let mut raised = claims(agent.token());
        raised["role"] = json!("admin");
        let raised = server.with_token(&signed(&raised, SECRET));
        me(&raised).await.expect(200);
        raised.get("/api/v1/users").await.assert_error(403);
    }

    async fn an_expired_token_is_refused(server, JWT_ACCESS_TTL = "5m") {
        let own = session(&server).await;
        server.advance(Duration::from_secs(290)).await;
        me(&own.client).await.expect(200);
        server.advance(Duration::from_secs(11)).await;
        assert_refused(&server, own.client.token(), "expired").await;
    }

    async fn garbage_is_refused(server) {
        let good = session(&server).await.client.token().to_owned();
        let cut = &good[..good.len() - 4];
        let long = "a".repeat(8000);
        for garbage in ["x", "..", "a.b.c", "eyJhbGciOiJIUzI1NiJ9..", cut, &long, "cck_unknown"] {
            assert_refused(&server, garbage, "garbage").await;
        }
        for header in ["", "Bearer", "Bearer ", "Basic YWRtaW46cGFzc3dvcmQ=", "Bearer a b", &good] {
            let request = server.anonymous().get("/api/v1/auth/me").header("authorization", header);
            request.await.assert_error(401);
        }
    }
}
