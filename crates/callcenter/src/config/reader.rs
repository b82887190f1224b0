//! Takes values out of the sources one by one and remembers every problem on the way.

use super::problem::Problem;
use super::sources::Sources;
use super::variables::{self, Secrecy};
use std::fmt::Display;

/// Reads variables; what cannot be read is a problem and gives `None`.
pub struct Reader<'a> {
    sources: &'a Sources,
    /// What was found so far.
    pub problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// A reader that begins with what is wrong with the sources themselves.
    pub fn new(sources: &'a Sources) -> Self {
        Self { sources, problems: sources.problems.clone() }
    }

    /// The variable's text, if it has one.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.sources.value(name)
    }

    /// The value of a variable that may be unset.
    pub fn optional<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        match self.text(name) {
            None => Some(None),
            Some(text) => match parse(text) {
                Ok(value) => Some(Some(value)),
                Err(problem) => {
                    self.problem(name, &with_value(name, text, &problem.to_string()));
                    None
                }
            },
        }
    }

    /// The value of a variable that always has one, because it has a default.
    pub fn required<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.optional(name, parse)?
    }

    /// Notes a problem.
    pub fn problem(&mut self, name: &str, problem: &str) {
        let example = variables::find(name).map_or("", |variable| variable.example);
        self.problems.push(Problem { name: name.into(), problem: problem.into(), example: example.into() });
    }
}

/// The problem with the value it is about, unless that is a secret; quoted, so that it stays one line.
fn with_value(name: &str, text: &str, problem: &str) -> String {
    let public = variables::find(name).is_some_and(|variable| variable.secrecy == Secrecy::Public);
    if !public {
        return problem.to_owned();
    }
    let short: String = text.chars().take(60).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{problem}, not {short:?}{more}")
}
