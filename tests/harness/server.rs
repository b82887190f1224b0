//! A real server process in a folder, a database and an environment of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::address::Address;
use super::database::Database;
use super::exec::{Ended, callcenter};
use super::free_port::free_port;
use super::http::{Client, Http};
use super::mariadb::{self, MariaDb};
use super::process::{Dir, Process, guarded, run};
use super::redis::Redis;
use super::tls::{Authority, GOOD};
use super::wait::eventually;
use super::{Value, json};

/// What the harness gives every server to work with: where it runs and what it is told.
#[derive(Clone)]
pub struct Setup {
    pub dir: Arc<Dir>,
    pub env: BTreeMap<String, String>,
    pub redis: Option<Arc<Redis>>,
    /// Its database on the shared MariaDB; nothing on SQLite.
    pub database: Option<Arc<Database>>,
    /// The file of the authority that is behind its certificate; nothing without TLS.
    pub authority: Option<PathBuf>,
}

pub struct Server {
    pub port: u16,
    pub address: Address,
    pub setup: Setup,
    http: Arc<Http>,
    process: Mutex<Option<Process>>,
    admin: Mutex<Option<Client>>,
}

#[derive(Default)]
pub struct Builder {
    mariadb: bool,
    private: Option<Arc<MariaDb>>,
    redis: bool,
    tls: bool,
    like: Option<Setup>,
    env: Vec<(String, Option<String>)>,
}

impl Builder {
    /// The embedded database; also what is used when nothing is said.
    pub fn sqlite(self) -> Self {
        Self { mariadb: false, ..self }
    }

    /// An empty database on the shared MariaDB, perhaps with the tables already made.
    pub fn mariadb(self) -> Self {
        Self { mariadb: true, ..self }
    }

    /// A fresh database on an instance of the test's own, which it may stop or freeze.
    pub fn mariadb_at(self, instance: &Arc<MariaDb>) -> Self {
        Self { mariadb: true, private: Some(Arc::clone(instance)), ..self }
    }

    /// A Redis of its own.
    pub fn redis(self) -> Self {
        Self { redis: true, ..self }
    }

    /// HTTPS, with a certificate for `localhost`.
    pub fn tls(self) -> Self {
        Self { tls: true, ..self }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), Some(value.to_owned())));
        self
    }

    pub fn without_env(mut self, name: &str) -> Self {
        self.env.push((name.to_owned(), None));
        self
    }

    /// Production, with the least that it insists on.
    pub fn production(self) -> Self {
        let secret = "a secret for the tests of more than 32 bytes";
        self.env("SERVER_ENV", "production")
            .env("JWT_SECRET", secret)
            .without_env("TEST_CLOCK")
            .without_env("TEST_WEAK_HASHING")
    }

    pub async fn start(self) -> Server {
        let setup = self.prepare().await;
        let port = setup.env["SERVER_PORT"].parse().expect("a port");
        let address = Address::new(port, setup.authority.as_deref());
        let http = Arc::new(Http::new(&address));
        let server =
            Server { port, address, setup, http, process: Mutex::default(), admin: Mutex::default() };
        server.restart().await;
        server
    }

    /// Starts it, waits until it has given up, and returns what it said.
    pub async fn start_refused(self) -> Ended {
        self.prepare().await.run(&[], "").await
    }

    pub async fn prepare(self) -> Setup {
        let mut setup = match self.like {
            Some(setup) => setup,
            None => fresh(self.mariadb, self.private).await,
        };
        if self.redis {
            let redis = Arc::new(Redis::start().await);
            setup.set("REDIS_HOST", "127.0.0.1");
            setup.set("REDIS_PORT", &redis.port.to_string());
            setup.redis = Some(redis);
        }
        if self.tls {
            let [certificate, key, authority] = Authority::new("The tests").write(GOOD, setup.dir.path());
            setup.set("TLS_CERT_FILE", &certificate.display().to_string());
            setup.set("TLS_KEY_FILE", &key.display().to_string());
            setup.authority = Some(authority);
        }
        setup.set("SERVER_PORT", &free_port().to_string());
        for (name, value) in self.env {
            match value {
                Some(value) => setup.set(&name, &value),
                None => drop(setup.env.remove(&name)),
            }
        }
        setup
    }
}

async fn fresh(on_mariadb: bool, private: Option<Arc<MariaDb>>) -> Setup {
    let dir = Arc::new(Dir::new("server"));
    let mut setup = Setup { dir, env: BTreeMap::new(), redis: None, database: None, authority: None };
    setup.set("SERVER_HOST", "127.0.0.1");
    setup.set("TEST_CLOCK", "on");
    setup.set("TEST_WEAK_HASHING", "on");
    if on_mariadb {
        let (port, name) = match private {
            Some(instance) => (instance.port, instance.create_database().await),
            None => {
                let database = setup.database.insert(Arc::new(Database::take().await));
                (MariaDb::shared().await.port, String::from(&***database))
            }
        };
        setup.set("DB_HOST", "127.0.0.1");
        setup.set("DB_PORT", &port.to_string());
        setup.set("DB_USER", mariadb::USER);
        setup.set("DB_PASSWORD", mariadb::PASSWORD);
        setup.set("DB_NAME", &name);
    }
    setup
}

impl Setup {
    pub fn set(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), value.to_owned());
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = callcenter();
        command.args(arguments).envs(&self.env).current_dir(self.dir.path());
        command
    }

    /// Runs the product's command line in this folder and environment.
    pub async fn run(&self, arguments: &[&str], input: &str) -> Ended {
        run(self.command(arguments), input).await.into()
    }
}

impl Server {
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A builder for another server on the same folder, database and Redis, on a port of its own.
    pub fn another(&self) -> Builder {
        Builder { like: Some(self.setup.clone()), ..Builder::default() }
    }

