//! Starting and stopping the server.

mod configuration;
mod production;
mod refusals;
mod shutdown;

use crate::harness::exec::Ended;

/// The start ended with exit code 1, without a panic's trace, and one line says this.
#[track_caller]
fn assert_refused(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let all = format!("{}\n{}", ended.stdout, ended.stderr);
    assert!(!all.contains("panicked"), "{all}");
    assert!(!all.contains("Starting server on"), "{all}");
    let said = all.lines().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(said, "no line says {words:?}:\n{all}");
}
