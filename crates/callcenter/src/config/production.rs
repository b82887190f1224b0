//! What production refuses to start with. The development admin's password is looked up in the database by whoever
//! starts the server.

use super::Config;

/// The values that everybody can read in the quick start.
const PUBLISHED_SECRET: &str = "your-secret-key-change-this-in-production";
const PUBLISHED_PASSWORD: &str = "your-password";
/// Bytes of a secret for HS256, whose hash has as many.
const SECRET_BYTES: usize = 32;

/// Why production would not start, all reasons, one line each. Asked in development, it tells what would be refused.
#[must_use]
pub fn refusals(config: &Config) -> Vec<(&'static str, String)> {
    [
        jwt_secret(config.jwt_secret.as_deref()).map(|reason| ("JWT_SECRET", reason)),
        database_password(config.db_password.as_deref()).map(|reason| ("DB_PASSWORD", reason)),
        config.cors.origins.allow_any().then(|| {
            (
                "CORS_ALLOWED_ORIGINS",
                "is *: list the origins of your web pages, such as https://app.example.com".to_owned(),
            )
        }),
        test_only("TEST_CLOCK", config.test_clock),
        test_only("TEST_WEAK_HASHING", config.test_weak_hashing),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn test_only(variable: &'static str, is_on: bool) -> Option<(&'static str, String)> {
    is_on.then(|| (variable, "is on: it is for tests in development, unset it".to_owned()))
}

fn jwt_secret(secret: Option<&str>) -> Option<String> {
    let reason = match secret {
        None => "is missing",
        Some(PUBLISHED_SECRET) => "is the one of the quick start, which everybody knows",
        Some(secret) if secret.len() < SECRET_BYTES => "is shorter than 32 bytes",
        Some(_) => return None,
    };
    Some(format!("{reason}: set it to the output of: openssl rand -base64 48"))
}

fn database_password(password: Option<&str>) -> Option<String> {
    let reason = "is the one of the quick start, which everybody knows: give the account another one";
    (password == Some(PUBLISHED_PASSWORD)).then(|| reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Sources;
    use super::*;

    const GOOD_SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn refused(environment: &[(&str, &str)]) -> Vec<&'static str> {
        let config = Config::read(&Sources::of(environment, "SERVER_ENV=production")).unwrap();
        refusals(&config).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_sound_production_is_not_refused() {
        assert!(refused(&[("JWT_SECRET", GOOD_SECRET), ("DB_HOST", "db"), ("DB_PASSWORD", "x9")]).is_empty());
    }

    #[test]
    fn a_missing_short_or_published_secret_is_refused() {
        assert_eq!(refused(&[]), ["JWT_SECRET"]);
        assert_eq!(refused(&[("JWT_SECRET", "0123456789abcdef0123456789abcde")]), ["JWT_SECRET"]);
        assert_eq!(refused(&[("JWT_SECRET", PUBLISHED_SECRET)]), ["JWT_SECRET"]);
    }

    #[test]
    fn all_reasons_are_listed_at_once() {
        let all = [
            ("DB_HOST", "db"),
            ("DB_PASSWORD", "your-password"),
            ("CORS_ALLOWED_ORIGINS", "*"),
            ("TEST_CLOCK", "on"),
            ("TEST_WEAK_HASHING", "on"),
        ];
        assert_eq!(
            refused(&all),
            ["JWT_SECRET", "DB_PASSWORD", "CORS_ALLOWED_ORIGINS", "TEST_CLOCK", "TEST_WEAK_HASHING"]
        );
    }
}
