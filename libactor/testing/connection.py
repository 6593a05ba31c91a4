"""Connection: what lies between two simulated hosts: two directions, each first in, first out, until it breaks."""

# Who calls: network.py makes one for two hosts when one of them sends, and a new one after that host has noticed that
#   the last one broke.
# Invariants: 1. frames of one direction arrive in the order in which they were sent; what straggles out of a broken
#   connection is the only exception.    2. a connection that broke brings nothing more, but for that; each host that
#   lives notices it once: by then it has told its links, and abandoned its calls.    3. while a direction is cut or
#   clogged its frames wait.
# The two hosts notice a break one after the other, as they do in earnest: until then what they send is lost.

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from libactor._core.clock import NANOSECONDS
from libactor.testing.conditions import draw_fate, draw_span

if TYPE_CHECKING:
    from libactor._core.clock import Timer
    from libactor.future import Future
    from libactor.pid import PID
    from libactor.process import Process
    from libactor.testing.life import Life
    from libactor.testing.network import Network


class Frame:
    """Something on its way: ``arrive`` is called on the other host. ``copy`` makes another one, or None."""

    __slots__ = ("arrive", "copy", "what")

    def __init__(self, what: str, arrive: Callable[[], object], copy: Callable[[], Frame | None] | None = None) -> None:
        self.what = what
        self.arrive = arrive
        self.copy = copy


class End:
    """One host's end of a connection, and the direction that leads away from it."""

    __slots__ = ("calls", "expiry", "last_ns", "life", "links", "noticed", "outgoing", "timer")

    # life: of the host, as long as it does not crash.    outgoing: when each frame is to arrive, in order.
    # last_ns: when the last one is.    timer: for the first one.    expiry: when the silence of the other is noticed.
    # calls: those that wait for an answer, with whom they asked, by number.    links: (watcher, whom it watches).
    # noticed: the host knows that the connection broke.

    def __init__(self, life: Life) -> None:
        self.life = life
        self.outgoing: deque[tuple[int, Frame]] = deque()
        self.last_ns = 0
        self.timer: Timer | None = None
        self.expiry: Timer | None = None
        self.calls: dict[int, tuple[Future[Any], PID[Any]]] = {}
        self.links: dict[tuple[Process, PID[Any]], None] = {}
        self.noticed = False


