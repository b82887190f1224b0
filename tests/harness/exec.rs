//! The product's executable, and running its command line.

use std::path::PathBuf;
use std::process::{Command, Output};

use super::process::{guarded, profile_dir};

/// The binary that was built beside the tests.
pub fn binary() -> PathBuf {
    let binary = profile_dir().join("callcenter");
    assert!(
        binary.exists(),
        "{} is missing: run scripts/test, or cargo build -p callcenter",
        binary.display()
    );
    binary
}

/// A bare command for the product.
pub fn callcenter() -> Command {
    guarded(binary())
}

/// What a command that has ended left behind.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

impl Ended {
    /// The last line of standard output as JSON, after checking that the command succeeded.
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(self.stdout.trim())
            .unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }
}
