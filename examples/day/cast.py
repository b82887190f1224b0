"""Who and what is in the day: queues and how their callers are, agents, calls. Names stand for ids, `a3` for an agent,
`q0` for a queue, `c7` for a call."""

from dataclasses import dataclass, field
from typing import NamedTuple

class Line(NamedTuple):
    """A queue: what is set up, and how its callers are."""

    name: str
    share: int
    threshold: int
    target: int
    # None: as the tenant has it.
    short_abandon: int | None
    wrap_up: int
    # How many agents it rings at once, and how long anybody waits at most.
    rings: int
    limit: int
    patience: int


LINES = [
    Line("Support", 50, 20, 80, None, 40, 1, 120, 200),
    Line("Sales", 30, 10, 90, 10, 20, 2, 90, 90),
    Line("Billing", 20, 40, 70, 4, 0, 1, 150, 150),
]


@dataclass(eq=False)
class Agent:
    name: str
    lines: list
    # Signs in, and reports its own calls and states.
    own: bool
    # absent, free, ringing, talking or wrap_up.
    state: str = "absent"
    since: int = 0
    wrap_until: int = 0
    # A break is wished for after the work.
    wish: bool = False
    declined: int = 0
    paused: set = field(default_factory=set)
    # Counts changes: what was to happen before the last one no longer does.
    turn: int = 0

    def become(self, state, now):
        self.state, self.since = state, now
        self.turn += 1


@dataclass(eq=False)
class Call:
    name: str
    kind: str
    # Where it waits, and the queue that its agent serves it for; indices.
    queue: int | None = None
    served_for: int | None = None
    offers: list = field(default_factory=list)
    agent: Agent | None = None
    # The agent who has placed an internal call.
    caller: Agent | None = None
    transfers: int = 0
    turn: int = 0

    def agents(self):
        return [*self.offers, *(a for a in (self.agent, self.caller) if a)]
