"""Mailbox: events leave in order, and exactly one put of each quiet spell wakes the actor. Run for both cores."""

import functools
import gc
import itertools
import queue
import sys
import weakref

import pytest

QUEUED, WAKE, CLOSED = range(3)


def drain(mailbox):
    """Take until the mailbox answers None, as a worker does; the events."""
    return list(iter(mailbox.take, None))


def test_constants_are_those_of_the_other_core(core):
    assert (core.QUEUED, core.WAKE, core.CLOSED) == (QUEUED, WAKE, CLOSED)


# LP MpscLinkedQueueTest.EnqueueDequeue
def test_events_leave_in_the_order_they_came(core):
    mailbox = core.Mailbox()
    for number in range(100):
        mailbox.put(number)

    events = drain(mailbox)

    assert events == list(range(100))


def test_put_first_goes_ahead_of_all_that_waits(core):
    mailbox = core.Mailbox()
    mailbox.put("second")
    mailbox.put("third")
    mailbox.put_first("first")
    mailbox.put_first("even before")

    assert drain(mailbox) == ["even before", "first", "second", "third"]


@pytest.mark.parametrize("method", ["put", "put_first"])
def test_only_the_put_to_an_idle_mailbox_wakes(core, method):
    mailbox = core.Mailbox()

    answers = [getattr(mailbox, method)(number) for number in range(4)]

    assert answers == [WAKE, QUEUED, QUEUED, QUEUED]


# LP MpscLinkedQueueTest.Empty
def test_a_mailbox_is_idle_only_after_a_take_found_nothing(core):
    mailbox = core.Mailbox()
    mailbox.put(1)

    mailbox.take()
    before = mailbox.put(2)
    mailbox.take()
    empty = mailbox.take()
    after = mailbox.put(3)

    assert (before, empty, after) == (QUEUED, None, WAKE)


def test_taking_from_a_new_mailbox_leaves_it_idle(core):
    mailbox = core.Mailbox()

    assert mailbox.take() is None

    assert mailbox.put(1) == WAKE


def test_the_length_counts_what_waits(core):
    mailbox = core.Mailbox()
    lengths = [len(mailbox)]
    for step in (mailbox.put, mailbox.put_first, mailbox.put):
        step("event")
        lengths.append(len(mailbox))
    for _ in range(4):
        mailbox.take()
        lengths.append(len(mailbox))

    assert lengths == [0, 1, 2, 3, 2, 1, 0, 0]


def test_close_hands_out_what_was_inside_once_and_in_order(core):
    mailbox = core.Mailbox()
    for number in range(40):
        mailbox.put(number)
    taken = [mailbox.take() for _ in range(7)]

    rest = mailbox.close()

    assert taken + rest == list(range(40))
    assert mailbox.close() == []
    assert mailbox.take() is None
    assert len(mailbox) == 0


@pytest.mark.parametrize("method", ["put", "put_first"])
@pytest.mark.parametrize("awake", [True, False])
def test_nothing_enters_a_closed_mailbox(core, method, awake):
    mailbox = core.Mailbox()
    if awake:
        mailbox.put("earlier")
    mailbox.close()

    assert getattr(mailbox, method)("late") == CLOSED

    assert len(mailbox) == 0
    assert mailbox.take() is None
    assert mailbox.put("later") == CLOSED


def test_wrong_arguments_are_a_type_error(core):
    mailbox = core.Mailbox()

    for call in (core.Mailbox, mailbox.take, mailbox.close, len):
        with pytest.raises(TypeError):
            call(1)
    for call in (mailbox.put, mailbox.put_first):
        with pytest.raises(TypeError):
            call()
        with pytest.raises(TypeError):
            call(event=1)


