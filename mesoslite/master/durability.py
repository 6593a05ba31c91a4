"""Durability: the master asks for a change of the registry, and goes on once it is durable."""

# Who calls: registration.py and removal.py, inside the master actor.
# Invariants: 1. ``then`` runs in the master, after the store, in the order of the asking; nobody waits for it.
#   2. after a registrar that failed nothing runs any more: the master is linked to it and ends with it.
#   3. what goes wrong in ``then`` ends the master, ahead of all that waits for it: its books would not be those of the
#   registry any more. Of what was asked for beside it nothing is done: it is stored, and the next master does it; who
#   asked hears that this one has ended.    4. so does a refusal of what follows from the books alone: they, too, are
#   not those of the registry.
# What is asked for in one step of the master, or in steps that follow each other closely, goes together: of thousands
#   of agents that come back, a question and an answer for each took more time than to decide what each comes to.
# Source: Mesos src/master/master.cpp (registrar->apply(...).onAny(defer(self(), ...)), CHECK(registrarResult.get())).

from __future__ import annotations

import logging
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import libactor as la
from mesoslite.model import InvalidRequest, RegistrarPort, RegistryFailed, RegistryRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model.registry import RegistryOperation

log = logging.getLogger("mesoslite.master")


ASKED_AT_ONCE = 64  # operations; what is done when they are durable is one step, of a third of a millisecond


T = TypeVar("T")


class _Asked(NamedTuple):
    """A change that is asked for, and what to do then: with ``item``, and those of its neighbours, if ``together``."""

    operation: RegistryOperation
    then: Callable[..., object]
    refused: Callable[..., object] | None
    together: bool = False
    item: object = None


class Durability:
    """The line to the registrar; ``end(reason)`` ends the master."""

    def __init__(self, registrar: la.PID[RegistrarPort], end: Callable[[BaseException], None]) -> None:
        self._registrar = registrar
        self._end = end
        self._waiting: list[_Asked] = []  # for the step in which the registrar is asked
        self._is_over = False

    def apply(
        self,
        operation: RegistryOperation,
        then: Callable[[], object],
        refused: Callable[[Exception], object] | None = None,
    ) -> None:
        """Change the registry, then call ``then``, or ``refused`` if it does not fit what is there.

        Without ``refused`` it must fit, as long as the books are true. What does not, and an error of any other sort,
        ends the master: nobody knows what is left undone; the next one begins with what the registry has.
        """
        self._wait(_Asked(operation, then, refused))

    def together(
        self, then: Callable[[list[T]], object], refused: Callable[[T, Exception], object]
    ) -> Callable[[RegistryOperation, T], None]:
        """Return what changes the registry as ``apply`` does, for an item each time.

        ``then`` is called once with the items of several changes that are durable together, ``refused`` with each that
        is refused.
        """

        def apply(operation: RegistryOperation, item: T) -> None:
            self._wait(_Asked(operation, then, refused, True, item))

        return apply

    def _wait(self, asked: _Asked) -> None:
        self._waiting.append(asked)
        if len(self._waiting) == 1:
            la.defer(self._ask)()

    def _ask(self) -> None:
        waiting, self._waiting = self._waiting, []
        for first in range(0, len(waiting), ASKED_AT_ONCE):
            self._ask_some(waiting[first : first + ASKED_AT_ONCE])

    def _ask_some(self, some: list[_Asked]) -> None:
        operations = tuple([asked.operation for asked in some])
        answers: la.Future[Any] = la.dispatch(self._registrar, RegistrarPort.apply_all, operations)
        # Not a partial: what that binds would be taken by value, with all the tasks of an agent.
        answers.on_any(la.defer(lambda future: self._answered(some, future)))

    def _answered(self, some: list[_Asked], future: la.Future[tuple[bool | Exception, ...]]) -> None:
        error = future.exception()
        if error is None:
            for then, run in groupby(zip(some, future.get(), strict=True), _joint):
                if then is not None:
                    self._step(partial(then, [asked.item for asked, _ in run]))
                    continue
                for asked, answer in run:
                    self._go_on(asked, answer)
        elif not isinstance(error, RegistryFailed):  # with that the registrar ends itself
            self._fail(error)

    def _go_on(self, asked: _Asked, answer: bool | Exception) -> None:
        if self._is_over:
            return
        if not isinstance(answer, Exception):
            self._step(asked.then)
        elif asked.refused is not None and isinstance(answer, (RegistryRefused, InvalidRequest)):
            log.error("the registry refuses %s: %s", type(asked.operation).__name__, answer)
            refused = partial(asked.refused, asked.item) if asked.together else asked.refused
            self._step(partial(refused, answer))
        else:
            self._fail(answer)

    def _step(self, step: Callable[[], object]) -> None:
        try:
            if not self._is_over:
                step()
        except Exception as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._is_over = True
        self._end(error)


def _joint(pair: tuple[_Asked, bool | Exception]) -> Callable[[list[Any]], object] | None:
    """What is to be called with the items of several changes, None for one that goes by itself, or is refused."""
    asked, answer = pair
    return asked.then if asked.together and not isinstance(answer, Exception) else None
