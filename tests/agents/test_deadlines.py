"""Deadlines of many things hang on one timer, and each is due at its time."""

import pytest

from mesoslite.agent.deadlines import Deadlines


class Ring:
    """A timer that rings by hand."""

    def __init__(self, at_ns: int) -> None:
        self.at_ns = at_ns
        self.pending = True

    def cancel(self) -> bool:
        self.pending = False
        return True


class Desk:
    """Deadlines, a clock that is set by hand, and the timers that were ever asked for."""

    def __init__(self) -> None:
        self.now_ns = 5
        self.rings: list[Ring] = []
        self.deadlines: Deadlines[str] = Deadlines(lambda: self.now_ns, self._ring_later)

    def pending(self) -> list[int]:
        return [ring.at_ns for ring in self.rings if ring.pending]

    def go_to(self, now_ns: int) -> list[str]:
        """Ring once the clock is there; what is due."""
        self.now_ns = now_ns
        return self.deadlines.take_due()

    def _ring_later(self, seconds: float) -> Ring:
        self.rings.append(Ring(self.now_ns + round(seconds * 1e9)))
        return self.rings[-1]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_things_are_due_in_the_order_of_their_times_and_then_of_their_coming(desk: Desk) -> None:
    for key, seconds in (("c", 2), ("a", 1), ("d", 2), ("b", 1)):
        desk.deadlines.set(key, seconds)

    assert desk.go_to(10**9 + 4) == []
    assert desk.go_to(10**9 + 5) == ["a", "b"]
    assert desk.go_to(2 * 10**9 + 5) == ["c", "d"]
    assert desk.go_to(3 * 10**9) == []


def test_one_timer_rings_for_the_earliest(desk: Desk) -> None:
    desk.deadlines.set("late", 2)
    desk.deadlines.set("early", 1)
    desk.deadlines.set("later", 3)

    assert desk.pending() == [10**9 + 5]
    desk.go_to(10**9 + 5)
    assert desk.pending() == [2 * 10**9 + 5]


def test_what_was_dropped_or_set_anew_is_not_due_at_its_former_time(desk: Desk) -> None:
    desk.deadlines.set("dropped", 1)
    desk.deadlines.set("moved", 1)
    desk.deadlines.drop("dropped")
    desk.deadlines.set("moved", 2)

    assert desk.go_to(10**9 + 5) == []
    assert desk.go_to(2 * 10**9 + 5) == ["moved"]
    assert desk.pending() == []


def test_nothing_rings_once_all_are_cleared(desk: Desk) -> None:
    desk.deadlines.set("a", 1)

    desk.deadlines.clear()

    assert desk.pending() == []
    assert desk.go_to(10**9 + 5) == []


def test_a_ring_that_comes_late_leaves_one_timer(desk: Desk) -> None:
    desk.deadlines.set("a", 1)
    desk.deadlines.clear()
    desk.deadlines.set("b", 1)

    desk.go_to(10)

    assert desk.pending() == [10**9 + 5]


def test_what_waits_longer_and_came_first_is_due_in_its_order_as_well(desk: Desk) -> None:
    desk.deadlines.set("long", 3)
    desk.go_to(10**9 + 5)
    desk.deadlines.set("short", 2)
    desk.deadlines.set("shorter", 1)

    assert desk.pending() == [2 * 10**9 + 5]
    assert desk.go_to(10 * 10**9) == ["shorter", "long", "short"]
    assert desk.pending() == []


def test_what_is_over_is_not_kept(desk: Desk) -> None:
    desk.deadlines.set("stays", 1)
    for number in range(100):
        desk.deadlines.set(str(number), 1)
        desk.deadlines.set(str(number), 2)
        desk.deadlines.drop(str(number))

    assert sum(map(len, desk.deadlines._queues.values())) == 1
    assert desk.go_to(10**9 + 5) == ["stays"]
