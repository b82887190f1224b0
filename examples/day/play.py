"""Plays a planned day against a server, moment by moment. With TEST_CLOCK the server's clock is moved from one moment to
the next; else all follows as fast as the server answers. Knows nothing of why anything happens."""

import datetime
import itertools
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from server import Refused

# What a 409 may say although the day was planned well: a timer of the server's was faster.
RACES = {"not_in_wrap_up"}


class Clock:
    """The server's clock, as far as it can be moved."""

    def __init__(self, server, now):
        """`now` gives the server's moment, in seconds since 1970."""
        self._server, self._now = server, now
        self.moves = self._advance(0)
        self.moved = 0
        self._anchor()

    def _advance(self, milliseconds):
        try:
            self._server.request("POST", "/test/clock", {"advance_ms": milliseconds})
        except Refused as refused:
            if refused.status in (404, 405):
                return False
            raise
        return True

    def _anchor(self):
        self._base = self._now() - time.monotonic()

    def now(self):
        return self._base + time.monotonic()

    def wait_until(self, moment):
        """Moves the clock to that moment, unless it has passed."""
        milliseconds = round((moment - self.now()) * 1000)
        if milliseconds > 0:
            self._advance(milliseconds)
            self._base += milliseconds / 1000
            self.moved += milliseconds / 1000

    def to_the_next_morning(self, zone):
        """All of the day is to lie in one of the tenant's days."""
        now = datetime.datetime.fromtimestamp(self.now(), zone)
        morning = now.replace(hour=8, minute=0, second=0, microsecond=0)
        if morning < now:
            morning += datetime.timedelta(days=1)
        self.wait_until(morning.timestamp())
        self._anchor()


class Player:
    """`actors` make the requests, `ids` stand for the names in braces."""

    def __init__(self, actors, ids, connections):
        self.actors, self.ids = actors, ids
        self.pool = ThreadPoolExecutor(connections)
        self.races = Counter()
        # How far the requests fell behind the clock, at most, in seconds.
        self.late = 0

    def play(self, steps, clock):
        begin = clock.now() if clock.moves else 0
        for at, now in itertools.groupby(steps, lambda step: step.at):
            if clock.moves:
                clock.wait_until(begin + at)
                self.late = max(self.late, clock.now() - begin - at)
            chains = _chains(list(now))
            if len(chains) == 1:
                self._request(chains[0])
            else:
                # A failure in one of them is raised here.
                list(self.pool.map(self._request, chains))
        self.pool.shutdown()

    def _request(self, chain):
        for step in chain:
            actor = self.actors[step.who]
            try:
                actor.call(step.method, self._filled(step.path), self._filled(step.body))
            except Refused as refused:
                if refused.status != 409 or refused.code not in RACES:
                    raise
                self.races[refused.code] += 1

    def _filled(self, value):
        if isinstance(value, str):
            return value.format_map(self.ids)
        if isinstance(value, dict):
            return {key: self._filled(one) for key, one in value.items()}
        return value


def _chains(steps):
    """Steps of one moment: those that share a call or an agent one after the other, the others at once."""
    chains = []
    for step in steps:
        related = [chain for chain in chains if chain[0] & step.touches]
        others = [chain for chain in chains if not chain[0] & step.touches]
        names = step.touches.union(*(names for names, _ in related))
        # Those that meet here for the first time share nothing, so their order among each other does not matter.
        chains = [*others, (names, [*(one for _, before in related for one in before), step])]
    return [chain for _, chain in chains]
