//! The claimer's notes: what is due when, which endpoints to look at, what may have been left behind; and what is wrong
//! with the database, said once. Does no work itself.

use model::{TenantId, Timestamp, WebhookId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A transaction that has not ended by then never will: six times the database's deadline.
const LEFT_BEHIND_AFTER: Duration = Duration::from_secs(30);
/// The same trouble of this machine is told again after that time.
const TELL_AGAIN: Duration = Duration::from_secs(60);

/// A moment, by both clocks.
type Moment = (Timestamp, Instant);

#[derive(Default)]
struct Notes {
    look: bool,
    next_due: Option<Timestamp>,
    reviews: BTreeSet<WebhookId>,
    purges: BTreeMap<WebhookId, TenantId>,
    /// The first and the last suspicion of each endpoint.
    suspects: HashMap<WebhookId, (Moment, Moment)>,
    database_away: bool,
    told_at: Option<Instant>,
}

/// See the file's head. Every collection here has at most one entry an endpoint.
#[derive(Default)]
pub(crate) struct Upkeep(Mutex<Notes>);

impl Upkeep {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All endpoints are to be looked at.
    pub(crate) fn look_around(&self) {
        self.notes().look = true;
    }

    pub(crate) fn wants_look(&self) -> bool {
        self.notes().look
    }

    /// A look begins: whatever is noted from now on comes after it.
    pub(crate) fn begin_look(&self) {
        let mut notes = self.notes();
        notes.look = false;
        notes.next_due = None;
    }

    /// Something is due then.
    pub(crate) fn due_at(&self, at: Timestamp) {
        let mut notes = self.notes();
        notes.next_due = Some(notes.next_due.map_or(at, |due| due.min(at)));
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.notes().next_due
    }

    /// An endpoint was edited.
    pub(crate) fn review(&self, webhook: WebhookId) {
        self.notes().reviews.insert(webhook);
    }

    pub(crate) fn next_review(&self) -> Option<WebhookId> {
        self.notes().reviews.pop_first()
    }

    /// An endpoint is gone.
    pub(crate) fn purge(&self, tenant: TenantId, webhook: WebhookId) {
        self.notes().purges.insert(webhook, tenant);
    }

    pub(crate) fn next_purges(&self) -> Vec<(WebhookId, TenantId)> {
        self.notes().purges.iter().map(|(webhook, tenant)| (*webhook, tenant.clone())).collect()
    }

    pub(crate) fn purged(&self, webhook: WebhookId) {
        self.notes().purges.remove(&webhook);
    }

    /// A row of that endpoint may be this server's without being in its memory.
    pub(crate) fn suspect(&self, webhook: WebhookId, now: Timestamp) {
        let moment = (now, Instant::now());
        self.notes().suspects.entry(webhook).or_insert((moment, moment)).1 = moment;
    }

    /// An endpoint whose suspicion is old enough to be checked, and the moment of the suspicion.
    pub(crate) fn next_suspect(&self, now: Instant) -> Option<(WebhookId, Timestamp)> {
        let mut notes = self.notes();
        let old = |moment: &Moment| now.duration_since(moment.1) >= LEFT_BEHIND_AFTER;
        let (webhook, (first, last)) = notes
            .suspects
            .iter()
            .find(|(_, (first, _))| old(first))
            .map(|(webhook, span)| (*webhook, *span))?;
        if last == first {
            notes.suspects.remove(&webhook);
        } else {
            notes.suspects.insert(webhook, (last, last));
        }
        Some((webhook, first.0))
    }

    /// A call to the database failed; the first of a row of failures is told.
    pub(crate) fn database_trouble(&self, error: &store::Error) {
        if !std::mem::replace(&mut self.notes().database_away, true) {
            tracing::warn!(%error, "Webhook deliveries wait for the database");
        }
    }

    pub(crate) fn database_works(&self) {
        if std::mem::take(&mut self.notes().database_away) {
            tracing::info!("Webhook deliveries go on: the database works again");
        }
    }

    /// This machine cannot send.
    pub(crate) fn own_trouble(&self, words: &str) {
        let mut notes = self.notes();
        let now = Instant::now();
        if notes.told_at.is_none_or(|told_at| now.duration_since(told_at) >= TELL_AGAIN) {
            notes.told_at = Some(now);
            tracing::warn!(reason = words, "Webhook deliveries wait: they cannot be sent from here");
        }
    }
}
