//! What is live: the hub that carries each tenant's log to its listeners, the events' way between servers, and
//! the presence of users. Knows nothing of HTTP, of tokens or of what an event means; who may see an event is the model's business.

mod backoff;
mod bus;
mod config;
mod connection;
mod feed;
mod frame;
mod hub;
mod log;
mod loops;
mod presence;
mod sync;
#[cfg(test)]
mod tests;
mod wire;

pub use bus::{Bus, InvalidRedisUrl, RedisUrl, Relay};
pub use config::HubConfig;
pub use connection::{Connection, Followed, Follower, Opening};
pub use hub::{Admission, Authority, Bearer, CheckFuture, Hub, LocalConnection, Refusal, Stats, Waiting};
pub use presence::{Edge, ListedConnection, Presence, Turn};
