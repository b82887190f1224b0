"""The paper that a day is planned on: what happens later, and the requests that come of it, in their order."""

import heapq
import math
import random
from collections import Counter
from typing import NamedTuple

# Things happen at multiples of this, in seconds. No limit of a queue is one, so that no few milliseconds of a request
# decide on which side of it a wait is.
TICK = 3


class Step(NamedTuple):
    """A request of the day."""

    at: int
    # pbx, supervisor, or the name of the agent who acts.
    who: str
    method: str
    path: str
    body: dict | None
    # The call and the agents whom it concerns: steps of the same moment that share none of them may be at the same time.
    touches: frozenset


class Agenda:
    """`steps` are the requests, `facts` count what happens."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.now, self.steps, self.facts = 0, [], Counter()
        self._due, self._scheduled = [], 0

    def after(self, seconds, action, *args):
        at = self.now + TICK * math.ceil(seconds / TICK)
        self._scheduled += 1
        heapq.heappush(self._due, (at, self._scheduled, action, args))

    def run(self):
        """Until nothing is to happen any more."""
        while self._due:
            self.now, _, action, args = heapq.heappop(self._due)
            action(*args)

    def say(self, who, method, path, body=None, call=None, agents=()):
        """Requests it now; it concerns the call, the agents in it, and those named."""
        concerned = [*agents, *(call.agents() if call else [])]
        touches = frozenset([*(agent.name for agent in concerned), *([call.name] if call else [])])
        self.steps.append(Step(self.now, who, method, f"/api/v1/{path}", body, touches))

    def one_of(self, weights):
        return self.random.choices(list(weights), list(weights.values()))[0]

    def chance(self, share):
        return self.random.random() < share

    def between(self, shortest, longest):
        return self.random.uniform(shortest, longest)
