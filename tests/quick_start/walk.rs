//! Sections 1 to 11 of the quick start.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::document::{Document, put, repository};
use super::terminal::{Terminal, answer_prompts, occupied, serve, wait_for_line};
use crate::harness::exec::binary;
use crate::harness::free_port::free_port;
use crate::harness::mariadb::MariaDb;
use crate::harness::process::{Dir, Process};
use crate::harness::redis::Redis;
use crate::harness::sink::Sink;
use crate::harness::wait::eventually;

/// What the reader has installed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SetUp {
    MariaDbAndRedis,
    /// `REDIS_HOST` is set as documented, but nothing listens there.
    MariaDb,
    /// Without the lines of the database and of Redis in `.env`.
    Nothing,
}

const ROOT_PASSWORD: &str = "root's password";

pub struct Walk {
    pub set_up: SetUp,
    pub document: Document,
    pub terminal: Terminal,
    pub sink: Sink,
    pub token: String,
    /// The terminal of section 9, which stays connected.
    pub wscat: Option<Process>,
    port: u16,
    redis_port: u16,
    redis: Option<Redis>,
    mariadb: Option<MariaDb>,
    server: Option<Process>,
    folder: Dir,
}

impl Walk {
    pub async fn begin(set_up: SetUp) -> Self {
        let folder = Dir::new("quick-start");
        copy_migrations(folder.path());
        let mariadb = if set_up == SetUp::Nothing { None } else { Some(prepared_mariadb().await) };
        Self {
            set_up,
            document: Document::open("docs/quick-start.md"),
            terminal: Terminal::open(folder.path()).await,
            sink: Sink::start().await,
            token: String::new(),
            wscat: None,
            port: free_port(),
            redis_port: free_port(),
            redis: None,
            mariadb,
            server: None,
            folder,
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The block with our port in place of 8000.
    pub fn here(&self, block: &str) -> String {
        put(block, "localhost:8000", &format!("localhost:{}", self.port))
    }

    pub async fn start_redis(&mut self) {
        let block = self.document.next("1. Start Redis (Optional but Recommended)", "bash");
        assert!(block.starts_with("docker run -d --name callcenter-redis -p 6379:6379 redis:latest"));
        if self.set_up == SetUp::MariaDbAndRedis {
            let redis = Redis::start().await;
            self.redis_port = redis.port;
            self.redis = Some(redis);
        }
    }

    pub async fn configure_environment(&mut self) {
        let block = self.document.next("2. Configure Environment", "bash");
        let folder = "/home/ubuntu/wsp/call-center/standalone-asterix/backend";
        let mut block = put(&block, folder, &self.folder().display().to_string());
        block = put(&block, "SERVER_PORT=8000", &format!("SERVER_PORT={}", self.port));
        block = put(&block, "REDIS_PORT=6379", &format!("REDIS_PORT={}", self.redis_port));
        match &self.mariadb {
            Some(mariadb) => block = put(&block, "DB_PORT=3306", &format!("DB_PORT={}", mariadb.port)),
            None => {
                let unset = |line: &&str| !line.starts_with("DB_") && !line.starts_with("REDIS_");
                block = block.lines().filter(unset).collect::<Vec<_>>().join("\n");
            }
        }
        self.terminal.run(&block).await;
        assert!(self.folder().join(".env").exists());
    }

    pub async fn run_migrations(&mut self) {
        let block = self.document.next("3. Run Migrations", "bash");
        let Some(mariadb) = &self.mariadb else { return };
        // Where our MariaDB listens goes into the reader's own settings, so that the commands stay as they are.
        let settings = format!("[client]\nsocket={}\n", mariadb.socket().display());
        std::fs::write(self.folder().join(".my.cnf"), settings).expect("the folder is ours");
        let output = answer_prompts(&block, self.folder(), ROOT_PASSWORD).await;
        assert_eq!(output.matches("Enter password:").count(), 2, "{output}");
        assert!(!output.contains("ERROR"), "{output}");
    }

    pub async fn start_server(&mut self) {
        let block = self.document.next("4. Start Server", "bash");
        let block = put(&block, "go run ./cmd/api", &format!("exec '{}'", binary().display()));
        let mut server = serve(&block, self.folder());
        wait_for_line(&mut server, "Starting server on").await;
        let expected = self.expected_lines();
        let lines = server.lines();
        let mut rest = lines.iter();
        for expected in expected {
            assert!(
                rest.any(|line| says(line, &expected)),
                "no {expected:?}, or not in order:\n{}",
                lines.join("\n")
            );
        }
        self.server = Some(server);
    }

    /// The nine lines, with what stands in place of the two of Redis where there is none.
    fn expected_lines(&mut self) -> Vec<String> {
        let block = self.document.next("4. Start Server", "");
        let block = put(&block, "0.0.0.0:8000", &format!("0.0.0.0:{}", self.port));
        let mut lines: Vec<String> = block.lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 9);
        let warning = "Warning: Redis connection failed: ... (WebSocket will work in local mode only)";
        let local = "WebSocket Hub started (single-server mode)";
        let instead = match self.set_up {
            SetUp::MariaDbAndRedis => return lines,
            SetUp::MariaDb => vec![warning.to_owned(), local.to_owned()],
            SetUp::Nothing => vec![local.to_owned()],
        };
        lines.splice(2..4, instead);
        lines
    }

    pub async fn test_websocket_connection(&mut self) {
        let install = self.document.next("Install wscat", "bash");
        assert_eq!(install.trim(), "npm install -g wscat");
        let version = self.terminal.run("command -v wscat").await;
        assert!(version.contains("wscat"), "wscat is missing: scripts/test installs it");

        let block = self.document.next("Login and Get JWT Token", "bash");
        self.token = self.terminal.run(&self.here(&block)).await;
        assert_eq!(self.token.split('.').count(), 3, "no token: {}", self.token);

        let block = self.document.next("Connect to WebSocket", "bash");
        let seen =
            block.lines().last().and_then(|line| line.strip_prefix("# ")).expect("what to see").to_owned();
        assert_eq!(seen, "Connected (press CTRL+C to quit)");
        let mut wscat = self.connect(&block);
        wait_for_line(&mut wscat, &seen).await;
        wscat.kill_9();
    }

    fn connect(&self, block: &str) -> Process {
        occupied(&self.here(block), self.folder(), &[("TOKEN", &self.token)])
    }

    pub async fn create_a_test_webhook(&mut self) {
        let block = self.document.next("Create Webhook", "bash");
        let block = put(&self.here(&block), "https://xxxxxx.x.pipedream.net", &self.sink.url());
        let answer = json(&self.terminal.run(&block).await);
        assert_eq!(answer["success"], true, "{answer}");
        assert_eq!(answer["data"]["id"], 1, "{answer}");
        assert_eq!(answer["data"]["secret"], "test-secret-123", "{answer}");
    }

    pub async fn test_webhook_delivery(&mut self) {
        let block = self.document.next("7. Test Webhook Delivery", "bash");
        let answer = json(&self.terminal.run(&self.here(&block)).await);
        assert_eq!(answer["data"]["status"], "success", "{answer}");
        assert_eq!(answer["data"]["http_status"], 200, "{answer}");
        let received = self.sink.wait_for_event("webhook.test").await;
        super::flow::assert_headers(&received);
    }

    pub async fn check_webhook_logs(&mut self) {
        let block = self.document.next("8. Check Webhook Logs", "bash");
        let output = self.terminal.run(&self.here(&block)).await;
        let answers: Vec<Value> = serde_json::Deserializer::from_str(&output)
            .into_iter()
            .map(|answer| answer.unwrap_or_else(|error| panic!("{error}: {output}")))
            .collect();
        assert_eq!(answers.len(), 2, "{output}");
        assert_eq!(answers[0]["data"][0]["event"], "webhook.test", "{output}");
        assert_eq!(answers[0]["data"][0]["status"], "success", "{output}");
        assert_eq!(answers[1]["data"]["total_deliveries"], 1, "{output}");
        assert_eq!(answers[1]["data"]["successful_count"], 1, "{output}");
        assert_eq!(answers[1]["data"]["failed_count"], 0, "{output}");
    }

    pub async fn test_presence_tracking(&mut self) {
        let block = self.document.next("9. Test Presence Tracking", "bash");
        let (one, another) = block.split_once("# In another terminal").expect("two terminals");
        let mut wscat = self.connect(one);
        wait_for_line(&mut wscat, "Connected").await;
        self.wscat = Some(wscat);

        let promised =
            another.lines().find_map(|line| line.strip_prefix("# Should return: ")).expect("a promise");
        let promised = json(promised);
        let another = put(&self.here(&format!("#{another}")), "your-user-id", "user-456");
        let answer = json(&self.terminal.run(&another).await);
        assert_eq!(answer["success"], promised["success"], "{answer}");
        assert_eq!(answer["data"]["online"], promised["data"]["online"], "{answer}");
    }

    pub async fn check_redis_presence(&mut self) {
        let block = self.document.next("10. Check Redis Presence", "bash");
        let Some(redis) = &self.redis else { return };
        let block = put(&block, "redis-cli", &format!("redis-cli -p {}", redis.port));
        let output = self.terminal.run(&block).await;
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(lines[..2], ["user-456", "1"], "{output}");
        let heartbeat: u64 = lines[2].parse().unwrap_or_else(|_| panic!("no unix seconds: {output}"));
        assert!(heartbeat > 1_700_000_000, "{output}");
        assert_eq!(lines.len(), 3, "{output}");
    }

    pub async fn test_hub_statistics(&mut self) {
        let block = self.document.next("11. Test Hub Statistics", "bash");
        let expected = json(&self.document.next("11. Test Hub Statistics", "json"));
        let block = self.here(&block);
        // The connection of section 5 was cut a moment ago.
        eventually("the statistics that the quick start shows", async || {
            let answer = json(&self.terminal.run(&block).await);
            (answer == expected).then_some(())
        })
        .await;
    }

    pub fn common_issues(&mut self) {
        let shown = self.document.next("Redis Connection Failed", "");
        assert!(
            shown.contains("Warning: Redis connection failed: ... (WebSocket will work in local mode only)")
        );
        assert!(shown.contains("WebSocket Hub started (single-server mode)"));
        let solution = self.document.next("Redis Connection Failed", "bash");
        assert!(solution.starts_with("docker run"));
    }

    pub fn assert_at_the_end(&self) {
        self.document.assert_at_the_end();
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        if let (true, Some(server)) = (std::thread::panicking(), &self.server) {
            eprintln!("--- the server's output:\n{}", server.lines().join("\n"));
        }
    }
}

#[track_caller]
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("not JSON ({error}): {text}"))
}

/// Whether the log line ends with the documented words; `...` stands for anything.
fn says(line: &str, documented: &str) -> bool {
    match documented.split_once("...") {
        Some((start, end)) => line.contains(start) && line.trim_end().ends_with(end),
        None => line.trim_end().ends_with(documented),
    }
}

fn copy_migrations(folder: &Path) {
    let (from, to): (PathBuf, PathBuf) = (repository().join("migrations"), folder.join("migrations"));
    std::fs::create_dir(&to).expect("a fresh folder");
    for entry in std::fs::read_dir(from).expect("migrations/").flatten() {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    }
}

/// With the database and the user that the quick start takes for granted.
async fn prepared_mariadb() -> MariaDb {
    let mariadb = MariaDb::start().await;
    mariadb.create_database_named("callcenter", "your-password").await;
    let quoted = ROOT_PASSWORD.replace('\'', "''");
    mariadb.sql("", &format!("SET PASSWORD FOR root@localhost = PASSWORD('{quoted}')")).await;
    mariadb
}
