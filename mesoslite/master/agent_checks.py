"""Agent checks: whether what an agent says of itself as it registers can be so at all."""

# Who calls: registration.py. What fails here is dropped: an agent that says such things could not be told anything.
# The allocator ends at what breaks these rules, and the master with it; and agents repeat themselves to the next one.
# Source: Mesos src/master/validation.cpp (master::message::registerSlave, reregisterSlave), constants.cpp
#   (MINIMUM_AGENT_VERSION).

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mesoslite.model import (
    AgentInfo,
    ReregisterAgent,
    Resources,
    validate_id,
)

if TYPE_CHECKING:
    from mesoslite.model import RegisterAgent

VERSION_LEAST = (1, 0, 0)
HOSTNAME_LENGTH_MAX = 255
VERSION_LENGTH_MAX = 255
NAME_LENGTH_MAX = 255  # of a region or a zone
INCARNATION_BYTES_MAX = 64


def registration_problem(message: RegisterAgent) -> str | None:
    """What is wrong with a registration, None if nothing is. Cost: O(what the agent has)."""
    try:
        return (
            _agent_problem(message.info, message.version)
            or _start_problem(message.incarnation)
            or _total_problem(message.total)
        )
    except Exception as error:  # a value of a wrong type, say
        return f"it is malformed: {error!r}"


def reregistration_problem(message: ReregisterAgent) -> str | None:
    """What is wrong with a registration under a known id, None if nothing is.

    But for its frameworks (descriptions.py) and tasks (brought.py): there may be many.
    """
    try:
        if not _is(message.info.id, str):
            return "it has no id"
        validate_id("agent", str(message.info.id))
        return (
            _agent_problem(message.info, message.version)
            or _start_problem(message.incarnation, message.number)
            or _total_problem(message.total)
        )
    except Exception as error:
        return f"it is malformed: {error!r}"


def _agent_problem(info: Any, version: Any) -> str | None:
    if not _is(info, AgentInfo) or not _is(info.hostname, str) or not _is(info.port, int):
        return "it does not say what it is"
    if not 0 < len(info.hostname) <= HOSTNAME_LENGTH_MAX:
        return f"its host name is {len(info.hostname)} characters long; expected 1 to {HOSTNAME_LENGTH_MAX}"
    for name in (info.domain.region, info.domain.zone) if info.domain is not None else ():
        if not 0 < len(name) <= NAME_LENGTH_MAX:
            return f"the name of its region or zone has {len(name)} characters; expected 1 to {NAME_LENGTH_MAX}"
    if not _is(info.resources, Resources):
        return f"its resources are {str(info.resources)[:80]!r}"
    if info.resources.is_empty:
        return "it has no resources"
    if len(version) > VERSION_LENGTH_MAX:
        return f"its version is {len(version)} characters long; expected at most {VERSION_LENGTH_MAX}"
    return _version_problem(version)


def _start_problem(incarnation: Any, number: Any = 0) -> str | None:
    if not _is(incarnation, bytes) or len(incarnation) > INCARNATION_BYTES_MAX or not _is(number, int):
        return f"it was started as {str(incarnation)[:80]}, and says so for the time {str(number)[:80]}"
    return None


def _total_problem(total: Any) -> str | None:
    return None if _is(total, Resources) else f"it has {str(total)[:80]!r} in all"


@lru_cache(maxsize=64)
def _version_problem(version: str) -> str | None:
    numbers = version.split("-")[0].split("+")[0].split(".")
    if len(numbers) != len(VERSION_LEAST) or not all(number.isascii() and number.isdigit() for number in numbers):
        return f"its version is {version[:80]!r}; expected one such as 1.12.0"
    if tuple(int(number[:9]) for number in numbers) < VERSION_LEAST:
        return f"its version {version[:80]} is too old; expected 1.0.0 or later"
    return None


def _is(value: object, kind: type) -> bool:
    """Whether it is what its declaration says, which nobody has checked."""
    return isinstance(value, kind)
