"""Results: what a check has come to, and how Mesos says so."""

# Who calls: checks.py.
# Source: Mesos src/checks/checker.cpp, checker_process.cpp, health_checker.cpp; include/mesos/v1/mesos.proto
#   (CheckStatusInfo).

import functools
from dataclasses import dataclass

from mesoslite.model import FrozenDocument
from mesoslite.model.checks import CheckInfo, CheckType, HealthCheck

HTTP_HEALTHY = range(200, 400)
_MEMBERS = {CheckType.COMMAND: "exit_code", CheckType.HTTP: "status_code", CheckType.TCP: "succeeded"}


@dataclass(frozen=True, slots=True)
class Result:
    """What was answered: an exit code, a status of HTTP, or whether a connection came about; None if nothing was.

    ``problem`` says why, for people.
    """

    value: int | None
    problem: str = ""


def is_healthy(check: HealthCheck, result: Result) -> bool:
    """Whether that is how a healthy task answers."""
    if result.value is None:
        return False
    if check.type is CheckType.HTTP:
        return result.value in HTTP_HEALTHY
    return result.value == 0 if check.type is CheckType.COMMAND else bool(result.value)


@functools.lru_cache(256)
def check_status(kind: CheckType, value: int | None) -> FrozenDocument:
    """What is told of a check: its kind, with nothing in it as long as there is no result."""
    shown = value if kind is not CheckType.TCP or value is None else bool(value)
    return FrozenDocument.of({"type": kind.name, kind.name.lower(): {} if shown is None else {_MEMBERS[kind]: shown}})


def kind_of(check: CheckInfo | HealthCheck) -> CheckType:
    """What is done to check; its master has seen that it says that."""
    assert check.type is not None
    return check.type
