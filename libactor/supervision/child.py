"""Child: what a supervisor is to know of an actor it starts; Backoff; ChildState: what it tells of one."""

# Who calls: users. Frozen values: they are sent to supervisors, and come back from them.
# Every field is checked where it is written, so that no supervisor fails later for a wrong one.

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from libactor._core.values import register_immutable
from libactor.actor import Actor
from libactor.bounds import Bounded, check_bounded
from libactor.pid import PID
from libactor.supervision.restarts import RESTARTS, Restart


@dataclass(frozen=True, slots=True)
class Backoff:
    """Wait before each restart: ``minimum`` seconds first, ``factor`` times as long each time, up to ``maximum``.

    Each delay is varied at random by the share ``jitter`` of it, up or down. A child that was up for ``reset_after``
    seconds before it failed begins with ``minimum`` again.
    """

    minimum: float
    maximum: float
    _: KW_ONLY
    factor: float = 2.0
    jitter: float = 0.1
    reset_after: float = 60.0

    def __post_init__(self) -> None:
        _check_number("Backoff", "minimum", self.minimum)
        _check_number("Backoff", "maximum", self.maximum, self.minimum)
        _check_number("Backoff", "factor", self.factor, 1.0)
        _check_number("Backoff", "jitter", self.jitter, 0.0, 1.0)
        _check_number("Backoff", "reset_after", self.reset_after, 0.0, math.inf)


@dataclass(frozen=True, slots=True)
class Child:
    """How a supervisor starts an actor, starts it anew and stops it.

    ``start`` makes the actor, anew for each start: its class, or a function without arguments. ``id`` names the child
    in its supervisor, and is the id of the actor in its runtime, whatever id the actor gives itself.

    ``restart``: "permanent" children are started again whenever they end, "transient" ones if they ended with a reason,
    "temporary" ones never. ``intensity``: the restarts allowed within ``period`` seconds; one more, and the supervisor
    gives up. ``backoff``: how long to wait before each; left out, not at all. ``shutdown``: the seconds the actor has
    to stop when it is asked to; ``math.inf``: as long as it takes. ``mailbox``: its bound; left out, that of its class.

    Raises: TypeError or ValueError, which names the field, what it got and what was expected.
    """

    start: Callable[[], Actor]
    id: str
    _: KW_ONLY
    restart: Restart = "permanent"
    shutdown: float = 5.0
    intensity: int = 3
    period: float = 5.0
    backoff: Backoff | None = None
    mailbox: Bounded | None = None

    def __post_init__(self) -> None:
        _check_start(self.start)
        if not isinstance(self.id, str):
            raise TypeError(f"Child: id got {self.id!r}, expected text")
        if not self.id or "@" in self.id or "/" in self.id:
            raise ValueError(f"Child: id got {self.id!r}, expected text without '@' and '/'")
        if self.restart not in RESTARTS:
            raise ValueError(f"Child: restart got {self.restart!r}, expected one of {', '.join(RESTARTS)}")
        _check_number("Child", "shutdown", self.shutdown, 0.0, math.inf)
        _check_count("Child", "intensity", self.intensity)
        _check_number("Child", "period", self.period)
        check_bounded(self.mailbox, "Child")
        if self.backoff is not None and not isinstance(self.backoff, Backoff):
            raise TypeError(f"Child: backoff got {self.backoff!r}, expected a Backoff, or None")


@dataclass(frozen=True, slots=True)
class ChildState:
    """One child of a supervisor at the moment it was asked: ``Supervisor.children``."""

    id: str
    state: Literal["starting", "running", "stopping", "waiting", "stopped"]  # waiting: to be started, and not yet
    pid: PID[Any] | None  # None before its first start
    restart: Restart
    restarts: int  # so far
    reason: BaseException | None  # what ended it last; None if nothing did, or if it was terminated


register_immutable(Child)  # `start` is called in the supervisor only


def _check_start(start: Any) -> None:
    if isinstance(start, Actor):
        raise TypeError(
            f"Child: start got the actor {start!r}, which can be started once; expected its class, or a function that "
            "makes one"
        )
    if not callable(start):
        raise TypeError(f"Child: start got {start!r}, expected an actor's class, or a function that makes an actor")
    if inspect.iscoroutinefunction(start):
        raise TypeError(f"Child: start got the coroutine function {start!r}, expected a plain one; wait in on_start")


def _check_count(owner: str, field: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{owner}: {field} got {value!r}, expected a whole number")
    if value < 0:
        raise ValueError(f"{owner}: {field} got {value!r}, expected 0 or more")


def check_seconds(owner: str, field: str, value: Any) -> None:
    """Raise TypeError or ValueError for what is no number of seconds of 0 or more."""
    _check_number(owner, field, value, 0.0, math.inf)


def _check_number(owner: str, field: str, value: Any, lowest: float = 0.0, highest: float = 1e12) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"{owner}: {field} got {value!r}, expected a number")
    if not lowest <= value <= highest:  # catches NaN as well
        bound = f"{lowest:g} or more" if highest >= 1e12 else f"{lowest:g} to {highest:g}"
        raise ValueError(f"{owner}: {field} got {value!r}, expected {bound}")
