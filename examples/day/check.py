#!/usr/bin/env python3
"""Compares a server's statistics of queues with what its event log comes to, by the definitions of
docs/metrics-definitions.md, and checks the order of the log. Reads events and queues, and writes nothing. Exits with 1 on
any difference. Settings of queues count as they are now: change none of them on the day that is checked."""

import argparse
import datetime
import json
import sys

from ledger import Ledger, numbers
from moments import milliseconds, zone
from order import Order
from server import Program, Refused, Server

# Sums are of whole milliseconds, so that only the last digits of a division may differ.
TOLERANCE = 0.001
SHOWN = 20


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", help="the file that day.py has written; what else is said here wins over it")
    parser.add_argument("--url")
    parser.add_argument("--key", help="an API key with events:read and queues:read")
    parser.add_argument("--queue", action="append", help="the id of one to compare; without any, all queues of calls")
    parser.add_argument("--timezone", help="the tenant's (UTC)")
    parser.add_argument("--short-abandon", type=int, help="the tenant's short_abandon_seconds (5)")
    return parser.parse_args()


def settings(wanted):
    known = {"url": "http://localhost:8000", "queue_ids": None, "timezone": "UTC", "short_abandon_seconds": 5}
    if wanted.run:
        with open(wanted.run) as file:
            known |= json.load(file)
    said = {
        "url": wanted.url,
        "api_key": wanted.key,
        "queue_ids": wanted.queue,
        "timezone": wanted.timezone,
        "short_abandon_seconds": wanted.short_abandon,
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


def queues(program, known):
    """The queues to compare, with their statistics."""
    found = [queue for data, _ in pages(program, "/api/v1/queues?") for queue in data if queue["channel"] == "voice"]
    wanted = known["queue_ids"]
    found = [queue for queue in found if wanted is None or queue["id"] in wanted]
    for queue in found:
        queue["stats"] = program.data("GET", f"/api/v1/queues/{queue['id']}/stats")
        if queue["short_abandon_seconds"] is None:
            queue["short_abandon_seconds"] = known["short_abandon_seconds"]
    return found


def compute(program, found, tenants_zone):
    """What the log comes to for each queue, up to where its statistics are true for; and what is wrong with the log."""
    ledger, order, head = Ledger(), None, 0
    by_seq = sorted(found, key=lambda queue: queue["stats"]["seq"])
    for events, meta in pages(program, "/api/v1/events?"):
        if order is None:
            order = Order(meta["oldest_seq"])
            reaches_back(events, meta, found, tenants_zone)
        for event in events:
            while by_seq and by_seq[0]["stats"]["seq"] < event["seq"]:
                settle(by_seq.pop(0), ledger, tenants_zone)
            ledger.take(event)
            order.take(event)
            head = event["seq"]
    for queue in by_seq:
        settle(queue, ledger, tenants_zone)
    order.finish()
    if head < meta["seq"]:
        order.complaints.append(f"the log ends at {head}, and its head is said to be {meta['seq']}")
    return head, ledger.complaints + order.complaints


def day(at, tenants_zone):
    return datetime.datetime.fromtimestamp(at / 1000, tenants_zone).date()


def reaches_back(events, meta, found, tenants_zone):
    """Statistics are of a whole day: a log that has lost its morning has no answer."""
    today = day(milliseconds(found[0]["stats"]["at"]), tenants_zone)
    if meta["oldest_seq"] > 1 and events and day(milliseconds(events[0]["created_at"]), tenants_zone) >= today:
        raise ValueError("the log no longer reaches back to yesterday (EVENT_RETENTION): it lacks some of today")


def settle(queue, ledger, tenants_zone):
    today = day(milliseconds(queue["stats"]["at"]), tenants_zone)
    queue["log"] = numbers(ledger, queue, lambda at: day(at, tenants_zone) == today)


def told(queue):
    """What the server says of those numbers."""
    stats = queue["stats"]
    return {name: stats["today"].get(name, stats.get(name)) for name in queue["log"]}


def differ(one, other):
    if one is None or other is None:
        return one is not other
    return abs(one - other) > TOLERANCE


def shown(number):
    return "-" if number is None else f"{number:.3f}" if isinstance(number, float) else str(number)


def table(found):
    """Prints it; gives how many numbers differ."""
    differences = 0
    for queue in found:
        print(f"\n{queue['name']} ({queue['id']})")
        print(f"  {'':24}{'server':>14}{'log':>14}")
        server = told(queue)
        for name, computed in queue["log"].items():
            wrong = differ(server[name], computed)
            differences += wrong
            print(f"  {name:24}{shown(server[name]):>14}{shown(computed):>14}{'  DIFFERS' if wrong else ''}")
    return differences


def check(known):
    program = Program(Server(known["url"]), known["api_key"])
    found = queues(program, known)
    if not found:
        sys.exit("there is no such queue")
    head, complaints = compute(program, found, zone(known["timezone"]))
    print(f"Read {head} events.")
    differences = table(found)
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