class Connection:
    """Between two hosts. ``broken``: it brings nothing more."""

    def __init__(self, network: Network, first: Life, second: Life) -> None:
        self._network = network
        self._ends = {first.host: End(first), second.host: End(second)}
        self.broken = False
        for end in self._ends.values():
            self.update(end)

    def end(self, life: Life) -> End:
        """That of the host of ``life``."""
        return self._ends[life.host]

    def ends(self) -> list[End]:
        """Both."""
        return list(self._ends.values())

    def other(self, end: End) -> End:
        """The opposite of ``end``."""
        first, second = self._ends.values()
        return second if end is first else first

    def send(self, end: End, frame: Frame) -> None:
        """Send from the host at ``end``; what becomes of it is drawn."""
        network = self._network
        other = self.other(end)
        stream = network.stream(end.life, other.life)
        fate = draw_fate(network.conditions_between(end.life.host, other.life.host), stream)
        if self.broken or fate.lost:
            network.note(end.life, other.life, frame, "lost")
        elif fate.resets:
            network.note(end.life, other.life, frame, "reset")
            self.reset()
        else:
            self._queue(end, frame, fate.delay_ns)
            copy = frame.copy() if fate.doubled and frame.copy is not None else None
            if copy is not None:
                network.note(end.life, other.life, frame, "doubled")
                conditions = network.conditions_between(end.life.host, other.life.host)
                copies = network.stream(end.life, other.life, " copies")
                self._queue(end, copy, draw_span(conditions.delay, copies))
            self._pump(end)

    def update(self, end: End) -> None:
        """The direction from ``end``, or the one to it, was cut or healed, clogged or unclogged."""
        if self.broken:
            return
        network, other = self._network, self.other(end)
        if not (network.is_cut(end.life.host, other.life.host) or other.life.dead):
            if end.expiry is not None:
                end.expiry.cancel()
                end.expiry = None
        elif end.expiry is None and not end.life.dead:
            end.expiry = self._timer(self._draw_notice(end), lambda: self._expire(end))
        self._pump(end)

    def reset(self) -> None:
        """Break it; both hosts learn of it as soon as the network can tell them."""
        self.break_()
        for end in self._ends.values():
            conditions = self._network.conditions_between(end.life.host, self.other(end).life.host)
            stream = self._network.stream(end.life, self.other(end).life, " breaks")
            self._timer(draw_span(conditions.delay, stream), partial(self.notice, end))

    def break_(self) -> None:
        """Bring nothing more, but for what straggles."""
        if self.broken:
            return
        self.broken = True
        for end in self._ends.values():
            if end.timer is not None:
                end.timer.cancel()
            frames, end.outgoing = end.outgoing, deque()
            self._scatter(end, frames)

    def notice(self, end: End) -> None:
        """The host at ``end`` learns that the connection broke."""
        if end.noticed:
            return
        end.noticed = True
        if end.expiry is not None:
            end.expiry.cancel()
        links, end.links = end.links, {}
        calls, end.calls = end.calls, {}
        if not end.life.dead:
            self._network.tell_broken(end.life, self.other(end).life, list(links), list(calls.values()))

    def _expire(self, end: End) -> None:
        end.expiry = None
        self.break_()
        self.notice(end)
        other = self.other(end)
        if other.expiry is None and not other.noticed and not other.life.dead:
            other.expiry = self._timer(self._draw_notice(other), lambda: self._expire(other))

    def _draw_notice(self, end: End) -> int:
        other = self.other(end).life
        conditions = self._network.conditions_between(end.life.host, other.host)
        return draw_span(conditions.notice, self._network.stream(end.life, other, " breaks"))

    def _queue(self, end: End, frame: Frame, delay_ns: int) -> None:
        end.last_ns = max(end.last_ns, self._network.clock.now_ns() + delay_ns)
        end.outgoing.append((end.last_ns, frame))

    def _pump(self, end: End) -> None:
        """See that the next frame arrives when it is time."""
        if end.timer is not None or not end.outgoing or self.broken:
            return
        if not self._network.is_blocked(end.life.host, self.other(end).life.host):
            wait_ns = max(0, end.outgoing[0][0] - self._network.clock.now_ns())
            end.timer = self._timer(wait_ns, lambda: self._arrive(end))

    def _arrive(self, end: End) -> None:
        """The first frame from ``end`` is there, if nothing came between."""
        end.timer = None
        other = self.other(end)
        if self.broken or self._network.is_blocked(end.life.host, other.life.host):
            return
        if other.life.dead:
            self._miss(end)
            return
        frame = end.outgoing.popleft()[1]
        self._pump(end)
        self._network.note(end.life, other.life, frame, "arrives")
        other.life.run(frame.arrive)

    def _miss(self, end: End) -> None:
        """The host that the frames are for has crashed: it says nothing; if it is up again, it says no."""
        if self.other(end).life.host.life.dead:
            end.outgoing.clear()
        else:
            self.reset()

    def _scatter(self, end: End, frames: deque[tuple[int, Frame]]) -> None:
        """Of what was under way from ``end`` some may arrive later, on its own."""
        network, other = self._network, self.other(end)
        conditions = network.conditions_between(end.life.host, other.life.host)
        stream = network.stream(end.life, other.life, " breaks")
        for _, frame in frames:
            if not network.is_blocked(end.life.host, other.life.host) and stream.chance(conditions.straggle):
                self._timer(draw_span(conditions.tail_delay, stream), partial(other.life.run, frame.arrive))
            else:
                network.note(end.life, other.life, frame, "lost")

    def _timer(self, wait_ns: int, thunk: Callable[[], object]) -> Timer:
        timer: Timer = self._network.clock.timer(wait_ns / NANOSECONDS, thunk)
        return timer