# LP MpscLinkedQueueTest.EnqueueDequeueMultiple
# Goal: order holds while the ring grows, shrinks and goes round its end. Method: bursts of all sizes at all offsets.
def test_order_holds_through_bursts_of_every_size(core):
    numbers, expected = itertools.count(), itertools.count()
    mailbox = core.Mailbox()
    for burst in [*range(40), 64, 100, 257, 1000, 3, 500]:
        for _ in range(burst):
            mailbox.put(next(numbers))
        for _ in range(burst * 2 // 3):
            assert mailbox.take() == next(expected)

    assert drain(mailbox) == list(range(next(expected), next(numbers)))


def test_put_first_holds_through_growth_as_well(core):
    mailbox = core.Mailbox()
    for number in range(300):
        mailbox.put_first(number) if number % 2 else mailbox.put(number)

    assert drain(mailbox) == [*range(299, 0, -2), *range(0, 300, 2)]


def test_a_million_events_go_through(core):
    count = core.count(1_000_000)
    mailbox = core.Mailbox()

    for number in range(count):
        mailbox.put(number)
    total = sum(drain(mailbox))

    assert total == count * (count - 1) // 2
    assert len(mailbox) == 0


class Finalized:
    """An event that calls ``at_end`` when it goes away."""

    def __init__(self, at_end):
        self.at_end = at_end

    def __del__(self):
        self.at_end()


def test_events_are_let_go_of_when_taken(core):
    mailbox, ended = core.Mailbox(), []
    for number in range(20):
        mailbox.put(Finalized(functools.partial(ended.append, number)))

    for _ in range(20):
        mailbox.take()

    assert ended == list(range(20))


def test_an_event_whose_end_uses_the_mailbox_does_no_harm(core):
    mailbox, answers = core.Mailbox(), []
    for _ in range(20):
        mailbox.put(Finalized(lambda: answers.append((mailbox.put("again"), len(mailbox)))))

    rest = mailbox.close()
    rest.clear()

    assert answers == [(CLOSED, 0)] * 20


def test_events_that_go_down_with_their_mailbox_are_let_go_of(core):
    ended = []
    mailbox = core.Mailbox()
    for number in range(5):
        mailbox.put(Finalized(functools.partial(ended.append, number)))

    del mailbox

    assert ended == list(range(5))


# Goal: a finalizer that the collector runs in the middle of an operation may use the mailbox. Method: collect at every
# allocation while garbage with such finalizers is made.
def test_the_collector_may_run_finalizers_within_any_operation(core, start):
    mailbox, answers, taken = core.Mailbox(), [], []

    def operate():
        for number in range(300):
            garbage = Finalized(lambda: answers.append(mailbox.put("from a finalizer")))
            garbage.itself = garbage
            del garbage
            answers.append(mailbox.put([number]))
            taken.extend(drain(mailbox))

    threshold = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        start(operate)()
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    taken.extend(drain(mailbox))

    assert [event[0] for event in taken if isinstance(event, list)] == list(range(300))
    assert len(taken) == len(answers) == 600
    assert WAKE in answers


@pytest.mark.real
def test_a_signal_handler_may_put_within_any_operation(core, alarm):
    mailbox, answers, taken = core.Mailbox(), [], []
    alarm(*[lambda: answers.append(mailbox.put("signal"))] * 300, seconds=0.0001)

    while len(answers) < 300:
        mailbox.put("direct")
        mailbox.put_first("direct")
        taken.extend(drain(mailbox))
    taken.extend(drain(mailbox))

    assert taken.count("signal") == 300


def test_the_collector_finds_cycles_through_events(core):
    class Event:
        pass

    event = Event()
    event.mailbox = core.Mailbox()
    event.mailbox.put(event)
    reference = weakref.ref(event)

    del event
    gc.collect()

    assert reference() is None


def test_a_long_chain_of_mailboxes_goes_away_without_recursion(core):
    outer = None
    for _ in range(100_000):
        mailbox = core.Mailbox()
        mailbox.put(outer)
        outer = mailbox
    mailbox = None

    outer = outer.take()

    assert len(outer) == 1


# Goal: an idle actor costs little. Method: the collector's head and the object fit in 80 bytes; the ring comes later.
@pytest.mark.parametrize("core", ["c"], indirect=True)
def test_an_unused_mailbox_is_tiny(core):
    assert sys.getsizeof(core.Mailbox()) <= 168


@pytest.mark.parametrize("core", ["c"], indirect=True)
def test_a_mailbox_gives_back_what_a_burst_took(core, traced_memory):
    mailbox = core.Mailbox()
    mailbox.put(None)
    before = traced_memory()

    for _ in range(100_000):
        mailbox.put(None)
    full = traced_memory() - before
    drain_count = 0
    while len(mailbox) > 10:
        mailbox.take()
        drain_count += 1
    drained = traced_memory() - before

    assert drain_count == 100_000 - 9
    assert full >= 100_000 * 8
    assert drained <= 1024


# ---- threads ----


class Actor:
    """The worker's side: counts its runs and keeps the events; never runs twice at a time."""

    def __init__(self, core):
        self.mailbox = core.Mailbox()
        self.runnable = queue.SimpleQueue()
        self.events = []
        self.runs = 0

    def send(self, events):
        """Put as a sender does; how many times that woke the actor."""
        wakes = 0
        for event in events:
            if self.mailbox.put(event) == WAKE:
                wakes += 1
                self.runnable.put("run")
        return wakes

    def work(self):
        """Serve until told to stop."""
        while self.runnable.get(timeout=60) == "run":
            self.runs += 1
            self.events.extend(drain(self.mailbox))


# LP MpscLinkedQueueTest.EnqueueDequeueMultithreaded
@pytest.mark.parametrize("producers", [1, 4])
def test_each_quiet_spell_ends_with_one_wake_and_no_event_is_lost(core, start, producers):
    count = core.count(1_000_000) // producers
    actor = Actor(core)
    worker = start(actor.work)
    senders = [
        start(lambda first=first: actor.send(range(first, count * producers, producers))) for first in range(producers)
    ]

    wakes = sum(sender() for sender in senders)
    actor.runnable.put("stop")
    worker()

    assert actor.runs == wakes
    assert len(actor.events) == count * producers
    for first in range(producers):
        assert [event for event in actor.events if event % producers == first] == list(
            range(first, count * producers, producers)
        )


def test_each_event_of_a_race_with_close_is_refused_or_handed_out(core, together):
    count = core.count(10_000)
    for _ in range(20):
        mailbox = core.Mailbox()

        def send(first, mailbox=mailbox):
            return [number for number in range(first, count, 3) if mailbox.put(number) == CLOSED]

        def serve(mailbox=mailbox):
            taken = [event for event in (mailbox.take() for _ in range(count // 10)) if event is not None]
            return taken + mailbox.close()

        *refused, served = together(*[functools.partial(send, first) for first in range(3)], serve)

        assert sorted(itertools.chain(served, *refused)) == list(range(count))
