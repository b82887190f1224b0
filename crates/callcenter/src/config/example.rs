//! The text of `.env.example`, made from the table; a test keeps the file equal to it.

#![cfg(test)]

use super::variables::{VARIABLES, Variable};
use std::fmt::Write as _;

const HEADER: &str = "\
# Every variable of callcenter with its default. Copy this file to .env and take the # away where you want another value.
# The environment wins over .env; an empty value counts as unset. Put values with spaces, # or $ between single quotes.
";

fn example() -> String {
    VARIABLES.iter().fold(HEADER.to_owned(), |mut text, variable| {
        let _ = write!(text, "\n# {}\n#{}={}\n", variable.meaning, variable.name, quoted(variable));
        text
    })
}

/// The default, between quotes if a `.env` file needs them.
fn quoted(variable: &Variable) -> String {
    let default = variable.default_in(false).unwrap_or_default();
    if default.contains([' ', '#', '$']) { format!("'{default}'") } else { default.to_owned() }
}

#[test]
fn the_example_file_is_equal_to_the_table() {
    let file = include_str!("../../../../.env.example");
    assert_eq!(file, example(), "write this text to .env.example");
}

#[test]
fn the_example_with_every_line_taken_in_is_the_default_configuration() {
    let taken_in: String = example()
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .filter(|line| !line.starts_with(' '))
        .fold(String::new(), |text, line| text + line + "\n");
    let sources = super::Sources::of(&[], &taken_in);
    assert_eq!(sources.problems, []);
    for variable in VARIABLES {
        assert_eq!(sources.value(variable.name), variable.default_in(false), "{}", variable.name);
    }
    assert!(super::Config::read(&sources).is_ok());
}

#[test]
fn every_variable_is_named_once_and_has_a_good_example() {
    let mut names: Vec<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), VARIABLES.len());
    let examples: Vec<(&str, &str)> =
        VARIABLES.iter().map(|variable| (variable.name, variable.example)).collect();
    let problems = super::Config::read(&super::Sources::of(&examples, "")).err();
    assert_eq!(problems.map(|problems| problems.to_string()), None);
}
