//! Reads a new password, from the terminal or from standard input. What makes a good one is the application's business.

use anyhow::{Context as _, bail};
use std::io::BufRead;

/// The longest line that is read; passwords end far below.
const LONGEST: u64 = 4096;

/// Asks on the terminal, twice; or takes the first line of standard input.
pub fn read(from_stdin: bool) -> anyhow::Result<String> {
    if from_stdin { first_line(std::io::stdin().lock()) } else { ask() }
}

fn ask() -> anyhow::Result<String> {
    let prompt =
        |text| rpassword::prompt_password(text).context("cannot ask for the password: use --password-stdin");
    let password = prompt("New password: ")?;
    if prompt("The same again: ")? != password {
        bail!("the two passwords are not the same");
    }
    Ok(password)
}

fn first_line(input: impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::Read::take(input, LONGEST)
        .read_line(&mut line)
        .context("cannot read the password from standard input")?;
    let password =
        line.strip_suffix('\n').map_or(line.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if password.is_empty() {
        bail!("there is no password on standard input");
    }
    Ok(password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password_with_its_spaces() {
        for input in ["a b ", "a b \n", "a b \r\n", "a b \nmore"] {
            assert_eq!(first_line(input.as_bytes()).unwrap(), "a b ");
        }
        assert!(first_line(&b""[..]).is_err() && first_line(&b"\nx"[..]).is_err());
    }
}
