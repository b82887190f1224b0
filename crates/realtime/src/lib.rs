//! What is live: the hub that carries each tenant's log to its listeners, and the presence of users, in memory and in
//! Redis. Knows nothing of HTTP, of tokens or of what an event means; who may see an event is the model's business.

mod backoff;
mod bus;
mod config;
mod connection;
mod feed;
mod frame;
mod hub;
mod log;
mod presence;

mod socket;
mod sync;
#[cfg(test)]
mod tests;

pub use bus::{Bus, InvalidRedisUrl, RedisUrl};
pub use config::HubConfig;
pub use connection::Connection;
pub use hub::{Admission, Hub, LocalConnection, Refusal, Stats};
pub use presence::Presence;
pub use socket::{Frame, FrameSink, FrameStream, Gone, Incoming, Socket};
