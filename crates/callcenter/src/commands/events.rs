//! `events tail`: a tenant's log, one JSON object a line. Reads; beside a running server it sees what that commits.

use crate::config::Config;
use crate::{database, output};
use anyhow::bail;
use api::LoggedEvent;
use model::event::View;
use model::{Event, TenantId};
use std::time::Duration;
use store::{Store, journal};

/// Events read at once; with payloads of 64 KiB at most, 13 MB.
const PAGE: i64 = 200;
/// How often the end is looked at again.
const POLL: Duration = Duration::from_millis(500);

/// Prints the events behind `after`; with `follow`, those to come, too.
pub async fn tail(config: &Config, tenant: &TenantId, after: i64, follow: bool) -> anyhow::Result<()> {
    let store = database::connect_existing(&config.database).await?;
    let mut reader = store.read().await?;
    if !store::tenants::exists(reader.conn(), tenant).await? {
        bail!("there is no tenant {tenant}");
    }
    drop(reader);
    let mut seen = after;
    loop {
        match print_page(&store, tenant, seen).await {
            Ok(Some(last)) => seen = last,
            Ok(None) if follow => tokio::time::sleep(POLL).await,
            Ok(None) => break,
            Err(error) if follow && is_passing(&error) => tokio::time::sleep(POLL).await,
            Err(error) => return Err(error),
        }
    }
    store.close().await;
    Ok(())
}

/// Prints one page and gives the last number in it; `None` at the end of the log.
async fn print_page(store: &Store, tenant: &TenantId, after: i64) -> anyhow::Result<Option<i64>> {
    let mut reader = store.read().await?;
    let events = journal::page(reader.conn(), tenant, after, PAGE).await?;
    for event in &events {
        output::line(line(event)?)?;
    }
    Ok(events.last().map(|event| event.seq))
}

/// Whether the database is away for now, which ends no `--follow`.
fn is_passing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<store::Error>().is_some_and(store::Error::is_unavailable)
}

/// One line: the fields of `GET /api/v1/events`, everything in full.
fn line(event: &Event) -> serde_json::Result<String> {
    serde_json::to_string(&LoggedEvent::of(event, View::Full))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Audience, EventId, EventName, Timestamp};
    use serde_json::value::RawValue;

    #[test]
    fn an_event_is_one_line_with_its_payload_as_it_stands_in_the_log() {
        let event = Event {
            tenant: TenantId::parse("t").unwrap(),
            seq: 7,
            id: EventId::parse("e-1").unwrap(),
            name: EventName::parse("order.paid").unwrap(),
            subject: None,
            audience: Audience::default(),
            payload: RawValue::from_string(r#"{"b":1,"a":2.50}"#.into()).unwrap().into(),
            created_at: Timestamp(1_729_866_000_007),
        };
        assert_eq!(
            line(&event).unwrap(),
            r#"{"id":"e-1","seq":7,"type":"order.paid","subject":null,"payload":{"b":1,"a":2.50},"timestamp":1729866000,"created_at":"2024-10-25T14:20:00.007Z"}"#
        );
    }
}
