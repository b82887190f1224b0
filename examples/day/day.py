#!/usr/bin/env python3
"""Plays a scripted day of a call center against a server: agents, queues and calls are made for it, and stay. `check.py`
then compares the server's statistics with its log. Python 3.10 or later; nothing else."""

import argparse
import json
import os
import secrets
import sys
import time

from moments import milliseconds, zone
from plan import DIRECT, INBOUND, INTERNAL, LINES, OUTBOUND, Day
from play import Clock, Player
from server import Program, Refused, Server, User

TELEPHONY = ["calls:write", "agents:write", "queues:read", "queues:write"]
READER = ["agents:read", "events:read", "queues:read"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://localhost:8000")
    parser.add_argument("--email", default="admin@example.com", help="an admin's")
    parser.add_argument("--password", default="password")
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1, help="another one makes another day")
    parser.add_argument("--connections", type=int, default=4, help="requests at a time, at most")
    parser.add_argument("--out", default="day.json", help="for check.py: the address, and an API key that may read")
    return parser.parse_args()


class Center:
    """What the day needs on the server."""

    def __init__(self, server, admin, day):
        self.server, self.admin, self.day = server, admin, day
        # Names are unique on a server, and days may be played on it again.
        self.run = f"{int(time.time()):x}"
        self.ids, self.actors = {}, {"supervisor": admin}
        self.settings = admin.data("GET", "/api/v1/settings")
        self.keys = []

    def set_up(self):
        for number, line in enumerate(LINES):
            self.ids[f"q{number}"] = self.admin.data("POST", "/api/v1/queues", self._queue(line))["id"]
        for agent in self.day.staff.agents:
            self._hire(agent)
        for name in self.day.calls:
            self.ids[name] = f"day-{self.run}-{name}"
        self.actors["pbx"] = self._program("Telephony of the day", TELEPHONY)

    def _queue(self, line):
        return {
            "name": f"{line.name} {self.run}",
            "channel": "voice",
            "sla": {"threshold_seconds": line.threshold, "target_percent": line.target},
            "short_abandon_seconds": line.short_abandon,
            "wrap_up_seconds": line.wrap_up,
        }

    def _hire(self, agent):
        email, password = f"{agent.name}.{self.run}@day.example", secrets.token_urlsafe(20)
        about = {"email": email, "password": password, "name": f"Agent {agent.name[1:]}", "role": "agent"}
        user = self.admin.data("POST", "/api/v1/users", about)["id"]
        self.ids[agent.name] = user
        for line in agent.lines:
            self.admin.call("PUT", f"/api/v1/queues/{self.ids[f'q{line}']}/members/{user}")
        if agent.own:
            self.actors[agent.name] = User(self.server, email, password)

    def _program(self, name, scopes):
        made = self.admin.data("POST", "/api/v1/api-keys", {"name": f"{name} {self.run}", "scopes": scopes})
        self.keys.append(made["id"])
        return Program(self.server, made["key"])

    def now(self):
        """The server's moment."""
        stats = self.actors["pbx"].data("GET", f"/api/v1/queues/{self.ids['q0']}/stats")
        return milliseconds(stats["at"]) / 1000

    def dismiss(self):
        """Removes the keys that may write."""
        for key in self.keys:
            self.admin.call("DELETE", f"/api/v1/api-keys/{key}")

    def leave_a_reader(self, url, path):
        """A key that may read is left for the check, in a file for nobody else."""
        reader = self._program("Check of the day", READER)
        about = {
            "url": url,
            "api_key": reader.key,
            "queue_ids": [self.ids[f"q{number}"] for number in range(len(LINES))],
            "agent_ids": [self.ids[agent.name] for agent in self.day.staff.agents],
            "timezone": self.settings["timezone"],
            "short_abandon_seconds": self.settings["short_abandon_seconds"],
            "service_level_counts": self.settings["service_level_counts"],
        }
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(about, file, indent=2)


def play(wanted):
    server = Server(wanted.url)
    day = Day(wanted.agents, wanted.calls, wanted.seed)
    steps = day.plan()
    center = Center(server, User(server, wanted.email, wanted.password), day)
    try:
        clock, player, played = run(center, steps, wanted)
    finally:
        center.dismiss()
    center.leave_a_reader(wanted.url, wanted.out)
    summary(day, played, clock, player, server)
    print(f"Compare the statistics with the log: python3 check.py --run {wanted.out}")


def run(center, steps, wanted):
    began = time.monotonic()
    center.set_up()
    print(f"Set up {wanted.agents} agents and {len(LINES)} queues in {time.monotonic() - began:.1f} s.")
    clock = Clock(center.server, center.now)
    if clock.moves:
        clock.to_the_next_morning(zone(center.settings["timezone"]))
        print("TEST_CLOCK is on: the server's clock is moved from one moment of the day to the next.")
    else:
        print("No TEST_CLOCK: all follows as fast as the server answers, so waits and calls last milliseconds.")
    played = time.monotonic()
    player = Player(center.actors, center.ids, wanted.connections)
    player.play(steps, clock)
    return clock, player, time.monotonic() - played


def summary(day, played, clock, player, server):
    facts = day.agenda.facts
    print(f"Played {len(day.calls)} calls of {day.agenda.now / 3600:.1f} hours in {played:.1f} s:")
    print("  " + listed({kind: facts.pop(kind, 0) for kind in (DIRECT, INBOUND, INTERNAL, OUTBOUND)}))
    print("  " + listed(facts))
    print("  " + listed(server.counts))
    if clock.moves and player.late > 1:
        print(f"  The server fell up to {player.late:.1f} s behind the clock: waits are longer than planned.")
    for code, count in player.races.items():
        print(f"  {count} refused with 409 {code}: a timer of the server's was faster.")


def listed(counts):
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))


def main():
    wanted = arguments()
    # Of four agents, each queue has one.
    if wanted.agents < 4 or wanted.calls < 1 or wanted.connections < 1:
        sys.exit("at least 4 agents, 1 call and 1 connection are needed")
    try:
        play(wanted)
    except (Refused, OSError, ValueError) as error:
        sys.exit(f"The day ended early: {error}")


if __name__ == "__main__":
    main()
