"""Asking: this side's half of a connection: what its actors send to others there, and what they wait for."""

# Who calls: the peer (peer.py), with what the core offers it; the connection, with answers that arrive.
# Invariants: 1. a call waits for its answer by one connection. It gets that, or is abandoned when the connection
#   breaks, the reason being Disconnected.    2. a link is told once: of the end of the actor, or that the connection
#   broke; who links twice hears once.    3. what cannot cross is refused where it is sent, and nothing of it is sent.
# A call keeps its event, since that would abandon the future with it; one with much inside is let go, and its future
#   gets another place (`_let_go`).

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from libactor._core._impl import DISCARDED, FAILED, READY, append_frame
from libactor._core.errors import Disconnected, NotPassable
from libactor.codec import Reader, describe_error
from libactor.context import serving
from libactor.crossing import PLAIN, unmade, write_value
from libactor.events import Exited
from libactor.future import Future
from libactor.transport.borrowing import Borrowed
from libactor.transport.channel import Socket
from libactor.transport.frames import (
    CALL,
    CALL_CODED,
    DISCARD,
    LINK,
    POST,
    TELL,
    TELL_CODED,
    TERMINATE,
    UNLINK,
)
from libactor.waiting import awaited

if TYPE_CHECKING:
    from libactor.pid import PID
    from libactor.process import Process
    from libactor.transport.node import Node
    from libactor.transport.peer import Peer

KEPT_BYTES = 4096  # of a call whose arguments are kept until it is answered


