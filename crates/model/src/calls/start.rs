//! How a call begins.

use super::call::Call;
use super::command::{Context, NewCall, Refusal};
use super::progress::Progress;
use super::said::{Step, What};
use super::{Direction, Role, Via};
use crate::agents::Command as AgentCommand;
use crate::{Timestamp, UserId};

/// The first step of a call. An inbound call with a queue waits there, with a user it rings for that agent. Who places an
/// internal or outbound call has a part in it from the start. An agent's own call to outside does not wait: its queue is the
/// one that it is made for.
pub fn start(new: &NewCall, context: &Context, now: Timestamp) -> Result<Step, Refusal> {
    let mut progress = Progress::new(call(new, now), context, now);
    let placed = match (new.direction, &new.user) {
        (Direction::Outbound, Some(user)) => place(&mut progress, user, Role::Placed, new)?,
        (Direction::Internal, Some(user)) => place(&mut progress, user, Role::Caller, new)?,
        _ => {
            let first = What::beginning(&progress.call, None);
            progress.say(new.queue.clone(), None, Vec::new(), first);
            false
        }
    };
    if let (Some(queue), false) = (&new.queue, placed) {
        progress.join(queue)?;
    }
    if let (Direction::Inbound, Some(user)) = (new.direction, &new.user) {
        progress.ring(user, None)?;
    }
    Ok(progress.done(now))
}

/// Gives its part to the agent who places the call, and says whether the call is the agent's own work for the queue.
fn place(progress: &mut Progress, user: &UserId, role: Role, new: &NewCall) -> Result<bool, Refusal> {
    let own_work = role == Role::Placed;
    let queue = new.queue.clone().filter(|_| own_work);
    progress.call.queue.clone_from(&queue);
    let leg = progress.begin(user, role, Some(Via::Outbound), queue)?;
    let first = What::beginning(&progress.call, Some(leg.id.clone()));
    progress.say(new.queue.clone(), Some(user.clone()), vec![user.clone()], first);
    // Who dials is busy with the call from then on.
    progress.work(user, AgentCommand::Answered { call: new.id.clone(), leg: leg.id });
    Ok(own_work)
}

fn call(new: &NewCall, now: Timestamp) -> Call {
    Call {
        external_id: new.external_id.clone(),
        client_ref: new.client_ref.clone(),
        ..Call::new(new.id.clone(), new.direction, new.from.clone(), new.to.clone(), now)
    }
}
