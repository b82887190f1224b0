//! Small readers: numbers in a range, words, durations, files. Each says what would be good.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// A reader of whole numbers in a range.
pub fn number<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display,
{
    move |text| {
        let plain = text.bytes().all(|c| c.is_ascii_digit());
        let number = text.parse().ok().filter(|number| plain && range.contains(number));
        number.ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
    }
}

/// A reader of one of a few words.
pub fn word<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&str) -> Result<T, String> {
    move |text| {
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            format!("must be {}", known.join(" or "))
        })
    }
}

/// A duration that is not zero.
pub fn duration(text: &str) -> Result<Duration, String> {
    match model::duration::parse(text) {
        Ok(Duration::ZERO) => Err("must be longer than nothing".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}

/// A duration of a second or more: what the API tells in whole seconds.
pub fn seconds_or_more(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration < Duration::from_secs(1) { Err("must be 1s or more".to_owned()) } else { Ok(duration) }
}

/// Delays, comma-separated, at least one.
pub fn schedule(text: &str) -> Result<Vec<Duration>, String> {
    let delays: Result<Vec<Duration>, String> = text.split(',').map(|delay| duration(delay.trim())).collect();
    match delays {
        Ok(delays) if delays.len() <= 50 => Ok(delays),
        _ => Err("must be 1 to 50 durations (ms, s, m, h, d), separated by commas".to_owned()),
    }
}

/// A switch.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err("must be on or off".to_owned()),
    }
}

/// A host name or address.
pub fn host(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let is_name = !inner.contains(':');
    let good = inner.len() <= 253 && inner.chars().all(plain) && !inner.is_empty();
    if good && (is_name || inner.parse::<std::net::Ipv6Addr>().is_ok()) {
        Ok(inner.to_owned())
    } else {
        Err("must be a host name or an address, without a port".to_owned())
    }
}

/// A token that fits into an `Authorization` header.
pub fn token(text: &str) -> Result<String, String> {
    if text.len() <= 1024 && text.bytes().all(|c| c.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("must be up to 1024 visible ASCII characters without spaces".to_owned())
    }
}

/// A log level, or directives of the form `target=level`.
pub fn log_level(text: &str) -> Result<String, String> {
    let is_level = |word: &str| ["off", "error", "warn", "info", "debug", "trace"].contains(&word);
    let good = |directive: &str| match directive.rsplit_once('=') {
        Some((target, level)) => !target.is_empty() && is_level(&level.to_ascii_lowercase()),
        None => is_level(&directive.to_ascii_lowercase()),
    };
    let parses = text.parse::<tracing_subscriber::filter::Targets>().is_ok();
    if parses && text.split(',').all(|directive| good(directive.trim())) {
        Ok(text.to_owned())
    } else {
        Err("must be off, error, warn, info, debug or trace, or directives such as info,webhooks=debug"
            .to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_range_and_no_signs() {
        let port = number(1_u16..=65_535);
        assert_eq!(port("8000"), Ok(8000));
        for bad in ["0", "65536", "-1", "+1", "1.5", "abc", " 1", "99999999999999999999"] {
            assert!(port(bad).unwrap_err().contains("from 1 to 65535"), "{bad}");
        }
    }

    #[test]
    fn durations_and_schedules_are_longer_than_nothing() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(schedule("5s, 1m"), Ok(vec![Duration::from_secs(5), Duration::from_secs(60)]));
        for bad in ["0s", "5", "1w", "-1s"] {
            assert!(duration(bad).is_err() && schedule(bad).is_err(), "{bad}");
        }
        for bad in ["5s,", ",", "5s;5s", &"1s,".repeat(51)] {
            assert!(schedule(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_told_in_seconds_is_a_second_or_more() {
        assert_eq!(seconds_or_more("1s"), Ok(Duration::from_secs(1)));
        for bad in ["999ms", "0s", "1"] {
            assert!(seconds_or_more(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hosts_are_names_or_addresses() {
        for good in ["localhost", "0.0.0.0", "::", "::1", "db-1.example.com", "db_1"] {
            assert_eq!(host(good).as_deref(), Ok(good));
        }
        assert_eq!(host("[::1]").as_deref(), Ok("::1"));
        for bad in ["a b", "localhost:80", "http://x", "a/b", "[]", "ä"] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn switches_and_tokens_and_levels() {
        assert_eq!((switch("on"), switch("1"), switch("False")), (Ok(true), Ok(true), Ok(false)));
        assert!(switch("maybe").is_err());
        assert!(token("abc-123").is_ok() && token("a b").is_err() && token("ä").is_err());
        for good in ["info", "WARN", "info,webhooks=debug", "store=trace,off"] {
            assert!(log_level(good).is_ok(), "{good}");
        }
        for bad in ["loud", "info,loud", "webhooks=loud", "=info", ","] {
            assert!(log_level(bad).is_err(), "{bad}");
        }
    }
}