class Asking(Borrowed):
    """What waits for the other side."""

    def __init__(self, node: Node, sock: Socket, peer: Peer | None) -> None:
        super().__init__(node, sock)
        self.stranger = "a stranger"  # its name until then
        self.peer = peer  # who is at the other end; None until it has said so
        self.links: dict[str, dict[Process, PID[Any]]] = {}  # by id: who is to hear of its end, and of whose

    # What is sent.

    def call(self, pid: PID[Any], event: Any) -> None:
        """Send a call. Raises: NotPassable."""
        number, future = self._number(), event.future
        call = self.calls[number] = [future, pid, event]  # before anybody can answer, and what follows
        if serving.workers is None:
            awaited[future] = self
        try:
            size = 0
            if not event.keywords:
                size = append_frame(self.outgoing, self._frame_max, CALL, number, pid.id, event.what, *event.arguments)
            if size <= 0:
                size = self._put_coded((CALL_CODED, number, pid.id, event.what), event)
        except BaseException:
            self._settle(number)
            raise
        if size > KEPT_BYTES:
            self._let_go(call)
        future.on_discard(partial(self._discard, number))
        if self.lent and serving.workers is not None:
            self.give_back()
        self.sent(size, len(self.calls) == 1)
        if self.broken is not None:
            self.tell_broken()

    def _let_go(self, call: list[Any]) -> None:
        """Keep a call without its event, which has much inside."""
        call[2].future = Future()
        call[2] = None

    def tell(self, pid: PID[Any], event: Any) -> None:
        """Send a call that nobody waits for. Raises: NotPassable."""
        size = 0
        if not event.keywords:
            size = append_frame(self.outgoing, self._frame_max, TELL, pid.id, event.what, *event.arguments)
        if size <= 0:
            size = self._put_coded((TELL_CODED, pid.id, event.what), event)
        self.sent(size)

    def post(self, pid: PID[Any], event: Any) -> None:
        """Send a message. Raises: NotPassable."""
        sender: PID[Any] | None = event.future
        if sender is not None and ":" not in sender.address:
            raise NotPassable(
                f"post: the sender {sender} is an actor of a runtime that nobody can reach; open that with "
                "Runtime(remote=...), or give sender="
            )
        what = f"message {type(event.what).__qualname__}"
        name, address = (None, None) if sender is None else (sender.id, sender.address)
        self.sent(self.put(what, POST, pid.id, name, address, write_value(event.what, what)))

    def terminate(self, id: str, inject: bool) -> None:
        """Ask an actor to stop."""
        self.sent(self.put("terminate", TERMINATE, id, inject))

    def link(self, watcher: Process, pid: PID[Any]) -> None:
        """Have ``watcher`` told when the actor ends, or the connection breaks."""
        watchers = self.links.setdefault(pid.id, {})
        first = not watchers
        watchers[watcher] = pid
        if first:
            self.sent(self.put("link", LINK, pid.id))
        if self.broken is not None:
            self.tell_broken()

    def unlink(self, watcher: Process, id: str) -> None:
        """``watcher`` has ended."""
        watchers = self.links.get(id)
        if watchers is not None and watchers.pop(watcher, None) is not None and not watchers:
            self.links.pop(id, None)
            if self.broken is None:
                self.sent(self.put("unlink", UNLINK, id))

    def _discard(self, number: int) -> None:
        if number in self.calls and self.broken is None:
            self.sent(self.put("discard", DISCARD, number))

    def _put_coded(self, head: tuple[Any, ...], event: Any) -> int:
        """Put in a call that would not go plainly. Raises: NotPassable, naming the argument."""
        what = f"the arguments of {event.what}"
        try:
            coded = write_value((event.arguments, event.keywords), what)
        except NotPassable:
            for place, value in (*enumerate(event.arguments, 1), *event.keywords.items()):
                if type(value) not in PLAIN:
                    write_value(value, f"argument {place} of {event.what}")
            raise
        return self.put(what, *head, coded)

    # What comes back. A call that was taken out of the table is held until its future is complete: its event would
    # abandon it otherwise.

    def take_answer(self, number: Any, value: Any) -> None:
        """A call has returned something plain."""
        waiting = self._settle(number)
        if waiting is not None:
            waiting[0]._complete(READY, value)

    def take_answer_coded(self, number: Any, coded: Any) -> None:
        """A call has returned something."""
        waiting = self._settle(number)
        if waiting is None:
            return
        try:
            value = self.read_coded(coded)
        except Exception as error:
            waiting[0]._complete(FAILED, NotPassable(unmade("the result", self.node.address, error)))
        else:
            waiting[0]._complete(READY, value, True)

    def take_failure(self, number: Any, coded: Any) -> None:
        """A call has raised."""
        waiting = self._settle(number)
        if waiting is not None:
            waiting[0]._complete(FAILED, self.read_error(coded))

    def take_discarded(self, number: Any) -> None:
        """A call was discarded."""
        waiting = self._settle(number)
        if waiting is not None:
            waiting[0]._complete(DISCARDED, None)

    def take_abandoned(self, number: Any, coded: Any) -> None:
        """Nobody will answer a call."""
        waiting = self._settle(number)
        if waiting is not None:
            waiting[0]._abandon((waiting[1], None if coded is None else self.read_error(coded)))

    def take_exit(self, id: Any, coded: Any) -> None:
        """An actor has ended that somebody here is linked to."""
        watchers = self.links.pop(id, None)
        if watchers:
            reason = None if coded is None else self.read_error(coded)
            for watcher, pid in list(watchers.items()):
                watcher.arrive(Exited(pid, reason))

    def tell_broken(self) -> None:
        """The connection broke: tell links and calls. They are told once, all of them, whatever callbacks raise."""
        interrupt: BaseException | None = None
        while self.links or self.calls:
            try:
                self._tell_broken()
            except BaseException as error:
                interrupt = interrupt or error
        if interrupt is not None:
            raise interrupt

    def _tell_broken(self) -> None:
        what = f"connection from {self.node.address} to {self.name}"
        error = Disconnected(f"the {what} broke: {self.broken}" if self.open else f"no {what}: {self.broken}")
        for watchers in _drain(self.links):
            for watcher, pid in list(watchers.items()):
                watcher.arrive(Exited(pid, error))
        for future, pid, _event in _drain(self.calls):
            awaited.pop(future, None)
            future._abandon((pid, error))

    def is_awaited(self) -> bool:
        """See Channel."""
        return bool(self.calls)

    @property
    def name(self) -> str:
        """Whom it leads to."""
        return self.stranger if self.peer is None else self.peer.address

    def read_coded(self, coded: Any) -> Any:
        """A value as the codec wrote it. Raises: whatever reading it raises."""
        return Reader(self.node, []).decode(coded)

    def read_error(self, coded: Any) -> BaseException:
        """An error as the codec wrote it; if it cannot be made here, one that says so."""
        try:
            error = self.read_coded(coded)
        except Exception as failure:
            try:
                text = describe_error(coded)
            except Exception as broken:
                return RuntimeError(f"an error that cannot be made here: {broken}")
            error = RuntimeError(text or "an error that cannot be made here")
            error.add_note(f"of that class none can be made here, it {failure}")
            return error
        return error if isinstance(error, BaseException) else RuntimeError(f"an error that is none: {error!r}")

    def _settle(self, number: Any) -> list[Any] | None:
        """Take a call out of the table; None if it is not there: the peer made its number up, say."""
        waiting: list[Any] | None = self.calls.pop(number, None)
        if waiting is not None:
            awaited.pop(waiting[0], None)
        return waiting


def _drain(table: dict[Any, Any]) -> Iterator[Any]:
    """The values of ``table``, each taken out by one thread only, in order."""
    while table:
        try:
            key = next(iter(table))
        except (StopIteration, RuntimeError):  # another thread has changed it
            continue
        value = table.pop(key, None)
        if value is not None:
            yield value
