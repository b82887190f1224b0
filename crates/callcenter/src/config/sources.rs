//! Where values come from: the environment before `.env` before the defaults. Files and the environment are read here
//! once; everything behind it works on maps.

use super::problem::Problem;
use super::variables::{self, VARIABLES, Variable};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};

/// Names and values.
type Map = BTreeMap<String, String>;

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The process environment.
    Environment,
    /// The file `.env`.
    DotEnv,
    /// Nobody set it.
    Default,
}

impl Origin {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::DotEnv => ".env",
            Self::Default => "default",
        }
    }
}

/// All that was set, before it is checked.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    environment: Map,
    dotenv: Map,
    /// What could not even be read.
    pub problems: Vec<Problem>,
}

/// Reads the environment of this process and `.env` in the working directory.
pub fn from_process() -> Sources {
    let mut sources = Sources::default();
    for variable in VARIABLES {
        match std::env::var(variable.name) {
            Ok(value) => drop(sources.environment.insert(variable.name.to_owned(), value)),
            Err(std::env::VarError::NotPresent) => {}
            Err(std::env::VarError::NotUnicode(_)) => sources.problem(variable, "is not UTF-8 text"),
        }
    }
    match std::fs::File::open(".env") {
        Ok(file) => sources.read_dotenv(file),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => sources.dotenv_problem(&format!("cannot be read: {error}")),
    }
    sources
}

impl Sources {
    /// Values as if set in the environment, and a `.env` file of this text.
    #[cfg(test)]
    pub fn of(environment: &[(&str, &str)], dotenv: &str) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut sources = Self { environment: environment.iter().map(owned).collect(), ..Self::default() };
        sources.read_dotenv(dotenv.as_bytes());
        sources
    }

    /// The value of a variable and where it comes from. An empty value counts as unset.
    pub fn get(&self, variable: &Variable) -> (Option<&str>, Origin) {
        let set =
            |map: &'_ Map| map.get(variable.name).map(String::as_str).is_some_and(|value| !value.is_empty());
        if set(&self.environment) {
            (self.environment.get(variable.name).map(String::as_str), Origin::Environment)
        } else if set(&self.dotenv) {
            (self.dotenv.get(variable.name).map(String::as_str), Origin::DotEnv)
        } else {
            (variable.default_in(self.is_production()), Origin::Default)
        }
    }

    /// Whether `SERVER_ENV` says so; some defaults depend on it.
    fn is_production(&self) -> bool {
        [&self.environment, &self.dotenv]
            .into_iter()
            .find_map(|map| map.get("SERVER_ENV").filter(|value| !value.is_empty()))
            .is_some_and(|value| value == "production")
    }

    /// The value of the variable of that name.
    pub fn value(&self, name: &str) -> Option<&str> {
        variables::find(name).and_then(|variable| self.get(variable).0)
    }

    fn read_dotenv(&mut self, file: impl Read) {
        let mut bytes = Vec::new();
        // Far beyond any such file: it must not be a device that never ends.
        if let Err(error) = file.take(1 << 20).read_to_end(&mut bytes) {
            return self.dotenv_problem(&format!("cannot be read: {error}"));
        }
        let without_mark = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let text = String::from_utf8_lossy(without_mark);
        for line in dotenvy::from_read_iter(without_mark) {
            match line {
                Ok((name, value)) => drop(self.dotenv.insert(name, value)),
                Err(dotenvy::Error::LineParse(rest, _)) => self.dotenv_problem(&bad_line(&text, &rest)),
                Err(error) => return self.dotenv_problem(&format!("cannot be read: {error}")),
            }
        }
    }

    fn dotenv_problem(&mut self, problem: &str) {
        let (name, example) = (".env".to_owned(), String::new());
        self.problems.push(Problem { name, problem: problem.to_owned(), example });
    }

    fn problem(&mut self, variable: &Variable, problem: &str) {
        let (name, example) = (variable.name.to_owned(), variable.example.to_owned());
        self.problems.push(Problem { name, problem: problem.to_owned(), example });
    }
}

/// Names the line that ends with what could not be parsed by what stands before its `=`; what stands behind it may be a
/// password.
fn bad_line(file: &str, rest: &str) -> String {
    let line = file.lines().find(|line| line.trim_end().ends_with(rest.trim_end()));
    let name = line.and_then(|line| line.split_once('=')).map_or("", |(name, _)| name).trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ' ');
    if name.is_empty() || !name.chars().all(plain) {
        "has a line that is not NAME=value".to_owned()
    } else {
        format!("has a bad line for {name}: put values with spaces, #, $ or quotes between single quotes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
        let sources = Sources::of(&[("SERVER_PORT", "1")], "SERVER_PORT=2\nDB_PORT=3");
        assert_eq!(sources.get(variables::find("SERVER_PORT").unwrap()), (Some("1"), Origin::Environment));
        assert_eq!(sources.get(variables::find("DB_PORT").unwrap()), (Some("3"), Origin::DotEnv));
        assert_eq!(sources.get(variables::find("REDIS_PORT").unwrap()), (Some("6379"), Origin::Default));
        assert_eq!(sources.get(variables::find("DB_HOST").unwrap()), (None, Origin::Default));
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let sources = Sources::of(&[("SERVER_PORT", ""), ("DB_PORT", "")], "SERVER_PORT=2\nREDIS_PASSWORD=");
        assert_eq!(sources.value("SERVER_PORT"), Some("2"));
        assert_eq!(sources.value("DB_PORT"), Some("3306"));
        assert_eq!(sources.value("REDIS_PASSWORD"), None);
    }

    #[test]
    fn defaults_follow_the_mode_wherever_it_is_set() {
        assert_eq!(Sources::of(&[], "").value("LOG_FORMAT"), Some("text"));
        assert_eq!(Sources::of(&[], "SERVER_ENV=production").value("LOG_FORMAT"), Some("json"));
        let sources = Sources::of(&[("SERVER_ENV", "development")], "SERVER_ENV=production");
        assert_eq!(sources.value("LOG_FORMAT"), Some("text"));
        assert_eq!(Sources::of(&[("SERVER_ENV", "production")], "").value("CORS_ALLOWED_ORIGINS"), None);
    }

    #[test]
    fn the_quick_starts_file_is_read_with_comments_quotes_and_a_byte_order_mark() {
        let file = "\u{feff}# Database\nDB_HOST=localhost\n\nexport DB_NAME='a#b$c'\nRATE_LIMIT_API=\"5/s burst 9\" # why\n";
        let sources = Sources::of(&[], file);
        assert_eq!(sources.problems, []);
        assert_eq!(sources.value("DB_HOST"), Some("localhost"));
        assert_eq!(sources.value("DB_NAME"), Some("a#b$c"));
        assert_eq!(sources.value("RATE_LIMIT_API"), Some("5/s burst 9"));
    }

    #[test]
    fn a_bad_line_is_named_without_its_value() {
        let sources = Sources::of(&[], "DB_PASSWORD=top secret\n???\nDB_PORT=5");
        assert_eq!(sources.problems.len(), 2);
        assert!(sources.problems[0].to_string().contains("DB_PASSWORD"), "{:?}", sources.problems);
        assert!(sources.problems.iter().all(|problem| !problem.to_string().contains("top")));
        assert_eq!(sources.value("DB_PORT"), Some("5"));
    }
}
