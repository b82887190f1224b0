//! Durations as people write them in the configuration, `250ms`, `30s`, `5m`, `2h`, `7d`, and as they are told: in seconds.

use std::time::Duration;

/// What a duration looks like, for error messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number followed by ms, s, m, h or d")]
pub struct InvalidDuration;

/// Reads one duration.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| InvalidDuration)?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(InvalidDuration),
    };
    // A thousand years: beyond it moments would overflow.
    let ms = number.checked_mul(unit_ms).filter(|ms| *ms < 31_536_000_000_000).ok_or(InvalidDuration)?;
    Ok(Duration::from_millis(ms))
}

/// Seconds, of whole milliseconds: the nearest number to that decimal, so that 1.503 is written as such and not as
/// 1.5030000000000001, which is what adding whole seconds and their rest comes to.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 milliseconds, 285,000 years")]
pub fn seconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

/// Writes a duration in the largest unit that divides it.
#[must_use]
pub fn format(duration: Duration) -> String {
    let ms = duration.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    match units.iter().find(|(size, _)| ms > 0 && ms.is_multiple_of(*size)) {
        Some((size, unit)) => format!("{}{unit}", ms / size),
        None => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_read_and_written_back() {
        for text in ["250ms", "30s", "5m", "2h", "7d"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "5", "s", "-1s", "1.5h", "5 m", "1w", "99999999999999999999d", "99999999999999d"] {
            assert_eq!(parse(text), Err(InvalidDuration), "{text}");
        }
    }

    #[test]
    fn seconds_have_no_more_digits_than_milliseconds() {
        for ms in [0, 1, 503, 1_503, 8_999, 86_399_999, 12_345_678_901] {
            let text = seconds(Duration::from_millis(ms)).to_string();
            assert!(text.split('.').nth(1).is_none_or(|digits| digits.len() <= 3), "{text}");
        }
    }
}
