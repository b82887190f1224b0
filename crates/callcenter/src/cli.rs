//! The command line: names, options and help. What the commands do is in `commands`.

use clap::{Args, Parser, Subcommand};
use model::TenantId;
use std::path::PathBuf;

/// A real-time event backbone for call centers.
#[derive(Debug, Parser)]
#[command(name = "callcenter", version, propagate_version = true)]
pub struct Cli {
    /// What to do; without one, `serve`.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server; the same as no command
    Serve,
    /// Go through the production checklist; exit code 1 if an item fails
    Check(Json),
    /// Show the configuration in force, secrets masked
    Config(Json),
    /// Bring the database's schema up to date
    Migrate {
        /// Only show what is applied and what is not
        #[arg(long)]
        status: bool,
        /// How to print.
        #[command(flatten)]
        json: Json,
    },
    /// The event log's epoch
    #[command(subcommand)]
    Epoch(Epoch),
    /// Tenants
    #[command(subcommand)]
    Tenant(Tenant),
    /// Admins
    #[command(subcommand)]
    Admin(Admin),
    /// Users
    #[command(subcommand)]
    User(User),
    /// The event log
    #[command(subcommand)]
    Events(Events),
    /// Measurements on this machine, each beside something to compare with
    #[command(subcommand)]
    Bench(Bench),
}

/// Whether to print for people or for programs.
#[derive(Debug, Clone, Copy, Args)]
pub struct Json {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Where a password comes from.
#[derive(Debug, Clone, Copy, Args)]
pub struct PasswordSource {
    /// Read the password from the first line of standard input instead of asking for it
    #[arg(long)]
    pub password_stdin: bool,
}

/// `epoch …`
#[derive(Debug, Subcommand)]
pub enum Epoch {
    /// Give the log a new epoch, after a backup was restored, so that clients reload
    New(Json),
}

/// `tenant …`
#[derive(Debug, Subcommand)]
pub enum Tenant {
    /// Add a tenant
    Create {
        /// Its name
        #[arg(long)]
        name: String,
        /// Its id, 1 to 64 of A-Z a-z 0-9 _ -; made if not given
        #[arg(long, value_parser = TenantId::parse)]
        id: Option<TenantId>,
        /// How to print.
        #[command(flatten)]
        json: Json,
    },
}

/// `admin …`
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Add an admin to a tenant
    Create {
        /// The tenant's id
        #[arg(long, value_parser = TenantId::parse)]
        tenant: TenantId,
        /// The e-mail address to sign in with
        #[arg(long)]
        email: String,
        /// The name to show; the address if not given
        #[arg(long)]
        name: Option<String>,
        /// Where the password comes from.
        #[command(flatten)]
        password: PasswordSource,
        /// How to print.
        #[command(flatten)]
        json: Json,
    },
}

/// `user …`
#[derive(Debug, Subcommand)]
pub enum User {
    /// Set a user's password and end the user's sessions
    ResetPassword {
        /// The e-mail address the user signs in with
        #[arg(long)]
        email: String,
        /// Where the password comes from.
        #[command(flatten)]
        password: PasswordSource,
        /// How to print.
        #[command(flatten)]
        json: Json,
    },
}

/// `events …`
#[derive(Debug, Subcommand)]
pub enum Events {
    /// Print a tenant's log, one JSON object a line
    Tail {
        /// The tenant's id
        #[arg(long, value_parser = TenantId::parse)]
        tenant: TenantId,
        /// Begin behind this number
        #[arg(long, value_name = "SEQ", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
        after: i64,
        /// Wait for more at the end
        #[arg(long)]
        follow: bool,
    },
}

/// `bench …`
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// What a webhook delivery costs, beside the least that signing and posting it can cost
    ///
    /// Starts a server on an empty SQLite file in a temporary folder, unless a running one is named, and a receiver on
    /// loopback. A running server needs RATE_LIMIT_API=off and an admin's token, and keeps the events that are published.
    Webhooks {
        /// Events a measurement
        #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
        events: u64,
        /// Measure with so many endpoints; every event goes to all of them
        #[arg(long, value_delimiter = ',', default_values_t = [1, 10], value_parser = clap::value_parser!(u32).range(1..=100))]
        endpoints: Vec<u32>,
        /// Calls at a time, one event each
        #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=1000))]
        publishers: u64,
        /// Events a second while latency is measured; 0 leaves it out
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=10_000))]
        rate: u32,
        /// A server that runs already, such as http://127.0.0.1:8000
        #[arg(long)]
        url: Option<String>,
        /// An admin's access token of that server; without one, the development admin logs in
        #[arg(long, requires = "url")]
        token: Option<String>,
        /// A process of that server whose CPU time and memory count, as NAME=PID; may be repeated
        #[arg(long, requires = "url", value_parser = process)]
        pid: Vec<(String, u32)>,
        /// Where the database's disk is
        #[arg(long, default_value = ".")]
        folder: PathBuf,
        /// How to print.
        #[command(flatten)]
        json: Json,
    },
    /// An agent's state change until its listeners hear it, on a running server in development with RATE_LIMIT_API=off
    Latency {
        /// The server, on this machine
        #[arg(long, default_value = "http://127.0.0.1:8000")]
        url: String,
        /// State changes a second
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        rate: u32,
        /// For how long
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=600))]
        seconds: u32,
        /// Where the database's disk is
        #[arg(long, default_value = ".")]
        folder: PathBuf,
        /// How to print.
        #[command(flatten)]
        json: Json,
    },
    /// Events to many WebSockets of a running server in development, each delivery checked and timed
    ///
    /// Start that server with RATE_LIMIT_API=off WS_MAX_CONNECTIONS_PER_USER=100000.
    Realtime {
        /// The server, on this machine
        #[arg(long, default_value = "http://127.0.0.1:8000")]
        url: String,
        /// WebSockets that listen
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
        connections: u64,
        /// Calls a second
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        rate: u32,
        /// Events in one call; they go out together
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=500))]
        together: u64,
        /// Calls
        #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
        calls: u64,
        /// The server's process, to read its CPU time and memory
        #[arg(long)]
        pid: Option<u32>,
        /// How to print.
        #[command(flatten)]
        json: Json,
    },
}

fn process(text: &str) -> Result<(String, u32), String> {
    let (name, pid) = text.split_once('=').ok_or("must be NAME=PID, such as db=1234")?;
    let pid = pid.parse().map_err(|_| format!("{pid} is not the number of a process"))?;
    Ok((name.to_owned(), pid))
}

/// Reads the command line; prints help or usage errors and ends the process (exit code 2) where it cannot.
pub fn parse() -> Cli {
    Cli::parse()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_is_allowed_and_bad_usage_ends_with_2() {
        assert!(Cli::try_parse_from(["callcenter"]).unwrap().command.is_none());
        let bad: [&[&str]; 7] = [
            &["callcenter", "dance"],
            &["callcenter", "tenant", "create"],
            &["callcenter", "tenant", "create", "--name", "N", "--id", "a b"],
            &["callcenter", "events", "tail", "--tenant", "t", "--after", "-1"],
            &["callcenter", "admin", "create", "--tenant", "t"],
            &["callcenter", "bench", "webhooks", "--endpoints", "0"],
            &["callcenter", "bench", "webhooks", "--url", "http://localhost", "--pid", "1234"],
        ];
        for arguments in bad {
            assert_eq!(Cli::try_parse_from(arguments).unwrap_err().exit_code(), 2, "{arguments:?}");
        }
    }
}
