"""Links: whoever watches hears of the end once, with the reason, however late it links."""

import gc
import weakref

import pytest

import libactor as la

LIMIT = 30


class Mortal(la.Actor):
    def die(self, error):
        raise error


class Watcher(la.Actor):
    def __init__(self):
        super().__init__()
        self.heard = []

    def watch(self, pid):
        la.link(pid)

    def on_exited(self, pid, reason):
        self.heard.append((pid, reason))

    def told(self):
        return tuple(self.heard)


@pytest.fixture
def watcher(paused):
    return la.spawn(Watcher())


@pytest.fixture
def mortal(paused):
    return la.spawn(Mortal())


def told(runtime, watcher):
    runtime.clock.settle(LIMIT)
    return la.dispatch(watcher, Watcher.told).get(LIMIT)


# LP ProcessTest.Exited
def test_a_link_hears_of_a_termination_without_a_reason(paused, watcher, mortal):
    la.dispatch(watcher, Watcher.watch, mortal).get(LIMIT)

    la.terminate(mortal)

    assert told(paused, watcher) == ((mortal, None),)


def test_a_link_hears_the_error_that_stopped_the_actor(paused, watcher, mortal):
    la.dispatch(watcher, Watcher.watch, mortal).get(LIMIT)

    la.tell(mortal, Mortal.die, ValueError("no"))

    [(pid, reason)] = told(paused, watcher)
    assert pid == mortal
    assert repr(reason) == "ValueError('no')"


def test_a_failed_call_is_no_end(paused, watcher, mortal):
    la.dispatch(watcher, Watcher.watch, mortal).get(LIMIT)

    with pytest.raises(ValueError, match="no"):
        la.dispatch(mortal, Mortal.die, ValueError("no")).get(LIMIT)

    assert told(paused, watcher) == ()


def test_linking_twice_is_heard_once(paused, watcher, mortal):
    for _ in range(2):
        la.dispatch(watcher, Watcher.watch, mortal).get(LIMIT)

    la.terminate(mortal)

    assert told(paused, watcher) == ((mortal, None),)


def test_a_link_to_a_stopped_actor_hears_at_once_and_hears_the_reason(paused, watcher, mortal):
    la.tell(mortal, Mortal.die, ValueError("no"))
    la.wait(mortal, LIMIT)

    la.dispatch(watcher, Watcher.watch, mortal).get(LIMIT)

    [(pid, reason)] = told(paused, watcher)
    assert pid == mortal
    assert repr(reason) == "ValueError('no')"


def test_every_link_after_the_end_is_heard(paused, watcher, mortal):
    la.terminate(mortal)
    la.wait(mortal, LIMIT)

    for _ in range(2):
        la.dispatch(watcher, Watcher.watch, mortal).get(LIMIT)

    assert told(paused, watcher) == ((mortal, None),) * 2


def test_each_of_many_watchers_hears(paused, mortal, count):
    watchers = [la.spawn(Watcher()) for _ in range(count(2_000))]
    la.collect([la.dispatch(watcher, Watcher.watch, mortal) for watcher in watchers]).get(LIMIT)

    la.terminate(mortal)

    assert all(told(paused, watcher) == ((mortal, None),) for watcher in watchers)


# Goal: a crash runs down a chain of links. Method: each raises on hearing of the one before.
def test_a_chain_of_links_falls_one_after_the_other(paused, mortal):
    class Domino(Watcher):
        def on_exited(self, pid, reason):
            raise reason

    last = mortal
    for _ in range(50):
        following = la.spawn(Domino())
        la.dispatch(following, Watcher.watch, last).get(LIMIT)
        last = following
    watcher = la.spawn(Watcher())
    la.dispatch(watcher, Watcher.watch, last).get(LIMIT)

    la.tell(mortal, Mortal.die, ValueError("no"))

    [(pid, reason)] = told(paused, watcher)
    assert pid == last
    assert repr(reason) == "ValueError('no')"


