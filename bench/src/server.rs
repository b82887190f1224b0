//! A server to measure: one of our own, on a database of its own in a temporary folder, or one that runs already.

use anyhow::{Context, Result, bail};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long the server may take to listen.
const START: Duration = Duration::from_secs(30);
/// How long it may take to stop: the contract's 10 s, and some.
const STOP: Duration = Duration::from_secs(15);

/// A server under test.
pub struct Server {
    /// Where it listens: `http://host:port`.
    pub url: String,
    /// The processes whose CPU time counts, each with a word for it.
    pub processes: Vec<(String, u32)>,
    own: Option<Own>,
}

/// What ends with the measurement.
struct Own {
    child: Child,
    _folder: TempDir,
}

impl Server {
    /// One that runs already; `processes` are to be accounted.
    #[must_use]
    pub fn running(url: &str, processes: Vec<(String, u32)>) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), processes, own: None }
    }

    /// Starts `program serve` on an empty SQLite file in a temporary folder below `folder`, whose disk is what counts, and
    /// waits until it listens. It sees none of this process's settings.
    pub async fn start(program: &Path, folder: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("callcenter-bench-")
            .tempdir_in(folder)
            .with_context(|| format!("making a folder in {}", folder.display()))?;
        let port = free_port()?;
        let mut child = Command::new(program)
            .arg("serve")
            .current_dir(folder.path())
            .env_clear()
            .env("SERVER_HOST", "127.0.0.1")
            .env("SERVER_PORT", port.to_string())
            .env("RATE_LIMIT_API", "off")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("starting a server")?;
        let pid = child.id().context("the server ended at once")?;
        let output: ChildStdout = child.stdout.take().context("the server has no output")?;
        let mut lines = BufReader::new(output).lines();
        let listening = timeout(START, listens(&mut lines)).await;
        listening.with_context(|| format!("the server did not listen within {} s", START.as_secs()))??;
        // Nobody may have to wait for a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self {
            url: format!("http://127.0.0.1:{port}"),
            processes: vec![("server".to_owned(), pid)],
            own: Some(Own { child, _folder: folder }),
        })
    }

    /// Ends a server of our own.
    pub async fn stop(self) -> Result<()> {
        let Some(mut own) = self.own else { return Ok(()) };
        own.child.start_kill().context("stopping the server")?;
        timeout(STOP, own.child.wait()).await.context("the server did not stop")??;
        Ok(())
    }
}

async fn listens<R: AsyncRead + Unpin>(lines: &mut Lines<BufReader<R>>) -> Result<()> {
    let mut last = String::new();
    while let Some(line) = lines.next_line().await? {
        if line.contains("Starting server on") {
            return Ok(());
        }
        last = line;
    }
    bail!("the server ended: {last}")
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?;
    Ok(listener.local_addr()?.port())
}
