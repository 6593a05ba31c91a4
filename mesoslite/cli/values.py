"""Values: what options of Mesos's flags are written as: durations, rates and parts."""

# Who calls: master_options.py.
# Source: Mesos 3rdparty/stout/include/stout/duration.hpp, src/master/flags.cpp.

import re

from .failure import USAGE, fail

UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "secs": 1.0,
    "mins": 60.0,
    "hrs": 3600.0,
    "days": 86_400.0,
    "weeks": 604_800.0,
}
_DURATION = re.compile(rf"(\d+(?:\.\d+)?)\s*({'|'.join(UNITS)})?", re.ASCII)


def seconds(option: str, text: str) -> float:
    """The seconds that ``text`` says, as in 10mins; without a unit it says seconds. Else the command ends."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        fail(f"{option}: got {text!r}, expected a duration such as 30secs; units are {', '.join(UNITS)}", USAGE)
    return float(match[1]) * UNITS[match[2] or "secs"]


def rate(option: str, text: str) -> tuple[float, float]:
    """How many in how many seconds, as in 1/10mins. Else the command ends."""
    count, slash, duration = text.partition("/")
    if not slash or not re.fullmatch(r"\d+(\.\d+)?", count.strip(), re.ASCII):
        fail(f"{option}: got {text!r}, expected a number and a duration, such as 1/10mins", USAGE)
    return float(count), seconds(option, duration)


def part(option: str, text: str) -> float:
    """The part that a text such as 25% says. Else the command ends."""
    number, percent, rest = text.strip().partition("%")
    if not percent or rest or not re.fullmatch(r"\d+(\.\d+)?", number, re.ASCII):
        fail(f"{option}: got {text!r}, expected a part such as 25%", USAGE)
    return float(number) / 100
