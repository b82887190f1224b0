//! `/api/v1/users`, `/api/v1/users/{id}`

mod leaving;
mod making;
mod reading;

use crate::harness::{Answer, Client};

fn path(id: &str) -> String {
    format!("/api/v1/users/{id}")
}

/// Everybody in the tenant.
async fn everybody(admin: &Client) -> Answer {
    admin.get("/api/v1/users?limit=200").await.expect(200)
}
