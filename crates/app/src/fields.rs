//! Problems with the fields of a request, collected so that all are told at once.

use crate::{Error, Result};

/// One field and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field, with its path: `headers.X-Key`.
    pub field: String,
    /// What is allowed, as the rest of a sentence that begins with the field's name.
    pub message: String,
}

impl FieldProblem {
    /// A problem with one field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

pub(crate) fn sentence(problems: &[FieldProblem]) -> String {
    let one = |problem: &FieldProblem| format!("{} {}", problem.field, problem.message);
    problems.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Collects problems while a request is read.
#[derive(Debug, Default)]
pub struct Problems(Vec<FieldProblem>);

impl Problems {
    /// Notes a problem.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldProblem::new(field, message));
    }

    /// Notes a problem unless `ok`.
    pub fn check(&mut self, ok: bool, field: &str, message: &str) {
        if !ok {
            self.add(field, message);
        }
    }

    /// Notes a text that is not `min` to `max` characters long, or has control characters in it.
    pub fn check_text(&mut self, text: &str, min: usize, max: usize, field: &str) {
        if !(min..=max).contains(&text.chars().count()) {
            self.add(field, format!("must be {min} to {max} characters long"));
        } else if text.chars().any(char::is_control) {
            self.add(field, "must not contain control characters");
        }
    }

    /// Takes the value, or notes what is wrong with it.
    pub fn take<T, E: std::fmt::Display>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.add(field, error.to_string())).ok()
    }

    /// An error that tells all problems, if there were any.
    pub fn into_result(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}
