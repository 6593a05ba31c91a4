"""While one large value is written, looked at or read, other threads run, and so do handlers of signals."""

# The interpreter looks whether anybody asks for it between instructions of Python, and `in_turn` has none: one call
# follows another in C alone. So whatever happens between the first call and the last one has happened inside the one
# in the middle.

import _thread
import dataclasses
import functools
import gc
import operator
import signal
import sys
import threading

import pytest

from libactor import codec
from libactor._core._impl import CORE, append_frame, check_packed, pack, parse_frames, unpack
from libactor.codec import AGAIN_MAX, NESTING_MAX, NotDecodable, NotEncodable

SHARE = 1 if CORE == "c" else 20  # of what is large enough for C, in Python, where every number takes instructions
NUMBERS = list(range(100_000, 100_000 + 200_000 // SHARE))  # each is an object of its own
NESTED = [{"a": number, "b": (number,)} for number in range(100_000, 100_000 + 20_000 // SHARE)]
ONE_DICT = dict.fromkeys(NUMBERS, 0)
ROUNDS_MAX = 500


class Interrupted(Exception):
    """What a handler of a signal raises."""


@dataclasses.dataclass(slots=True)
class Slotted:
    first: object
    second: object = None


def in_turn(*calls):
    """What each of ``calls`` returns; no Python is run by this itself."""
    return list(map(operator.call, calls))


def writing(value):
    return functools.partial(pack, value, NESTING_MAX, NotEncodable, codec._plan_to_write, codec.Writer()._apart)


def looking(value):
    return functools.partial(check_packed, bytearray(writing(value)()), NESTING_MAX)


def reading(value):
    data = writing(value)()
    return functools.partial(unpack, data, NESTING_MAX, AGAIN_MAX, NotDecodable, codec._plan_to_read, None)


WORK = {
    "write": lambda: writing(NUMBERS), "write containers": lambda: writing(NESTED), "look": lambda: looking(NUMBERS),
    "read": lambda: reading(NUMBERS), "read containers": lambda: reading(NESTED),
    "read a dict": lambda: reading(ONE_DICT),
}  # fmt: skip


@pytest.fixture(params=WORK.values(), ids=WORK)
def work(request):
    return request.param()


@pytest.fixture
def quiet_collector():
    """Nothing is collected meanwhile, which may run Python as well."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def counted(quiet_collector):
    """One number in a list, which another thread makes larger and larger."""
    counted, started, over = [0], threading.Event(), []

    def count():
        while not over:
            counted[0] += 1
            started.set()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # how long a thread waits before it asks for the interpreter
    thread = threading.Thread(target=count)
    thread.start()
    started.wait()
    yield counted
    over.append(True)
    thread.join()
    sys.setswitchinterval(interval)


@pytest.fixture
def signalled():
    """Say what a signal does; the function that is returned sends it, and it is handled a little later."""
    before = signal.getsignal(signal.SIGUSR1)

    def arrange(handler):
        signal.signal(signal.SIGUSR1, lambda number, frame: handler())
        return functools.partial(_thread.interrupt_main, signal.SIGUSR1)

    yield arrange
    signal.signal(signal.SIGUSR1, before)


def interrupt():
    raise Interrupted


# A thread that the machine does not let run in time cannot ask, so it gets another chance.
def test_another_thread_runs_while_one_large_value_is_worked_on(counted, work):
    look = functools.partial(operator.getitem, counted, 0)

    def has_moved():
        before, _, after = in_turn(look, work, look)
        return after > before

    assert any(has_moved() for _ in range(ROUNDS_MAX))


def parsing(value):
    frame = bytearray()
    size = append_frame(frame, 1 << 30, value)
    assert size > 0
    return functools.partial(parse_frames, frame, 0, len(frame), 1 << 30)


# Goal: what only copies bytes gives up the interpreter by itself. Method: nobody takes it away, by a long interval.
@pytest.mark.skipif(CORE == "python", reason="the twin copies by slices, which Python does in one go")
@pytest.mark.parametrize("prepare", [reading, parsing])
def test_another_thread_runs_while_many_bytes_are_copied(prepare, quiet_collector):
    copy, ran, may_run = prepare(bytes(8_000_000)), [], threading.Lock()
    may_run.acquire()
    thread = threading.Thread(target=lambda: ran.append(may_run.acquire()))
    thread.start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1_000)
    try:
        may_run.release()
        had_turn = any(copy() and ran for _ in range(ROUNDS_MAX))
    finally:
        sys.setswitchinterval(interval)
        thread.join()

    assert had_turn


def test_what_a_handler_of_a_signal_raises_breaks_off_one_large_value(quiet_collector, signalled, work):
    send, ended = signalled(interrupt), []

    with pytest.raises(Interrupted):
        in_turn(send, work, functools.partial(ended.append, True))

    assert ended == []


def test_what_is_broken_off_leaves_nothing_behind(quiet_collector, signalled, work):
    send = signalled(interrupt)

    def break_off():
        with pytest.raises(Interrupted):
            in_turn(send, work)

    break_off()
    before = sys.getallocatedblocks()
    for _ in range(10):
        break_off()
    gc.collect()

    assert sys.getallocatedblocks() - before < 1_000  # what one of them has made by then is more


def test_a_buffer_can_be_resized_after_a_look_at_it_was_broken_off(signalled):
    look = looking(NUMBERS)

    with pytest.raises(Interrupted):
        in_turn(signalled(interrupt), look)

    look.args[0].clear()
    assert not look.args[0]


# Goal: what changes while it is written is refused, and no worse. Method: the signal's handler runs in the middle.
@pytest.mark.skipif(CORE == "python", reason="the twin hears the signal before it looks at the value")
@pytest.mark.parametrize("value", [NUMBERS, ONE_DICT], ids=["list", "dict"])
def test_a_container_that_is_emptied_while_it_is_written_is_refused(signalled, value):
    value = value.copy()

    with pytest.raises(RuntimeError, match="changed size while it was written"):
        in_turn(signalled(value.clear), writing(value))


def test_values_can_be_worked_on_within_another_one(signalled):
    inner, done = [], reading(NESTED)

    *_, outer = in_turn(signalled(lambda: inner.append(done())), done)

    assert outer == NESTED
    assert inner == [NESTED]


# Nothing is promised of the bytes; whoever runs this with the address sanitizer sees that no freed memory is read. The
# twin has no memory to free, and is slow: a few rounds show that it writes or refuses.
def test_whatever_a_thread_does_to_a_value_that_is_written_it_is_written_or_refused(quiet_collector):
    value = [[Slotted([number]), {number: [number]}] for number in range(2_000)]
    write, over = writing(value), threading.Event()

    def change():
        place = 0
        while not over.is_set():
            place = (place + 1) % 2_000
            pair = value[place]
            pair[0].first, pair[1] = [place], {place: [], str(place): [Slotted(place)]}
            pair[0] = Slotted((place,), [place])
            value.append(value.pop())

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=change)
    thread.start()
    refused = []
    try:
        for _ in range(50 if CORE == "c" else 5):
            try:
                check_packed(write(), NESTING_MAX)
            except RuntimeError as error:
                refused.append(str(error))
    finally:
        over.set()
        thread.join()
        sys.setswitchinterval(interval)

    assert check_packed(write(), NESTING_MAX) is None
    assert all("changed size while it was written" in error for error in refused)
