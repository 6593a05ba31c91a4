"""A thread that waits for a fresh actor runs it, if the actors of its class were quick so far, and only then."""

# The runtime here has no workers, so that what runs an actor is the test itself (run_turn) or a thread that helps. That
#   is a matter of milliseconds of the clock, which goes on while another process has the processor: what must be helped
#   is asked for three times, and must be helped most of them.

import threading
import time

import pytest

import libactor as la
from libactor._core._actor import KIND_QUICK
from libactor.worker import Workers

LONG = 11  # with less than ten seconds left nobody helps
SHORT = 0.02  # seconds until a thread that does not help gives up
SLOW = 0.005  # longer than a turn of a quick actor may take
QUICK = 0.002  # and what it may take


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


def end(pid):
    """Run all of a life, in as many turns as it takes: one is over after a millisecond, also where another process had
    the processor meanwhile."""
    la.terminate(pid)
    while pid._process.stopped.is_pending():
        assert pid._process.run_turn()


def recommend(kind):
    """End KIND_QUICK actors in a row of which each was quick."""
    quick = 0
    while quick < KIND_QUICK:
        pid = la.spawn(kind())
        begun = time.monotonic()
        end(pid)
        quick = quick + 1 if time.monotonic() - begun < QUICK else 0
    kind.lives.clear()


def is_helped(start, actor, timeout=SHORT):
    """Whether a thread that waits for the end of ``actor`` brings it about; ended it is in any case."""
    pid = la.spawn(actor)
    la.terminate(pid)
    helped = start(lambda: la.wait(pid, timeout))()
    if not helped:
        end(pid)
    return helped


def name_of(start, actor):
    """What ``actor`` answers to a thread that asks it, or None if it has to wait for somebody else."""
    pid = la.spawn(actor)

    def ask():
        try:
            return la.dispatch(pid, type(actor).name).get(LONG)
        except TimeoutError:
            return None

    name = start(ask)()
    end(pid)
    return name


def test_a_fresh_actor_of_a_quick_class_is_helped_through_its_whole_life(workless, start, mayfly):
    lives = []
    for _ in range(3):
        recommend(mayfly)
        lives.append((is_helped(start, mayfly(), LONG), *mayfly.lives))

    assert lives.count((True, "start", "stop")) >= 2


def test_a_fresh_actor_of_a_quick_class_is_helped_to_its_answer(workless, start, mayfly):
    names = []
    for _ in range(3):
        recommend(mayfly)
        names.append(name_of(start, mayfly()))

    assert names.count("mayfly") >= 2


@pytest.mark.real
def test_the_first_actors_of_a_class_are_not_helped(workless, start, mayfly):
    for _ in range(KIND_QUICK - 1):
        end(la.spawn(mayfly()))

    assert not is_helped(start, mayfly())


@pytest.mark.real
def test_one_slow_end_takes_the_whole_class_its_help(workless, start, mayfly):
    recommend(mayfly)
    tardy = mayfly()
    tardy.slow = True
    end(la.spawn(tardy))

    assert not is_helped(start, mayfly())


@pytest.mark.real
def test_a_subclass_has_to_earn_its_help_itself(workless, start, mayfly):
    recommend(mayfly)

    class Heir(mayfly):
        pass

    assert not is_helped(start, Heir())
