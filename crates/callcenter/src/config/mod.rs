//! The configuration: read from the environment, `.env` and defaults, checked, typed. The only place of the product that
//! reads the environment.

mod database;
mod example;
mod networks;
mod problem;
mod production;
mod rates;
mod reader;
mod redis;
mod settings;
mod show;
mod sources;
#[cfg(test)]
mod tests;
mod values;
mod variables;

pub use problem::Problems;
pub use production::refusals;
pub use redis::{Redis, Topology};
pub use settings::{Config, Cors, LogFormat, LogSettings, TlsFiles};
pub use show::{as_json, as_text};
pub use sources::{Sources, from_process};
