//! `/ws`

mod audience;
mod connecting;
mod connections;
mod edges;
mod ends;
mod guide;
mod messages;
mod presence;
mod redis_groups;
mod resume;
mod rfc6455;
mod sessions;
mod several_servers;
mod soak;
mod subscriptions;
mod tls;
