use super::*;
use crate::{Audience, EventId, EventName, TenantId, Timestamp};
use serde_json::{Value, json};

fn event(name: &str, audience: Audience, payload: &Value) -> Event {
    Event {
        tenant: TenantId::parse("t").unwrap(),
        seq: 1,
        id: EventId::generate(),
        name: EventName::parse(name).unwrap(),
        subject: None,
        audience,
        payload: serde_json::value::to_raw_value(payload).unwrap().into(),
        created_at: Timestamp(0),
    }
}

fn empty(name: &str, audience: Audience) -> Event {
    event(name, audience, &json!({}))
}

fn viewer(user: &str, role: Role) -> Viewer {
    Viewer::new(Some(UserId::parse(user).unwrap()), role)
}

fn queues(ids: &[&str]) -> Vec<QueueId> {
    ids.iter().map(|id| QueueId::parse(id).unwrap()).collect()
}

/// The agent of that id, in those queues.
fn member(user: &str, ids: &[&str]) -> Viewer {
    viewer(user, Role::Agent).member_of(queues(ids).into_iter().collect())
}

fn user(id: &str) -> Audience {
    Audience::user(&UserId::parse(id).unwrap())
}

fn of_queue(id: &str) -> Audience {
    Audience { queues: queues(&[id]), ..Audience::default() }
}

fn team_view(event: &Event) -> Value {
    serde_json::from_str(event.payload_of(View::Team).get()).unwrap()
}

#[test]
fn colleagues_see_the_state_but_not_the_reason() {
    let payload =
        json!({"user_id":"u1","tenant_id":"t","state":"break","reason":"lunch","version":3,"new":1});
    let event = event("agent.state.changed", user("u1"), &payload);
    assert_eq!(event.view_for(&viewer("u1", Role::Agent)), Some(View::Full));
    assert_eq!(event.view_for(&viewer("u2", Role::Supervisor)), Some(View::Full));
    assert_eq!(event.view_for(&viewer("u2", Role::Agent)), Some(View::Team));
    assert_eq!(team_view(&event), json!({"user_id":"u1","tenant_id":"t","state":"break","version":3}));
}

#[test]
fn a_log_in_is_for_supervisors_and_the_agent_itself() {
    let event =
        event("agent.login", user("u1"), &json!({"user_id":"u1","state":"available","device":"PJSIP/1"}));
    assert_eq!(event.view_for(&viewer("u2", Role::Agent)), None);
    assert_eq!(event.view_for(&viewer("u1", Role::Agent)), Some(View::Team));
    assert_eq!(event.view_for(&viewer("u2", Role::Admin)), Some(View::Full));
    assert_eq!(team_view(&event), json!({"user_id":"u1","state":"available"}));
}

#[test]
fn members_of_a_queue_see_what_waits_there_with_callers_masked() {
    let from = json!({"number":"+4930901820","name":"Anna"});
    let event = event("queue.joined", of_queue("q1"), &json!({"queue_id":"q1","from":from,"size":2}));
    assert_eq!(event.view_for(&member("u1", &["q0", "q1", "q2"])), Some(View::Team));
    assert_eq!(event.view_for(&member("u2", &["q0", "q2"])), None);
    assert_eq!(event.view_for(&viewer("u2", Role::Agent)), None);
    assert_eq!(event.view_for(&viewer("u3", Role::Supervisor)), Some(View::Full));
    let masked = json!({"number":"+********20","name":"***"});
    assert_eq!(team_view(&event), json!({"queue_id":"q1","from":masked,"size":2}));
    let whole: Value = serde_json::from_str(event.payload_of(View::Full).get()).unwrap();
    assert_eq!(whole["from"], from);
}

#[test]
fn who_is_named_and_a_member_of_the_queue_gets_the_wider_view() {
    let both = Audience { queues: queues(&["q1"]), ..user("u1") };
    let paused =
        event("queue.member.paused", both, &json!({"user_id":"u1","reason":"lunch","source":"self"}));
    assert_eq!(paused.view_for(&member("u1", &["q1"])), Some(View::Full));
    assert_eq!(paused.view_for(&viewer("u1", Role::Agent)), Some(View::Full));
    assert_eq!(paused.view_for(&member("u2", &["q1"])), Some(View::Team));
    assert_eq!(team_view(&paused), json!({"user_id":"u1","source":"self"}));
}

#[test]
fn everyone_learns_of_a_queue_its_id_and_name() {
    let payload = json!({"queue_id":"q1","queue_name":"Sales","tenant_id":"t","channel":"voice","at":"x"});
    let event = event("queue.created", Audience::default(), &payload);
    assert_eq!(event.view_for(&viewer("u1", Role::Agent)), Some(View::Team));
    assert_eq!(team_view(&event), json!({"queue_id":"q1","queue_name":"Sales","tenant_id":"t"}));
}

#[test]
fn an_arrival_is_for_supervisors() {
    let arrival = empty("call.incoming", Audience::default());
    assert_eq!(arrival.view_for(&viewer("u1", Role::Agent)), None);
    assert_eq!(arrival.view_for(&viewer("u3", Role::Supervisor)), Some(View::Full));
}

#[test]
fn a_custom_event_is_for_everyone_unless_it_names_somebody() {
    let agent = viewer("u2", Role::Agent);
    let view = |audience: Audience, viewer: &Viewer| empty("order.paid", audience).view_for(viewer);
    assert_eq!(view(Audience::default(), &agent), Some(View::Full));
    assert_eq!(view(user("u1"), &agent), None);
    assert_eq!(view(user("u2"), &agent), Some(View::Full));
    let supervisors = Audience { roles: vec![Role::Supervisor], ..Audience::default() };
    assert_eq!(view(supervisors.clone(), &agent), None);
    assert_eq!(view(supervisors, &viewer("u3", Role::Admin)), Some(View::Full));
    assert_eq!(view(of_queue("q1"), &agent), None);
    assert_eq!(view(of_queue("q1"), &member("u2", &["q1"])), Some(View::Full));
    assert_eq!(
        view(Audience { queues: queues(&["q1"]), ..user("u1") }, &member("u2", &["q1"])),
        Some(View::Full)
    );
}

#[test]
fn programs_see_everything() {
    let program = Viewer::new(None, Role::Service);
    for event in [empty("agent.login", user("u1")), empty("order.paid", user("u1"))] {
        assert_eq!(event.view_for(&program), Some(View::Full));
    }
}

#[test]
fn what_is_no_object_does_not_get_out() {
    assert_eq!(team_view(&event("queue.joined", of_queue("q1"), &json!(["+4930901820"]))), json!({}));
}

#[test]
fn memberships_in_any_order_are_the_same() {
    let one: Memberships = queues(&["q2", "q1", "q2"]).into_iter().collect();
    let other: Memberships = queues(&["q1", "q2"]).into_iter().collect();
    assert_eq!(one, other);
    assert_eq!(one.queues(), queues(&["q1", "q2"]));
}

#[test]
fn what_is_for_admins_is_not_for_supervisors() {
    let failing = empty("webhook.failing", Audience::default());
    assert_eq!(failing.view_for(&viewer("u1", Role::Admin)), Some(View::Full));
    assert_eq!(failing.view_for(&viewer("u1", Role::Supervisor)), None);
}

#[test]
fn a_custom_event_for_a_role_reaches_that_role() {
    let agents = Audience { roles: vec![Role::Agent], ..Audience::default() };
    assert_eq!(empty("order.paid", agents).view_for(&viewer("u2", Role::Agent)), Some(View::Full));
}
