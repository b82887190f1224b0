//! A private Redis. It starts in milliseconds, so each server that wants one has its own.

use std::io::ErrorKind;
use std::sync::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

use super::free_port::free_port;
use super::process::{Dir, Process, guarded};
use super::wait::{eventually, within};

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
        eventually("Redis to answer", async || (self.cli(&["PING"]).await == "PONG").then_some(())).await;
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

    /// The answer to one command, as `redis-cli` prints it into a pipe; nothing if nobody is there. Without a process
    /// of its own: many tests ask again and again.
    pub async fn cli(&self, arguments: &[&str]) -> String {
        within("Redis", self.ask(arguments)).await.unwrap_or_default()
    }

    async fn ask(&self, arguments: &[&str]) -> std::io::Result<String> {
        let mut command = format!("*{}\r\n", arguments.len());
        arguments.iter().for_each(|text| command.push_str(&format!("${}\r\n{text}\r\n", text.len())));
        let mut connection = BufStream::new(TcpStream::connect(("127.0.0.1", self.port)).await?);
        connection.write_all(command.as_bytes()).await?;
        connection.flush().await?;
        let mut lines = Vec::new();
        answer(&mut connection, &mut lines).await?;
        Ok(lines.join("\n").trim().to_owned())
    }
}

/// Reads one answer of the protocol (RESP2), with what it holds, into lines.
async fn answer(connection: &mut BufStream<TcpStream>, lines: &mut Vec<String>) -> std::io::Result<()> {
    let mut open = 1;
    while open > 0 {
        open -= 1;
        let mut head = String::new();
        connection.read_line(&mut head).await?;
        let (kind, rest) = head.trim_end().split_at_checked(1).ok_or(ErrorKind::UnexpectedEof)?;
        match (kind, rest.parse::<usize>()) {
            ("*", Ok(count)) => open += count,
            ("$", Ok(length)) => {
                let mut text = vec![0; length + 2];
                connection.read_exact(&mut text).await?;
                lines.push(String::from_utf8_lossy(&text[..length]).into_owned());
            }
            // Minus one: there is nothing.
            ("*" | "$", Err(_)) => lines.push(String::new()),
            _ => lines.push(rest.to_owned()),
        }
    }
    Ok(())
}
