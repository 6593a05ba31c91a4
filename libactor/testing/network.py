"""Network: what lies between the hosts of a deterministic runtime, and the ways in which it fails."""

# Who calls: the core offers each event that goes from one host to another (RunQueue.network), and each link and
#   termination; tests cut, clog, crash and heal. docs/internals.md, "Between hosts", says what a transport over TCP
#   has to do in its place.
# Rules: 1. at most once: what is lost is not sent again. Who waits for an answer that was lost waits until the
#   connection breaks, and then finds it abandoned, the reason being Disconnected.    2. a PID is a name: what arrives
#   for an actor that is not there any more goes to the one that has its id by then.    3. links hear of a broken
#   connection as of an end, with Disconnected.    4. a host that has crashed sends nothing; what is sent to it is lost.
#   5. values are encoded and decoded for a trial, and what only works in one process is refused: the objects that
#   arrive are the sender's copies.
# Outside: actors of the runtime itself, and code in no actor, such as that of a test, are on no host. What they send,
#   and what is sent to them, goes past the network: they see everything and nothing happens to it.

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from libactor._core._impl import terminate
from libactor._core.errors import Disconnected, MailboxFull, NotPassable
from libactor.context import running_process, serving
from libactor.crossing import check_event, cross_error, unmarked
from libactor.events import Exited
from libactor.future import Future
from libactor.testing.answers import FAILED, answer_by, forget_answer
from libactor.testing.conditions import Conditions
from libactor.testing.connection import Connection, Frame
from libactor.testing.life import Life
from libactor.testing.names import Names

if TYPE_CHECKING:
    from libactor.pid import PID
    from libactor.process import Process
    from libactor.testing.connection import End
    from libactor.testing.deterministic import Host
    from libactor.testing.simulation import Simulation
    from libactor.testing.streams import Stream
    from libactor.testing.virtual_clock import VirtualClock


