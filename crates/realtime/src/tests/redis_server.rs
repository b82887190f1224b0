//! A Redis server of the test's own, on a free port of 127.0.0.1, that dies with the test.

use super::free_port::free_port;
use super::support::eventually;
use redis::{Value, cmd};
use std::process::{Child, Command, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A running, or just now killed, Redis server.
pub(super) struct RedisServer {
    pub port: u16,
    options: Vec<String>,
    file: Option<String>,
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl RedisServer {
    pub(super) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(super) async fn start_with(options: &[&str]) -> Self {
        let mut server = Self::stopped(options);
        server.restart().await;
        server
    }

    /// A sentinel that reads, and rewrites, that file.
    pub(super) async fn sentinel(file: &std::path::Path) -> Self {
        let mut server = Self::stopped(&["--sentinel"]);
        server.file = Some(file.to_str().unwrap().to_owned());
        server.restart().await;
        server
    }

    /// One that could run, but does not yet.
    pub(super) fn stopped(options: &[&str]) -> Self {
        let options = options.iter().map(ToString::to_string).collect();
        Self { port: free_port(), options, folder: tempfile::tempdir().unwrap(), file: None, child: None }
    }

    pub(super) async fn restart(&mut self) {
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "redis-server"])
            .args(&self.file)
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &self.port.to_string(),
                "--dir",
                self.folder.path().to_str().unwrap(),
            ])
            .args(if self.file.is_some() { &[][..] } else { &["--save", ""] })
            .args(&self.options)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        eventually("Redis answers", || async { self.answers().await.unwrap_or(false) }).await;
    }

    /// It also takes connections while it still reads its data, and refuses commands then.
    async fn answers(&self) -> std::io::Result<bool> {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).await?;
        connection.write_all(b"PING\r\n").await?;
        let mut answer = [0; 5];
        connection.read_exact(&mut answer).await?;
        Ok(answer != *b"-LOAD")
    }

    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// `STOP` freezes it, `CONT` lets it go on.
    pub(super) fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success());
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Runs one command, as `redis-cli` would.
    pub(super) async fn run<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = cmd(words[0]);
        words[1..].iter().for_each(|word| {
            command.arg(word);
        });
        let answer: Value = command.query_async(&mut connection).await.unwrap();
        redis::from_redis_value(answer).unwrap()
    }

    pub(super) async fn members(&self, key: &str) -> Vec<String> {
        let mut members: Vec<String> = self.run(&["SMEMBERS", key]).await;
        members.sort();
        members
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
