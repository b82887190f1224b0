//! What is true of queues now and was lately, by the definitions of `docs/metrics-definitions.md`. Any number of queues costs
//! the same number of questions.

use super::{Queues, UNKNOWN, check_sight, rows};
use crate::{Caller, Result};
use async_recursion::async_recursion as boxed;
use model::agents::State;
use model::queues::{Figures, Queue, ServiceLevelCounts};
use model::{QueueId, TenantId, TenantSettings, Timestamp};
use serde::Serialize;
use std::time::Duration;
use store::{Asked, Conn, queue_entries, queue_figures, queue_members, settings};

/// Minutes that count as the last ones, the present one among them.
pub(crate) const LAST_MINUTES: i64 = 30;

/// A queue's numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// The queue.
    pub queue: Queue,
    /// How many wait.
    pub waiting: u64,
    /// Since when the oldest of them does.
    pub oldest_joined_at: Option<Timestamp>,
    /// The members by state.
    pub agents: AgentCounts,
    /// What has ended since the tenant's midnight.
    pub today: Figures,
    /// What has ended in the last thirty minutes, the present one among them.
    pub last_30_minutes: Figures,
    /// Which entries the tenant counts as good ones.
    pub service_level_counts: ServiceLevelCounts,
}

/// A queue's members by published state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AgentCounts {
    /// Ready.
    pub available: u64,
    /// Being rung.
    pub ringing: u64,
    /// In a call.
    pub on_call: u64,
    /// Finishing up.
    pub wrap_up: u64,
    /// Paused in this queue, whatever their state, or on a break, away or busy.
    pub paused: u64,
    /// Not on duty.
    pub offline: u64,
}

impl AgentCounts {
    fn add(&mut self, state: State, is_paused: bool, members: u64) {
        let place = match state {
            _ if is_paused => &mut self.paused,
            State::Available => &mut self.available,
            State::Ringing => &mut self.ringing,
            State::OnCall => &mut self.on_call,
            State::WrapUp => &mut self.wrap_up,
            State::Break | State::Away | State::Busy => &mut self.paused,
            State::Offline => &mut self.offline,
        };
        *place += members;
    }
}

impl Stats {
    /// How long the oldest has waited at that moment.
    #[must_use]
    pub fn longest_wait(&self, at: Timestamp) -> Duration {
        self.oldest_joined_at.map_or(Duration::ZERO, |joined| at.since(joined))
    }

    /// One of its intervals as it is told.
    #[must_use]
    pub fn told(&self, figures: &Figures) -> Ended {
        Ended {
            offered: figures.offered,
            answered: figures.answered,
            abandoned: figures.abandoned,
            short_abandoned: figures.short_abandoned,
            timed_out: figures.timed_out,
            service_level_percent: figures.service_level_percent(self.service_level_counts),
            threshold_seconds: self.queue.settings.threshold.as_secs(),
            abandonment_percent: figures.abandonment_percent(),
            average_abandon_seconds: figures.average_abandon_seconds(),
            asa_seconds: figures.asa_seconds(),
            aht_seconds: figures.handling.aht_seconds(),
            max_wait_seconds: figures.max_wait_seconds(),
        }
    }
}

/// What has ended in an interval, as events and answers tell it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each is defined in docs/metrics-definitions.md")]
pub struct Ended {
    pub offered: u64,
    pub answered: u64,
    pub abandoned: u64,
    pub short_abandoned: u64,
    pub timed_out: u64,
    pub service_level_percent: Option<f64>,
    pub threshold_seconds: u64,
    pub abandonment_percent: Option<f64>,
    pub average_abandon_seconds: Option<f64>,
    pub asa_seconds: Option<f64>,
    pub aht_seconds: Option<f64>,
    pub max_wait_seconds: f64,
}

/// What is now for a tenant's numbers: while it is the same, only events change them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The tenant's day.
    pub day: i64,
    /// The minute.
    pub minute: i64,
    /// Which entries the tenant counts as good ones.
    pub service_level_counts: ServiceLevelCounts,
}

impl Frame {
    /// By the tenant's settings.
    pub fn of(settings: &TenantSettings, now: Timestamp) -> Self {
        let service_level_counts = settings.service_level_counts;
        Self { day: settings.day_of(now), minute: now.minute(), service_level_counts }
    }
}

