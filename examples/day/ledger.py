"""Keeps the books of queues and agents from the events of a log alone, by `docs/metrics-definitions.md`. Times are whole milliseconds.
What an event says of those before it (`wait_seconds` and the like) is compared with what it comes to here."""

from dataclasses import dataclass

from moments import milliseconds


@dataclass(eq=False)
class Entry:
    """A stay of a call in a queue."""

    queue: str
    joined: int
    offered: bool = False
    left: int | None = None
    reason: str | None = None
    wait: int = 0


@dataclass(eq=False)
class Leg:
    """An agent's part in a call, once answered."""

    user: str
    # Whether it is work for a customer: of a queue, or with outside.
    is_work: bool
    queue: str | None
    answered: int
    held_since: int | None = None
    hold: int = 0
    ended: int | None = None
    # Whether anybody saw it end.
    seen: bool = True

    @property
    def talk(self):
        return self.ended - self.answered - self.hold


@dataclass(eq=False)
class WrapUp:
    """The paper work after a leg."""

    user: str
    call: str
    queue: str | None
    since: int
    until: int
    ended: int | None = None

    @property
    def lasted(self):
        return min(self.ended, self.until) - self.since


class Ledger:
    """Takes the events of a log, in their order."""

    def __init__(self):
        self.entries, self.legs, self.wrap_ups = [], [], []
        # Offers that agents have missed, and times in states that are over: agent, moment; agent, state, from, to.
        self.misses, self.times = [], []
        # By agent, the present state and since when it is.
        self.states = {}
        # By call, the moment and the words.
        self._complaints = []
        # By call: the stay that goes on, and the parts of agents, by leg, that were answered. And the calls that began.
        self._waiting, self._calls, self._begun = {}, {}, set()
        # By call, the stay that was over last.
        self._left = {}
        # By agent, the paper work that goes on.
        self._wrapping = {}

    def take(self, event):
        handler = getattr(self, "_" + event["type"].replace(".", "_"), None)
        if handler:
            self._event = event
            handler(event["payload"], milliseconds(event["payload"].get("at") or event["created_at"]))

    @property
    def complaints(self):
        return [words for *_, words in self._complaints]

    def _agree(self, said, at, what, computed):
        if abs(said[what] * 1000 - computed) > 1:
            words = f"event {self._event['seq']}: says {what} {said[what]}, and the events before it {computed / 1000}"
            self._complaints.append((said.get("call_id"), at, words))

    def _call_incoming(self, said, _):
        self._begun.add(said["call_id"])

    _call_outgoing = _call_incoming

    def _queue_joined(self, said, at):
        entry = Entry(said["queue_id"], at)
        self.entries.append(entry)
        self._waiting[said.get("call_id") or said["session_id"]] = entry

    def _queue_left(self, said, at):
        item = said.get("call_id") or said["session_id"]
        entry = self._waiting.pop(item, None)
        if entry is None:
            # It joined before the log begins.
            return
        entry.left, entry.reason, entry.wait = at, said["reason"], at - entry.joined
        self._left[item] = entry
        self._agree(said, at, "wait_seconds", entry.wait)

    def _call_ringing(self, said, _):
        entry = self._waiting.get(said["call_id"])
        if entry:
            entry.offered = True

    def _call_answered(self, said, at):
        is_work = said.get("queue_id") is not None or said["direction"] != "internal"
        leg = Leg(said["user_id"], is_work, said.get("queue_id"), at)
        self.legs.append(leg)
        self._calls.setdefault(said["call_id"], {})[said["leg_id"]] = leg

    def _call_missed(self, said, at):
        if said["outcome"] in ("no_answer", "declined"):
            self.misses.append((said["user_id"], at))

    def _leg(self, said):
        return self._calls.get(said["call_id"], {}).get(said["leg_id"])

    def _call_hold(self, said, at):
        leg = self._leg(said)
        if leg:
            leg.held_since = at

    def _call_unhold(self, said, at):
        leg = self._leg(said)
        if leg and leg.held_since is not None:
            self._agree(said, at, "hold_seconds", at - leg.held_since)
            leg.hold += at - leg.held_since
            leg.held_since = None

    def _call_transferred(self, said, at):
        for leg in self._calls.get(said["call_id"], {}).values():
            if leg.ended is None and leg.user == said.get("from_user_id"):
                leg.ended = at

    def _call_ended(self, said, at):
        legs = self._calls.get(said["call_id"], {}).values()
        for leg in legs:
            if leg.ended is None:
                leg.ended, leg.seen = at, not said.get("estimated")
        if said.get("estimated"):
            self._given_up(said, at)
            return
        # In an internal call two agents are in it at once, one of them without an event.
        if said["call_id"] in self._begun and said["direction"] != "internal":
            self._agree(said, at, "talk_seconds", sum(leg.talk for leg in legs))
            self._agree(said, at, "hold_seconds", sum(leg.hold for leg in legs))

    def _given_up(self, said, at):
        """Nobody saw the end: what is said at that moment is dated back to the last report of the call."""
        entry = self._left.get(said["call_id"])
        if entry and entry.left == at:
            entry.wait = milliseconds(said["ended_at"]) - entry.joined
        self._complaints = [one for one in self._complaints if one[:2] != (said["call_id"], at)]

    def _agent_state_changed(self, said, _):
        at, user, call = milliseconds(said["changed_at"]), said["user_id"], said.get("call_id")
        wrap_up = self._wrapping.get(user)
        here = said["state"] == "wrap_up"
        state, since = self.states.get(user, (None, at))
        if state:
            self.times.append((user, state, since, at))
        self.states[user] = (said["state"], at)
        # While a phone rings, the paper work goes on.
        if wrap_up and said["state"] != "ringing" and not (here and call == wrap_up.call):
            wrap_up.ended = at
            wrap_up = self._wrapping.pop(user) and None
        if here and wrap_up:
            wrap_up.until = milliseconds(said["until"])
        elif here:
            parts = [leg for leg in self._calls.get(call, {}).values() if leg.user == user and leg.ended]
            if parts:
                wrap_up = WrapUp(user, call, parts[-1].queue, parts[-1].ended, milliseconds(said["until"]))
                self._wrapping[user] = wrap_up
                self.wrap_ups.append(wrap_up)


