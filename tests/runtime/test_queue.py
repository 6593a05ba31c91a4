"""Queue: what some put in others get, in order; between actors as by dispatch."""

import gc
import itertools
import weakref
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

import libactor as la

LIMIT = 30


@pytest.fixture
def queue():
    return la.Queue()


# LP QueueTest.Block
def test_get_waits_until_something_is_put_in(queue):
    waiting = queue.get()

    assert waiting.is_pending()
    queue.put("a")

    assert waiting.get(0) == "a"
    assert queue.size() == 0


# LP QueueTest.Noblock
def test_what_lies_in_it_is_there_at_once(queue):
    queue.put("a")

    assert queue.size() == 1
    assert queue.get().get(0) == "a"
    assert queue.size() == 0


# LP QueueTest.Queue
def test_those_who_wait_and_what_is_put_in_keep_their_order(queue):
    waiting = [queue.get() for _ in range(3)]
    for n in range(5):
        queue.put(n)

    assert [future.get(0) for future in waiting] == [0, 1, 2]
    assert [queue.get().get(0) for _ in range(2)] == [3, 4]
    assert queue.get().is_pending()


# LP QueueTest.Discard
def test_one_who_gives_up_leaves_the_line(queue):
    given_up, next_one = queue.get(), queue.get()

    given_up.discard()
    assert given_up.is_discarded()
    queue.put("a")

    assert next_one.get(0) == "a"


def test_a_discard_after_the_element_changes_nothing(queue):
    queue.put("a")
    future = queue.get()

    assert not future.discard()

    assert future.get(0) == "a"


def test_a_long_line_of_queues_each_feeding_the_next_does_not_need_a_deep_stack():
    queues = [la.Queue() for _ in range(5_000)]
    for one, following in itertools.pairwise(queues):
        one.get().on_ready(following.put)

    queues[0].put("a")

    assert queues[-1].get().get(0) == "a"


def test_a_loop_consumes_what_others_put_in(queue):
    got = []
    ends = la.loop(queue.get, lambda n: la.Break(sum(got)) if n is None else got.append(n) or la.Continue())

    for n in [*range(100), None]:
        queue.put(n)

    assert ends.get(0) == sum(range(100))


# Goal: order, and nothing lost or invented, for any history. Method: the model is a deque of elements and a list of
# those who wait.
@given(st.lists(st.one_of(st.just("put"), st.just("get"), st.integers(0, 9)), max_size=40))
def test_it_behaves_as_a_deque_does(history):
    queue, elements, line, futures, expected = la.Queue(), deque(), [], [], {}
    for number, step in enumerate(history):
        if step == "put":
            queue.put(number)
            if line:
                expected[line.pop(0)] = number
            else:
                elements.append(number)
        elif step == "get":
            futures.append(queue.get())
            if elements:
                expected[futures[-1]] = elements.popleft()
            else:
                line.append(futures[-1])
        elif step < len(futures):
            futures[step].discard()
            line = [future for future in line if future is not futures[step]]

        assert queue.size() == len(elements)
        assert [future for future in futures if future.is_pending()] == line
        assert {future: future.get(0) for future in futures if future.is_ready()} == expected


# ---- threads and actors ----


def test_producers_and_consumers_lose_nothing_and_keep_the_order_of_each(runtime, count, together, queue):
    each = count(2_000)

    def produce(name):
        return lambda: [queue.put((name, n)) for n in range(each)]

    def consume():
        return [queue.get().get(LIMIT) for _ in range(each)]

    actor = la.execute(la.spawn(la.Actor()), consume)
    _, _, mine = together(produce("a"), produce("b"), consume)
    got = [mine, actor.get(LIMIT)]

    for name in "ab":
        assert sorted(n for part in got for who, n in part if who == name) == list(range(each))
        for part in got:
            numbers = [n for who, n in part if who == name]
            assert numbers == sorted(numbers)


# Goal: an element goes to somebody who is ready. Method: discards race with put; who is not ready left it for others.
def test_discards_that_race_with_put_lose_nothing_that_a_future_does_not_hold(count, together, queue):
    rounds = count(2_000)

    def give_up():
        futures = [queue.get() for _ in range(rounds)]
        for future in futures:
            future.discard()
        return futures  # one that was taken out of the line may get its element later: put() does that outside the lock

    *parts, _ = together(give_up, give_up, lambda: [queue.put(n) for n in range(rounds)])
    got = [future.get(0) for part in parts for future in part if future.is_ready()]
    rest = [queue.get().get(0) for _ in range(queue.size())]

    assert sorted([*got, *rest]) == list(range(rounds))


class Producer(la.Actor):
    def __init__(self):
        super().__init__()
        self.rows = []

    def produce(self, queue, row):
        self.rows.append(row)
        queue.put(self.rows)

    def clear(self):
        self.rows.clear()


def test_an_element_is_passed_by_value(runtime, queue):
    pid = la.spawn(Producer())

    la.dispatch(pid, Producer.produce, queue, "a").get(LIMIT)
    la.dispatch(pid, Producer.clear).get(LIMIT)

    assert queue.get().get(0) == ["a"]


def test_two_readers_of_one_mutable_element_do_not_share_it(queue):
    future = queue.get()
    queue.put([1])

    first, second = future.get(0), future.get(0)
    first.append(2)

    assert second == [1]


def test_a_moved_element_arrives_itself_and_an_owned_one_is_gone_from_its_holder(queue):
    rows, held = [1], la.Owned([2])

    queue.put(la.move(rows))
    queue.put(la.move(held))

    assert queue.get().get(0) is rows
    assert queue.get().get(0) == [2]
    with pytest.raises(la.MovedError):
        held.release()


def test_what_cannot_cross_is_refused_and_nothing_is_put_in(queue):
    waiting = queue.get()

    with pytest.raises(la.NotPassable, match=r"what was put into a Queue: .*hand the object over with move"):
        queue.put(lambda: None)

    assert waiting.is_pending()
    assert queue.size() == 0


@pytest.mark.parametrize("element", [None, False, 0, (), "", la.Promise().future])
def test_an_element_may_be_anything_that_crosses(queue, element):
    queue.put(element)
    assert queue.get().get(0) is element

    waiting = queue.get()
    queue.put(element)
    assert waiting.get(0) is element


# ---- what is left ----


def test_those_who_wait_are_abandoned_with_it():
    queue = la.Queue()
    waiting = queue.get()

    gc.disable()
    try:
        del queue
        assert waiting.is_abandoned()
    finally:
        gc.enable()
    assert waiting.discard()  # and nobody is there to honour it
    assert waiting.is_pending()


def test_those_who_gave_up_leave_no_memory(queue, traced_memory):
    def give_up(times):
        for _ in range(times):
            queue.get().discard()
        gc.collect()
        return traced_memory()

    before = give_up(100)

    assert give_up(2_000) - before < 50_000


def test_it_keeps_nothing_that_was_taken_out(queue):
    class Row:
        pass

    row = Row()
    seen = weakref.ref(row)
    queue.put(la.move(row))
    del row

    assert seen() is not None
    queue.get().get(0)

    assert seen() is None


def test_it_says_how_it_is(queue):
    queue.put(1)

    assert repr(queue) == "<Queue of 1, 0 waiting>"