/// Queues of a tenant whose numbers are wanted.
pub(crate) struct Question {
    /// The tenant.
    pub tenant: TenantId,
    /// What is now for the tenant.
    pub frame: Frame,
    /// The queues.
    pub queues: Vec<Queue>,
}

/// The numbers of all those queues, in their order, in four statements for each 256 of them. The minute is the same for all.
pub(crate) async fn compute_all(mut conn: Conn<'_>, questions: &[Question]) -> Result<Vec<Vec<Stats>>> {
    let asked: Vec<Asked<'_>> = questions.iter().flat_map(Question::asked).collect();
    let mut all: Vec<Stats> = questions.iter().flat_map(Question::nothing).collect();
    for waiting in queue_entries::counts(conn.again(), &asked).await? {
        let Some(stats) = all.get_mut(waiting.place) else { continue };
        (stats.waiting, stats.oldest_joined_at) = (waiting.entries, Some(waiting.oldest_joined_at));
    }
    for counted in queue_members::by_state(conn.again(), &asked).await? {
        let Some(stats) = all.get_mut(counted.place) else { continue };
        stats.agents.add(counted.state, counted.is_paused, counted.members);
    }
    for (place, figures) in queue_figures::of_days(conn.again(), &asked).await? {
        let Some(stats) = all.get_mut(place) else { continue };
        stats.today = figures;
    }
    if let Some(minute) = questions.iter().map(|question| question.frame.minute).min() {
        for (place, figures) in queue_figures::since_minute(conn, &asked, minute - LAST_MINUTES + 1).await? {
            let Some(stats) = all.get_mut(place) else { continue };
            stats.last_30_minutes = figures;
        }
    }
    let mut all = all.into_iter();
    Ok(questions.iter().map(|question| all.by_ref().take(question.queues.len()).collect()).collect())
}

impl Question {
    fn asked(&self) -> impl Iterator<Item = Asked<'_>> {
        self.queues.iter().map(|queue| Asked { tenant: &self.tenant, queue: &queue.id, day: self.frame.day })
    }

    /// The queues before anything is known of them.
    fn nothing(&self) -> impl Iterator<Item = Stats> {
        self.queues.iter().map(|queue| Stats {
            queue: queue.clone(),
            waiting: 0,
            oldest_joined_at: None,
            agents: AgentCounts::default(),
            today: Figures::default(),
            last_30_minutes: Figures::default(),
            service_level_counts: self.frame.service_level_counts,
        })
    }
}

/// The numbers of one tenant's queues at `now`, in their order, by the tenant's `settings`.
pub(crate) async fn compute(
    conn: Conn<'_>,
    tenant: &TenantId,
    queues: Vec<Queue>,
    settings: &TenantSettings,
    now: Timestamp,
) -> Result<Vec<Stats>> {
    let question = Question { tenant: tenant.clone(), frame: Frame::of(settings, now), queues };
    Ok(compute_all(conn, &[question]).await?.pop().unwrap_or_default())
}

impl Queues {
    /// A queue's numbers, the log position that they are true for, and the moment.
    #[boxed]
    pub async fn stats(&self, caller: &Caller, queue: &QueueId) -> Result<(Stats, i64, Timestamp)> {
        let tenant = caller.tenant();
        let mut snapshot = self.broadcaster.store.begin_snapshot().await?;
        let found = rows::find(snapshot.conn(), tenant, queue).await?.ok_or(UNKNOWN)?;
        check_sight(caller, queue)?;
        let head = store::journal::head(snapshot.conn(), tenant).await?;
        let now = self.broadcaster.clock.now();
        let settings = settings::find(snapshot.conn(), tenant).await?;
        let mut all = compute(snapshot.conn(), tenant, vec![found], &settings, now).await?;
        Ok((all.pop().ok_or(UNKNOWN)?, head.map_or(0, |head| head.seq), now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_member_counts_once_and_paused_ones_apart() {
        let mut counts = AgentCounts::default();
        for state in State::ALL {
            counts.add(*state, false, 1);
            counts.add(*state, true, 10);
        }
        let expected =
            AgentCounts { available: 1, ringing: 1, on_call: 1, wrap_up: 1, paused: 83, offline: 1 };
        assert_eq!(counts, expected);
    }
}
