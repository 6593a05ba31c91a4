"""A PID leads to the newest incarnation that was started at it; what holds an old one reaches the newest too."""

# Supervisors start actors so (libactor/supervision/); here it is done by hand, with the runtime's own step for it.

import gc
import weakref

import pytest

import libactor as la
from libactor._core._impl import prepare
from libactor.events import Terminate

LIMIT = 30


class Counter(la.Actor):
    def __init__(self, name="counter", first=0):
        super().__init__(name)
        self.value = first
        self.heard = []

    def add(self, number):
        self.value += number
        return self.value

    def watch(self, pid):
        la.link(pid)

    def on_exited(self, pid, reason):
        self.heard.append(pid)

    def told(self):
        return tuple(self.heard)

    @la.handles(str)
    def note(self, message):
        self.heard.append(message)


class Other(la.Actor):
    def name(self):
        return "other"


@pytest.fixture
def pid(paused):
    return la.spawn(Counter())


def stop(pid):
    la.terminate(pid)
    assert la.wait(pid, LIMIT)


def restart(runtime, pid, actor):
    stop(pid)
    return runtime._spawn_as(actor, pid)


def test_the_pid_of_an_actor_started_anew_is_the_same_object_and_leads_there(paused, pid):
    again = restart(paused, pid, Counter(first=10))

    assert again is pid
    assert paused.find("counter") is pid
    assert la.dispatch(pid, Counter.add, 1).get(LIMIT) == 11


def test_an_actor_can_be_spawned_under_an_id_that_is_not_its_own(paused):
    pid = paused._spawn_as(Counter("own"), "given")

    assert pid.id == "given"
    assert paused.find("given") is pid
    assert paused.find("own") is None


def test_the_next_incarnation_takes_the_id_whatever_its_own(paused, pid):
    restart(paused, pid, Other())

    assert paused.pids() == (pid,)
    assert la.dispatch(pid, Other.name).get(LIMIT) == "other"


def test_an_incarnation_cannot_be_started_beside_a_live_one(paused, pid):
    with pytest.raises(la.SpawnError, match="'counter' is taken by a live actor"):
        paused._spawn_as(Counter(first=10), pid)

    assert la.dispatch(pid, Counter.add, 1).get(LIMIT) == 1


def test_an_actor_that_lives_keeps_its_id_when_it_is_started_once_more(paused):
    actor = Counter("own")
    pid = paused._spawn_as(actor, "given")

    with pytest.raises(la.SpawnError, match="spawned before"):
        paused._spawn_as(actor, "other")

    assert actor._libactor_id == pid.id == "given"  # what its errors name it by


@pytest.mark.parametrize("name", [None, 7, b"counter"])
@pytest.mark.skipif(la.CORE != "c", reason="the twin trusts its one caller")
def test_an_id_is_text(paused, name):
    with pytest.raises(TypeError, match="expected an id or a PID"):
        paused._spawn_as(Counter(), name)


@pytest.mark.parametrize("actor", [None, 7, Counter], ids=repr)
def test_only_an_actor_can_be_started(paused, pid, actor):
    stop(pid)

    with pytest.raises(la.SpawnError, match="expected an instance of a subclass"):
        paused._spawn_as(actor, pid)


def test_what_comes_while_there_is_none_is_dropped(paused, pid):
    stop(pid)

    answer = la.dispatch(pid, Counter.add, 1)
    la.tell(pid, Counter.add, 1)
    restart(paused, pid, Counter())

    assert answer.is_abandoned()
    assert paused.dead_letters == 1
    assert la.dispatch(pid, Counter.add, 1).get(LIMIT) == 1


def test_a_timer_reaches_the_incarnation_of_its_time(paused, pid):
    la.delay(5, pid, Counter.add, 5)
    restart(paused, pid, Counter())

    paused.clock.advance(5)
    paused.clock.settle(LIMIT)

    assert la.dispatch(pid, Counter.add, 0).get(LIMIT) == 5


def test_a_deferred_call_reaches_the_incarnation_of_its_time_and_helps_it(paused, pid):
    deferred = la.defer(pid, Counter.add, 1)
    restart(paused, pid, Counter(first=10))

    answer = deferred()

    assert answer.get(LIMIT) == 11


def test_links_hear_of_each_end_that_they_were_made_for(paused, pid):
    watcher = la.spawn(Counter("watcher"))
    la.dispatch(watcher, Counter.watch, pid).get(LIMIT)
    restart(paused, pid, Counter())
    paused.clock.settle(LIMIT)
    assert la.dispatch(watcher, Counter.told).get(LIMIT) == (pid,)

    stop(pid)
    paused.clock.settle(LIMIT)
    assert la.dispatch(watcher, Counter.told).get(LIMIT) == (pid,)

    la.dispatch(watcher, Counter.watch, pid).get(LIMIT)
    paused.clock.settle(LIMIT)
    assert la.dispatch(watcher, Counter.told).get(LIMIT) == (pid, pid)


def test_a_wait_is_for_the_incarnation_at_the_time_of_the_call(paused, pid, start):
    waiting = start(lambda: la.wait(pid, LIMIT))
    restart(paused, pid, Counter())

    assert waiting() is True
    assert la.wait(pid, 0) is False


def test_what_an_actor_is_told_of_its_own_life_is_not_handed_on(paused, pid, hold):
    opened, _ = hold(pid)
    la.terminate(pid, inject=False)
    old = pid._process
    la.terminate(pid)
    opened.set(None)
    la.wait(pid, LIMIT)
    paused._spawn_as(Counter(), pid)

    old.deliver(Terminate())
    old.deliver_urgent(Terminate())
    paused.clock.settle(LIMIT)

    assert paused.find("counter") is pid


def test_each_way_into_the_mailbox_of_an_old_incarnation_leads_on(paused, pid):
    old = pid._process
    restart(paused, pid, Counter())

    old.deliver(prepare("test", pid, Counter.add, 1))
    old.deliver_first(prepare("test", pid, Counter.add, 2))
    old.deliver_urgent(prepare("test", pid, Counter.add, 4))
    paused.clock.settle(LIMIT)

    assert la.dispatch(pid, Counter.add, 0).get(LIMIT) == 7


def test_an_actor_can_lose_its_id_and_live_on(paused, pid, hold):
    opened, _ = hold(pid)
    old = pid._process
    la.terminate(pid)

    paused._forget(old)
    paused._spawn_as(Counter(first=10), pid)
    assert la.dispatch(pid, Counter.add, 1).get(LIMIT) == 11
    opened.set(None)
    old.stopped.get(LIMIT)

    assert paused.find("counter") is pid
    assert la.dispatch(pid, Counter.add, 1).get(LIMIT) == 12


def test_a_pid_keeps_no_incarnation_but_the_newest(paused, pid):
    actor = Counter()
    references = [weakref.ref(pid._process)]
    restart(paused, pid, actor)
    references += [weakref.ref(pid._process)]
    restart(paused, pid, Counter())
    del actor

    paused.clock.settle(LIMIT)  # the worker has let go of the last one
    gc.collect()

    assert [reference() for reference in references] == [None, None]


def test_memory_is_flat_over_many_incarnations(paused, pid, count, traced_memory):
    def round_trip():
        restart(paused, pid, Counter())
        la.dispatch(pid, Counter.add, 1).get(LIMIT)

    rounds = max(count(5_000), 300)
    for _ in range(200):
        round_trip()
    gc.collect()
    before = traced_memory()

    for _ in range(rounds):
        round_trip()
    gc.collect()

    assert traced_memory() - before < 150_000 + 50 * rounds  # one left behind in each round would be 250 a round