def queue_numbers(ledger, queue, counts):
    """A queue's numbers over what ended at the moments for which `counts` holds. `queue` is as the server lists it, with
    `short_abandon_seconds` and the tenant's `service_level_counts` filled in."""
    entries = [e for e in ledger.entries if e.queue == queue["id"] and e.left is not None and counts(e.left)]
    of = lambda *reasons: [e for e in entries if e.reason in reasons]
    limit = queue["short_abandon_seconds"] * 1000
    answered, gave_up = of("answered"), of("abandoned")
    abandoned = [e for e in gave_up if e.wait >= limit]
    timed_out = of("timeout", "exit_key", "empty")
    good = answered + (abandoned if queue["service_level_counts"] == "answered_or_abandoned" else [])
    in_time = [e for e in good if e.wait <= queue["sla"]["threshold_seconds"] * 1000]
    over = lambda parts: [p for p in parts if p.queue == queue["id"] and p.ended and counts(p.ended)]
    handled = [leg for leg in over(ledger.legs) if leg.seen]
    wrap_ups = over(ledger.wrap_ups)
    work = sum(leg.talk + leg.hold for leg in handled) + sum(w.lasted for w in wrap_ups)
    return {
        "offered": sum(e.reason != "transferred" or e.offered for e in entries),
        "answered": len(answered),
        "abandoned": len(abandoned),
        "short_abandoned": len(gave_up) - len(abandoned),
        "timed_out": len(timed_out),
        "service_level_percent": _ratio(100 * len(in_time), len(answered) + len(abandoned) + len(timed_out)),
        "threshold_seconds": queue["sla"]["threshold_seconds"],
        "abandonment_percent": _ratio(100 * len(abandoned), len(answered) + len(abandoned) + len(timed_out)),
        "average_abandon_seconds": _ratio(sum(e.wait for e in abandoned) / 1000, len(abandoned)),
        "asa_seconds": _ratio(sum(e.wait for e in answered) / 1000, len(answered)),
        "aht_seconds": _ratio(work / 1000, len(handled)),
        "max_wait_seconds": max((e.wait for e in entries), default=0) / 1000,
    }


def waiting(ledger, queue):
    """How many wait in a queue."""
    return sum(e.queue == queue["id"] and e.left is None for e in ledger.entries)


def agent_numbers(ledger, user, midnight, at, is_today):
    """An agent's numbers of the day that began at `midnight`, until `at`."""
    over = lambda parts: [p for p in parts if p.user == user and p.ended and is_today(p.ended)]
    handled = [leg for leg in over(ledger.legs) if leg.seen and leg.is_work]
    talk, hold = sum(leg.talk for leg in handled), sum(leg.hold for leg in handled)
    wrap_up = sum(w.lasted for w in over(ledger.wrap_ups))
    seconds = _seconds_in_states(ledger, user, midnight, at)
    worked = seconds["on_call"] + seconds["wrap_up"]
    return {
        "handled": len(handled),
        "talk_seconds": talk / 1000,
        "hold_seconds": hold / 1000,
        "wrap_up_seconds": wrap_up / 1000,
        "aht_seconds": _ratio((talk + hold + wrap_up) / 1000, len(handled)),
        "missed_offers": sum(who == user and is_today(when) for who, when in ledger.misses),
        "duty_seconds": sum(seconds.values()),
        **seconds,
        "occupancy_percent": _ratio(100 * worked, worked + seconds["ringing"] + seconds["available"]),
    }


def _seconds_in_states(ledger, user, midnight, at):
    """On duty, from midnight until `at`."""
    present = [(user, *ledger.states[user], at)] if user in ledger.states else []
    seconds = dict.fromkeys(("available", "ringing", "on_call", "wrap_up", "break", "away", "busy"), 0)
    for who, state, since, until in ledger.times + present:
        if who == user and state != "offline":
            seconds[state] += max(0, until - max(since, midnight)) / 1000
    return seconds


def _ratio(part, whole):
    return part / whole if whole else None
