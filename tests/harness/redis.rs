//! A private Redis. It starts in milliseconds, so each server that wants one has its own.

use std::sync::Mutex;

use super::process::{Process, free_port, guarded, run};
use super::wait::eventually;

pub struct Redis {
    pub port: u16,
    process: Mutex<Option<Process>>,
}

impl Redis {
    pub async fn start() -> Self {
        let redis = Self { port: free_port(), process: Mutex::new(None) };
        redis.start_again().await;
        redis
    }

    /// On the same port, empty: what a restarted Redis without persistence is.
    pub async fn start_again(&self) {
        let mut command = guarded("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no"]);
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

    /// One command through `redis-cli`; what it prints.
    pub async fn cli(&self, arguments: &[&str]) -> String {
        let mut command = guarded("redis-cli");
        command.args(["-p", &self.port.to_string()]).args(arguments);
        String::from_utf8_lossy(&run(command, "").await.stdout).trim().to_owned()
    }
}
