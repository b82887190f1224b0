#!/usr/bin/env python3
"""Compares a server's statistics of queues and agents with what its event log comes to, by the definitions of
docs/metrics-definitions.md, and checks the order of the log. Reads agents, events and queues, and writes nothing. Exits with
1 on any difference. Settings of queues count as they are now: change none of them on the day that is checked."""

import argparse
import datetime
import json
import sys

from ledger import Ledger, agent_numbers, queue_numbers, waiting
from moments import midnight_before, milliseconds, zone
from order import Order
from server import Program, Refused, Server

# Sums are of whole milliseconds, so that only the last digits of a division may differ.
TOLERANCE = 0.001
SHOWN = 20
LAST_MINUTES = 30


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", help="the file that day.py has written; what else is said here wins over it")
    parser.add_argument("--url")
    parser.add_argument("--key", help="an API key with agents:read, events:read and queues:read")
    parser.add_argument("--queue", action="append", help="the id of one to compare; without any, all queues of calls")
    parser.add_argument("--agent", action="append", help="the id of one to compare; without any, all who are active")
    parser.add_argument("--timezone", help="the tenant's (UTC)")
    parser.add_argument("--short-abandon", type=int, help="the tenant's short_abandon_seconds (5)")
    parser.add_argument(
        "--service-level-counts",
        choices=["answered", "answered_or_abandoned"],
        help="the tenant's service_level_counts (answered)",
    )
    return parser.parse_args()


def settings(wanted):
    known = {
        "url": "http://localhost:8000",
        "queue_ids": None,
        "agent_ids": None,
        "timezone": "UTC",
        "short_abandon_seconds": 5,
        "service_level_counts": "answered",
    }
    if wanted.run:
        with open(wanted.run) as file:
            known |= json.load(file)
    said = {
        "url": wanted.url,
        "api_key": wanted.key,
        "queue_ids": wanted.queue,
        "agent_ids": wanted.agent,
        "timezone": wanted.timezone,
        "short_abandon_seconds": wanted.short_abandon,
        "service_level_counts": wanted.service_level_counts,
    }
    known |= {name: value for name, value in said.items() if value is not None}
    if "api_key" not in known:
        sys.exit("an API key is needed: --run day.json, or --key")
    return known


def pages(program, path):
    """All pages of a list: each with its entries and its meta."""
    cursor = ""
    while cursor is not None:
        page = program.call("GET", f"{path}limit=200" + (f"&cursor={cursor}" if cursor else ""))
        yield page["data"], page["meta"]
        cursor = page["meta"]["next_cursor"]


