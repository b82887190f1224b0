//! A private MariaDB: one shared by all tests of the process, and more for those that stop or freeze theirs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::OnceCell;

use super::free_port::free_port;
use super::process::{Dir, Process, guarded, run};
use super::wait::eventually;

pub const USER: &str = "callcenter";
pub const PASSWORD: &str = "the tests' password";

pub struct MariaDb {
    pub port: u16,
    dir: Dir,
    process: Mutex<Option<Process>>,
}

impl MariaDb {
    /// The instance that most tests use, each with a database of its own.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<MariaDb> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    pub async fn start() -> Self {
        let dir = Dir::new("mariadb");
        copy_of_template(&dir.path().join("data")).await;
        std::fs::create_dir(dir.path().join("tmp")).expect("a folder for MariaDB's temporary tables");
        let database = Self { port: free_port(), dir, process: Mutex::new(None) };
        database.start_again().await;
        database
    }

    /// On the same port and data, as after [`Self::kill_9`].
    pub async fn start_again(&self) {
        let mut command = guarded("mariadbd");
        command.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-log-bin"]);
        command.args([
            "--innodb-flush-log-at-trx-commit=1",
            "--performance-schema=off",
            "--max-connections=500",
        ]);
        command.args(["--innodb-log-file-size=16M", "--innodb-buffer-pool-size=64M"]);
        // Each test makes some forty tables: without a file for each it takes half the time.
        command.arg("--innodb-file-per-table=OFF");
        command.arg(format!("--port={}", self.port)).arg(format!("--socket={}", self.socket().display()));
        command.arg(format!("--datadir={}", self.dir.path().join("data").display()));
        command.arg(format!("--pid-file={}", self.dir.path().join("pid").display()));
        // A server that starts removes all temporary tables in that folder, also those of the servers beside it.
        command.arg(format!("--tmpdir={}", self.dir.path().join("tmp").display()));
        command.args(user_option());
        *self.process.lock().unwrap() = Some(Process::start(command));
        eventually("MariaDB to answer", async || self.try_sql("", "SELECT 1").await.ok()).await;
    }

    pub fn kill_9(&self) {
        drop(self.process.lock().unwrap().take());
    }

    /// Stops answering without closing anything, as a stalled disk does.
    pub fn freeze(&self) {
        self.process.lock().unwrap().as_ref().expect("MariaDB runs").signal("STOP");
    }

    pub fn thaw(&self) {
        self.process.lock().unwrap().as_ref().expect("MariaDB runs").signal("CONT");
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    /// An empty database with a fresh name, and the user that the product signs in as.
    pub async fn create_database(&self) -> String {
        self.create_databases(1).await.remove(0)
    }

    pub async fn create_databases(&self, count: usize) -> Vec<String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = |_| format!("callcenter_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let names: Vec<String> = (0..count).map(name).collect();
        let statements: Vec<String> = names.iter().map(|name| creation(name, PASSWORD)).collect();
        self.sql("", &statements.concat()).await;
        names
    }

    pub async fn create_database_named(&self, name: &str, password: &str) {
        self.sql("", &creation(name, password)).await;
    }

    /// Runs SQL as root through the `mysql` client; rows come back as tab-separated lines.
    pub async fn sql(&self, database: &str, sql: &str) -> String {
        match self.try_sql(database, sql).await {
            Ok(rows) => rows,
            Err(error) => panic!("{error}\nin: {sql}"),
        }
    }

    pub async fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        let output = run(self.client(&[database]), sql).await;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    fn client(&self, arguments: &[&str]) -> Command {
        let mut command = guarded("mysql");
        command.args(["--no-defaults", "--user=root", "--skip-column-names", "--batch"]);
        command.arg(format!("--socket={}", self.socket().display()));
        command.args(arguments.iter().filter(|argument| !argument.is_empty()));
        command
    }
}

fn creation(name: &str, password: &str) -> String {
    let password = password.replace('\'', "''");
    format!(
        "CREATE DATABASE {name} CHARACTER SET utf8mb4;
         CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{password}';
         GRANT ALL ON {name}.* TO '{USER}'@'%';\n"
    )
}

/// The server refuses to run as root unless told to.
fn user_option() -> Option<&'static str> {
    let is_root =
        std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    is_root.then_some("--user=root")
}

/// Making the system tables takes seconds: once, then copied.
async fn copy_of_template(target: &Path) {
    static TEMPLATE: OnceCell<Dir> = OnceCell::const_new();
    let template = TEMPLATE
        .get_or_init(async || {
            let dir = Dir::new("mariadb-template");
            let mut command = guarded("mariadb-install-db");
            command.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
            command.arg("--innodb-log-file-size=16M").args(user_option());
            command.arg(format!("--datadir={}", dir.path().join("data").display()));
            command.arg(format!("--tmpdir={}", dir.path().display()));
            let output = run(command, "").await;
            assert!(output.status.success(), "mariadb-install-db: {output:?}");
            dir
        })
        .await;
    let mut copy = guarded("cp");
    copy.args(["-a", "--"]).arg(template.path().join("data")).arg(target);
    assert!(run(copy, "").await.status.success(), "the data folder is copied");
}
