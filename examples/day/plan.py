"""The calls of the day: who calls when, for whom it rings, and what becomes of it. A simulation by a seed, which `play.py`
plays. Knows no server: in its requests names stand in braces, `{a3}`, where the server has ids."""

import math

from agenda import TICK, Agenda
from cast import LINES, Call
from staff import MARGIN_SECONDS, Staff

# How long a call keeps an agent busy, on average, and the share of their time that agents are: at noon more than all.
HANDLE_SECONDS = 420
LOAD = 0.88

INBOUND, DIRECT, OUTBOUND, INTERNAL = "inbound", "direct", "outbound", "internal"
KINDS = {INBOUND: 82, DIRECT: 6, OUTBOUND: 8, INTERNAL: 4}


class Day:
    """Simulates a day, from which come the requests of `agenda.steps`."""

    def __init__(self, agents, calls, seed):
        self.agenda = Agenda(seed)
        self.staff = Staff(self.agenda, agents, self._route)
        self.calls = [f"c{number}" for number in range(calls)]
        # The calls that wait, by queue.
        self.waiting = [[] for _ in LINES]
        self._seconds = calls * HANDLE_SECONDS / (agents * LOAD)

    def plan(self):
        self.staff.open()
        for name in self.calls:
            self.agenda.after(MARGIN_SECONDS + self._moment() * self._seconds, self._arrive, name)
        self.staff.plan_breaks(self._seconds)
        self.agenda.run()
        self.staff.close()
        return self.agenda.steps

    def _moment(self):
        """A share of the day: few calls in the morning and evening, many at noon."""
        while True:
            moment = self.agenda.random.random()
            if self.agenda.chance(0.55 + 0.45 * math.sin(math.pi * moment)):
                return moment

    def _report(self, call, what, body, *agents, by=None):
        """Reports of a call come from the telephone system, some of an agent's own from the agent."""
        who = by.name if by and by.own else "pbx"
        self.agenda.say(who, "POST", f"calls/{{{call.name}}}/{what}", body, call, agents)

    # Offers.

    def _route(self, line):
        """Who waits longest gets the agents who are free longest."""
        for call in list(self.waiting[line]):
            if call.offers:
                continue
            free = self.staff.free_for(line)
            if not free:
                return
            for agent in free[: LINES[line].rings]:
                self._ring(call, agent)

    def _ring(self, call, agent, reported=True):
        call.offers.append(agent)
        agent.become("ringing", self.agenda.now)
        if reported:
            self._report(call, "ring", {"user_id": f"{{{agent.name}}}"})
        fates = {"answer": 86, "no_answer": 5, "declined": 6, "busy": 1, "unreachable": 1}
        fate = self.agenda.one_of(fates)
        seconds = {"answer": self.agenda.between(2, 14), "no_answer": 20}.get(fate, self.agenda.between(1, 6))
        self.agenda.after(seconds, self._offer_over, call, agent, agent.turn, fate)

    def _offer_over(self, call, agent, turn, fate):
        if agent.turn != turn:
            return
        if fate == "answer":
            self._answer(call, agent)
            return
        self._report(call, "miss", {"user_id": f"{{{agent.name}}}", "outcome": fate})
        self.agenda.facts[f"offers {fate}"] += 1
        call.offers.remove(agent)
        self.staff.offer_missed(agent, fate)
        if call.queue is not None:
            self.agenda.after(TICK, self._route, call.queue)
        elif not call.offers:
            self._nobody_answers(call)

    def _answer(self, call, agent):
        self._report(call, "answer", {"user_id": f"{{{agent.name}}}"}, by=agent)
        others, call.offers = [a for a in call.offers if a is not agent], []
        call.served_for = self._leave(call)
        self._talk(call, agent)
        for other in others:
            self.staff.offer_missed(other)

    def _nobody_answers(self, call):
        """Outside of a queue: the caller waits in one, or gives up; a colleague does."""
        if call.caller:
            self._end(call, "agent")
        elif self.agenda.chance(0.7):
            line = self._line()
            self._report(call, "enqueue", {"queue_id": f"{{q{line}}}"})
            self._join(call, line)
        else:
            self.agenda.after(self.agenda.between(0, 6), self._end_of_turn, call, call.turn, "customer")

    # Waiting.

    def _line(self):
        return self.agenda.one_of({i: line.share for i, line in enumerate(LINES)})

    def _join(self, call, line):
        call.queue = line
        call.turn += 1
        self.waiting[line].append(call)
        patience = self.agenda.random.expovariate(1 / LINES[line].patience)
        if self.agenda.chance(0.03):
            patience = self.agenda.between(0, 9)
        self.agenda.after(patience, self._end_of_turn, call, call.turn, "agent" if call.caller else "customer")
        self.agenda.after(LINES[line].limit, self._leaves, call, call.turn, "timeout")
        if self.agenda.chance(0.15):
            self.agenda.after(self.agenda.between(10, 60), self._leaves, call, call.turn, "exit_key")
        if self.agenda.chance(0.06):
            self.agenda.after(self.agenda.between(6, 45), self._redirected, call, call.turn)
        self._route(line)

    def _leave(self, call):
        line, call.queue = call.queue, None
        call.turn += 1
        if line is not None:
            self.waiting[line].remove(call)
        return line

    def _leaves(self, call, turn, reason):
        """A phone that rings is waited for."""
        if call.turn != turn:
            return
        if call.offers:
            self.agenda.after(TICK, self._leaves, call, turn, reason)
            return
        self._report(call, "dequeue", {"reason": reason})
        self.agenda.facts["timeouts" if reason == "timeout" else "exit keys"] += 1
        line = self._leave(call)
        chance = self.agenda.random.random()
        if chance < 0.4:
            other = (line + 1) % len(LINES)
            self._report(call, "enqueue", {"queue_id": f"{{q{other}}}"})
            self._join(call, other)
        elif chance < 0.8:
            message = self.agenda.between(10, 60)
            self.agenda.after(message, self._end_of_turn, call, call.turn, "customer", "voicemail")
        else:
            self.agenda.after(self.agenda.between(0, 9), self._end_of_turn, call, call.turn, "customer")

    def _redirected(self, call, turn):
        """A supervisor sees it wait, and moves it to a shorter queue."""
        if call.turn != turn:
            return
        line = min(range(len(LINES)), key=lambda one: len(self.waiting[one]))
        if line == call.queue:
            return
        body = {"kind": "redirect", "to": {"queue_id": f"{{q{line}}}"}}
        self.agenda.say("supervisor", "POST", f"calls/{{{call.name}}}/transfer", body, call)
        self.agenda.facts["redirects"] += 1
        ringing, call.offers = call.offers, []
        self._leave(call)
        for agent in ringing:
            self.staff.offer_missed(agent)
        self._join(call, line)

    # Calls.

    def _arrive(self, name):
        call = Call(name, self.agenda.one_of(KINDS))
        agent = None if call.kind == INBOUND else self.staff.anybody("free")
        if agent is None:
            call.kind = INBOUND
        self.agenda.facts[call.kind] += 1
        {INBOUND: self._inbound, DIRECT: self._direct, OUTBOUND: self._outbound, INTERNAL: self._internal}[
            call.kind
        ](call, agent)

    def _begin(self, call, direction, more):
        outside = {"number": f"+4930{self.agenda.random.randrange(10**6, 10**7)}"}
        inside = {"number": "+4930555000"}
        of, to = (outside, inside) if direction == "inbound" else (inside, outside)
        if direction == "internal":
            of, to = {"number": "101"}, {"number": "102"}
        body = {"id": f"{{{call.name}}}", "direction": direction, "from": of, "to": to} | more
        self.agenda.say("pbx", "POST", "calls", body, call)

    def _inbound(self, call, _):
        line = self._line()
        self._begin(call, "inbound", {"queue_id": f"{{q{line}}}"})
        self._join(call, line)

    def _direct(self, call, agent):
        """For an agent, who may be busy with paper work."""
        if self.agenda.chance(0.3):
            agent = self.staff.anybody("wrap_up") or agent
        self._concerns(call, agent, "inbound", {"user_id": f"{{{agent.name}}}"})
        self._ring(call, agent, reported=False)
        if self.agenda.chance(0.1):
            self.agenda.after(self.agenda.between(1, 9), self._end_of_turn, call, call.turn, "customer")

    def _concerns(self, call, agent, direction, more):
        """Begins a call that an agent has a part in from the first moment."""
        call.agent = agent
        self._begin(call, direction, more)
        call.agent = None

    def _outbound(self, call, agent):
        line = agent.lines[0] if self.agenda.chance(0.7) else None
        queue = {} if line is None else {"queue_id": f"{{q{line}}}"}
        self._concerns(call, agent, "outbound", {"user_id": f"{{{agent.name}}}"} | queue)
        agent.become("ringing", self.agenda.now)
        call.caller = agent
        self.agenda.after(self.agenda.between(5, 25), self._far_end, call, line)

    def _far_end(self, call, line):
        outcome = self.agenda.one_of({"answered": 70, "busy": 10, "no_answer": 15, "failed": 5})
        if outcome != "answered":
            self._end(call, None, outcome)
            return
        agent = call.caller
        self._report(call, "answer", {"user_id": f"{{{agent.name}}}"}, by=agent)
        call.caller, call.served_for = None, line
        self._talk(call, agent)

    def _internal(self, call, caller):
        """To a colleague, or into a queue."""
        colleague = self.staff.anybody("free", caller)
        line = self._line()
        to_queue = colleague is None or self.agenda.chance(0.3)
        more = {"queue_id": f"{{q{line}}}"} if to_queue else {}
        self._concerns(call, caller, "internal", {"user_id": f"{{{caller.name}}}"} | more)
        call.caller = caller
        caller.become("ringing", self.agenda.now)
        if to_queue:
            self._join(call, line)
        else:
            self._ring(call, colleague)

    def _talk(self, call, agent):
        call.agent = agent
        call.turn += 1
        agent.become("talking", self.agenda.now)
        agent.declined, agent.wrap_until = 0, 0
        self.agenda.facts["answers"] += 1
        seconds = min(max(15, self.agenda.random.lognormvariate(5.7, 0.6)), 1500)
        if self.agenda.chance(0.2):
            before = seconds * self.agenda.between(0.1, 0.8)
            self.agenda.after(before, self._hold, call, call.turn, seconds - before)
        else:
            self.agenda.after(seconds, self._talked, call, call.turn)

    def _hold(self, call, turn, rest):
        agent = call.agent
        self._report(call, "hold", {"user_id": f"{{{agent.name}}}"}, by=agent)
        self.agenda.facts["holds"] += 1
        hold = self.agenda.between(10, 90)
        if self.agenda.chance(0.2):
            # It ends with the call, or with the transfer.
            self.agenda.after(hold, self._talked, call, turn)
            return
        self.agenda.after(hold, self._unhold, call, turn, rest)

    def _unhold(self, call, turn, rest):
        self._report(call, "unhold", {"user_id": f"{{{call.agent.name}}}"}, by=call.agent)
        self.agenda.after(rest, self._talked, call, turn)

    def _talked(self, call, turn):
        if call.turn != turn:
            return
        ways = {"end": 84, "queue": 6, "blind": 4, "attended": 4, "number": 2}
        way = self.agenda.one_of(ways) if not call.caller and call.transfers < 3 else "end"
        target = self.staff.anybody("free") if way in ("blind", "attended") else None
        if way == "end" or (way in ("blind", "attended") and target is None):
            self._end(call, "agent" if call.caller else self.agenda.one_of({"customer": 60, "agent": 40}))
        else:
            self._transfer(call, way, target)

    def _transfer(self, call, way, target):
        agent, line = call.agent, self._line()
        to = {"queue": {"queue_id": f"{{q{line}}}"}, "number": {"number": "+4930777000"}}.get(way)
        kind = "attended" if way == "attended" else "blind"
        body = {"kind": kind, "to": to or {"user_id": f"{{{target.name}}}"}}
        self._report(call, "transfer", body, *([target] if target else []), by=agent)
        self.agenda.facts[f"transfers to {'an agent' if target else 'a ' + way}"] += 1
        served_for, call.served_for, call.agent = call.served_for, None, None
        call.transfers += 1
        call.turn += 1
        if way == "queue":
            self._join(call, line)
        elif way == "number":
            self.agenda.after(self.agenda.between(60, 300), self._end_of_turn, call, call.turn, "customer")
        elif way == "attended":
            self._talk(call, target)
        else:
            self._ring(call, target, reported=False)
        self.staff.work_over(agent, served_for)

    def _end_of_turn(self, call, turn, ended_by, outcome=None):
        if call.turn == turn:
            self._end(call, ended_by, outcome)

    def _end(self, call, ended_by, outcome=None):
        body = {key: value for key, value in (("ended_by", ended_by), ("outcome", outcome)) if value}
        self._report(call, "end", body, by=call.agent if ended_by == "agent" else None)
        if call.queue is not None:
            self.agenda.facts["gave up waiting"] += 1
        ringing, agent, caller = call.offers, call.agent, call.caller
        call.offers, call.agent, call.caller = [], None, None
        self._leave(call)
        for other in ringing:
            self.staff.offer_missed(other)
        if agent:
            self.staff.work_over(agent, call.served_for)
        if caller:
            self.staff.work_over(caller, None)
