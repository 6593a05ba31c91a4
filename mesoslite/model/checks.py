"""Checks: how an executor finds out what a task says of itself (check), and whether it is healthy (health check)."""

# Who calls: TaskInfo has them; validation_tasks.py asks for what is wrong with one.
# A check is one of three: a command that is run, an HTTP request, or a TCP connection; ``type`` says which, and only
#   that one counts.
# Units: seconds, as in Mesos, with its defaults.
# Source: Mesos include/mesos/v1/mesos.proto (CheckInfo, HealthCheck), src/common/validation.cpp (validateCheckInfo,
#   validateHealthCheck).

from collections.abc import Iterator
from enum import Enum

import msgspec

from .commands import CommandInfo, command_problem
from .constants import SECONDS_MAX

_PORT_MAX = 65_535


class CheckType(Enum):
    """What is done to check."""

    UNKNOWN = 0
    COMMAND = 1
    HTTP = 2
    TCP = 3


class NetworkProtocol(Enum):
    """Which protocol a request goes over."""

    IPv4 = 1
    IPv6 = 2


class HttpCheck(msgspec.Struct, frozen=True, gc=False):
    """A GET request to the task's own host; ``scheme``, ``statuses`` and ``protocol`` are of health checks only."""

    port: int
    path: str = ""
    scheme: str = ""
    statuses: tuple[int, ...] = ()
    protocol: NetworkProtocol | None = None


class TcpCheck(msgspec.Struct, frozen=True, gc=False):
    """A connection to a port of the task; ``protocol`` is of health checks only."""

    port: int
    protocol: NetworkProtocol | None = None


class CheckInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How to find out a status that only the framework makes sense of."""

    type: CheckType | None = None
    command: CommandInfo | None = None
    http: HttpCheck | None = None
    tcp: TcpCheck | None = None
    delay_seconds: float = 15.0
    interval_seconds: float = 10.0
    timeout_seconds: float = 20.0


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How to find out whether a task is healthy; it is killed after so many failures in a row.

    Failures within ``grace_period_seconds`` of the start do not count.
    """

    type: CheckType | None = None
    command: CommandInfo | None = None
    http: HttpCheck | None = None
    tcp: TcpCheck | None = None
    delay_seconds: float = 15.0
    interval_seconds: float = 10.0
    timeout_seconds: float = 20.0
    grace_period_seconds: float = 10.0
    consecutive_failures: int = 3


def check_problem(check: CheckInfo | HealthCheck) -> str | None:
    """Return the first rule that a check breaks, as the end of a sentence; None if it is well-formed."""
    what = "health check" if isinstance(check, HealthCheck) else "check"
    return next((f"has a {what} {problem}" for problem in _problems(check) if problem is not None), None)


def _problems(check: CheckInfo | HealthCheck) -> Iterator[str | None]:
    """What each rule has against it, in Mesos's order."""
    yield _kind_problem(check)
    durations = {
        "delay": check.delay_seconds,
        "interval": check.interval_seconds,
        "timeout": check.timeout_seconds,
    }
    if isinstance(check, HealthCheck):
        durations["grace_period"] = check.grace_period_seconds
        if check.consecutive_failures < 0:
            yield f"with {check.consecutive_failures} consecutive failures; give zero or more"
    for name, seconds in durations.items():
        if not 0 <= seconds <= SECONDS_MAX:
            yield f"whose {name} is {seconds} s; give 0 to {SECONDS_MAX}"


def _kind_problem(check: CheckInfo | HealthCheck) -> str | None:
    if check.type is None or check.type is CheckType.UNKNOWN:
        return "of no known type; say COMMAND, HTTP or TCP"
    if check.type is CheckType.COMMAND:
        if check.command is None:
            return "of type COMMAND without a command; set it"
        problem = command_problem(check.command)
        return None if problem is None else f"whose command {problem}"
    target = check.http if check.type is CheckType.HTTP else check.tcp
    if target is None:
        return f"of type {check.type.name} without its {check.type.name.lower()}; set the port at least"
    if not 0 < target.port <= _PORT_MAX:
        return f"of port {target.port}; ports are 1 to {_PORT_MAX}"
    if isinstance(target, HttpCheck):
        if target.scheme not in ("", "http", "https"):
            return f"with the scheme {target.scheme[:80]!r}; say http or https"
        if target.path and not target.path.startswith("/"):
            return f"with the path {target.path[:80]!r}; start it with a slash"
    return None
