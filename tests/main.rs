//! Black-box tests: the real binary, over HTTP, WebSocket and its command line, on SQLite and on MariaDB with Redis.
//!
//! The modules mirror the URL tree. They know nothing of the product's crates.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test reports what went wrong by panicking, in its helpers too"
)]

mod agent_state;
mod api_keys;
mod auth;
mod bad_input;
mod calls;
mod cli;
mod clients;
mod durability;
mod envelope;
mod events;
mod examples;
mod harness;
mod health;
mod layering;
mod openapi;
mod permissions;
mod queues;
mod quick_start;
mod rate_limit;
mod replay;
mod retention;
mod settings;
mod startup;
mod users;
mod webhooks;
mod ws;
