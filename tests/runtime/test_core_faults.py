"""What goes wrong around a handler, in the log or for lack of memory, takes neither the worker nor a waiting thread."""

# A log handler that raises does so wherever a failure is reported: after a handler, and after on_stop. Memory is taken
#   away one allocation at a time, in a program of its own, where nothing else allocates.

import importlib.util
import logging
import sys

import pytest

import libactor as la

LIMIT = 30  # seconds; a bound on failure


class Deaf(logging.Handler):
    """A log handler whose disk is full."""

    def emit(self, record):
        raise OSError("disk full")


class Failing(la.Actor):
    def fail(self):
        raise ValueError("of the handler")

    def answer(self):
        return 1


class FailingLast(Failing):
    def on_stop(self):
        raise ValueError("of on_stop")


@pytest.fixture
def deaf_log(monkeypatch):
    log, handler = logging.getLogger("libactor"), Deaf()
    monkeypatch.setattr(sys, "unraisablehook", lambda told: None)  # where the error of the log is told instead
    log.addHandler(handler)
    yield
    log.removeHandler(handler)


@pytest.mark.parametrize("helping", [True, False])
def test_a_log_that_fails_after_a_handler_s_failure_keeps_no_actor_from_being_served(deaf_log, helping):
    with la.Runtime(helping=helping):
        failing, other = la.spawn(Failing()), la.spawn(Failing())

        la.tell(failing, Failing.fail)

        assert la.wait(failing, LIMIT)
        assert la.dispatch(other, Failing.answer).get(LIMIT) == 1


@pytest.mark.parametrize("helping", [True, False])
def test_a_log_that_fails_after_on_stop_does_not_keep_the_actor_from_its_end(deaf_log, helping):
    with la.Runtime(helping=helping) as runtime:
        pid = la.spawn(FailingLast())
        for _ in range(10):  # quick, so that the waiting thread helps
            la.dispatch(pid, Failing.answer).get(LIMIT)

        la.terminate(pid)

        assert la.wait(pid, LIMIT)
        assert runtime.find(pid.id) is None


needs_testcapi = pytest.mark.skipif(
    la.CORE != "c" or importlib.util.find_spec("_testcapi") is None,
    reason="memory can be taken away from the C core only, and by the module _testcapi, which this Python lacks",
)


@needs_testcapi
@pytest.mark.real
def test_an_actor_that_could_not_be_enqueued_for_lack_of_memory_is_at_the_next_send(program):
    script = """
    import _testcapi
    from libactor._core._impl import Mailbox, RunQueue

    refused = 0
    for n in range(1, 20):
        mailbox, event = Mailbox(), object()
        mailbox.queue = queue = RunQueue()
        _testcapi.set_nomemory(n, n + 1)
        try:
            mailbox.deliver(event)
        except MemoryError:
            refused += 1
        finally:
            _testcapi.remove_mem_hooks()
        mailbox.deliver(event)
        assert len(queue) == 1, n
    print(refused > 0)
    """

    assert program(script) == "True\n"


# Goal: who is told that there was no memory has sent nothing, and what waited before is there still. Method: an event
#   waits in a mailbox that nobody has scheduled, and the n-th allocation of the next send is taken away.
@needs_testcapi
@pytest.mark.real
@pytest.mark.parametrize("send", ["deliver", "deliver_first", "deliver_urgent"])
def test_what_could_not_be_sent_for_lack_of_memory_is_taken_back_and_nothing_else(program, send):
    script = f"""
    import _testcapi
    from libactor._core._impl import Mailbox, RunQueue

    refused = 0
    for n in range(20):
        mailbox = Mailbox()
        mailbox.hold(True)
        mailbox.put("old")
        mailbox.hold(False)
        mailbox.queue = RunQueue()
        _testcapi.set_nomemory(n, n + 1)
        try:
            mailbox.{send}("new")
            sent = True
        except MemoryError:
            sent = False
        finally:
            _testcapi.remove_mem_hooks()
        refused += not sent
        if sent:
            assert sorted(mailbox.close()) == ["new", "old"], n
        else:
            assert mailbox.close() == ["old"], n
    print(refused > 0)
    """

    assert program(script) == "True\n"


