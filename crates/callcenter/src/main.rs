//! The binary: configuration, the order of start and stop, and the command line.

mod check;
mod cli;
mod commands;
mod config;
mod database;
mod descriptors;
mod logging;
mod output;
mod passwords;
mod secret;
mod serve;
mod single_instance;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run(cli::parse())
}
