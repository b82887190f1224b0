//! A call whose turn does not come in time.

use super::*;
use crate::batches::PATIENCE;
use crate::site::Site;
use serde_json::value::RawValue;

/// A site where calls wait for so long.
struct Publisher {
    site: Site,
    publishing: Publishing,
}

async fn publisher(patience: Duration) -> Publisher {
    let site = Site::open().await;
    let publishing = publishing(&site.broadcaster, patience);
    Publisher { site, publishing }
}

fn publishing(broadcaster: &Arc<Broadcaster>, patience: Duration) -> Publishing {
    let events = Events { broadcaster: Arc::clone(broadcaster) };
    Publishing { batches: Batches::with_patience(events, patience) }
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
    let publisher = publisher(Duration::from_millis(50)).await;
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
    let patient = Publisher { publishing: publishing(&publisher.site.broadcaster, PATIENCE), ..publisher };
    assert_eq!(seq(patient.publish(Some("key")).await), 2, "its key is free");
    assert_eq!(seq(patient.publish(Some("key")).await), 2);
    assert_eq!(seq(patient.publish(None).await), 3);
}
