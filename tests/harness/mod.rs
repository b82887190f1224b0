//! Everything the tests share: real servers, real databases, clients and a webhook receiver.

pub mod address;
pub mod browser;
pub mod catalogue;
pub mod contract;
pub mod database;
pub mod exec;
pub mod free_port;
pub mod http;
pub mod macros;
pub mod mariadb;
pub mod mysql_proxy;
pub mod paging;
pub mod process;
pub mod raw;
pub mod redis;
pub mod redis_cluster;
pub mod redis_sentinel;
pub mod server;
pub mod sink;
pub mod sse;
pub mod tls;
pub mod token;
pub mod wait;
pub mod ws;

pub use http::{Answer, Client};
pub use serde_json::{Value, json};
pub use server::Server;
