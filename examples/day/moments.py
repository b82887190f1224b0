"""Moments and days as the server tells them."""

import datetime
import zoneinfo

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def milliseconds(moment):
    """Since 1970."""
    at = datetime.datetime.fromisoformat(moment.replace("Z", "+00:00"))
    return (at - EPOCH) // datetime.timedelta(milliseconds=1)


def midnight_before(at, tenants_zone):
    """When the day of that moment began, both in milliseconds since 1970."""
    local = datetime.datetime.fromtimestamp(at / 1000, tenants_zone)
    midnight = datetime.datetime.combine(local.date(), datetime.time(), tenants_zone)
    return (midnight - EPOCH) // datetime.timedelta(milliseconds=1)


def zone(name):
    """The time zone of that name. UTC is one also where no other is installed."""
    if name == "UTC":
        return datetime.timezone.utc
    try:
        return zoneinfo.ZoneInfo(name)
    except zoneinfo.ZoneInfoNotFoundError as error:
        raise ValueError(f"the time zone {name} is not installed here (Python's tzdata has it)") from error
