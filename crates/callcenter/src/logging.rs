//! Log lines on standard output: for people, or one JSON object a line.

use crate::config::{LogFormat, LogSettings};
use std::fmt;
use std::io::IsTerminal;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;
use tracing_subscriber::registry::LookupSpan;

/// This workspace's crates, which a bare `debug` or `trace` is about; the libraries below would drown them.
const OUR_CRATES: [&str; 7] = ["api", "app", "callcenter", "model", "realtime", "store", "webhooks"];

/// Begins to log; whatever panics from now on is a log line, too.
pub fn start(settings: &LogSettings) -> anyhow::Result<()> {
    let subscriber = subscriber(settings, std::io::stdout().is_terminal(), std::io::stdout)?;
    tracing::subscriber::set_global_default(subscriber)?;
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("a panic");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "A task panicked: {message}");
    }));
    Ok(())
}

fn subscriber<W>(
    settings: &LogSettings,
    colours: bool,
    writer: W,
) -> anyhow::Result<Box<dyn Subscriber + Send + Sync>>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let targets: Targets = directives(&settings.level).parse()?;
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    Ok(match settings.format {
        LogFormat::Text => {
            let lines = lines.with_ansi(colours).event_format(ForPeople);
            Box::new(registry().with(lines).with(targets))
        }
        LogFormat::Json => {
            let lines = lines
                .json()
                .with_timer(Time)
                .with_target(false)
                .with_current_span(false)
                .with_span_list(false)
                .flatten_event(true);
            Box::new(registry().with(lines).with(targets))
        }
    })
}

fn directives(level: &str) -> String {
    match level.to_ascii_lowercase().as_str() {
        word @ ("debug" | "trace") => {
            OUR_CRATES.iter().fold("info".to_owned(), |text, name| format!("{text},{name}={word}"))
        }
        _ => level.split(',').map(str::trim).collect::<Vec<_>>().join(","),
    }
}

/// The machine's time as everywhere in the product: RFC 3339, UTC, milliseconds.
struct Time;

impl FormatTime for Time {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", model::Clock::default().now())
    }
}

/// `2026-11-23T23:40:25.123Z  INFO message key=value`
struct ForPeople;

impl<S, N> FormatEvent<S, N> for ForPeople
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        Time.format_time(&mut line)?;
        let level = *event.metadata().level();
        if line.has_ansi_escapes() {
            write!(line, " \x1b[{}m{level:>5}\x1b[0m ", colour(level))?;
        } else {
            write!(line, " {level:>5} ")?;
        }
        context.field_format().format_fields(line.by_ref(), event)?;
        writeln!(line)
    }
}

fn colour(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing::level_filters::LevelFilter;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, level: &str, log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let settings = LogSettings { level: level.into(), format };
        let subscriber = subscriber(&settings, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_for_people_has_time_level_message_and_fields() {
        let line =
            logged(LogFormat::Text, "info", || tracing::info!(port = 8000, name = "x", "Listening here"));
        let (time, rest) = line.split_at(24);
        assert!(model::Timestamp::parse_rfc3339(time).is_some(), "{time}");
        assert_eq!(rest, "  INFO Listening here port=8000 name=\"x\"\n");
    }

    #[test]
    fn a_json_line_is_one_flat_object() {
        let line = logged(LogFormat::Json, "info", || tracing::warn!(port = 8000, "Listening \"here\"\nnow"));
        assert_eq!(line.lines().count(), 1);
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&object["level"], &object["port"]), (&"WARN".into(), &8000.into()));
        assert_eq!(object["message"], "Listening \"here\"\nnow");
        assert!(model::Timestamp::parse_rfc3339(object["timestamp"].as_str().unwrap()).is_some());
        assert_eq!(object.as_object().unwrap().len(), 4);
    }

    #[test]
    fn what_is_below_the_level_is_left_out() {
        let log = || {
            tracing::debug!("ours");
            tracing::debug!(target: "hyper", "theirs");
            tracing::info!(target: "webhooks", "theirs");
        };
        assert_eq!(logged(LogFormat::Text, "info", log).lines().count(), 1);
        assert_eq!(logged(LogFormat::Text, "debug", log).lines().count(), 2);
        assert_eq!(logged(LogFormat::Text, "warn,hyper=debug", log).lines().count(), 1);
        assert_eq!(logged(LogFormat::Text, "off", log), "");
    }

    #[test]
    fn what_no_line_wants_is_not_even_looked_at() {
        let most = |level: &str| {
            let settings = LogSettings { level: level.into(), format: LogFormat::Json };
            subscriber(&settings, false, std::io::sink).unwrap().max_level_hint()
        };
        assert_eq!(most("info"), Some(LevelFilter::INFO));
        assert_eq!(most("warn,hyper=debug"), Some(LevelFilter::DEBUG));
        assert_eq!(most("off"), Some(LevelFilter::OFF));
    }
}
