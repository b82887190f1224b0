//! Load and measurements behind `callcenter bench`: what an event costs until its listeners have it, beside what the least
//! possible would cost here. Sees the server from the outside only, over HTTP; knows none of its crates.

mod client;
pub mod cpu;
pub mod disk;
pub mod latency;
mod percentiles;
pub mod realtime;
mod server;
pub mod webhooks;

pub use server::Server;