def test_links_are_heard_before_waiters_are_released(runtime):
    watcher, mortal = la.spawn(Watcher()), la.spawn(Mortal())
    la.dispatch(watcher, Watcher.watch, mortal).get(LIMIT)

    la.terminate(mortal)
    la.wait(mortal, LIMIT)

    assert la.dispatch(watcher, Watcher.told).get(LIMIT) == ((mortal, None),)


def test_a_failing_on_start_is_heard_with_its_reason(paused, watcher):
    class Stillborn(la.Actor):
        def on_start(self):
            raise ValueError("no")

    la.dispatch(watcher, Watcher.watch, la.spawn(Stillborn())).get(LIMIT)

    [(_, reason)] = told(paused, watcher)
    assert repr(reason) == "ValueError('no')"


def test_a_link_across_runtimes_is_heard(paused, watcher):
    with la.Runtime():
        other = la.spawn(Mortal())
        la.dispatch(watcher, Watcher.watch, other).get(LIMIT)

    assert told(paused, watcher) == ((other, None),)


def test_a_watcher_that_has_gone_is_no_trouble(paused, watcher, mortal):
    la.dispatch(watcher, Watcher.watch, mortal).get(LIMIT)
    la.terminate(watcher)
    la.wait(watcher, LIMIT)

    la.terminate(mortal)

    assert la.wait(mortal, LIMIT)


def test_an_actor_cannot_watch_itself(paused, watcher):
    with pytest.raises(ValueError, match="cannot watch itself"):
        la.dispatch(watcher, Watcher.watch, watcher).get(LIMIT)


def test_linking_works_only_inside_an_actor(paused, mortal):
    with pytest.raises(la.NoRuntime, match="link: called outside an actor"):
        la.link(mortal)


def gone(references):
    """Whether nothing keeps what the weak references refer to."""
    gc.collect()
    return [reference() for reference in references] == [None] * len(references)


# Goal: an actor that many watch, one after the other, does not grow.
def test_a_watcher_that_has_stopped_is_forgotten(paused, mortal):
    references = []
    for _ in range(20):
        watcher = la.spawn(Watcher())
        la.dispatch(watcher, Watcher.watch, mortal).get(LIMIT)
        la.terminate(watcher)
        references.append(weakref.ref(watcher))

    del watcher
    paused.clock.settle(LIMIT)

    assert gone(references)


def test_a_watcher_forgets_those_it_has_heard_the_end_of(paused):
    class Forgetful(Watcher):
        def on_exited(self, pid, reason):
            self.heard.append(1)

    watcher, references = la.spawn(Forgetful()), []
    for _ in range(20):
        mortal = la.spawn(Mortal())
        la.dispatch(watcher, Watcher.watch, mortal).get(LIMIT)
        la.terminate(mortal)
        references.append(weakref.ref(mortal))

    del mortal
    paused.clock.settle(LIMIT)

    assert gone(references)
    assert told(paused, watcher) == (1,) * 20


def test_a_link_made_by_what_its_own_end_sets_off_is_not_kept(paused, watcher, mortal):
    def prepare():
        watcher._process.stopped.on_ready(lambda _: la.link(mortal))

    la.execute(watcher, prepare).get(LIMIT)
    la.terminate(watcher)
    paused.clock.settle(LIMIT)

    assert mortal._process._linkers == {}


# Goal: two that watch each other may stop in the same moment. Method: each in a runtime, so a worker, of its own.
def test_two_that_stop_at_once_hear_at_most_once_and_forget_one_another(runtime, count):
    with la.Runtime() as other:
        for _ in range(count(500)):
            actors = Watcher(), Watcher()
            pids = runtime.spawn(actors[0]), other.spawn(actors[1])
            la.collect([la.dispatch(a, Watcher.watch, b) for a, b in (pids, pids[::-1])]).get(LIMIT)

            for pid in pids:
                la.terminate(pid)

            assert all(la.wait(pid, LIMIT) for pid in pids)
            assert len(actors[0].heard) + len(actors[1].heard) <= 1
            assert [pid._process._linked for pid in pids] == [{}, {}]


def test_a_link_to_what_is_no_address_is_refused(runtime):
    with pytest.raises(TypeError, match="link: got 'x', expected a PID"):
        la.execute(la.spawn(la.Actor()), lambda: la.link("x")).get(30)