class Network:
    """The connections between hosts: ``rt.network``. Hosts are given by name, or as what ``rt.host`` returned."""

    def __init__(self, simulation: Simulation, hosts: dict[str, Host]) -> None:
        self._conditions = Conditions()
        self.clock: VirtualClock = simulation.clock
        self._simulation = simulation
        self._hosts = hosts
        self._between: dict[tuple[str, str], Conditions] = {}
        self._connections: dict[tuple[str, str], Connection] = {}  # names of the hosts in order -> the last one
        self._cut: set[tuple[str, str]] = set()  # from, to
        self._clogged: set[tuple[str, str]] = set()  # from, to
        self._ghosts: dict[Process, Life] = {}  # actors of hosts that have crashed since
        self._numbers = itertools.count(1)  # of calls

    # What tests do.

    @property
    def conditions(self) -> Conditions:
        """Those that hold between all hosts, but for what ``between`` says."""
        return self._conditions

    @conditions.setter
    def conditions(self, conditions: Conditions) -> None:
        self._conditions = _check_conditions(conditions)

    def between(self, first: Host | str, second: Host | str, conditions: Conditions) -> None:
        """Let these conditions hold between two hosts, both ways."""
        self._between[_pair(self._name(first), self._name(second))] = _check_conditions(conditions)

    def partition(self, first: Iterable[Host | str], second: Iterable[Host | str], *, both_ways: bool = True) -> None:
        """Let nothing through from the hosts ``first`` to the hosts ``second``, and, if ``both_ways``, back.

        What is sent waits. When a host notices the silence, after a time drawn from ``notice``, the connection breaks
        for it, and what waited is lost; once it is healed before, all goes on in order.
        """
        pairs = self._pairs(first, second, both_ways)
        self._cut |= pairs
        self._update()

    def heal(self) -> None:
        """End all partitions."""
        self._cut.clear()
        self._update()

    def clog(self, first: Iterable[Host | str], second: Iterable[Host | str], *, both_ways: bool = True) -> None:
        """As partition, but nobody notices: what is sent waits for unclog."""
        self._clogged |= self._pairs(first, second, both_ways)

    def unclog(self) -> None:
        """Let everything that was clogged flow again."""
        self._clogged.clear()
        self._update()

    def reset(self, first: Host | str, second: Host | str) -> None:
        """Break the connection between two hosts, if there is one; both notice soon."""
        connection = self._connections.get(_pair(self._name(first), self._name(second)))
        if connection is not None and not connection.broken:
            connection.reset()

    def crash(self, host: Host | str) -> None:
        """Let a host go down: its actors are gone without on_stop, its timers do not fire, its disk crashes.

        Other hosts notice after a time drawn from ``notice``, or when it is up again and they send to it.
        """
        found = self._hosts[self._name(host)]
        life = found.life
        if life.dead:
            raise ValueError(f"crash: host {found.address} is down already; start it first")
        life.dead = found._closed = True
        processes = list(found._processes.values())
        self._ghosts.update(dict.fromkeys(processes, life))
        self._simulation.freeze(life, processes)
        error = Disconnected(f"host {found.address} has crashed")
        if found._disk is not None:
            found._disk.crash()
            found._disk.down = True  # for what coroutines do on their way out
        for process in reversed(processes):
            life.do(partial(process.crash, error))
        for pool in found.pools:
            life.do(pool.crash)
        if found._disk is not None:
            found._disk.down = False
        self._note(f"{found.address} crashes")
        self._update()

    def start(self, host: Host | str) -> None:
        """Let a host that has crashed come up again, without actors; its disk holds what the crash has left."""
        found = self._hosts[self._name(host)]
        if not found.life.dead:
            raise ValueError(f"start: host {found.address} is up; crash it first")
        found.life = Life(found)
        found._closed = False
        self._note(f"{found.address} starts")

    # What the core offers.

    def __call__(self, sender: Process | None, receiver: Process, event: Any) -> bool:
        """Take over what goes from one host to another; False: it is to be delivered at once."""
        life = self._life_between(sender, receiver)
        if life is not None and not life.dead:
            self._cross(life, receiver, event)
        return life is not None

    def terminate(self, process: Process, inject: bool) -> bool:
        """As above, when an actor is asked to stop."""
        life = self._life_between(running_process(), process)
        if life is not None and not life.dead:
            frame = Frame("terminate", lambda: terminate(_newest(process).pid, inject))
            self._send(self._connect(life, _home(process)), life, frame)
        return life is not None

    def link(self, watcher: Process, process: Process) -> bool:
        """As above, of a link."""
        life = self._life_between(watcher, process)
        if life is not None and not life.dead:
            connection = self._connect(life, _home(process))
            links = connection.end(life).links
            if (watcher, process.pid) not in links:
                links[watcher, process.pid] = None
                self._send(connection, life, Frame("link", lambda: _link(process, watcher)))
        return life is not None

    def home(self, address: str) -> Host | None:
        """The host at that address."""
        return self._hosts.get(address)

    # What connections ask.

    def stream(self, source: Life, target: Life, purpose: str = "") -> Stream:
        """The choices of one direction."""
        return self._simulation.streams(f"network {source.host.address}->{target.host.address}{purpose}")

    def conditions_between(self, first: Host, second: Host) -> Conditions:
        """Those that hold now."""
        return self._between.get(_pair(first.address, second.address), self._conditions)

    def is_blocked(self, source: Host, target: Host) -> bool:
        """Whether what is sent has to wait."""
        way = source.address, target.address
        return way in self._cut or way in self._clogged

    def is_cut(self, first: Host, second: Host) -> bool:
        """Whether one of the two hears nothing of the other."""
        way = first.address, second.address
        return way in self._cut or way[::-1] in self._cut

    def note(self, source: Life, target: Life, frame: Frame, outcome: str) -> None:
        """Write down what becomes of a frame."""
        if self._simulation.log is not None:
            self._note(f"{source.host.address}->{target.host.address} {frame.what} {outcome}")

    def tell_broken(
        self, life: Life, other: Life, links: list[tuple[Process, PID[Any]]], calls: list[tuple[Future[Any], PID[Any]]]
    ) -> None:
        """A host has noticed that its connection to another one broke."""
        error = Disconnected(f"the connection from {life.host.address} to {other.host.address} broke")
        self._note(f"{life.host.address} notices: {error}")
        for watcher, pid in links:
            life.do(partial(watcher.arrive, Exited(pid, error)))
        for future, pid in calls:
            life.do(partial(future._abandon, (pid, error)))

    # Crossing.

    def _cross(self, life: Life, receiver: Process, event: Any) -> None:
        kind = getattr(event, "kind", None)
        if kind == "execute":
            raise NotPassable(
                f"execute: a function runs on one host only, and {receiver.pid} is on another; use dispatch"
            )
        if kind is not None:
            check_event(event)
        connection = self._connect(life, _home(receiver))
        if kind == "dispatch":
            self._call(connection, life, receiver, event)
        elif isinstance(event, Exited):
            self._send(connection, life, self._exit_frame(connection, life, receiver, event))
        else:
            self._send(connection, life, _event_frame(receiver, event))

    def _call(self, connection: Connection, life: Life, receiver: Process, event: Any) -> None:
        """Send a call. Here a future waits for the answer; there another one, which the event gets in its place."""
        end, number, future = connection.end(life), next(self._numbers), event.future
        other = connection.other(end)
        inner: Future[Any] = Future()
        event.future = inner
        end.calls[number] = future, receiver.pid

        def arrive() -> None:
            def send(what: str, finish: Any) -> None:
                self._send(connection, other.life, Frame(f"answer {what}", lambda: _finish(end, number, finish)))

            answer_by(inner, event.what, _newest(receiver), send)
            _hand_over(receiver, event)

        def copy() -> Frame:
            again = event.copy()
            forget_answer(again.future)
            return Frame(f"call {event.what}", lambda: _hand_over(receiver, again))

        future.on_discard(lambda: self._send(connection, life, Frame("discard", inner.discard)))
        self._send(connection, life, Frame(f"call {event.what}", arrive, copy))

    def _exit_frame(self, connection: Connection, life: Life, watcher: Process, event: Exited) -> Frame:
        end = connection.other(connection.end(life))
        reason = None if event.reason is None else cross_error(event.reason)

        def arrive() -> None:
            if (watcher, event.pid) in end.links:  # else the watcher was told that the connection broke
                del end.links[watcher, event.pid]
                watcher.arrive(Exited(event.pid, reason))

        return Frame(f"exited {event.pid}", arrive)

    def _send(self, connection: Connection, life: Life, frame: Frame) -> None:
        if not life.dead:
            connection.send(connection.end(life), frame)

    def _connect(self, life: Life, host: Any) -> Connection:
        """The connection that a host sends by: a new one, if it knows that the last one broke."""
        key = _pair(life.host.address, host.address)
        connection = self._connections.get(key)
        if connection is not None:
            end = connection.end(life)
            if end.life is life and not end.noticed:
                return connection
            connection.break_()
            connection.notice(connection.other(end))  # by the new one, if not before
        connection = self._connections[key] = Connection(self, life, host.life)
        return connection

    def _life_between(self, sender: Process | None, receiver: Process) -> Life | None:
        """That of the host that sends to another one; None if it is none, or the same."""
        target: Any = receiver.runtime
        if target.address not in self._hosts:
            return None
        life = self._life_of(sender)
        return None if life is None or (_home(receiver) is life.host and not life.dead) else life

    def _life_of(self, process: Process | None) -> Life | None:
        """That of the host whose code runs; None outside."""
        if serving.life is not None or process is None:
            return serving.life
        ghost = self._ghosts.get(process)
        if ghost is not None:
            return ghost
        host = self._hosts.get(process.runtime.address)
        return None if host is None else host.life

    def _update(self) -> None:
        for connection in list(self._connections.values()):
            for end in connection.ends():
                connection.update(end)

    def _note(self, what: str) -> None:
        if self._simulation.log is not None:
            self._simulation.log.note(self.clock.now_ns(), "network", what)

    def _name(self, host: Host | str) -> str:
        name = host if isinstance(host, str) else getattr(host, "address", None)
        if name not in self._hosts:
            raise ValueError(f"network: got {host!r}, expected a host that rt.host has made: {sorted(self._hosts)}")
        return name

    def _pairs(self, first: Any, second: Any, both_ways: bool) -> set[tuple[str, str]]:
        if isinstance(first, str) or isinstance(second, str):
            raise TypeError(f"network: got {first!r} and {second!r}, expected two lists of hosts")
        names, others = [self._name(host) for host in first], [self._name(host) for host in second]
        if set(names) & set(others):
            raise ValueError(f"network: got {names} and {others}, expected two lists without a host in common")
        pairs = set(itertools.product(names, others))
        return pairs | {pair[::-1] for pair in pairs} if both_ways else pairs


