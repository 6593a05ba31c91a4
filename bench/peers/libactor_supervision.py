"""libactor's supervised actors: what a dispatch to one costs beside one to an actor that nobody supervises."""

# Who calls: the peer derives from Supervision (bench/peers/libactor_runtime.py). The work is that of handler-plain.

from __future__ import annotations

import logging
from time import perf_counter

import libactor as la
from bench.benchmarks import expect
from bench.peers.libactor_coroutines import Server


class Supervision:
    """The lines that begin with dispatch-."""

    def dispatch_supervised(self, count: int) -> float:
        """All dispatched to a supervised actor, the last answer awaited."""
        with la.Runtime():
            return _dispatch(_supervise(), count)

    def dispatch_restarted(self, count: int) -> float:
        """The same, by a PID from before the actor was started anew."""
        with la.Runtime() as runtime:
            pid = _supervise()
            before = pid._process
            logging.disable()
            la.tell(pid, Server.look, "one argument too many")
            la.wait(pid)
            while runtime.find("server") is None or pid._process is before:
                la.dispatch(runtime.find("supervisor"), la.Supervisor.children).get()
            logging.disable(logging.NOTSET)
            return _dispatch(pid, count)


def _supervise() -> la.PID[Server]:
    supervisor = la.spawn(la.Supervisor([la.Child(Server, id="server")], id="supervisor"))
    la.dispatch(supervisor, la.Supervisor.started).get()
    (child,) = la.dispatch(supervisor, la.Supervisor.children).get()
    assert child.pid is not None
    return child.pid


def _dispatch(pid: la.PID[Server], count: int) -> float:
    start = perf_counter()
    for _ in range(count):
        answer = la.dispatch(pid, Server.plain)
    last = answer.get()
    seconds = perf_counter() - start
    expect(last, count, "answers")
    return seconds
