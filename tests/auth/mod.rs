//! `/api/v1/auth/…`

mod change_password;
mod forged;
mod login;
mod logout;
mod refresh;
mod ws_ticket;

use crate::harness::{Answer, Client, Server, json};

/// Both tokens of one session.
struct Session {
    client: Client,
    refresh_token: String,
}

/// Signs the development admin in.
async fn session(server: &Server) -> Session {
    let answer = server.try_login("admin@example.com", "password").await.expect(200);
    let client = server.with_token(answer.text_of("access_token"));
    Session { client, refresh_token: answer.text_of("refresh_token").to_owned() }
}

async fn refresh(server: &Server, refresh_token: &str) -> Answer {
    server.anonymous().post("/api/v1/auth/refresh", json!({ "refresh_token": refresh_token })).await
}

async fn me(client: &Client) -> Answer {
    client.get("/api/v1/auth/me").await
}