class Queue:
    """A queue, what the server says of it, and what the log does."""

    def __init__(self, program, listed, known):
        self.title = f"{listed['name']} ({listed['id']})"
        self.listed = listed | {"service_level_counts": known["service_level_counts"]}
        if listed["short_abandon_seconds"] is None:
            self.listed["short_abandon_seconds"] = known["short_abandon_seconds"]
        stats = program.data("GET", f"/api/v1/queues/{listed['id']}/stats")
        self.at, self.seq = milliseconds(stats["at"]), stats["seq"]
        self.server = {"now": {"waiting": stats["waiting"]}} | {
            name: stats[name] for name in ("today", "last_30_minutes")
        }

    def settle(self, ledger, tenants_zone):
        today, minute = day(self.at, tenants_zone), self.at // 60_000
        self.log = {
            "now": {"waiting": waiting(ledger, self.listed)},
            "today": queue_numbers(ledger, self.listed, lambda at: day(at, tenants_zone) == today),
            "last_30_minutes": queue_numbers(ledger, self.listed, lambda at: at // 60_000 > minute - LAST_MINUTES),
        }


class Agent:
    """An agent, what the server says of it, and what the log does."""

    def __init__(self, program, user):
        self.title, self.user = f"Agent {user}", user
        stats = program.data("GET", f"/api/v1/agent-state/{user}/stats")
        self.at, self.seq = milliseconds(stats["at"]), stats["seq"]
        self.server = {"today": stats["today"] | stats["today"]["state_seconds"]}

    def settle(self, ledger, tenants_zone):
        today, midnight = day(self.at, tenants_zone), midnight_before(self.at, tenants_zone)
        is_today = lambda at: day(at, tenants_zone) == today
        self.log = {"today": agent_numbers(ledger, self.user, midnight, self.at, is_today)}


def queues(program, known):
    """The queues to compare."""
    found = [queue for data, _ in pages(program, "/api/v1/queues?") for queue in data if queue["channel"] == "voice"]
    wanted = known["queue_ids"]
    return [Queue(program, queue, known) for queue in found if wanted is None or queue["id"] in wanted]


def agents(program, known):
    """The agents to compare."""
    ids = known["agent_ids"]
    if ids is None:
        ids = [agent["user_id"] for data, _ in pages(program, "/api/v1/agent-state?") for agent in data]
    return [Agent(program, user) for user in ids]


def compute(program, found, tenants_zone):
    """What the log comes to for each of them, up to where its statistics are true for; and what is wrong with the log."""
    ledger, order, head = Ledger(), None, 0
    by_seq = sorted(found, key=lambda one: one.seq)
    for events, meta in pages(program, "/api/v1/events?"):
        if order is None:
            order = Order(meta["oldest_seq"])
            reaches_back(events, meta, found, tenants_zone)
        for event in events:
            while by_seq and by_seq[0].seq < event["seq"]:
                by_seq.pop(0).settle(ledger, tenants_zone)
            ledger.take(event)
            order.take(event)
            head = event["seq"]
    for one in by_seq:
        one.settle(ledger, tenants_zone)
    order.finish()
    if head < meta["seq"]:
        order.complaints.append(f"the log ends at {head}, and its head is said to be {meta['seq']}")
    return head, ledger.complaints + order.complaints


def day(at, tenants_zone):
    return datetime.datetime.fromtimestamp(at / 1000, tenants_zone).date()


def reaches_back(events, meta, found, tenants_zone):
    """Statistics are of a whole day: a log that has lost its morning has no answer."""
    today = day(found[0].at, tenants_zone)
    if meta["oldest_seq"] > 1 and events and day(milliseconds(events[0]["created_at"]), tenants_zone) >= today:
        raise ValueError("the log no longer reaches back to yesterday (EVENT_RETENTION): it lacks some of today")


def differ(one, other):
    if one is None or other is None:
        return one is not other
    return abs(one - other) > TOLERANCE


def shown(number):
    return "-" if number is None else f"{number:.3f}" if isinstance(number, float) else str(number)


def compare(one):
    """Lines of a table of all numbers of a queue or an agent, and how many differ."""
    lines, differences = [f"\n{one.title}", f"  {'':40}{'server':>14}{'log':>14}"], 0
    for interval, computed in one.log.items():
        for name, number in computed.items():
            told = one.server[interval][name]
            wrong = differ(told, number)
            differences += wrong
            label = f"{interval}.{name}"
            lines.append(f"  {label:40}{shown(told):>14}{shown(number):>14}{'  DIFFERS' if wrong else ''}")
    return lines, differences


def table(found, is_short):
    """Prints all numbers, or if it is to be short those of who has one that differs; gives how many differ."""
    all_differences = 0
    for one in found:
        lines, differences = compare(one)
        all_differences += differences
        if differences or not is_short:
            print("\n".join(lines))
    return all_differences


def check(known):
    program = Program(Server(known["url"]), known["api_key"])
    lines, staff = queues(program, known), agents(program, known)
    if not lines:
        sys.exit("there is no such queue")
    head, complaints = compute(program, lines + staff, zone(known["timezone"]))
    print(f"Read {head} events.")
    differences = table(lines, is_short=False) + table(staff, is_short=True)
    handled = sum(agent.log["today"]["handled"] for agent in staff)
    print(f"\nCompared {len(lines)} queues and {len(staff)} agents, who have handled {handled} parts of calls.")
    for complaint in complaints[:SHOWN]:
        print(complaint)
    if len(complaints) > SHOWN:
        print(f"… and {len(complaints) - SHOWN} more.")
    if differences or complaints:
        print(f"\n{differences} numbers differ, and {len(complaints)} events are out of order or disagree.")
        return 1
    print("\nAll numbers are equal, and the log is in order.")
    return 0


def main():
    try:
        sys.exit(check(settings(arguments())))
    except (Refused, OSError, ValueError) as error:
        sys.exit(f"The check ended early: {error}")


if __name__ == "__main__":
    main()
