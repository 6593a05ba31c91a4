"""What all primitives have in common: they cross by reference, and whatever runs in between does not upset them."""

import gc
import logging

import pytest

import libactor as la

LIMIT = 30

MAKERS = {
    "Queue": la.Queue,
    "Mutex": la.Mutex,
    "ReadWriteLock": la.ReadWriteLock,
    "Semaphore": la.Semaphore,
    "Latch": la.Latch,
    "CountDownLatch": la.CountDownLatch,
    "Sequence": la.Sequence,
    "RateLimiter": lambda: la.RateLimiter(1),
    "StateMachine": lambda: la.StateMachine(0),
}


class Keeper(la.Actor):
    def is_it(self, primitive, number):
        return id(primitive) == number

    def give(self, primitive):
        return primitive

    def wait_in_turn(self, mutex, queue):
        return mutex.lock().then(lambda _: queue.get()).on_any(lambda _: mutex.unlock())


@pytest.fixture(params=MAKERS)
def primitive(request, runtime):
    return MAKERS[request.param]()


def test_it_crosses_by_reference_also_inside_of_something_and_back(runtime, primitive):
    pid = la.spawn(Keeper())

    assert la.dispatch(pid, Keeper.is_it, primitive, id(primitive)).get(LIMIT)
    assert la.dispatch(pid, Keeper.give, {"it": [primitive]}).get(LIMIT)["it"][0] is primitive


def test_debug_mode_warns_that_it_stays_in_this_process_and_lets_it_pass(caplog):
    with la.Runtime(debug=True), caplog.at_level(logging.WARNING, "libactor.values"):
        for make in MAKERS.values():
            pid, primitive = la.spawn(Keeper()), make()
            assert la.dispatch(pid, Keeper.give, primitive).get(LIMIT) is primitive

    assert caplog.records
    assert {record.getMessage().partition("; ")[2] for record in caplog.records} == {
        "it goes by reference, which works inside one process only"
    }


def test_debug_mode_finds_no_fault_with_what_goes_through_a_queue(caplog):
    with la.Runtime(debug=True), caplog.at_level(logging.WARNING, "libactor.values"):
        queue = la.Queue()
        for element in ([1, {"a": 2}], la.move([3]), la.move(la.Owned([4]))):
            queue.put(element)
        got = [queue.get() for _ in range(3)]

        assert [future.get(0) for future in got] == [[1, {"a": 2}], [3], [4]]

    assert caplog.records == []


def test_actors_wait_for_one_another(runtime):
    mutex, queue = la.Mutex(), la.Queue()
    asked = [la.dispatch(la.spawn(Keeper()), Keeper.wait_in_turn, mutex, queue) for _ in range(5)]

    for n in range(5):
        queue.put(n)

    assert sorted(la.collect(asked).get(LIMIT)) == list(range(5))
    assert mutex.lock().get(LIMIT) is None


# Goal: a finalizer may use a primitive while the same thread is inside one of its sections. Method: garbage in cycles
# whose finalizers use it, collected all the time; nothing is lost, nothing comes twice.
def test_a_finalizer_may_use_what_the_thread_is_just_using(count):
    queue, mutex, semaphore, rwlock = la.Queue(), la.Mutex(), la.Semaphore(2), la.ReadWriteLock()
    rounds, got, finalized = count(2_000) + 200, [], []

    def use(n):
        queue.put(n)
        mutex.lock().on_ready(lambda _: mutex.unlock())
        semaphore.acquire().on_ready(lambda _: semaphore.release())
        semaphore.acquire().on_ready(lambda _: semaphore.release()).discard()
        rwlock.write_lock().on_ready(lambda _: rwlock.write_unlock())
        rwlock.read_lock().on_ready(lambda _: rwlock.read_unlock())
        got.append(queue.get())

    class Garbage:
        def __init__(self, n):
            self.n, self.me = n, self

        def __del__(self):
            finalized.append(self.n)
            use(self.n)

    before = gc.get_threshold()
    gc.set_threshold(5, 1, 1)
    try:
        for n in range(rounds):
            Garbage(n)
            use(-1)
    finally:
        gc.set_threshold(*before)
    gc.collect()

    assert repr(mutex) == "<Mutex unlocked, 0 waiting>"
    assert repr(semaphore) == "<Semaphore, 2 of 2 free, 0 waiting>"
    assert repr(rwlock) == "<ReadWriteLock, 0 reading, 0 waiting>"
    assert sorted(future.get(0) for future in got) == [-1] * rounds + list(range(rounds))
    assert sorted(finalized) == list(range(rounds))


# Goal: no lock that a thread holds at the fork stops the child. Method: fork again and again beside a thread that holds
# one most of the time; a child that is stopped is ended by its alarm.
@pytest.mark.real
def test_a_child_of_a_fork_can_use_them_although_a_thread_was_inside_one(program):
    out = program(
        """
        import os, signal, sys, threading, warnings
        import libactor as la

        warnings.simplefilter("ignore")  # Python warns of every fork beside threads
        sys.setswitchinterval(1e-6)
        queue, stop = la.Queue(), threading.Event()

        def use():
            while not stop.is_set():
                queue.put(1)
                queue.get().get()

        thread = threading.Thread(target=use)
        thread.start()
        for _ in range(100):
            child = os.fork()
            if child == 0:
                signal.alarm(10)
                queue.put(2)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
        thread.join()
        print("done")
        """
    )

    assert out == "done\n"
