"""Checks the order that a log promises (`docs/events.md`): numbers without a hole, and calls, stays in queues and agents'
states one thing after the other. What began before the log's oldest event is left out. Knows nothing of statistics."""

from moments import milliseconds

# What may still be said of a call that has ended.
AFTERWARDS = {"call.updated", "call.recording.available", "call.voicemail.left"}


class Order:
    """Takes the events of a log, in their order."""

    def __init__(self, oldest):
        # Without a beginning, what is unknown may have been before it.
        self.is_whole = oldest == 1
        self.complaints = []
        self._next = oldest
        self._calls, self._entries, self._agents = {}, {}, {}

    def take(self, event):
        self._event = event
        if event["seq"] != self._next:
            self._complain(f"has this number where {self._next} was due")
        self._next = event["seq"] + 1
        kind, said = event["type"], event["payload"]
        if kind.startswith("call."):
            self._call(kind, said)
        elif kind in ("queue.joined", "queue.left"):
            self._stay(kind, said)
        elif kind.startswith("agent."):
            self._agent(kind, said)

    def finish(self):
        """The log has ended: what commits together is there together."""
        for user, agent in self._agents.items():
            if agent and agent["on_duty"] == (agent["state"] == "offline"):
                self.complaints.append(f"agent {user} is {agent['state']}, without the login or logout for it")

    def _complain(self, what):
        event = self._event
        self.complaints.append(f"event {event['seq']} ({event['type']}, {event['subject']}): {what}")

    def _call(self, kind, said):
        call = self._calls.get(said["call_id"])
        if kind in ("call.incoming", "call.outgoing"):
            if call:
                self._complain("the call had begun")
            user = said.get("user_id") if kind == "call.outgoing" else None
            self._calls[said["call_id"]] = {
                "legs": {}, "rung": {user}, "placed": user, "answered": set(), "left": None, "given_up": False, "ended": False,
            }
            return
        if call is None:
            if self.is_whole:
                self._complain("the call has not begun")
            return
        if call["ended"] and kind not in AFTERWARDS:
            self._complain("the call had ended")
        self._part(kind, said, call)
        if kind == "call.abandoned":
            call["given_up"] = True
        elif kind == "call.ended":
            call["ended"] = True
            given_up = said["outcome"] == "abandoned"
            self._expect(call["given_up"] == given_up, "the outcome and call.abandoned disagree")
            open_legs = [leg for leg, state in call["legs"].items() if state in ("ringing", "held")]
            if open_legs:
                self._complain(f"legs {', '.join(open_legs)} still ring or hold")

    def _part(self, kind, said, call):
        """`legs` are ringing, answered, held or over."""
        legs, leg, user = call["legs"], said.get("leg_id"), said.get("user_id")
        before = legs.get(leg)
        if kind == "call.ringing":
            self._expect(before is None, "the leg had begun")
            legs[leg] = "ringing"
            call["rung"].add(user)
        elif kind == "call.missed":
            # Who places a call misses nothing, but a far end that is busy may be told so.
            self._expect(before == "ringing" or user in call["rung"], "the leg did not ring")
            legs[leg] = "over"
        elif kind == "call.answered":
            self._expect(before in (None, "ringing"), f"the leg was {before}")
            if said["via"] == "queue":
                self._expect(call["left"] == said["at"], "the call has not just left its queue")
            legs[leg], call["left"] = "answered", None
            call["answered"].add(user)
        elif kind == "call.hold":
            # Who has placed an internal call is in it without an event.
            placed = before is None and said["direction"] == "internal" and user in call["rung"]
            self._expect(before == "answered" or placed, f"the leg was {before}")
            legs[leg] = "held"
        elif kind == "call.unhold":
            self._expect(before == "held", f"the leg was {before}")
            legs[leg] = "answered"
        elif kind == "call.transferred" and said["kind"] != "redirect":
            self._expect(said.get("from_user_id") in call["answered"] | call["rung"], "whoever transfers had no part")

    def _expect(self, holds, otherwise):
        if not holds:
            self._complain(otherwise)

    def _stay(self, kind, said):
        entry = said["entry_id"]
        if kind == "queue.joined":
            self._expect(entry not in self._entries, "the stay had begun")
            self._entries[entry] = "waits"
            return
        known = self._entries.get(entry, None if self.is_whole else "waits")
        self._expect(known == "waits", "the stay had not begun, or was over")
        self._entries[entry] = "over"
        call = self._calls.get(said.get("call_id"))
        if call and said["reason"] == "answered":
            self._expect(not call["ended"], "the call had ended")
            call["left"] = said["at"]

    def _agent(self, kind, said):
        if kind not in ("agent.login", "agent.logout", "agent.state.changed", "agent.state.pending"):
            return
        fresh = {"state": "offline", "since": None, "version": 0, "on_duty": False} if self.is_whole else None
        agent = self._agents.setdefault(said["user_id"], fresh)
        if kind == "agent.state.changed":
            if agent:
                self._follows(said, agent)
            self._caused(said)
            on_duty = agent["on_duty"] if agent else said["state"] != "offline"
            self._agents[said["user_id"]] = {
                "state": said["state"], "since": said["changed_at"], "version": said["version"], "on_duty": on_duty,
            }
        elif agent and kind == "agent.state.pending":
            self._expect(said["version"] - agent["version"] in (0, 1), f"follows version {agent['version']}")
            agent["version"] = said["version"]
        elif agent:
            begins = kind == "agent.login"
            self._expect(agent["on_duty"] != begins, "duty had begun" if begins else "duty had not begun")
            if not begins:
                self._expect(agent["state"] == "offline", f"the agent was {agent['state']}")
            agent["on_duty"] = begins

    def _follows(self, said, agent):
        self._expect(said["version"] == agent["version"] + 1, f"version {said['version']} follows {agent['version']}")
        self._expect(said["previous_state"] == agent["state"], f"the state was {agent['state']}")
        self._expect(agent["on_duty"], "duty had not begun")
        if agent["since"]:
            lasted = milliseconds(said["changed_at"]) - milliseconds(agent["since"])
            told = said["previous_state_seconds"] * 1000
            self._expect(abs(lasted - told) <= 1, f"the state had lasted {lasted / 1000} s")

    def _caused(self, said):
        """A call's event comes before what it makes of the agent."""
        call = self._calls.get(said.get("call_id"))
        if call is None:
            self._expect("call_id" not in said or not self.is_whole, "the call has not begun")
            return
        user, state = said["user_id"], said["state"]
        if state == "ringing":
            self._expect(user in call["rung"], "the call has not rung for the agent")
        elif state == "on_call":
            # Who places a call is on it from then on.
            took_part = user in call["answered"] or user == call["placed"]
            self._expect(took_part, "the agent has not answered the call")
