//! What `callcenter config` prints: every variable in force and where it comes from, secrets masked.

use super::Sources;
use super::variables::{Secrecy, VARIABLES, Variable};
use serde_json::{Map, Value, json};

const MASK: &str = "********";

/// One line a variable, as in a `.env` file.
pub fn as_text(sources: &Sources) -> String {
    let line = |variable: &Variable| {
        let (value, origin) = sources.get(variable);
        let value = value.map_or_else(String::new, |value| shown(variable, value));
        format!("{:<70} # {}\n", format!("{}={value}", variable.name), origin.as_str())
    };
    VARIABLES.iter().map(line).collect()
}

/// For each variable an object with its `value`, `null` if unset, its `source` and its `meaning`.
pub fn as_json(sources: &Sources) -> Value {
    let entry = |variable: &Variable| {
        let (value, origin) = sources.get(variable);
        let value = value.map(|value| shown(variable, value));
        (
            variable.name.to_owned(),
            json!({ "value": value, "source": origin.as_str(), "meaning": variable.meaning }),
        )
    };
    Value::Object(VARIABLES.iter().map(entry).collect::<Map<_, _>>())
}

fn shown(variable: &Variable, value: &str) -> String {
    match variable.secrecy {
        Secrecy::Public => value.escape_debug().to_string(),
        Secrecy::Secret => MASK.to_owned(),
        Secrecy::SecretInUrl => without_password(value),
    }
}

/// The URL without its password, wherever that ends.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return MASK.to_owned() };
    match rest.rsplit_once('@') {
        Some((credentials, servers)) => {
            let user = credentials.split_once(':').map_or("", |(user, _)| user);
            format!("{scheme}://{user}:{MASK}@{servers}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secretive() -> Sources {
        let environment = [
            ("JWT_SECRET", "hidden-1"),
            ("DB_PASSWORD", "hidden-2"),
            ("REDIS_PASSWORD", "hidden-3"),
            ("METRICS_TOKEN", "hidden-4"),
            ("REDIS_URL", "redis://bob:hidden@5@h:1/0"),
        ];
        Sources::of(&environment, "SERVER_PORT=9000")
    }

    #[test]
    fn secrets_are_masked_and_the_rest_is_shown() {
        let text = as_text(&secretive());
        assert!(!text.contains("hidden"), "{text}");
        assert!(
            text.contains("JWT_SECRET=********") && text.contains("REDIS_URL=redis://bob:********@h:1/0")
        );
        let port = text.lines().find(|line| line.starts_with("SERVER_PORT=9000 ")).unwrap();
        assert!(port.ends_with("# .env"), "{port}");
        assert_eq!(text.lines().count(), VARIABLES.len());
    }

    #[test]
    fn json_has_every_variable_with_its_value_and_source() {
        let json = as_json(&secretive());
        assert!(!json.to_string().contains("hidden"));
        assert_eq!(
            (&json["SERVER_PORT"]["value"], &json["SERVER_PORT"]["source"]),
            (&json!("9000"), &json!(".env"))
        );
        assert_eq!(
            (&json["DB_HOST"]["value"], &json["DB_HOST"]["source"]),
            (&json!(null), &json!("default"))
        );
    }
}
