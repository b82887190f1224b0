//! What is said about agents.

use super::event;
use model::agents::{AgentEvent, LogoutReason, Presence, Source, State, StateChanged};
use model::duration::seconds;
use model::{
    Audience, CallId, EventName, Memberships, NewEvent, QueueId, SessionId, TenantId, Timestamp, UserId,
    catalogue,
};
use serde::Serialize;

fn about_agent(name: EventName, user: &UserId, fields: &impl Serialize) -> NewEvent {
    event(name, format!("agent:{user}"), Audience::user(user), fields)
}

/// What there is to say of an agent. `queues` and `session` belong to a log-in.
pub(crate) fn agent(
    tenant: &TenantId,
    user: &UserId,
    event: &AgentEvent,
    queues: &Memberships,
    session: Option<&SessionId>,
) -> NewEvent {
    match event {
        AgentEvent::LoggedIn { at, state } => {
            let (queue_ids, session_id) = (queues.queues(), session);
            let fields = AgentLogin {
                user_id: user,
                tenant_id: tenant,
                at: *at,
                state: *state,
                queue_ids,
                session_id,
            };
            about_agent(catalogue::AGENT_LOGIN, user, &fields)
        }
        AgentEvent::StateChanged(changed) => {
            about_agent(catalogue::AGENT_STATE_CHANGED, user, &state_changed(tenant, user, changed))
        }
        AgentEvent::Pending { presence, reason, by, at, version } => {
            let fields = AgentStatePending {
                user_id: user,
                tenant_id: tenant,
                state: *presence,
                reason: reason.as_deref(),
                requested_by: by.as_ref(),
                requested_at: *at,
                version: *version,
            };
            about_agent(catalogue::AGENT_STATE_PENDING, user, &fields)
        }
        AgentEvent::LoggedOut { at, reason, duty } => {
            let duty_seconds = seconds(*duty);
            let fields =
                AgentLogout { user_id: user, tenant_id: tenant, at: *at, reason: *reason, duty_seconds };
            about_agent(catalogue::AGENT_LOGOUT, user, &fields)
        }
    }
}

#[derive(Serialize)]
struct AgentStateChanged<'a> {
    user_id: &'a UserId,
    tenant_id: &'a TenantId,
    state: State,
    previous_state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    source: Source,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_by: Option<&'a UserId>,
    changed_at: Timestamp,
    previous_state_seconds: f64,
    routable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_id: Option<&'a CallId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    version: i64,
}

fn state_changed<'a>(
    tenant: &'a TenantId,
    user: &'a UserId,
    changed: &'a StateChanged,
) -> AgentStateChanged<'a> {
    let by_a_person = matches!(changed.source, Source::Oneself | Source::Supervisor);
    AgentStateChanged {
        user_id: user,
        tenant_id: tenant,
        state: changed.state,
        previous_state: changed.previous_state,
        reason: changed.reason.as_deref(),
        source: changed.source,
        changed_by: changed.by.as_ref().filter(|_| by_a_person),
        changed_at: changed.began,
        previous_state_seconds: seconds(changed.previous_state_lasted),
        routable: changed.routable,
        call_id: changed.call.as_ref(),
        until: changed.until,
        version: changed.version,
    }
}

#[derive(Serialize)]
struct AgentStatePending<'a> {
    user_id: &'a UserId,
    tenant_id: &'a TenantId,
    state: Option<Presence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_by: Option<&'a UserId>,
    requested_at: Timestamp,
    version: i64,
}

#[derive(Serialize)]
struct AgentLogin<'a> {
    user_id: &'a UserId,
    tenant_id: &'a TenantId,
    at: Timestamp,
    state: State,
    queue_ids: &'a [QueueId],
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a SessionId>,
}

#[derive(Serialize)]
struct AgentLogout<'a> {
    user_id: &'a UserId,
    tenant_id: &'a TenantId,
    at: Timestamp,
    reason: LogoutReason,
    duty_seconds: f64,
}