# Goal: the steps of a worker between two actors may fail. Method: a handler takes the n-th allocation from now away.
#   Waits before it leave threads that stand by: a slow machine has one take over, and to start a thread then may hang
#   in Python itself, which does not see that the new thread had no memory to say that it runs.
@needs_testcapi
@pytest.mark.real
def test_lack_of_memory_in_a_worker_s_own_steps_does_not_end_the_worker(program):
    script = """
    import _testcapi, logging
    import libactor as la

    logging.disable(logging.CRITICAL)

    class Armed(la.Actor):
        def arm(self, n):
            _testcapi.set_nomemory(n, n + 1)
        def answer(self):
            return 1
        def wait_for(self, future):
            return future.get(30)

    for n in range(1, 30):
        runtime, promise = la.Runtime(helping=False), la.Promise()
        waiting = [la.dispatch(runtime.spawn(Armed()), Armed.wait_for, promise.future) for _ in range(4)]
        armed, other = runtime.spawn(Armed()), runtime.spawn(Armed())
        la.dispatch(other, Armed.answer).get(30)  # and all the others wait
        promise.set(1)
        assert la.collect(waiting).get(30) == [1] * 4
        for pid in (armed, other): la.dispatch(pid, Armed.answer).get(30)
        la.tell(armed, Armed.arm, n)
        try:
            la.dispatch(other, Armed.answer).get(0.05)
        except (MemoryError, TimeoutError, la.Abandoned):
            pass
        _testcapi.remove_mem_hooks()
        assert la.dispatch(other, Armed.answer).get(5) == 1, n
        runtime.close()
    print("all served")
    """

    assert program(script) == "all served\n"


# Goal: no memory leaves nobody waiting who sends to a bounded actor, its control lane or its stash, or awaits there.
#   Method: one step after the other, with its n-th allocation taken away; the actor is then ended, and all have heard.
@needs_testcapi
@pytest.mark.real
@pytest.mark.parametrize("overflow", ["drop-new", "drop-old", "fail-sender"])
def test_lack_of_memory_in_lanes_and_stash_leaves_nobody_waiting(program, overflow):
    script = f"""
    import _testcapi, logging, sys
    import libactor as la
    from libactor._core._impl import RunQueue, RuntimeCell

    logging.disable(logging.CRITICAL)
    sys.unraisablehook = lambda told: None

    class Table(RuntimeCell):
        simulation = None
        def dead_letter(self, *what): pass
        def overflow(self): pass

    class Busy(la.Actor):
        def keep(self): self.stash()
        def put_back(self): return self.unstash()
        def answer(self): return 1
        @la.control
        def hurry(self): return 2
        async def wait(self, future): await future

    def run(n, where):
        table, gate, asked = Table("here", RunQueue()), la.Promise(), []
        pid = table.spawn(Busy(), mailbox=la.Bounded(2, "{overflow}"))
        process = pid._process
        def serve():
            while len(table.queue): table.queue.step(0)
        serve()
        steps = [*[(Busy.keep,)] * 3, serve, (Busy.wait, gate.future), serve, (Busy.hurry,), *[(Busy.answer,)] * 4]
        for place, step in enumerate([*steps, serve, (Busy.put_back,), serve]):
            if place == where and step is not serve: _testcapi.set_nomemory(n, n + 1)
            try: step() if step is serve else asked.append(la.dispatch(pid, *step))
            except MemoryError: pass
            finally: _testcapi.remove_mem_hooks()
        la.terminate(pid)
        serve()
        assert process.stopped.is_ready() and process.stashed == process.suspended == 0, (n, where)
        assert all(not f.is_pending() or f.is_abandoned() for f in asked), (n, where)

    for where in range(13):
        for n in range(12): run(n, where)
    print("all heard")
    """

    assert program(script) == "all heard\n"
