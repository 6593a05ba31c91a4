"""ReadWriteLock: many readers or one writer, in the order of asking, and nobody waits for ever."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

import libactor as la

LIMIT = 30


@pytest.fixture
def rwlock():
    return la.ReadWriteLock()


def states(futures):
    return "".join("r" if future.is_ready() else "." for future in futures)


# LP ReadWriteLockTest.LockWhenUnlocked
def test_an_unlocked_one_is_locked_at_once_either_way(rwlock):
    assert rwlock.write_lock().is_ready()
    rwlock.write_unlock()
    assert rwlock.read_lock().is_ready()
    rwlock.read_unlock()

    assert rwlock.write_lock().is_ready()


# LP ReadWriteLockTest.BlockReads
def test_readers_wait_for_a_writer(rwlock):
    rwlock.write_lock()
    reader = rwlock.read_lock()

    assert reader.is_pending()
    rwlock.write_unlock()

    assert reader.is_ready()


# LP ReadWriteLockTest.BlockWrites
def test_a_writer_waits_for_a_writer_and_for_readers(rwlock):
    rwlock.write_lock()
    writer = rwlock.write_lock()
    assert writer.is_pending()
    rwlock.write_unlock()
    assert writer.is_ready()
    rwlock.write_unlock()

    rwlock.read_lock()
    writer = rwlock.write_lock()
    assert writer.is_pending()
    rwlock.read_unlock()

    assert writer.is_ready()


# LP ReadWriteLockTest.ConcurrentReads
def test_readers_read_at_the_same_time_and_the_last_one_lets_the_writer_in(rwlock):
    readers = [rwlock.read_lock() for _ in range(3)]
    writer = rwlock.write_lock()

    assert states(readers) == "rrr"
    for _ in range(2):
        rwlock.read_unlock()
        assert writer.is_pending()
    rwlock.read_unlock()

    assert writer.is_ready()


# LP ReadWriteLockTest.NoStarvation
def test_a_reader_that_comes_after_a_writer_that_waits_waits_behind_it(rwlock):
    rwlock.read_lock()
    writer, late = rwlock.write_lock(), rwlock.read_lock()

    assert late.is_pending()
    rwlock.read_unlock()
    assert states([writer, late]) == "r."
    rwlock.write_unlock()

    assert late.is_ready()


def test_after_a_writer_all_readers_up_to_the_next_writer_are_let_in_together(rwlock):
    rwlock.write_lock()
    futures = [rwlock.read_lock(), rwlock.read_lock(), rwlock.write_lock(), rwlock.read_lock(), rwlock.read_lock()]

    rwlock.write_unlock()
    assert states(futures) == "rr..."
    rwlock.read_unlock()
    assert states(futures) == "rr..."
    rwlock.read_unlock()
    assert states(futures) == "rrr.."
    rwlock.write_unlock()

    assert states(futures) == "rrrrr"


def test_one_who_asked_for_a_discard_is_let_in_all_the_same(rwlock):
    rwlock.write_lock()
    given_up, behind = rwlock.write_lock(), rwlock.read_lock()

    given_up.discard()
    rwlock.write_unlock()

    assert states([given_up, behind]) == "r."
    rwlock.write_unlock()
    assert behind.is_ready()


def test_an_error_in_a_callback_of_one_keeps_no_other_out(rwlock):
    rwlock.write_lock()
    first, second = rwlock.read_lock(), rwlock.read_lock()

    def interrupt(_):
        raise KeyboardInterrupt

    first.on_ready(interrupt)
    with pytest.raises(KeyboardInterrupt):
        rwlock.write_unlock()

    assert second.is_ready()


class Model:
    """Who is in and who waits, as lists of (writes, future)."""

    def __init__(self):
        self.inside, self.line = [], []

    def ask(self, writes, future):
        self.line.append((writes, future))
        self.admit()

    def leave(self, writes):
        self.inside.remove(next(entry for entry in self.inside if entry[0] == writes))
        self.admit()

    def admit(self):
        while self.line and not any(writes for writes, _ in self.inside) and not (self.line[0][0] and self.inside):
            self.inside.append(self.line.pop(0))

    def has(self, writes):
        return any(entry[0] == writes for entry in self.inside)


STEPS = st.sampled_from(["read", "write", "read_unlock", "write_unlock"])


# Goal: exclusion, order and batches for any history. Method: the model lets in from the front of a list who may.
@given(st.lists(st.one_of(STEPS, st.integers(0, 9)), max_size=50))
def test_it_behaves_as_the_model_does(history):
    rwlock, model, futures = la.ReadWriteLock(), Model(), []
    for step in history:
        if isinstance(step, int):
            if step < len(futures):
                futures[step].discard()
        elif step in ("read", "write"):
            futures.append(rwlock.read_lock() if step == "read" else rwlock.write_lock())
            model.ask(step == "write", futures[-1])
        elif model.has(step == "write_unlock"):
            getattr(rwlock, step)()
            model.leave(step == "write_unlock")
        else:
            with pytest.raises(RuntimeError, match=step):
                getattr(rwlock, step)()

        assert [future for future in futures if future.is_pending()] == [future for _, future in model.line]


def test_threads_never_write_beside_anybody(count, together, rwlock):
    rounds, inside, met = count(1_000) // 4, [], []

    def read():
        for _ in range(rounds):
            rwlock.read_lock().get(LIMIT)
            inside.append("r")
            met.append("w" in inside)
            inside.remove("r")
            rwlock.read_unlock()

    def write():
        for _ in range(rounds):
            rwlock.write_lock().get(LIMIT)
            inside.append("w")
            met.append(inside != ["w"])
            inside.remove("w")
            rwlock.write_unlock()

    together(read, read, write, write)

    assert met == [False] * (4 * rounds)
    assert rwlock.write_lock().is_ready()


def test_many_who_unlock_when_it_is_their_turn_do_not_need_a_deep_stack(rwlock):
    rwlock.write_lock()
    for n in range(3_000):
        if n % 3:
            rwlock.read_lock().on_ready(lambda _: rwlock.read_unlock())
        else:
            rwlock.write_lock().on_ready(lambda _: rwlock.write_unlock())

    rwlock.write_unlock()

    assert repr(rwlock) == "<ReadWriteLock, 0 reading, 0 waiting>"


def test_those_who_wait_are_abandoned_with_it():
    rwlock = la.ReadWriteLock()
    rwlock.write_lock()
    waiting = [rwlock.read_lock(), rwlock.write_lock()]

    gc.disable()
    try:
        del rwlock
        assert [future.is_abandoned() for future in waiting] == [True, True]
    finally:
        gc.enable()


def test_unlocking_what_nobody_has_is_an_error_that_says_what_to_do(rwlock):
    with pytest.raises(RuntimeError, match=r"read_unlock: nobody reads .*call it once for each read_lock\(\)"):
        rwlock.read_unlock()
    rwlock.read_lock()
    with pytest.raises(RuntimeError, match=r"write_unlock: nobody writes .*call it once for each write_lock\(\)"):
        rwlock.write_unlock()
    rwlock.read_unlock()
    rwlock.write_lock()
    with pytest.raises(RuntimeError, match="nobody reads"):
        rwlock.read_unlock()

    assert repr(rwlock) == "<ReadWriteLock, writing, 0 waiting>"
