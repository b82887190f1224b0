//! A private Redis. It starts in milliseconds, so each server that wants one has its own.

use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::process::{Dir, Process, free_port, guarded, run};
use super::wait::eventually;

pub struct Redis {
    pub port: u16,
    dir: Dir,
    arguments: Vec<String>,
    process: Mutex<Option<Process>>,
}

impl Redis {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub async fn start_with(options: &[&str]) -> Self {
        let options = ["--save", "", "--appendonly", "no"].iter().chain(options);
        let arguments = options.map(|&option| option.to_owned()).collect();
        let redis = Self { port: free_port(), dir: Dir::new("redis"), arguments, process: Mutex::new(None) };
        redis.start_again().await;
        redis
    }

    /// A sentinel with this configuration.
    pub async fn sentinel(configuration: &str) -> Self {
        let dir = Dir::new("sentinel");
        let file = dir.path().join("sentinel.conf");
        std::fs::write(&file, configuration).expect("the folder is ours");
        let arguments = vec![file.display().to_string(), "--sentinel".to_owned()];
        let sentinel = Self { port: free_port(), dir, arguments, process: Mutex::new(None) };
        sentinel.start_again().await;
        sentinel
    }

    /// On the same port, empty: what a restarted Redis without persistence is.
    pub async fn start_again(&self) {
        let mut command = guarded("redis-server");
        command.args(&self.arguments).args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.arg("--dir").arg(self.dir.path());
        *self.process.lock().unwrap() = Some(Process::start(command));
        eventually("Redis to answer", async || self.ping().await.ok()).await;
    }

    /// Without a process of its own: every server of the tests waits for this.
    async fn ping(&self) -> std::io::Result<()> {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).await?;
        connection.write_all(b"PING\r\n").await?;
        let mut answer = [0; 5];
        connection.read_exact(&mut answer).await?;
        if answer == *b"+PONG" { Ok(()) } else { Err(std::io::ErrorKind::InvalidData.into()) }
    }

    /// It neither answers nor closes until it thaws.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        self.process.lock().unwrap().as_ref().expect("Redis runs").signal(name);
    }

    pub fn kill_9(&self) {
        drop(self.process.lock().unwrap().take());
    }

    /// One command through `redis-cli`; what it prints.
    pub async fn cli(&self, arguments: &[&str]) -> String {
        let mut command = guarded("redis-cli");
        command.args(["-p", &self.port.to_string()]).args(arguments);
        String::from_utf8_lossy(&run(command, "").await.stdout).trim().to_owned()
    }
}
