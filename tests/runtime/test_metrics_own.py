"""What a runtime tells of itself: actors, mailboxes, workers, timers, pools, and the deepest mailboxes first."""

import threading

import msgspec
import pytest

import libactor as la
from libactor.metrics.own import OWN
from libactor.records import Collection, RecordType, fragments_bound
from libactor.records.projection import Field, Key, Object, Projection

LIMIT = 30


class Silent(la.Actor):
    def note(self, _: int) -> None:
        """Nothing."""


def own(runtime, *names):
    """The values of some of the runtime's own metrics."""
    found = runtime.metrics.snapshot().get(LIMIT)
    return tuple(found[f"libactor/{name}"] for name in names)


def test_all_of_them_are_in_every_snapshot(runtime):
    found = runtime.metrics.snapshot().get(LIMIT)

    assert set(found) == set(OWN)
    assert list(OWN) == sorted(OWN)


def test_actors_and_dead_letters(runtime):
    pid = la.spawn(Silent())
    assert own(runtime, "actors", "dead_letters") == (1, 0)
    assert own(runtime, "actors_spawned", "actors_stopped") == (1, 0)

    la.terminate(pid)
    la.wait(pid)
    la.tell(pid, Silent.note, 1)

    assert own(runtime, "actors", "dead_letters") == (0, 1)
    assert own(runtime, "actors_spawned", "actors_stopped") == (1, 1)


def test_mailboxes(runtime, hold):
    pids = [la.spawn(Silent()) for _ in range(3)]
    gates = [hold(pid) for pid in pids]
    for number, pid in enumerate(pids):
        for event in range(number * 10):
            la.tell(pid, Silent.note, event)

    seen = own(runtime, "mailbox/depth_max", "mailbox/depth_total")
    depths = runtime.metrics.depths()
    deepest = runtime.metrics.depths(1)
    for opened, _ in gates:
        opened.set(None)

    assert seen == (20, 30)
    assert depths == [(pids[2], 20), (pids[1], 10)]
    assert deepest == [(pids[2], 20)]


@pytest.mark.parametrize("most", [0, 1, 5, None])
def test_depths_of_empty_mailboxes_are_left_out(runtime, most):
    la.spawn(Silent())
    la.dispatch(la.spawn(Silent()), Silent.note, 1).get(LIMIT)

    assert runtime.metrics.depths(most) == []


def test_restarts(paused):
    class Fragile(la.Actor):
        def break_(self):
            raise OSError("broken")

    supervisor = la.spawn(la.Supervisor([la.Child(Fragile, id="fragile", intensity=3)]))
    la.dispatch(supervisor, la.Supervisor.started).get(LIMIT)
    for _ in range(2):
        la.tell(paused.find("fragile"), Fragile.break_)
        paused.clock.settle()
        paused.clock.advance(1)
        paused.clock.settle()

    assert own(paused, "restarts", "actors", "actors_spawned", "actors_stopped") == (2, 2, 4, 2)


def test_an_actor_that_could_not_be_spawned_does_not_count(runtime):
    la.spawn(la.Actor("a"))
    with pytest.raises(la.SpawnError):
        la.spawn(la.Actor("a"))

    assert own(runtime, "actors_spawned") == (1,)


def test_overflows(runtime, hold):
    pid = la.spawn(Silent(), mailbox=la.Bounded(2))
    opened, held = hold(pid)
    for event in range(5):
        la.tell(pid, Silent.note, event)
    seen = own(runtime, "mailbox/depth_total", "mailbox/overflows")
    opened.set(None)
    held.get(LIMIT)

    assert seen == (2, 3)


def test_helped_turns(start):
    for helping in (True, False):
        with la.Runtime(helping=helping) as runtime:
            pid = runtime.spawn(Silent())
            start(lambda pid=pid: [la.dispatch(pid, Silent.note, n).get() for n in range(100)])()
            assert (own(runtime, "workers/helped") > (0,)) is helping


def test_busy_workers(paused):
    asked = la.Promise()
    pid = la.spawn(Silent())
    la.execute(pid, lambda: own(paused, "workers/busy")).then(asked.set).get(LIMIT)
    paused.clock.settle()

    assert asked.future.get(0) >= (1,)
    assert own(paused, "workers/busy") == (0,)


def test_work_in_pools_is_no_busy_worker(paused):
    opened, entered = threading.Event(), threading.Event()
    paused.clock.settle()  # the workers rest
    with la.Pool(1) as pool:
        pool.submit(lambda: entered.set() or opened.wait(LIMIT))
        pool.submit(int)
        assert entered.wait(LIMIT)

        seen = own(paused, "workers/busy")
        opened.set()

    assert seen == (0,)


def test_workers(paused, hold):
    opened, held = hold(la.spawn(Silent()))
    paused.clock.settle()  # the handler waits by now

    blocked, threads = own(paused, "workers/blocked", "workers/threads")
    opened.set(None)
    held.get(LIMIT)

    assert blocked == 1
    assert threads >= 2


class Item(msgspec.Struct, array_like=True, frozen=True):
    name: str


def test_what_was_rendered_of_records_and_kept(runtime):
    kind = RecordType(Item)
    items, projection = Collection(kind, "name"), Projection(kind, Object(Key("name", Field("name"))))
    for number in range(100):
        items.put(kind.pack(Item(f"{number:03}")))
    names = [f"records/fragment_{name}" for name in ("hits", "misses", "evictions", "bytes")]
    bound = fragments_bound(0)  # nothing is kept from other tests
    fragments_bound(bound)

    before = own(runtime, *names)
    for _ in range(2):
        assert b'"042"' in b"".join(projection.pieces(items.snapshot()))
    kept = own(runtime, *names)
    fragments_bound(0)
    dropped = own(runtime, *names)
    fragments_bound(bound)

    assert [now - then for now, then in zip(kept, before, strict=True)] == [4, 4, 0, 4 * 4096]  # whole blocks of memory
    assert [now - then for now, then in zip(dropped, before, strict=True)] == [4, 4, 4, 0]


def test_timers(paused):
    timers = [paused.clock.timer(60, list) for _ in range(100)]
    for timer in timers[:70]:
        timer.cancel()
    assert own(paused, "timers_pending") == (30,)

    paused.clock.advance(60)
    assert own(paused, "timers_pending") == (0,)


def test_pools(runtime):
    opened, entered = threading.Event(), threading.Semaphore(0)

    def work():
        entered.release()
        opened.wait(LIMIT)

    with la.Pool(2) as first, la.Pool(1) as second:
        for pool in (first, second, first, second, first, first, first):
            pool.submit(work)
        for _ in range(3):
            assert entered.acquire(timeout=LIMIT)
        seen = own(runtime, "pools/queued", "pools/running")
        opened.set()

    assert seen == (4, 3)
    assert own(runtime, "pools/queued", "pools/running") == (0, 0)


def test_what_nobody_asks_for_is_not_made(runtime):
    la.dispatch(la.spawn(Silent()), Silent.note, 1).get(LIMIT)
    assert runtime._metrics is None

    assert runtime.metrics is runtime.metrics
