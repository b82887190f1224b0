//! The command line: names, options and help. What the commands do is in `commands`.

use clap::{Args, Parser, Subcommand};
use model::TenantId;

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
        let bad: [&[&str]; 5] = [
            &["callcenter", "dance"],
            &["callcenter", "tenant", "create"],
            &["callcenter", "tenant", "create", "--name", "N", "--id", "a b"],
            &["callcenter", "events", "tail", "--tenant", "t", "--after", "-1"],
            &["callcenter", "admin", "create", "--tenant", "t"],
        ];
        for arguments in bad {
            assert_eq!(Cli::try_parse_from(arguments).unwrap_err().exit_code(), 2, "{arguments:?}");
        }
    }
}
