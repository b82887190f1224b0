//! Random lives of an agent: what must hold after every command.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What a listener knows who hears the events and nothing else.
#[derive(Debug, Default, PartialEq, Eq)]
struct Listener {
    state: Option<State>,
    reason: Option<String>,
    call: Option<CallId>,
    until: Option<Timestamp>,
    since: Option<Timestamp>,
    version: i64,
    on_duty: bool,
    duty: Duration,
    wish: Option<(Presence, Option<String>)>,
}

/// Keeps the paper work of an agent by its events and the ends of its calls, as a program does that reads the log.
#[derive(Default)]
struct PaperWork {
    ended: BTreeMap<CallId, Timestamp>,
    going_on: Option<(CallId, Timestamp, Timestamp)>,
    told: Duration,
}

impl PaperWork {
    fn hears(&mut self, changed: &StateChanged) {
        let wrap_up = changed.call.clone().zip(changed.until).filter(|_| changed.state == State::WrapUp);
        let goes_on = changed.state == State::Ringing
            || self.going_on.as_ref().map(|(call, ..)| call) == wrap_up.as_ref().map(|(call, _)| call);
        if let Some((_, since, until)) = self.going_on.take_if(|_| !goes_on) {
            self.told += changed.at.min(until).since(since);
        }
        if let Some((call, until)) = wrap_up {
            let since = self.ended[&call];
            self.going_on = Some((call, since, until));
        }
    }
}

impl Listener {
    fn of(agent: &Agent) -> Self {
        Self {
            state: agent.since.map(|_| agent.state),
            reason: agent.since.and_then(|_| agent.shown_reason().map(Into::into)),
            call: agent.shown_work().map(|item| item.call.clone()),
            until: agent.shown_work().and_then(|item| item.until),
            since: agent.since,
            version: agent.version,
            on_duty: agent.duty_since.is_some(),
            duty: Duration::ZERO,
            wish: agent.pending().map(|wish| (wish.presence, wish.reason.clone())),
        }
    }

    fn hears(&mut self, event: &AgentEvent) {
        match event {
            AgentEvent::LoggedIn { .. } => {
                assert!(!self.on_duty, "a login on duty");
                (self.on_duty, self.duty) = (true, Duration::ZERO);
            }
            AgentEvent::LoggedOut { duty, .. } => {
                assert!(self.on_duty, "a logout off duty");
                assert_eq!(*duty, self.duty, "the states told add up to the duty");
                (self.on_duty, self.duty) = (false, Duration::ZERO);
            }
            AgentEvent::Pending { presence, reason, version, .. } => {
                let wish = presence.map(|presence| (presence, reason.clone()));
                assert_ne!(wish, self.wish, "a wish told twice");
                self.wish = wish;
                self.version = *version;
            }
            AgentEvent::StateChanged(changed) => self.sees(changed),
        }
    }

    fn sees(&mut self, changed: &StateChanged) {
        let last = self.state.unwrap_or(State::Offline);
        assert_eq!(changed.previous_state, last);
        let detail =
            self.reason != changed.reason || self.call != changed.call || self.until != changed.until;
        assert!(changed.state != last || detail, "nothing new is told");
        let goes_on = self.since.filter(|_| changed.state == last && changed.reason == self.reason);
        assert_eq!(
            changed.began,
            goes_on.unwrap_or(changed.at),
            "only another call, or another end of the wrap-up"
        );
        let lasted =
            self.since.filter(|_| goes_on.is_none()).map_or(Duration::ZERO, |since| changed.at.since(since));
        assert_eq!(changed.previous_state_lasted, lasted);
        if last != State::Offline {
            self.duty += lasted;
        }
        if !matches!(changed.state, State::OnCall | State::Ringing | State::WrapUp) {
            self.wish = None;
        }
        self.state = Some(changed.state);
        self.reason.clone_from(&changed.reason);
        self.call.clone_from(&changed.call);
        (self.until, self.since, self.version) = (changed.until, Some(changed.began), changed.version);
    }

    /// What the agent itself says is what was heard.
    fn agrees_with(&self, agent: &Agent) {
        assert_eq!(Self { duty: self.duty, ..Self::of(agent) }, *self);
    }
}

fn pick<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    (0..all.len()).prop_map(move |at| all[at])
}

fn legs() -> impl Strategy<Value = LegId> {
    (0..4u8).prop_map(|n| leg(&format!("l{n}")))
}

