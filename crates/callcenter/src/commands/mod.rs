//! The commands: one file each. They read the configuration, do one thing and say what they did.

mod bench;
mod config;
mod epoch;
mod events;
mod migrate;
mod people;
mod tenant;

use crate::cli::{Admin, Cli, Command, Epoch, Events, Tenant, User};
use crate::config::{Config, Sources};
use crate::{check, database, output, serve};
use model::Clock;
use std::process::ExitCode;
use std::time::Duration;
use store::Store;

/// Does what the command line says and gives the exit code: 0, or 1 after saying why.
pub fn run(cli: Cli) -> ExitCode {
    match dispatch(cli.command.unwrap_or(Command::Serve)) {
        Ok(code) => code,
        Err(error) => {
            output::error(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    let sources = crate::config::from_process();
    let runtime = runtime(&command)?;
    let code = runtime.block_on(execute(command, &sources));
    // What still runs on a blocking thread must not hold up the end.
    runtime.shutdown_timeout(Duration::from_millis(200));
    code
}

/// The server has a thread a core, a command one.
fn runtime(command: &Command) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = match command {
        Command::Serve => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    builder.enable_all().build()
}

async fn execute(command: Command, sources: &Sources) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check(format) => return check::run(sources, format.json).await,
        Command::Bench(what) => return bench::run(what).await.map(|()| ExitCode::SUCCESS),
        _ => {}
    }
    let config = Config::read(sources)?;
    match command {
        Command::Serve => serve::run(config).await?,
        Command::Check(_) | Command::Bench(_) => {}
        Command::Config(format) => config::run(sources, format.json)?,
        Command::Migrate { status, json } => migrate::run(&config, status, json.json).await?,
        Command::Epoch(Epoch::New(format)) => epoch::new(&config, format.json).await?,
        Command::Tenant(Tenant::Create { name, id, json }) => {
            tenant::create(&config, id, &name, json.json).await?;
        }
        Command::Admin(Admin::Create { tenant, email, name, password, json }) => {
            let admin = people::NewAdmin { tenant, email, name };
            people::create_admin(&config, admin, password, json.json).await?;
        }
        Command::User(User::ResetPassword { email, password, json }) => {
            people::reset_password(&config, &email, password, json.json).await?;
        }
        Command::Events(Events::Tail { tenant, after, follow }) => {
            events::tail(&config, &tenant, after, follow).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens a database that is there already, to write to it beside a running server: with its schema up to date, by its
/// time.
async fn open_to_write(config: &Config) -> anyhow::Result<(Store, Clock)> {
    prepared(database::connect_existing(&config.database).await?).await
}

async fn prepared(store: Store) -> anyhow::Result<(Store, Clock)> {
    store::migrate(&store).await?;
    let clock = Clock::default();
    app::housekeeping::follow_database_clock(&store, &clock).await?;
    Ok((store, clock))
}
