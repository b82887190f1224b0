//! Commands of two tenants, good and bad, in one transaction.

use super::*;
use crate::passwords::Hashing;
use crate::site::Site;
use crate::{Error, setup};
use model::agents::{Source, State};
use store::{agents as rows, journal};

fn choice(user: &UserId, presence: Presence, if_version: Option<i64>) -> Choice {
    let (source, by) = (Source::Oneself, Some(user.clone()));
    Choice { presence, reason: None, if_version, source, by, force: false }
}

fn asked(tenant: &TenantId, user: &UserId, what: What) -> Asked {
    let by = By { source: Source::Oneself, id: Some(user.clone()), session: None };
    Asked { tenant: tenant.clone(), user: user.clone(), by, what }
}

fn choose(tenant: &TenantId, user: &UserId, presence: Presence, if_version: Option<i64>) -> Asked {
    asked(tenant, user, What::Do(Command::Choose(choice(user, presence, if_version))))
}

fn end_break(tenant: &TenantId, user: &UserId) -> Asked {
    asked(tenant, user, What::EndBreak(choice(user, Presence::Available, None)))
}

/// Names of events, and the states that they tell.
async fn said(site: &Site, tenant: &TenantId) -> Vec<String> {
    let mut reader = site.store.read().await.unwrap();
    let events = journal::page(reader.conn(), tenant, 0, 100).await.unwrap();
    assert!(events.iter().map(|event| event.seq).eq(1..=i64::try_from(events.len()).unwrap()));
    let words = |payload: serde_json::Value| {
        let word = |key: &str| payload[key].as_str().unwrap_or("-").to_owned();
        format!("{} after {}", word("state"), word("previous_state"))
    };
    let line = |event: &model::Event| {
        format!("{}: {}", event.name, words(serde_json::from_str(event.payload.get()).unwrap()))
    };
    events.iter().map(line).collect()
}

#[tokio::test]
async fn those_that_are_refused_leave_nothing_behind_and_the_others_are_written_in_order() {
    let site = Site::open().await;
    let (one, kim) = (&site.tenant, &UserId::parse("user-456").unwrap());
    let other = &setup::create_tenant(&site.store, &site.clock, None, "Other").await.unwrap();
    let lee = &setup::create_admin(
        &site.store,
        &site.clock,
        &Hashing::weak(),
        other,
        "lee@example.com",
        None,
        "not-a-common-one-7",
    )
    .await
    .unwrap();
    let commands = Commands { broadcaster: Arc::clone(&site.broadcaster) };
    let all = [
        choose(one, kim, Presence::Available, Some(0)),
        choose(other, lee, Presence::Available, None),
        choose(one, kim, Presence::Break, Some(0)),
        choose(other, kim, Presence::Available, None),
        choose(other, lee, Presence::Available, None),
        choose(one, kim, Presence::Break, Some(1)),
        end_break(other, lee),
        end_break(one, kim),
    ];
    let outcomes = commands.write(&0, &all).await.unwrap();
    let told: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Ok((agent, has_changed)) => format!("{} {} {has_changed}", agent.state.as_str(), agent.version),
            Err(Error::Conflict { code, .. }) => (*code).to_owned(),
            Err(error) => error.to_string(),
        })
        .collect();
    assert_eq!(told[0], "available 1 true");
    assert_eq!(told[1], "available 1 true");
    assert_eq!(told[2], "stale_version");
    assert!(outcomes[3].is_err());
    assert_eq!(told[4..], ["available 1 false", "break 2 true", "not_on_break", "available 3 true"]);
    assert_eq!(
        said(&site, one).await,
        [
            "agent.login: available after -",
            "agent.state.changed: available after offline",
            "agent.state.changed: break after available",
            "agent.state.changed: available after break",
        ]
    );
    assert_eq!(
        said(&site, other).await,
        ["agent.login: available after -", "agent.state.changed: available after offline",]
    );
    let mut reader = site.store.read().await.unwrap();
    let stored = rows::find(reader.conn(), one, kim).await.unwrap().unwrap().agent;
    assert_eq!((stored.state, stored.version), (State::Available, 3));
    let filter = rows::HistoryFilter::default();
    let history = rows::history(reader.conn(), one, kim, filter, 10).await.unwrap();
    assert!(history.iter().map(|entry| entry.version).eq([3, 2, 1]));
}
