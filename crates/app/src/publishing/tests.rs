//! A call whose turn does not come in time, or for which there is no room.

use super::*;
use crate::batches::PATIENCE;
use crate::site::Site;
use serde_json::value::RawValue;

/// A site where calls wait for so long.
struct Publisher {
    site: Site,
    publishing: Publishing,
}

async fn publisher(patience: Duration, in_all: usize) -> Publisher {
    let site = Site::open().await;
    let publishing = publishing(&site.broadcaster, patience, in_all);
    Publisher { site, publishing }
}

fn publishing(broadcaster: &Arc<Broadcaster>, patience: Duration, in_all: usize) -> Publishing {
    let events = Events { broadcaster: Arc::clone(broadcaster) };
    Publishing { batches: Batches::with_limits(events, patience, in_all) }
}

impl Publisher {
    async fn publish(&self, key: Option<&str>) -> Result<Vec<Accepted>> {
        let draft = EventDraft {
            path: String::new(),
            name: "order.paid".into(),
            payload: RawValue::from_string("{}".into()).unwrap(),
            subject: None,
            has_audience: false,
            users: Vec::new(),
            roles: Vec::new(),
            queues: Vec::new(),
        };
        let key = key.map(|key| Key { credential: "c".into(), key: key.into(), body_hash: "h".into() });
        self.publishing.publish(&self.site.tenant, vec![draft], key).await
    }

    fn waiting(&self) -> Option<(usize, Weight)> {
        self.publishing.batches.waiting(&self.site.tenant)
    }
}

fn seq(answer: Result<Vec<Accepted>>) -> i64 {
    answer.unwrap()[0].seq
}

#[tokio::test]
async fn a_call_whose_turn_does_not_come_is_refused_and_never_written() {
    let publisher = publisher(Duration::from_millis(50), Events::IN_ALL).await;
    // Whoever holds the only writer holds everybody up.
    let holding = publisher.site.store.begin().await.unwrap();
    let first = publisher.publish(None);
    let others = async {
        while publisher.waiting().is_none_or(|(calls, _)| calls > 0) {
            tokio::task::yield_now().await;
        }
        let (one, other) = tokio::join!(publisher.publish(Some("key")), publisher.publish(None));
        assert!(matches!(one, Err(Error::Busy)) && matches!(other, Err(Error::Busy)), "{one:?} {other:?}");
        assert_eq!(publisher.waiting(), Some((0, Weight::default())));
        drop(holding);
    };
    // The first was being written when its time was over: it is told what became of it.
    let (first, ()) = tokio::join!(first, others);
    assert_eq!(seq(first), 1);
    let patient = publishing(&publisher.site.broadcaster, PATIENCE, Events::IN_ALL);
    let patient = Publisher { publishing: patient, ..publisher };
    assert_eq!(seq(patient.publish(Some("key")).await), 2, "its key is free");
    assert_eq!(seq(patient.publish(Some("key")).await), 2);
    assert_eq!(seq(patient.publish(None).await), 3);
}

#[tokio::test]
async fn what_waits_and_is_written_has_a_bound_in_all_whatever_it_says() {
    // One event fits, and its payload would many times.
    let publisher = publisher(PATIENCE, 1000).await;
    let holding = publisher.site.store.begin().await.unwrap();
    let first = publisher.publish(None);
    let others = async {
        while publisher.waiting().is_none_or(|(calls, _)| calls > 0) {
            tokio::task::yield_now().await;
        }
        let second = publisher.publish(None).await;
        assert!(matches!(second, Err(Error::Busy)), "the first is being written: {second:?}");
        drop(holding);
    };
    let (first, ()) = tokio::join!(first, others);
    assert_eq!(seq(first), 1);
    assert_eq!(seq(publisher.publish(None).await), 2, "there is room again");
}
