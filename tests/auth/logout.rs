//! `POST /api/v1/auth/logout`

use super::{me, refresh, session};
use crate::harness::Server;
use crate::harness::macros::on_both;
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;

on_both! {
    async fn a_logout_ends_this_session_and_no_other(server) {
        let own = session(&server).await;
        let other = session(&server).await;
        own.client.post_empty("/api/v1/auth/logout").await.succeeded();

        me(&own.client).await.assert_error(401);
        refresh(&server, &own.refresh_token).await.assert_error(401);
        me(&other.client).await.expect(200);
        refresh(&server, &other.refresh_token).await.expect(200);
    }

    async fn a_logout_closes_the_sockets_of_its_session_with_4401(server) {
        let own = session(&server).await;
        let other = session(&server).await;
        let (mut closing, _) = Ws::connect(&server, &own.client).await;
        let (mut staying, _) = Ws::connect(&server, &other.client).await;
        own.client.post_empty("/api/v1/auth/logout").await.succeeded();

        assert_eq!(closing.close_code().await, 4401);
        staying.send(&crate::harness::json!({ "type": "ping" })).await;
        staying.wait_for("pong").await;
    }
}

#[tokio::test]
async fn a_logout_reaches_the_other_server_without_redis() {
    let here = Server::builder().mariadb().start().await;
    let there = here.elsewhere().start().await;
    let own = session(&here).await;
    let abroad = there.with_token(own.client.token());
    me(&abroad).await.expect(200);
    let (mut ws, _) = Ws::connect(&there, &abroad).await;

    own.client.post_empty("/api/v1/auth/logout").await.succeeded();
    assert_eq!(ws.close_code().await, 4401);
    eventually("the other server to refuse the token", async || {
        (me(&abroad).await.status == 401).then_some(())
    })
    .await;
}
