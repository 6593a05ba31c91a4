"""Durability: how a master asks for changes of the registry, and goes on."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

import libactor as la
from mesoslite.master.durability import ASKED_AT_ONCE, Durability
from mesoslite.model import AgentID, RegistryRefused
from mesoslite.model.registry import RegistryOperation, RemoveAgent


class FakeRegistrar(la.Actor):
    """Records what it is asked for together; refuses agents with odd numbers, and is confused by the number 13."""

    def __init__(self) -> None:
        super().__init__("registrar")
        self.asked: list[int] = []

    def apply_all(self, operations: tuple[RegistryOperation, ...]) -> tuple[Any, ...]:
        self.asked.append(len(operations))
        return tuple(
            [self._answer(int(operation.id)) for operation in operations if isinstance(operation, RemoveAgent)]
        )

    def _answer(self, number: int) -> bool | Exception:
        if number == 13:
            return ZeroDivisionError("13")
        return RegistryRefused(str(number)) if number % 2 else True


class Asker(la.Actor):
    """Stands for a master; ``told`` is what it was told of each number, in order, ``ended`` by what it would end."""

    def __init__(self, registrar: la.PID[Any]) -> None:
        super().__init__("asker")
        self.told: list[int | str] = []
        self.ended: list[BaseException] = []
        self._durability = Durability(registrar, self.ended.append)

    def ask(self, *numbers: int) -> None:
        for number in numbers:
            self._ask(number)

    def _ask(self, number: int) -> None:
        self._durability.apply(
            RemoveAgent(AgentID(str(number))),
            lambda: self.told.append(number),
            lambda error: self.told.append(f"refused {error}"),
        )

    def ask_surely(self, *numbers: int) -> None:
        for number in numbers:
            self._durability.apply(RemoveAgent(AgentID(str(number))), partial(self.told.append, number))

    def ask_wrongly(self) -> None:
        self._durability.apply(RemoveAgent(AgentID("0")), lambda: 1 // 0, lambda error: None)
        self._ask(2)


class Stand:
    """Both of them, in a runtime that is at rest."""

    def __init__(self, runtime: la.Runtime) -> None:
        self.clock = runtime.clock
        self.clock.pause()
        self.registrar = FakeRegistrar()
        self.asker = Asker(runtime.spawn(self.registrar))
        self._pid = runtime.spawn(self.asker)

    def ask(self, *numbers: int) -> None:
        la.tell(self._pid, Asker.ask, *numbers)
        self.clock.settle()

    def ask_surely(self, *numbers: int) -> None:
        la.tell(self._pid, Asker.ask_surely, *numbers)
        self.clock.settle()

    def ask_wrongly(self) -> None:
        la.tell(self._pid, Asker.ask_wrongly)
        self.clock.settle()


@pytest.fixture
def stand() -> Iterator[Stand]:
    with la.Runtime() as runtime:
        yield Stand(runtime)


def test_what_is_asked_in_one_step_goes_together_and_comes_back_in_order(stand: Stand) -> None:
    stand.ask(2, 3, 4)
    stand.ask(6)

    assert stand.registrar.asked == [3, 1]
    assert stand.asker.told == [2, "refused 3", 4, 6]


def test_so_many_go_together_that_what_follows_is_short(stand: Stand) -> None:
    numbers = range(0, 4 * ASKED_AT_ONCE + 2, 2)
    stand.ask(*numbers)

    assert stand.registrar.asked == [ASKED_AT_ONCE, ASKED_AT_ONCE, 1]
    assert stand.asker.told == list(numbers)


def test_an_answer_that_nobody_expects_ends_the_master(stand: Stand) -> None:
    stand.ask(2, 13)

    assert stand.asker.told == [2]
    assert [type(error) for error in stand.asker.ended] == [ZeroDivisionError]


# What is left of its books is none to go on with; the registry has what was asked for, so the next master does it.
def test_what_goes_wrong_afterwards_ends_the_master_and_nothing_is_done_behind_it(stand: Stand) -> None:
    stand.ask_wrongly()
    stand.ask(4)

    assert [type(error) for error in stand.asker.ended] == [ZeroDivisionError]
    assert stand.asker.told == []


def test_a_refusal_of_what_must_fit_ends_the_master(stand: Stand) -> None:
    stand.ask_surely(2, 3, 4)

    assert [str(error) for error in stand.asker.ended] == ["3"]
    assert stand.asker.told == [2]
