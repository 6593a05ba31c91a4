"""Slices: long work goes a piece at a time, in the order of who asked for it, and nobody else waits for it."""

from collections.abc import Callable, Iterator

from mesoslite.master.slices import SLICE_SECONDS, STEPS_MAX, Slices


class Desk:
    """Slices whose clock stands still unless a step takes time, and whose next slice is asked for by hand."""

    def __init__(self, step_seconds: float = 0.0) -> None:
        self.now = 0.0
        self.done: list[str] = []
        self.wanted = 0
        self.step_seconds = step_seconds
        self.slices = Slices(lambda: self.now, self._want)

    def take(self, sender: str, name: str, steps: int) -> None:
        """Have so many steps done, which are noted as ``name`` and their number."""
        self.slices.take(sender, self._work(name, steps))

    def advance(self) -> int:
        """Do the slice that is wanted; return how many steps that was."""
        before = len(self.done)
        assert self.wanted == 1, "exactly one slice is asked for while work waits"
        self.wanted = 0
        self.slices.advance()
        return len(self.done) - before

    def finish(self) -> None:
        while self.wanted:
            self.advance()

    def _want(self) -> None:
        self.wanted += 1

    def _work(self, name: str, steps: int) -> Iterator[None]:
        for number in range(steps):
            self.now += self.step_seconds
            self.done.append(f"{name}{number}")
            if number < steps - 1:
                yield


def test_short_work_is_done_at_once_and_asks_for_no_slice() -> None:
    desk = Desk()

    desk.take("a", "x", 1)

    assert (desk.done, desk.wanted) == (["x0"], 0)


def test_the_first_step_is_done_at_once_and_the_rest_in_slices() -> None:
    desk = Desk()

    desk.take("a", "x", 3)
    at_once = list(desk.done)
    desk.advance()

    assert at_once == ["x0"]
    assert (desk.done, desk.wanted) == (["x0", "x1", "x2"], 0)


def test_what_one_asks_for_waits_for_what_it_asked_for_before() -> None:
    desk = Desk()
    desk.take("a", "x", 3)

    desk.take("a", "y", 1)
    before = list(desk.done)
    desk.finish()

    assert before == ["x0"]
    assert desk.done == ["x0", "x1", "x2", "y0"]


def test_others_do_not_wait() -> None:
    desk = Desk()
    desk.take("a", "x", 3)

    desk.take("b", "y", 1)

    assert desk.done == ["x0", "y0"]


def test_who_waited_is_served_at_once_again_when_all_of_it_is_done() -> None:
    desk = Desk()
    desk.take("a", "x", 2)
    desk.take("a", "y", 2)
    desk.finish()

    desk.take("a", "z", 1)

    assert desk.done == ["x0", "x1", "y0", "y1", "z0"]


def test_a_slice_ends_when_its_time_is_over() -> None:
    desk = Desk(step_seconds=SLICE_SECONDS / 3.9)
    desk.take("a", "x", 100)

    assert [desk.advance() for _ in range(3)] == [4, 4, 4]


def test_a_clock_that_stands_still_makes_no_slice_endless() -> None:
    desk = Desk()
    desk.take("a", "x", 10 * STEPS_MAX)

    assert desk.advance() == STEPS_MAX


def test_work_that_asks_for_work_has_it_done_after_itself() -> None:
    desk = Desk()

    def asking(also: Callable[[], None]) -> Iterator[None]:
        yield
        also()
        desk.done.append("asked")

    desk.slices.take("a", asking(lambda: desk.take("a", "x", 1)))
    desk.finish()

    assert desk.done == ["asked", "x0"]


def test_all_whose_work_is_done_together_wait_for_the_end_of_it() -> None:
    desk = Desk()
    desk.slices.put_all(("a", "b"), desk._work("x", 2))

    desk.take("b", "y", 1)
    desk.take("c", "z", 1)
    before = list(desk.done)
    desk.finish()
    desk.take("a", "w", 1)

    assert before == ["z0"]
    assert desk.done == ["z0", "x0", "x1", "y0", "w0"]


def test_whoever_is_held_waits_until_it_is_released() -> None:
    desk = Desk()
    desk.take("b", "x", 3)
    desk.slices.hold("a")

    desk.take("a", "y", 1)
    before = list(desk.done)
    desk.slices.release("a")
    desk.finish()
    desk.take("a", "z", 1)

    assert before == ["x0"]
    assert desk.done == ["x0", "x1", "x2", "y0", "z0"]


def test_while_work_is_done_one_can_see_whether_the_same_sender_has_more() -> None:
    desk = Desk()
    seen: list[bool] = []

    def looking() -> Iterator[None]:
        yield
        seen.append(desk.slices.has_more("a"))

    desk.slices.take("a", looking())
    desk.slices.take("a", looking())
    desk.finish()

    assert seen == [True, False]
