"""A thread that waits for a fresh actor runs it, if the actors of its class were quick so far, and only then."""

# The runtime here has no workers, so that what runs an actor is the test itself (run_turn) or a thread that helps.

import threading

import pytest

import libactor as la
from libactor._core._actor import KIND_QUICK
from libactor.worker import Workers

LIMIT = 30
SHORT = 0.02  # seconds until a thread that does not help gives up
SLOW = 0.005  # longer than a turn may take


@pytest.fixture
def workless(monkeypatch):
    monkeypatch.setattr(Workers, "start", lambda workers: None)
    with la.Runtime() as runtime:
        yield runtime


@pytest.fixture
def mayfly():
    """A class of actors of which none has ended yet; ``slow`` says whether they take their time to stop."""

    class Mayfly(la.Actor):
        slow = False
        lives: list[str] = []

        def on_start(self):
            self.lives.append("start")

        def on_stop(self):
            self.lives.append("stop")
            if self.slow:
                threading.Event().wait(SLOW)

        def name(self):
            return "mayfly"

    return Mayfly


def ended(actor):
    pid = la.spawn(actor)
    la.terminate(pid)
    assert pid._process.run_turn()
    return pid


def recommend(kind):
    for _ in range(KIND_QUICK):
        ended(kind())
    kind.lives.clear()


def is_helped(start, actor):
    """Whether a thread that waits for the end of ``actor`` brings it about."""
    pid = la.spawn(actor)
    la.terminate(pid)
    helped = start(lambda: la.wait(pid, SHORT))()
    pid._process.run_turn()
    return helped


def test_a_fresh_actor_of_a_quick_class_is_helped_through_its_whole_life(workless, start, mayfly):
    recommend(mayfly)
    pid = la.spawn(mayfly())
    la.terminate(pid)

    assert start(lambda: la.wait(pid, LIMIT))()
    assert mayfly.lives == ["start", "stop"]


def test_a_fresh_actor_of_a_quick_class_is_helped_to_its_answer(workless, start, mayfly):
    recommend(mayfly)
    pid = la.spawn(mayfly())

    assert start(lambda: la.dispatch(pid, mayfly.name).get(LIMIT))() == "mayfly"
    la.terminate(pid)
    pid._process.run_turn()


@pytest.mark.real
def test_the_first_actors_of_a_class_are_not_helped(workless, start, mayfly):
    for _ in range(KIND_QUICK - 1):
        ended(mayfly())

    assert not is_helped(start, mayfly())


@pytest.mark.real
def test_one_slow_end_takes_the_whole_class_its_help(workless, start, mayfly):
    recommend(mayfly)
    tardy = mayfly()
    tardy.slow = True
    ended(tardy)

    assert not is_helped(start, mayfly())


@pytest.mark.real
def test_a_subclass_has_to_earn_its_help_itself(workless, start, mayfly):
    recommend(mayfly)

    class Heir(mayfly):
        pass

    assert not is_helped(start, Heir())
