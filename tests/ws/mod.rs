//! `/ws`

mod audience;
mod connecting;
mod connections;
mod edges;
mod messages;
mod presence;
mod sessions;
mod several_servers;
