"""Durations as Mesos writes them: a number and a unit, such as 5secs, 100ms or 1.5mins."""

# Who calls: endpoints with a parameter of that kind; users.
# A unit is always there: nobody has to guess what `timeout=5` means.
# Source: Mesos stout/duration.hpp. Unlike there, blanks, signs and numbers such as `inf` or `0x10` are refused.

from __future__ import annotations

import re

from libactor._core.clock import NANOSECONDS, SECONDS_MAX

UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "secs": NANOSECONDS,
    "mins": 60 * NANOSECONDS,
    "hrs": 3600 * NANOSECONDS,
    "days": 24 * 3600 * NANOSECONDS,
    "weeks": 7 * 24 * 3600 * NANOSECONDS,
}

_DURATION = re.compile(r"([0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})([a-z]{1,5})", re.ASCII)


def parse_duration(text: str) -> float:
    """The seconds that ``text`` says, such as ``5secs``, ``100ms`` or ``1.5mins``.

    Raises: ValueError for anything else, and for more than a hundred years.
    """
    found = _DURATION.fullmatch(text)
    unit_ns = UNITS_NS.get(found[2]) if found is not None else None
    if found is None or unit_ns is None:
        raise ValueError(
            f"got the duration {text[:40]!r}, expected a number and one of the units {', '.join(UNITS_NS)}, as in 5secs"
        )
    seconds = float(found[1]) * unit_ns / NANOSECONDS
    if seconds > SECONDS_MAX:
        raise ValueError(f"got the duration {text[:40]!r}, expected at most {SECONDS_MAX / 31_536_000:g} years")
    return seconds
