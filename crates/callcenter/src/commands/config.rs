//! `config`: what is in force.

use crate::config::{Sources, as_json, as_text};
use crate::output;

/// Prints every variable, its value and where it comes from.
pub fn run(sources: &Sources, json: bool) -> anyhow::Result<()> {
    if json { output::line(as_json(sources)) } else { output::line(as_text(sources).trim_end()) }
}