fn choices() -> impl Strategy<Value = Choice> {
    let sources = pick(&[Source::Oneself, Source::Supervisor]);
    let versions = prop::option::weighted(0.1, 0..20i64);
    let reasons = prop::option::weighted(0.3, "[ab]");
    (pick(Presence::ALL), reasons, versions, sources, prop::bool::weighted(0.2)).prop_map(
        |(presence, reason, if_version, source, force)| Choice {
            presence,
            reason,
            if_version,
            source,
            by: Some(user("u2")),
            force,
        },
    )
}

fn commands() -> impl Strategy<Value = Command> {
    let wrap_up = prop::option::of((0..90u64).prop_map(Duration::from_secs));
    let source = || pick(&[Source::Oneself, Source::Supervisor]);
    prop_oneof![
        6 => choices().prop_map(Command::Choose),
        4 => legs().prop_map(|leg| Command::Offered { call: call(leg.as_str()), leg }),
        3 => (legs(), pick(OfferOutcome::ALL))
            .prop_map(|(leg, outcome)| Command::OfferEnded { leg, outcome }),
        3 => legs().prop_map(|leg| Command::Answered { call: call(leg.as_str()), leg }),
        4 => (legs(), wrap_up).prop_map(|(leg, wrap_up)| Command::WorkEnded { leg, wrap_up }),
        1 => source().prop_map(|source| Command::EndWrapUp { source, by: None }),
        1 => (0..200u32, source())
            .prop_map(|(seconds, source)| Command::ExtendWrapUp { seconds, source, by: None }),
        2 => (0..2_000_000i64).prop_map(|at| Command::Disconnected { since: Timestamp(at) }),
        2 => Just(Command::Reconnected),
        4 => Just(Command::Timer),
        1 => Just(Command::Disabled),
        1 => Just(Command::SignedOut),
        1 => pick(Device::ALL).prop_map(Command::Device),
    ]
}

fn policies() -> impl Strategy<Value = Policies> {
    (pick(DisconnectPolicy::ALL), 0..60u32, 0..400u32, 0..3u32, 0..3u32).prop_map(
        |(disconnect_policy, grace_seconds, logout_seconds, missed, declined)| Policies {
            disconnect_policy,
            grace_seconds,
            logout_seconds,
            missed_offers_to_away: missed,
            declined_offers_to_away: declined,
            wrap_up_max_seconds: 120,
        },
    )
}

/// What holds of every agent.
fn is_possible(agent: &Agent) {
    let on_duty = agent.duty_since.is_some();
    let phases = agent.work.iter().map(|item| item.phase);
    let expected =
        if on_duty { published_state(agent.chosen.presence, phases.clone()) } else { State::Offline };
    assert_eq!(agent.state, expected);
    assert_eq!(on_duty, agent.state != State::Offline);
    assert!(on_duty || agent.chosen.presence == Presence::Offline);
    assert_eq!(agent.routable(), agent.state == State::Available && agent.device == Device::Reachable);
    let at_work = on_duty && !agent.work.is_empty();
    assert!(at_work || agent.in_force.is_none(), "a wish waits for nothing");
    assert!(agent.in_force.as_ref().is_none_or(|in_force| !in_force.is_as(&agent.chosen)));
    assert!(agent.remembered.is_none() || agent.chosen.reason.as_deref() == Some(reasons::DISCONNECTED));
    assert!(on_duty || agent.disconnected_since.is_none());
    assert!(phases.filter(|phase| *phase == VoicePhase::WrapUp).count() <= 1);
    for item in &agent.work {
        assert_eq!(item.until.is_some(), item.phase == VoicePhase::WrapUp);
        assert!(agent.work.iter().filter(|other| other.leg == item.leg).count() == 1);
    }
}

/// What holds of every change.
fn is_right(before: &Agent, change: &Change) {
    let agent = &change.agent;
    assert_ne!(before, agent, "a change that is none");
    let changes = change.events.iter().filter(|event| matches!(event, AgentEvent::StateChanged(_))).count();
    let visible = Listener { version: 0, wish: None, ..Listener::of(before) }
        != Listener { version: 0, wish: None, ..Listener::of(agent) };
    assert_eq!(changes, usize::from(visible), "one event for each visible change");
    assert_eq!(agent.version, before.version + i64::from(!change.events.is_empty()));
    let is_new = (before.state, before.shown_reason()) != (agent.state, agent.shown_reason());
    let previous = if is_new { Some(before.state) } else { before.previous_state };
    assert_eq!(agent.previous_state, previous);
    if let Some(changed) = change.state_changed() {
        assert_eq!((changed.version, changed.routable), (agent.version, agent.routable()));
        assert!(changed.until.is_none() || changed.state == State::WrapUp);
        let at_work = matches!(changed.state, State::Ringing | State::OnCall | State::WrapUp);
        assert_eq!(changed.call.is_some(), at_work);
    }
}

