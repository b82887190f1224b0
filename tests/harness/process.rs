//! Child processes that cannot outlive the tests, and folders that do not stay behind.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, mpsc};

use super::wait::{LIMIT, eventually};

type Job = Box<dyn FnOnce() + Send>;

// The kernel's parent-death signal goes out when the *thread* that made the child ends, and every test has a
// thread of its own: so one thread that lives as long as the process makes them all.
static SPAWNER: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
    let (jobs, queue) = mpsc::channel::<Job>();
    std::thread::spawn(move || queue.into_iter().for_each(|job| job()));
    jobs
});

fn spawn(mut command: Command) -> Child {
    let (answer, spawned) = mpsc::channel();
    let job = Box::new(move || drop(answer.send(command.spawn())));
    SPAWNER.send(job).expect("the spawner thread lives");
    spawned.recv().expect("the spawner answers").expect("setpriv (util-linux) starts")
}

/// A command that the kernel kills when the test process dies, however it dies. Its environment is bare.
pub fn guarded(program: impl AsRef<std::ffi::OsStr>) -> Command {
    // By its path: looked up in a changed PATH it would start by `fork`, which copies the tables of this large process.
    static SETPRIV: LazyLock<PathBuf> =
        LazyLock::new(|| find("setpriv").expect("setpriv (util-linux) is installed"));
    let mut command = Command::new(&*SETPRIV);
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command.env_clear().env("PATH", search_path()).env("LANG", "C.UTF-8");
    command
}

fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&search_path()).map(|dir| dir.join(program)).find(|path| path.is_file())
}

/// The caller's PATH, what `scripts/test` installs for itself, and where Debian keeps servers.
pub fn search_path() -> String {
    let inherited = std::env::var("PATH").unwrap_or_default();
    let tools = tools_dir().join("node_modules/.bin");
    format!("{}:{inherited}:/usr/sbin:/usr/bin:/bin", tools.display())
}

/// `target/<profile>`: the test executable lies in its `deps`.
pub fn profile_dir() -> PathBuf {
    let exe = std::env::current_exe().expect("the test executable has a path");
    exe.ancestors().nth(2).expect("target/<profile>/deps/blackbox").to_path_buf()
}

/// Where `scripts/test` puts what it installs.
pub fn tools_dir() -> PathBuf {
    target_dir().join("test-tools")
}

fn target_dir() -> PathBuf {
    profile_dir().parent().expect("target/<profile>").to_path_buf()
}

/// A running child whose output (both streams, in their order) is kept line by line.
pub struct Process {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts what [`guarded`] made. Standard input stays open until the process is dropped.
    pub fn start(mut command: Command) -> Self {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        command.stdin(Stdio::piped()).stdout(writer.try_clone().expect("a pipe")).stderr(writer);
        command.process_group(0);
        let child = spawn(command);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
                let text = String::from_utf8_lossy(&line);
                sink.lock().unwrap().push(text.trim_end_matches('\r').to_owned());
            }
        });
        Self { child, lines }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn stdin(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().expect("standard input is piped")
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the child is ours")
    }

    /// Waits until the process has ended by itself.
    pub async fn wait(&mut self) -> ExitStatus {
        eventually("the process to end", async || self.exited()).await
    }

    /// `TERM`, `STOP`, `CONT` …, to the process only.
    pub fn signal(&self, name: &str) {
        signal(name, &self.id().to_string());
    }

    pub fn kill_9(&mut self) {
        // The group, for the sake of shells that have started something; a stopped process dies of it too.
        signal("KILL", &format!("-{}", self.id()));
        self.child.wait().expect("the child is ours");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.exited().is_none() {
            self.kill_9();
        }
    }
}

/// One shell sends them all: every test ends a server, and a shell for each took a hundredth of the run.
fn signal(name: &str, target: &str) {
    static SHELL: LazyLock<Mutex<(Child, BufReader<ChildStdout>)>> = LazyLock::new(|| {
        let mut command = guarded("bash");
        command.args(["--noprofile", "--norc"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = spawn(command);
        let output = shell.stdout.take().expect("standard output is piped");
        Mutex::new((shell, BufReader::new(output)))
    });
    let (shell, output) = &mut *SHELL.lock().unwrap();
    let input = shell.stdin.as_mut().expect("standard input is piped");
    writeln!(input, "kill -s {name} -- {target}; echo").expect("the shell reads");
    output.read_line(&mut String::new()).expect("the shell answers");
}

/// The folder of this run. A shell that waits for our end removes it, since nothing of ours runs after `kill -9`.
static RUN_DIR: LazyLock<(PathBuf, Child)> = LazyLock::new(|| {
    let dir = tempfile::Builder::new().prefix("callcenter-tests-").tempdir().expect("a folder").keep();
    let script = r#"cat; for _ in 1 2 3 4 5 6 7 8 9; do rm -rf "$1" && break; sleep 0.2; done"#;
    let mut janitor = Command::new("sh");
    janitor.args(["-c", script, "janitor"]).arg(&dir).process_group(0);
    let child = spawn_plain(janitor.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()));
    (dir, child)
});

fn spawn_plain(command: &mut Command) -> Child {
    command.spawn().expect("sh runs")
}

/// A fresh folder, removed with the value.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = RUN_DIR.0.join(format!("{name}{number}"));
        std::fs::create_dir(&dir).expect("a fresh folder");
        Self(dir)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        // What is still being written to is left to the janitor.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a command to its end, off the async threads.
pub async fn run(command: Command, input: &str) -> std::process::Output {
    let input = input.to_owned();
    let (started, group) = mpsc::channel();
    let done = tokio::task::spawn_blocking(move || finish(command, &input, &started));
    match tokio::time::timeout(LIMIT, done).await {
        Ok(output) => output.expect("the thread ran to its end"),
        Err(_) => {
            // Whoever waits for its output would wait for ever.
            group.try_iter().for_each(|group: u32| signal("KILL", &format!("-{group}")));
            panic!("a command did not end within {LIMIT:?}")
        }
    }
}

fn finish(mut command: Command, input: &str, started: &mpsc::Sender<u32>) -> std::process::Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0);
    let mut child = spawn(command);
    // Nobody hears it who has given up before.
    let _ = started.send(child.id());
    // A command that does not read its input may have closed it already.
    let _ = child.stdin.take().expect("standard input is piped").write_all(input.as_bytes());
    child.wait_with_output().expect("the command runs")
}
