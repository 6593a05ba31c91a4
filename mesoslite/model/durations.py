"""Durations as Mesos writes them in the environment of an executor: a number and a unit, such as ``5secs``."""

# Who calls: agent/ writes them, framework/ reads those of any Mesos agent.
# Source: Mesos 3rdparty/stout/include/stout/duration.hpp.

import re

from .errors import InvalidRequest

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "secs": 1_000_000_000,
    "mins": 60_000_000_000,
    "hrs": 3_600_000_000_000,
    "days": 86_400_000_000_000,
    "weeks": 604_800_000_000_000,
}
_SECOND = _UNITS["secs"]
_is_duration = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|secs|mins|hrs|days|weeks)").fullmatch


def duration_text(seconds: float) -> str:
    """Return a duration in whole seconds or, if it is none, in nanoseconds."""
    nanoseconds = round(seconds * _SECOND)
    whole, rest = divmod(nanoseconds, _SECOND)
    return f"{nanoseconds}ns" if rest else f"{whole}secs"


def parse_duration(text: str) -> float:
    """Return the seconds of a duration. Raises: InvalidRequest."""
    match = _is_duration(text)
    if match is None:
        raise InvalidRequest(f"duration: got {text[:80]!r}, expected a number and one of {', '.join(_UNITS)}")
    return float(match[1]) * _UNITS[match[2]] / _SECOND
