//! Reads `Retry-After`. Knows nothing of who asked for the wait.

use model::Timestamp;
use std::time::Duration;

/// Longer waits are cut to this.
const LONGEST: Duration = Duration::from_secs(3600);
/// Shorter ones, and moments in the past, are stretched to this, so that nobody is asked in a tight circle.
const SHORTEST: Duration = Duration::from_secs(1);
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// How long to wait, from 1 s to 1 h; `None` for a text that is neither seconds nor an HTTP date.
pub(crate) fn parse(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = if !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit()) {
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        http_date(text)?.since(now)
    };
    Some(wait.clamp(SHORTEST, LONGEST))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that servers may still send.
fn http_date(text: &str) -> Option<Timestamp> {
    let (_, rest) = text.split_once(", ")?;
    let parts: Vec<&str> = rest.split(' ').collect();
    let [day, month, year, time, "GMT"] = parts[..] else { return None };
    let month = i64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()? + 1;
    let clock: Vec<i64> = time.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [hour, minute, second] = clock[..] else { return None };
    let (day, year): (i64, i64) = (day.parse().ok()?, year.parse().ok()?);
    let sane = (1..=31).contains(&day) && (1970..=9999).contains(&year);
    let in_range = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    (sane && in_range).then_some(Timestamp(seconds * 1000))
}

/// Days from 1970-01-01 in the Gregorian calendar, with years that begin in March so that leap days come last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(text: &str, now: &str) -> Option<u64> {
        parse(text, Timestamp::parse_rfc3339(now).unwrap()).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_understood_and_cut_to_an_hour() {
        let now = "1994-11-06T08:49:00Z";
        for (text, expected) in [
            ("120", Some(120)),
            (" 5 ", Some(5)),
            ("0", Some(1)),
            ("86400", Some(3600)),
            ("99999999999999999999999", Some(3600)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
            ("Sun, 06 Nov 1994 07:00:00 GMT", Some(1)),
            ("Mon, 07 Nov 1994 08:49:37 GMT", Some(3600)),
        ] {
            assert_eq!(seconds(text, now), expected, "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_wait() {
        for text in [
            "",
            "-1",
            "1.5",
            "soon",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
        ] {
            assert_eq!(seconds(text, "1994-11-06T08:49:00Z"), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_day_of_the_calendar_is_counted_right(days in 0_i64..60_000) {
            let moment = Timestamp(days * 86_400_000);
            let date = moment.to_string();
            let part = |range: std::ops::Range<usize>| date[range].parse::<i64>().unwrap();
            prop_assert_eq!(days_since_1970(part(0..4), part(5..7), part(8..10)), days);
        }

        #[test]
        fn no_text_makes_it_fail(text in ".*") {
            let _ = parse(&text, Timestamp(0));
        }
    }
}
