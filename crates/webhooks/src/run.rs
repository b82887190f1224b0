//! The engine's life: starts its tasks, owns them, starts one anew that ended in a defect, and drains them.

use crate::engine::{Engine, Phase, Shared};
use crate::{claimer, lease, recorder, sender};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// Time to write down the last results and to give back the rest; after that the lease's end does it.
const FLUSH: Duration = Duration::from_secs(5);
/// Before a task that ended in a defect starts anew.
const RESTART: Duration = Duration::from_secs(1);

/// One of the engine's tasks.
#[derive(Debug, Clone, Copy)]
enum Part {
    Lease,
    TakeOver,
    Claimer,
    Recorder,
    Sender,
}

impl Part {
    async fn run(self, shared: Arc<Shared>) {
        match self {
            Self::Lease => lease::keep(shared).await,
            Self::TakeOver => lease::take_over(shared).await,
            Self::Claimer => claimer::run(shared).await,
            Self::Recorder => recorder::run(shared).await,
            Self::Sender => sender::run(shared).await,
        }
    }
}

#[derive(Default)]
struct Parts {
    tasks: JoinSet<()>,
    which: HashMap<Id, Part>,
}

impl Parts {
    fn start(&mut self, part: Part, shared: &Arc<Shared>) {
        let task = self.tasks.spawn(part.run(Arc::clone(shared)));
        self.which.insert(task.id(), part);
    }

    /// Until every task has ended by itself.
    async fn watch(&mut self, shared: &Arc<Shared>) {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            let id = ended.as_ref().map_or_else(tokio::task::JoinError::id, |(id, ())| *id);
            let part = self.which.remove(&id);
            if let (Err(error), Some(part)) = (ended, part) {
                tracing::error!(%error, ?part, "A task of the webhook engine ended in a defect and starts anew");
                tokio::time::sleep(RESTART).await;
                self.start(part, shared);
            }
        }
    }
}

impl Engine {
    /// Runs the engine until `stop` is cancelled, which leaves everything as a crash would, or [`Engine::drain`] has
    /// ended. The caller owns this future; dropping it ends the engine at once.
    pub async fn run(self, stop: CancellationToken) {
        let shared = &self.0;
        let mut parts = Parts::default();
        let senders = std::iter::repeat_n(Part::Sender, shared.config.workers.max(1));
        for part in [Part::Lease, Part::TakeOver, Part::Claimer, Part::Recorder].into_iter().chain(senders) {
            parts.start(part, shared);
        }
        let mut phase = shared.phase.subscribe();
        tokio::select! {
            () = stop.cancelled() => {}
            _ = phase.wait_for(|phase| *phase == Phase::Stopped) => {}
            () = parts.watch(shared) => {}
        }
        // From here on nothing may be reserved.
        shared.phase.send_replace(Phase::Stopped);
        parts.tasks.shutdown().await;
    }

    /// Starts nothing more, lets what is in flight finish until the deadline, writes down the results, and gives back the
    /// rest without counting an attempt. The engine has ended then.
    pub async fn drain(&self, deadline: Duration) {
        let shared = &self.0;
        let until = Instant::now() + deadline;
        let move_on = |phase: Phase| {
            shared.phase.send_if_modified(|now| {
                let earlier = *now < phase;
                *now = if earlier { phase } else { *now };
                earlier
            });
        };
        move_on(Phase::Draining);
        let _ = timeout_at(until, quiet(shared, |lanes| lanes.in_flight)).await;
        move_on(Phase::Aborting);
        let until = until.max(Instant::now()) + FLUSH;
        let recorded = timeout_at(until, quiet(shared, crate::lanes::Lanes::unrecorded)).await.is_ok();
        let promised = shared.lanes(|lanes| lanes.lanes.values().any(|lane| lane.reserved > 0));
        match timeout_at(until, lease::give_up(shared, promised || !recorded)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "Webhook deliveries of this server wait until its lease is over");
            }
            Err(_) => tracing::warn!("Webhook deliveries of this server wait until its lease is over"),
        }
        move_on(Phase::Stopped);
    }
}

/// Until `count` is zero.
async fn quiet(shared: &Shared, count: impl Fn(&crate::lanes::Lanes) -> usize) {
    loop {
        let quieter = shared.quieter.notified();
        if shared.lanes(|lanes| count(lanes)) == 0 {
            return;
        }
        quieter.await;
    }
}
