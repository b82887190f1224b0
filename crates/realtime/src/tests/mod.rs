//! The crate from outside: hubs on a real database, sockets that a test holds the other end of, a real Redis.

mod announced;
mod arrivals;
mod client;
mod edges;
mod follower;
#[path = "../../../../tests/harness/free_port.rs"]
mod free_port;
mod hub;
mod node;
mod presence;
mod property;
mod redis_server;
mod resume;
mod rules;
mod support;
mod trouble;
