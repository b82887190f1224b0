//! A shell that runs the document's blocks one after the other and keeps its variables, as a reader's does.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::harness::process::{Process, guarded};
use crate::harness::wait::{eventually, within};

pub struct Terminal {
    shell: Process,
    blocks: usize,
}

/// A bare command in the reader's folder. Its home is empty, so that no settings of the machine's user get in.
pub fn in_folder(program: &str, folder: &Path) -> Command {
    let mut command = guarded(program);
    command.current_dir(folder).env("HOME", folder);
    command
}

impl Terminal {
    pub async fn open(folder: &Path) -> Self {
        let mut command = in_folder("bash", folder);
        command.args(["--noprofile", "--norc"]);
        let mut terminal = Self { shell: Process::start(command), blocks: 0 };
        // curl draws its progress there.
        terminal.run("exec 2>stderr.log").await;
        terminal
    }

    /// Runs the block to its end and returns what it printed.
    pub async fn run(&mut self, block: &str) -> String {
        self.blocks += 1;
        let end = format!("--- end of block {} ---", self.blocks);
        let before = self.shell.lines().len();
        let input = format!("{block}\nprintf '\\n%s\\n' '{end}'\n");
        self.shell.stdin().write_all(input.as_bytes()).expect("the shell reads");
        let ended = async || {
            let lines = self.shell.lines();
            let last = lines.iter().position(|line| *line == end)?;
            Some(lines[before..last].join("\n").trim().to_owned())
        };
        eventually(&format!("the end of\n{block}"), ended).await
    }
}

/// A terminal that a program occupies until it is stopped.
pub fn occupied(block: &str, folder: &Path, variables: &[(&str, &str)]) -> Process {
    on_a_terminal(block, folder, variables, "")
}

/// A server, whose output goes into a pipe: it dies with the tests even if it ignores that a window closes.
pub fn serve(block: &str, folder: &Path) -> Process {
    let mut command = in_folder("bash", folder);
    command.args(["--noprofile", "--norc", "-c", block]);
    Process::start(command)
}

/// Waits for a line with this text.
pub async fn wait_for_line(process: &mut Process, text: &str) -> String {
    eventually(text, async || {
        let lines = process.lines();
        if let Some(line) = lines.iter().find(|line| line.contains(text)) {
            return Some(line.clone());
        }
        assert!(process.exited().is_none(), "ended without {text:?}:\n{}", lines.join("\n"));
        None
    })
    .await
}

/// Runs the block and types `password` at every prompt for one.
pub async fn answer_prompts(block: &str, folder: &Path, password: &str) -> String {
    let mut process = on_a_terminal(&format!("set -e\n{block}"), folder, &[], password);
    let status = within(block, process.wait()).await;
    let output = process.lines().join("\n");
    assert!(status.success(), "{status}: {output}");
    output
}

fn on_a_terminal(block: &str, folder: &Path, variables: &[(&str, &str)], password: &str) -> Process {
    let mut command = in_folder("python3", folder);
    command.args(["-c", TERMINAL, password, "bash", "--noprofile", "--norc", "-c", block]);
    command.envs(variables.iter().copied());
    Process::start(command)
}

/// Programs behave differently on a terminal, so they get one: `wscat` says that it is connected only there, and
/// `mysql` asks for the password there. It hangs up, as a closed window does, when this process ends.
const TERMINAL: &str = r#"
import os, pty, sys
password, command, tail = sys.argv[1], sys.argv[2:], b""
def read(terminal):
    global tail
    data = os.read(terminal, 4096)
    tail = (tail + data)[-20:]
    if password and tail.endswith(b"password: "):
        tail = b""
        os.write(terminal, password.encode() + b"\n")
    return data
sys.exit(os.waitstatus_to_exitcode(pty.spawn(command, read, lambda _: b"")))
"#;
