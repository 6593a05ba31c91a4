"""Who is in charge: one worker, and the charge is never taken from one that sleeps. Queue tests run for both cores.

Two workers that sleep in epoll take the rings of each other's bell; then one of them sleeps for ever.
"""

import threading
from types import SimpleNamespace

import pytest

import libactor as la
from libactor._core.clock import Clock
from libactor.worker import Workers, _Spare

LIMIT = 30  # seconds; a bound on failure


@pytest.fixture
def queue(core):
    return core.RunQueue()


@pytest.fixture
def in_charge(core, queue, start):
    """A function that has a thread take charge and call ``function`` inside a turn; it returns what waits for its end,
    which is the outcome of its next work."""

    def serve(function):
        def work():
            queue.enter()
            number = queue.take_charge()
            queue.wake()
            assert queue.work(number, -1) == core.LOOK
            queue.run_watched(function)
            queue.wake()
            return queue.work(number, -1)

        return start(work)

    return serve


def test_who_is_in_charge_hands_over_what_it_has(core, queue, in_charge):
    numbers = []

    assert in_charge(lambda: numbers.append(queue.hand_over()))() == core.OVERTAKEN

    assert numbers == [2]
    assert queue.take_charge() == 3


# Goal: who is overtaken just before it hands over takes nothing from the next one, who may be asleep by now.
def test_who_was_overtaken_has_nothing_to_hand_over(core, queue, in_charge):
    numbers = []

    def overtaken():
        queue.take_charge()
        numbers.append(queue.hand_over())

    assert in_charge(overtaken)() == core.OVERTAKEN

    assert numbers == [0]
    assert queue.take_charge() == 3


def test_a_thread_that_is_no_worker_has_nothing_to_hand_over(queue):
    before = queue.take_charge()

    assert queue.hand_over() == 0
    assert queue.take_charge() == before + 1


def test_nobody_succeeds_where_nothing_is_queued_or_somebody_will_run_it(queue):
    assert queue.succeed() == 0
    queue.push("nobody has come yet")
    number = queue.succeed()

    assert number == 1
    assert queue.succeed() == 0  # the one who has it just now


def test_somebody_succeeds_who_is_inside_a_turn(core, queue, in_charge):
    numbers = []

    def turn():
        numbers.append(queue.succeed())
        queue.push("waits")
        numbers.append(queue.succeed())

    assert in_charge(turn)() == core.OVERTAKEN

    assert numbers == [0, 2]


def test_nobody_succeeds_who_was_asleep_and_has_not_come_to_what_woke_it(queue, start):
    queue.enter()
    sleeper = start(lambda: queue.work(queue.take_charge(), -1))
    assert queue.wait_idle(LIMIT)

    queue.push("no actor, which is an error for whoever runs it")

    assert queue.succeed() == 0
    with pytest.raises((TypeError, AttributeError)):
        sleeper()


def test_somebody_succeeds_who_has_left(core, queue):
    number = queue.take_charge()
    queue.enter()
    queue.close()
    assert queue.work(number, -1) == core.OVER
    queue.push("late")

    assert queue.succeed() == number + 1


def test_who_was_overtaken_and_leaves_makes_no_vacancy(core, queue):
    number = queue.take_charge()
    queue.take_charge()
    queue.enter()
    queue.close()
    assert queue.work(number, -1) == core.OVERTAKEN
    queue.push("of the one in charge")

    assert queue.succeed() == 0


# Goal: a worker that was overtaken in the turn it was woken for makes no other. Method: the turn takes charge itself;
# in C a worker that wakes looks around first.
def test_a_worker_that_is_overtaken_in_the_turn_it_was_woken_for_stops(load_core, start):
    core = load_core("python")
    queue, turns = core.RunQueue(), []

    def item(name, run):
        return SimpleNamespace(_leave_queue=lambda: None, run_turn=lambda: turns.append(name) or run())

    queue.enter()
    worker = start(lambda: queue.work(queue.take_charge(), -1))
    assert queue.wait_idle(LIMIT)

    def overtaken():
        queue.take_charge()
        queue.push(item("second", lambda: None))

    queue.push(item("first", overtaken))

    assert worker() == core.OVERTAKEN
    assert turns == ["first"]
    assert len(queue) == 1


# Goal: a handler that begins to wait while the watch takes its charge calls nobody else to it. Method: a queue that is
# overtaken between the question and the taking.
def test_a_wait_of_who_was_overtaken_puts_nobody_in_charge():
    entered = []
    queue = SimpleNamespace(
        is_in_charge=lambda: True,
        hand_over=lambda: 0,
        enter=lambda: entered.append(1),
        leave=entered.pop,
    )
    workers, spare = Workers("played", queue, Clock(lambda: None, lambda _: True)), _Spare()
    workers._spares.append(spare)
    entered.append(1)

    with workers.blocking() as absence:
        absence.leave()
        assert spare.gate.acquire(False)
        assert spare.number == 0  # it is to look around, and stands by again
        assert entered == []

    assert entered == [1]


# Goal: the end of a runtime loses no worker, however often the charge has changed hands. Method: handlers block in
# turn, and let go of one another while it ends.
@pytest.mark.parametrize("round", range(20))
def test_a_runtime_whose_handlers_are_overtaken_ends(round):
    gates = [threading.Event() for _ in range(4)]
    with la.Runtime() as runtime:
        assert runtime.poller is not None  # so that workers sleep in epoll
        held = [la.execute(la.spawn(la.Actor()), lambda gate=gate: gate.wait(LIMIT)) for gate in gates]
        for gate in gates:
            la.execute(la.spawn(la.Actor()), gate.set)
        assert la.collect(held).get(LIMIT) == [True] * len(gates)

    assert runtime.workers.threads == 0