    /// The same, in a folder of its own, as on another machine.
    pub fn elsewhere(&self) -> Builder {
        let setup = Setup { dir: Arc::new(Dir::new("server")), ..self.setup.clone() };
        Builder { like: Some(setup), ..Builder::default() }
    }

    /// Starts the process (again) and waits until it says that it serves.
    pub async fn restart(&self) {
        self.kill_9();
        let mut process = Process::start(self.setup.command(&[]));
        eventually("the server to start", async || {
            let lines = process.lines();
            assert!(process.exited().is_none(), "the server ended:\n{}", lines.join("\n"));
            lines.iter().any(|line| line.contains("Starting server on")).then_some(())
        })
        .await;
        *self.process.lock().unwrap() = Some(process);
    }

    pub fn kill_9(&self) {
        drop(self.process.lock().unwrap().take());
    }

    /// Asks it to end, and returns its exit code and its last words.
    pub async fn terminate(&self) -> (i32, Vec<String>) {
        let mut process = self.process.lock().unwrap().take().expect("the server runs");
        process.signal("TERM");
        let status = process.wait().await;
        let code = status.code().unwrap_or_else(|| panic!("ended by a signal: {status}"));
        (code, process.lines())
    }

    /// What the running process has logged since its start.
    pub fn logs(&self) -> Vec<String> {
        self.process.lock().unwrap().as_ref().map(Process::lines).unwrap_or_default()
    }

    pub fn redis(&self) -> &Redis {
        self.setup.redis.as_ref().expect("this server has a Redis")
    }

    /// The product's command line, beside the running server.
    pub async fn cli(&self, arguments: &[&str]) -> Ended {
        self.setup.run(arguments, "").await
    }

    /// The same, for a command that goes on until it is stopped.
    pub fn spawn_cli(&self, arguments: &[&str]) -> Process {
        Process::start(self.setup.command(arguments))
    }

    pub async fn cli_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        self.setup.run(arguments, input).await
    }

    /// Moves the product's clock forward and wakes its timers.
    pub async fn advance(&self, by: Duration) {
        self.admin.lock().unwrap().take();
        let by = u64::try_from(by.as_millis()).expect("not that far");
        self.anonymous().post("/test/clock", json!({ "advance_ms": by })).await.expect(200);
    }

    /// Runs statements beside the server, as an operator might.
    pub async fn sql(&self, statements: &str) {
        if let Some(database) = &self.setup.database {
            MariaDb::shared().await.sql(database, statements).await;
            return;
        }
        const SCRIPT: &str = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], timeout=30); db.executescript(sys.argv[2])";
        let mut command = guarded("python3");
        command.args(["-c", SCRIPT]).arg(self.setup.dir.path().join("data/callcenter.db")).arg(statements);
        let output = run(command, "").await;
        assert!(output.status.success(), "{output:?}");
    }

    /// A client without credentials.
    pub fn anonymous(&self) -> Client {
        Client::new(Arc::clone(&self.http), None)
    }

    pub fn with_token(&self, token: &str) -> Client {
        Client::new(Arc::clone(&self.http), Some(token.to_owned()))
    }

    /// The development tenant's admin: signed in once, and again after the clock has moved.
    pub async fn admin(&self) -> Client {
        if let Some(admin) = self.admin.lock().unwrap().clone() {
            return admin;
        }
        let admin = self.another_admin().await;
        *self.admin.lock().unwrap() = Some(admin.clone());
        admin
    }

    /// The development tenant's admin in a session of its own.
    pub async fn another_admin(&self) -> Client {
        self.login("admin@example.com", "password").await
    }

    pub async fn login(&self, email: &str, password: &str) -> Client {
        let answer = self.try_login(email, password).await.expect(200);
        self.with_token(answer.text_of("access_token"))
    }

    pub async fn try_login(&self, email: &str, password: &str) -> super::Answer {
        self.anonymous().post("/api/v1/auth/login", json!({ "email": email, "password": password })).await
    }

    /// A second tenant, made on the command line, and its admin.
    pub async fn other_tenant(&self, id: &str) -> Client {
        let made = self.cli(&["tenant", "create", "--name", id, "--id", id, "--json"]).await;
        assert_eq!(made.code, Some(0), "{made:?}");
        let email = format!("admin@{id}.example");
        let arguments = ["admin", "create", "--tenant", id, "--email", &email, "--password-stdin"];
        let made = self.cli_with_input(&arguments, &format!("{PASSWORD}\n")).await;
        assert_eq!(made.code, Some(0), "{made:?}");
        self.login(&email, PASSWORD).await
    }

    /// Another user of the development tenant, as its admin makes them; with the new user's id.
    pub async fn user(&self, email: &str, role: &str) -> (Client, String) {
        let answer = self.admin().await.post("/api/v1/users", new_user(email, role)).await.expect(201);
        let id = answer.text_of("id").to_owned();
        (self.login(email, PASSWORD).await, id)
    }

    /// A program with an API key of these scopes, made by this admin; with the key's id.
    pub async fn program(&self, admin: &Client, scopes: &[&str]) -> (Client, String) {
        let body = json!({ "name": "A program", "scopes": scopes });
        let made = admin.post("/api/v1/api-keys", body).await.expect(201);
        (self.with_token(made.text_of("key")), made.text_of("id").to_owned())
    }
}

/// A password that the rules accept.
pub const PASSWORD: &str = "seventeen green bottles";

/// A valid body for making a user.
pub fn new_user(email: &str, role: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "name": "A Name", "role": role })
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the server's output:\n{}", self.logs().join("\n"));
        }
        // Before another test gets its database.
        self.kill_9();
    }
}