/// All that is due happens at its moment, and after a few steps nothing is.
fn timers_come_to_rest(agent: &Agent, policies: &Policies) {
    let mut agent = agent.clone();
    for _ in 0..3 {
        let Some(at) = next_timer(&agent, policies) else { return };
        let early = apply(&agent, &Command::Timer, policies, Timestamp(at.0 - 1));
        assert_eq!(early, Ok(None), "a timer before its time");
        let change = apply(&agent, &Command::Timer, policies, at).unwrap().expect("what is due happens");
        agent = change.agent;
    }
    assert_eq!(next_timer(&agent, policies), None);
}

proptest! {
    #[test]
    fn whatever_happens_the_agent_is_possible_and_its_events_tell_its_story(
        policies in policies(),
        life in prop::collection::vec((commands(), 0..45_000i64), 0..80),
    ) {
        let mut agent = Agent::never_on_duty(user("u1"));
        let (mut listener, mut paper_work, mut counted) = (Listener::default(), PaperWork::default(), Duration::ZERO);
        let mut now = Timestamp(1_000_000);
        for (command, wait) in &life {
            now = Timestamp(now.0 + wait);
            if let Command::WorkEnded { leg, .. } = command
                && agent.work.iter().any(|item| item.leg == *leg && item.phase == VoicePhase::Active)
            {
                paper_work.ended.insert(call(leg.as_str()), now);
            }
            if let Ok(Some(change)) = apply(&agent, command, &policies, now) {
                is_right(&agent, &change);
                change.events.iter().for_each(|event| listener.hears(event));
                let more: Duration = ended_wrap_ups(&agent, &change.agent, now).map(|(_, lasted)| lasted).sum();
                prop_assert!(more.is_zero() || !change.events.is_empty(), "what counts is seen");
                counted += more;
                change.state_changed().into_iter().for_each(|changed| paper_work.hears(changed));
                agent = change.agent;
            }
            // While a phone rings nobody is told whether the paper work is over.
            if agent.state != State::Ringing {
                prop_assert_eq!(counted, paper_work.told, "what is counted is what is told");
            }
            is_possible(&agent);
            listener.agrees_with(&agent);
            timers_come_to_rest(&agent, &policies);
        }
    }

    #[test]
    fn what_is_said_twice_changes_nothing_the_second_time(
        life in prop::collection::vec((commands(), 0..45_000i64), 0..40),
    ) {
        let policies = Policies::default();
        let mut agent = Agent::never_on_duty(user("u1"));
        let mut now = Timestamp(1_000_000);
        for (command, wait) in &life {
            now = Timestamp(now.0 + wait);
            let Ok(Some(change)) = apply(&agent, command, &policies, now) else { continue };
            agent = change.agent;
            // A timer may find the next thing due; an extension is each time another one.
            if !matches!(command, Command::Timer | Command::ExtendWrapUp { .. } | Command::Disconnected { .. }) {
                let again = apply(&agent, command, &policies, now);
                prop_assert!(!matches!(again, Ok(Some(_))), "{:?} twice: {:?}", command, again);
            }
        }
    }

    #[test]
    fn a_row_keeps_all_of_an_agent(life in prop::collection::vec((commands(), 0..45_000i64), 0..40)) {
        let mut agent = Agent::never_on_duty(user("u1"));
        let mut now = Timestamp(1_000_000);
        for (command, wait) in &life {
            now = Timestamp(now.0 + wait);
            if let Ok(Some(change)) = apply(&agent, command, &Policies::default(), now) {
                agent = change.agent;
            }
        }
        let kept = serde_json::to_string(&(&agent.chosen, &agent.in_force, &agent.remembered, &agent.work)).unwrap();
        let (chosen, in_force, remembered, work) = serde_json::from_str(&kept).unwrap();
        prop_assert_eq!(&Agent { chosen, in_force, remembered, work, ..agent.clone() }, &agent);
    }
}
