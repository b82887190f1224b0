"""The agents of the day: duty, breaks, pauses, paper work, and offers that they miss. Knows no calls."""

from agenda import TICK
from cast import LINES, Agent

BREAK_SECONDS = 900
# How long all are there before the first call, and after the last, so that all paper work is done.
MARGIN_SECONDS = 120


class Staff:
    """`route` is told the index of a queue that somebody may be free for."""

    def __init__(self, agenda, count, route):
        self._agenda, self._route = agenda, route
        self.agents = [self._agent(index, count) for index in range(count)]

    def _agent(self, index, count):
        """Queues have agents by their share; every third agent serves the next queue too."""
        share, line = 100 * index / count, 0
        while share >= sum(one.share for one in LINES[: line + 1]):
            line += 1
        lines = [line, (line + 1) % len(LINES)] if index % 3 == 0 else [line]
        return Agent(f"a{index}", lines, own=index % 10 == 4)

    def _choose(self, agent, state, reason=None):
        body = {"state": state} | ({"reason": reason} if reason else {})
        if agent.own:
            self._agenda.say(agent.name, "POST", "agent-state/me", body, agents=[agent])
        else:
            self._agenda.say("pbx", "PUT", f"agent-state/{{{agent.name}}}", body, agents=[agent])

    def open(self):
        """Nobody can be made available who is not there: others come to work first."""
        for agent in self.agents:
            if not agent.own:
                self._choose(agent, "busy", "preparing")
        self._agenda.now += TICK
        for agent in self.agents:
            self._choose(agent, "available")
            agent.become("free", self._agenda.now)

    def close(self):
        """Wrap-ups that still run, for want of a clock that moves, end with the duty."""
        self._agenda.now += MARGIN_SECONDS
        for agent in self.agents:
            body = {"state": "offline", "force": True}
            self._agenda.say("pbx", "PUT", f"agent-state/{{{agent.name}}}", body, agents=[agent])

    def free(self, agent):
        if agent.wish:
            agent.wish = False
            agent.become("absent", self._agenda.now)
            return
        agent.become("free", self._agenda.now)
        for line in agent.lines:
            self._route(line)

    def plan_breaks(self, seconds):
        """Within so many seconds of calls: a break for everybody, and pauses in one queue for some."""
        for agent in self.agents:
            self._agenda.after(MARGIN_SECONDS + self._agenda.between(0.15, 0.85) * seconds, self._break, agent)
        for agent in self._agenda.random.sample(self.agents, len(self.agents) // 8):
            self._agenda.after(MARGIN_SECONDS + self._agenda.between(0.2, 0.6) * seconds, self._pause, agent)

    def _break(self, agent):
        if agent.state == "absent":
            return
        self._choose(agent, "break", "lunch")
        self._agenda.facts["breaks"] += 1
        if agent.state == "free":
            agent.become("absent", self._agenda.now)
        else:
            agent.wish = True
        self._agenda.after(BREAK_SECONDS, self._back, agent)

    def _back(self, agent, turn=None):
        """From a break, or from having missed a call."""
        if turn not in (None, agent.turn):
            return
        self._choose(agent, "available")
        agent.wish = False
        if agent.state == "absent":
            self.free(agent)

    def _pause(self, agent):
        line = agent.lines[-1]
        path = f"queues/{{q{line}}}/members/{{{agent.name}}}"
        self._agenda.say("pbx", "POST", f"{path}/pause", {"reason": "training"}, agents=[agent])
        agent.paused.add(line)
        self._agenda.after(BREAK_SECONDS, self._unpause, agent, line, path)

    def _unpause(self, agent, line, path):
        self._agenda.say("pbx", "POST", f"{path}/unpause", agents=[agent])
        agent.paused.discard(line)
        self._route(line)

    def work_over(self, agent, line):
        """The agent's part in a call is over; after calls of a queue with wrap-up that comes first."""
        wrap_up = LINES[line].wrap_up if line is not None else 0
        if not wrap_up:
            self.free(agent)
            return
        agent.become("wrap_up", self._agenda.now)
        agent.wrap_until = self._agenda.now + wrap_up
        self._agenda.after(wrap_up, self._wrap_up_over, agent, agent.turn)
        if agent.own and self._agenda.chance(0.5):
            self._agenda.after(wrap_up / 2, self._wrap_up_by_hand, agent, agent.turn)

    def _wrap_up_by_hand(self, agent, turn):
        if agent.turn != turn:
            return
        if self._agenda.chance(0.6):
            self._agenda.say(agent.name, "POST", "agent-state/me/wrap-up/end", agents=[agent])
            agent.wrap_until = 0
            self.free(agent)
        else:
            self._agenda.say(agent.name, "POST", "agent-state/me/wrap-up/extend", {"seconds": 30}, agents=[agent])
            agent.wrap_until += 30
            self._agenda.facts["wrap-ups extended"] += 1

    def _wrap_up_over(self, agent, turn):
        if agent.turn != turn:
            return
        if agent.wrap_until > self._agenda.now:
            self._agenda.after(agent.wrap_until - self._agenda.now, self._wrap_up_over, agent, turn)
        else:
            self.free(agent)

    def offer_missed(self, agent, outcome=None):
        """An agent whose phone rings no longer. As the tenant's policies are unless changed: away after an offer missed,
        or three declined in a row."""
        if agent.wrap_until > self._agenda.now:
            agent.become("wrap_up", self._agenda.now)
            self._agenda.after(agent.wrap_until - self._agenda.now, self._wrap_up_over, agent, agent.turn)
            return
        agent.declined += outcome == "declined"
        gone = outcome in ("no_answer", "busy", "unreachable") or agent.declined == 3
        if gone and not agent.wish:
            agent.declined = 0
            agent.become("absent", self._agenda.now)
            self._agenda.after(self._agenda.between(30, 120), self._back, agent, agent.turn)
        else:
            self.free(agent)

    def free_for(self, line):
        """Who may be rung for that queue, the longest free first."""
        may = lambda agent: agent.state == "free" and line in agent.lines and line not in agent.paused
        return sorted(filter(may, self.agents), key=lambda agent: agent.since)

    def anybody(self, state, other=None):
        """Somebody in that state, if anybody is."""
        found = [agent for agent in self.agents if agent.state == state and agent is not other]
        return self._agenda.random.choice(found) if found else None
