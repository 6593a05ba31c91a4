"""Borrowing: a thread that waits for an answer reads the connection itself, so an ask costs no switch of threads."""

# Who calls: libactor/waiting.py, in a thread outside of actors that waits for an answer which comes by this connection.
# It borrows the socket from the poller and lets the system wait in recv. The loan lasts a moment longer than the answer
#   takes, since who has asked once will ask again; what arrives in that moment and is for others waits as long.
# Invariant: the poller has the socket back as soon as it may have something to tell: somebody else waits for an answer,
#   or the system takes no more to send.
# Rejected: to send for the worker whenever it came to read and was turned away. Asks in a row kept it coming,
#   each of them, and on one CPU took twice as long (bench/: remote-ask).

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from libactor._core._channel import NO_WAIT
from libactor._core.clock import NANOSECONDS, monotonic_ns
from libactor.transport.channel import WAIT_S, Channel, Socket

if TYPE_CHECKING:
    from libactor.transport.node import Node

LEASE_S = 0.002  # after which a thread that does not come back to read is not waited for
HELP_S = 1.0  # left before a timeout, for a thread to read itself


class Borrowed(Channel):
    """A channel that threads may read."""

    def __init__(self, node: Node, sock: Socket) -> None:
        super().__init__(node, sock)
        self._helped = False  # one has done so since somebody last looked

    def help(self, future: Any, timeout: float | None) -> float | None:
        """In a thread that waits for ``future``, for so many seconds: read, until it is complete; what is left."""
        self.node.runtime.check_here()
        if self.outgoing:
            self.flush()
        if self.outgoing or not self.open or (timeout is not None and timeout < HELP_S):
            return timeout
        if not self._begin_reading():
            return timeout
        begin = 0 if timeout is None else monotonic_ns()
        try:
            self._helped = True
            if not self.lent:
                self._lend()
            while future.is_pending() and self.broken is None and not future.is_abandoned():
                if timeout is not None and monotonic_ns() - begin > (timeout - WAIT_S) * NANOSECONDS:
                    break
                self._read_once(0)
            if self._unread and self.broken is None:
                self._look_again()
        finally:
            self._stop_reading()
            if self.broken is None and (self.outgoing or self.is_awaited()):
                self.give_back()
        return None if timeout is None else timeout - (monotonic_ns() - begin) / NANOSECONDS

    def _look_again(self) -> None:
        """The worker came to read meanwhile, and found that this thread does: look in its place, or it comes during the
        next question, finds the same, and has to be sent for again."""
        self._unread = False  # before the look: who comes from now on is not forgotten
        count = 1  # there may be more
        try:
            count = self._read_once(NO_WAIT)
        finally:
            if count:
                self._unread = True

    def _lend(self) -> None:
        """Have the poller leave the socket alone, for this time and a moment longer: a thread that has asked once will
        ask again."""
        self.lent = True
        self.poller.lend(self.fd)
        self.poller.after(LEASE_S, self._end_lease)
        if not self._may_write or not self.lent:  # somebody has found no room meanwhile, and gave it back too early
            self.lent = True
            self.give_back()

    def _end_lease(self) -> None:
        """Have the poller look again, if no thread has read for a while."""
        if self.lent and self._helped and self.broken is None:
            self._helped = self._reads
            self.poller.after(LEASE_S, self._end_lease)
        else:
            self.give_back()

    def give_back(self) -> None:
        """Have the poller look after the socket."""
        if self.lent:
            self.lent = False
            self.poller.take_back(self.fd)
