//! Writing to standard output and standard error: the only place that does.

use std::io::{self, Write};

/// Writes a text and a line break to standard output.
pub fn line(text: impl std::fmt::Display) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).or_else(ignore_closed_pipe)
}

/// Writes an error to standard error, behind the program's name.
pub fn error(text: impl std::fmt::Display) {
    // Nobody is left to be told if this fails.
    let _ = writeln!(io::stderr().lock(), "callcenter: {text}");
}

/// `callcenter … | head` is not an error; there is just nothing more to say.
fn ignore_closed_pipe(error: io::Error) -> anyhow::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { std::process::exit(0) } else { Err(error.into()) }
}
