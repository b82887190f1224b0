//! A real browser without a window: Chromium, with a profile that goes with it. It speaks to this machine only.

use std::process::Command;

use super::process::{Dir, Process, guarded, run};

/// What Chromium would do beside showing a page: ask its maker's servers, write to shared memory that containers lack, and
/// leave a process behind that waits for crashes.
const QUIET: [&str; 13] = [
    "--headless",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--enable-logging=stderr",
];
/// Nothing but this machine has a name there, so that whatever else a page asks for fails at once.
const HERE_ONLY: &str = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost";

/// A page that is open until this is dropped.
pub struct Page {
    process: Process,
    _profile: Dir,
}

impl Page {
    pub fn open(url: &str) -> Self {
        let profile = Dir::new("browser");
        let mut command = chromium(&profile);
        command.arg(url);
        Self { process: Process::start(command), _profile: profile }
    }

    /// What the browser has said, its page's console included.
    pub fn output(&self) -> String {
        self.process.lines().join("\n")
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the browser's output:\n{}", self.output());
        }
    }
}

/// What a page looks like once its scripts have run: its elements as HTML, and what the browser said meanwhile.
pub async fn rendered(url: &str) -> (String, String) {
    let profile = Dir::new("browser");
    let mut command = chromium(&profile);
    // The page's clock, which stands still while it waits for the network.
    command.args(["--virtual-time-budget=10000", "--dump-dom", url]);
    let output = run(command, "").await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (page, said) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}");
    (page, said)
}

fn chromium(profile: &Dir) -> Command {
    let mut command = guarded("chromium");
    command.args(QUIET).arg(HERE_ONLY).arg(format!("--user-data-dir={}", profile.path().display()));
    command.env("HOME", profile.path());
    command
}
