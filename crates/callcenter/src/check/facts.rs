//! What the checklist judges: the configuration, and what a look at the database and the machine shows.

use crate::config::Config;
use crate::{database, descriptors, serve};
use store::Store;

/// All that was found.
pub struct Facts {
    /// The configuration.
    pub config: Config,
    /// What the database showed.
    pub data: Data,
    /// Why the files of HTTPS cannot be used, if they are configured and cannot.
    pub tls_problem: Option<String>,
    /// Why `WEBHOOK_CA_FILE` cannot be used, if it is set and cannot.
    pub webhook_ca_problem: Option<String>,
    /// How many descriptors the process may have.
    pub descriptors: u64,
}

/// What a look at the database shows.
pub enum Data {
    /// The SQLite file is not there yet.
    Absent,
    /// It cannot be opened, and why.
    Unreachable(String),
    /// It is there.
    Open {
        /// Migrations still to be applied, or why the schema does not fit.
        schema: Result<usize, String>,
        /// Whether the development admin still has the password that everybody knows.
        admin_is_open: bool,
        /// Whether every commit is flushed to disk; `None` if the server does not say.
        flushes_commits: Option<bool>,
    },
}

impl Facts {
    /// Looks at everything without changing anything.
    pub async fn gather(config: Config) -> Self {
        let data = match database::connect_untouched(&config.database).await {
            Ok(None) => Data::Absent,
            Ok(Some(store)) => look(&store).await,
            Err(error) => Data::Unreachable(format!("{error:#}")),
        };
        let tls = config.tls.as_ref().map(serve::tls::load);
        let tls_problem = tls.and_then(Result::err).map(|error| format!("{error:#}"));
        let roots = serve::roots::load(config.webhook_ca_file.as_deref());
        let webhook_ca_problem = roots.err().map(|error| format!("{error:#}"));
        Self { config, data, tls_problem, webhook_ca_problem, descriptors: descriptors::attainable() }
    }
}

async fn look(store: &Store) -> Data {
    let schema = match store::migration_status(store).await {
        Ok(status) => Ok(status.iter().filter(|migration| !migration.applied).count()),
        Err(error) => Err(error.to_string()),
    };
    // Without the table of users there is no such admin.
    let admin_is_open = app::setup::development_admin_is_open(store).await.unwrap_or(false);
    let flushes_commits = flushes_commits(store).await;
    store.close().await;
    Data::Open { schema, admin_is_open, flushes_commits }
}

async fn flushes_commits(store: &Store) -> Option<bool> {
    let mut reader = store.read().await.ok()?;
    store::platform::flushes_commits(reader.conn()).await.ok()
}
