//! What a call's state machine must be told about the world, and the checks of the agents and queues that a report names.
//! Rows are locked as everywhere: agents by id, then queues by id.

use super::access;
use crate::agents::LockedAgents;
use crate::broadcaster::Work;
use crate::fields::FieldProblem;
use crate::{Error, Result};
use model::agents::{Command as AgentCommand, State};
use model::calls::{Actor, Command, Context, Entry, QueueFacts, Step, Target};
use model::queues::{Channel, Queue};
use model::{EntryId, LegId, QueueId, TenantId, TenantSettings, UserId};
use store::{calls, queues, settings};

/// Facts for one step.
pub(super) struct Facts {
    pub context: Context,
    pub queues: Vec<Queue>,
    pub settings: TenantSettings,
}

/// The context of somebody who knows nothing of queues.
pub(super) fn none(actor: &Actor) -> Context {
    Context {
        actor: actor.clone(),
        leg: LegId::generate(),
        entry: EntryId::generate(),
        queues: Vec::new(),
        short_abandon: TenantSettings::default().short_abandon(),
    }
}

/// Locks queues, and counts who waits there; `waiting` is the call's own stay, if it waits.
pub(super) async fn gather(
    work: &mut Work<'_>,
    tenant: &TenantId,
    actor: &Actor,
    waiting: Option<&Entry>,
    wanted: &[QueueId],
) -> Result<Facts> {
    let settings = settings::find(work.conn(), tenant).await?;
    let queues = queues::lock(work.conn(), tenant, wanted).await?;
    let mut known = Vec::with_capacity(queues.len());
    for queue in &queues {
        let counted = calls::waiting(work.conn(), tenant, &queue.id, waiting).await?;
        known.push(QueueFacts {
            id: queue.id.clone(),
            settings: queue.settings.clone(),
            waiting: counted.size,
            position: counted.position,
        });
    }
    let context = Context { queues: known, short_abandon: settings.short_abandon(), ..none(actor) };
    Ok(Facts { context, queues, settings })
}

impl Facts {
    /// The queue, if there still is one of that id.
    pub fn queue(&self, id: &QueueId) -> Option<&Queue> {
        self.queues.iter().find(|queue| queue.id == *id)
    }

    /// The queue must exist, and calls wait in it.
    pub fn check_queue(&self, id: &QueueId, field: &str) -> Result<()> {
        match self.queue(id) {
            None => Err(Error::field(field, "must be the id of a queue")),
            Some(queue) if queue.channel != Channel::Voice => {
                Err(Error::field(field, "must be a queue of calls, not of chats"))
            }
            Some(_) => Ok(()),
        }
    }
}

/// What a command names, with the fields of the body that do.
pub(super) struct Named {
    pub user: Option<(UserId, &'static str)>,
    pub queue: Option<(QueueId, &'static str)>,
    /// Whether the user's phone is to ring.
    pub rings: bool,
}

pub(super) fn named(command: &Command) -> Named {
    let (user, queue) = match command {
        Command::Ring(user)
        | Command::Miss(user, _)
        | Command::Answer(user)
        | Command::Hold(user)
        | Command::Unhold(user) => (Some((user.clone(), "user_id")), None),
        Command::Transfer(_, Target::User(user)) => (Some((user.clone(), "to.user_id")), None),
        Command::Transfer(_, Target::Queue(queue)) => (None, Some((queue.clone(), "to.queue_id"))),
        Command::Enqueue(queue) => (None, Some((queue.clone(), "queue_id"))),
        _ => (None, None),
    };
    Named { user, queue, rings: access::rings(command) }
}

/// The user must exist, and be active if its phone is to ring.
pub(super) fn check_user(agents: &LockedAgents, user: &UserId, field: &str, rings: bool) -> Result<()> {
    match agents.get(user) {
        None => Err(Error::field(field, "must be the id of a user")),
        Some(locked) if rings && !locked.is_active => {
            Err(Error::field(field, "must be an active user: this one is deactivated"))
        }
        Some(_) => Ok(()),
    }
}

pub(super) fn is_off_duty(agents: &LockedAgents, user: &UserId) -> bool {
    agents.get(user).is_some_and(|locked| locked.agent.state == State::Offline)
}

/// Nobody's phone rings who is not on duty.
pub(super) fn check_on_duty(agents: &LockedAgents, step: &Step) -> Result<()> {
    let offered = step.agents.iter().filter(|(_, work)| matches!(work, AgentCommand::Offered { .. }));
    for (user, _) in offered {
        if is_off_duty(agents, user) {
            return Err(Error::Conflict {
                code: "agent_offline",
                message: "the agent is not on duty, so no call can ring there".into(),
                details: vec![FieldProblem::new("state", State::Offline.as_str())],
            });
        }
    }
    Ok(())
}