def _event_frame(receiver: Process, event: Any) -> Frame:
    """A message, or a call without an answer."""
    what = getattr(event, "what", event)
    text = what if isinstance(what, str) else type(what).__qualname__

    def copy() -> Frame | None:
        return _event_frame(receiver, event.copy()) if hasattr(event, "copy") else None

    return Frame(text, lambda: _hand_over(receiver, event), copy)


def _check_conditions(conditions: object) -> Conditions:
    if not isinstance(conditions, Conditions):
        raise TypeError(f"network: got {conditions!r}, expected Conditions")
    return conditions


def _home(process: Process) -> Any:
    """The host of ``process``, or of the actor that it stands in for."""
    runtime: Any = process.runtime
    return runtime.runtime if isinstance(runtime, Names) else runtime


def _is_nobody(process: Process) -> bool:
    """Whether it only stands in for an actor, which is not there."""
    runtime: Any = process.runtime
    return isinstance(runtime, Names)


def _newest(process: Process) -> Process:
    """Who has the name of ``process`` now."""
    pid = _home(process).find(process.pid.id)
    return process if pid is None else pid._process


def _link(process: Process, watcher: Process) -> None:
    """A link has arrived."""
    newest = _newest(process)
    if _is_nobody(newest):
        watcher.deliver(Exited(process.pid, None))
    else:
        newest.link_here(watcher)


def _hand_over(receiver: Process, event: Any) -> None:
    """Give ``event`` to whom it is for; if there is no room for it, or the method is not for other hosts, a call fails,
    and all else is lost."""
    newest: Any = _newest(receiver)
    kind = getattr(event, "kind", None)
    if _is_nobody(newest):
        event.drop(receiver)
    elif kind in ("dispatch", "tell") and event.what not in newest.kind._libactor_remote:
        error = unmarked(newest.kind, event.what)
        if kind == "dispatch":
            event.future._complete(FAILED, error)
        else:
            newest._dead_letter(event.what, str(error))
    else:
        try:
            newest.arrive(event)
        except MailboxFull as full:
            if kind == "dispatch":
                event.future._complete(FAILED, full.with_traceback(None))  # no line of the actor's has raised it


def _finish(end: End, number: int, finish: Any) -> None:
    """An answer is there: complete what waits for it, unless it was told that the connection broke."""
    waiting = end.calls.pop(number, None)
    if waiting is not None:
        finish(waiting[0])


def _pair(first: str, second: str) -> tuple[str, str]:
    return (first, second) if first < second else (second, first)
