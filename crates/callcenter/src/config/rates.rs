//! How often something may happen: `1000/s burst 2000`, `10/min`, `off`.

use app::rate_limit::Limit;

const WHAT: &str = "must be N/s or N/min, with or without burst M behind it, or off";

/// Reads a limit; `None` for none. Without a burst, what a second or a minute allows may come at once.
pub fn parse(text: &str) -> Result<Option<Limit>, &'static str> {
    if text == "off" {
        return Ok(None);
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let (rate, burst) = match words.as_slice() {
        [rate] => (*rate, None),
        [rate, "burst", burst] => (*rate, Some(count(burst)?)),
        _ => return Err(WHAT),
    };
    let (times, unit) = rate.split_once('/').ok_or(WHAT)?;
    let seconds = match unit {
        "s" => 1.0,
        "min" => 60.0,
        _ => return Err(WHAT),
    };
    let times = count(times)?;
    Ok(Some(Limit { per_second: f64::from(times) / seconds, burst: f64::from(burst.unwrap_or(times)) }))
}

fn count(text: &str) -> Result<u32, &'static str> {
    let plain = text.bytes().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|count| plain && (1..=1_000_000_000).contains(count)).ok_or(WHAT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_with_and_without_a_burst_are_read() {
        assert_eq!(parse("1000/s burst 2000"), Ok(Some(Limit { per_second: 1000.0, burst: 2000.0 })));
        assert_eq!(parse("30/min"), Ok(Some(Limit { per_second: 0.5, burst: 30.0 })));
        assert_eq!(parse("off"), Ok(None));
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            "",
            "10",
            "0/s",
            "10/h",
            "10/s burst",
            "10/s burst 0",
            "10/s bust 5",
            "-1/s",
            "1.5/s",
            "10 / s",
            "OFF",
        ] {
            assert_eq!(parse(bad), Err(WHAT), "{bad}");
        }
    }
}
