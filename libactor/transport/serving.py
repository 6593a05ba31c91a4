"""Serving: the other half of a connection: what the other side's actors send to ours, and what they wait for."""

# Who calls: the channel, with each frame that arrives: on the worker, outside of any actor, or in a thread that waits
#   for an answer of the same connection.
# Invariants: 1. what arrives is for the actor that has the id by then.    2. each call is answered once: by what its
#   actor returns or raises, by its discard, or by the end of the actor.    3. only marked methods are called; messages
#   of any class that an actor handles may come.    4. a frame whose values cannot be made here fails that call, or is a
#   dead letter; one that is malformed breaks the connection, and nothing else.
# Links: one process stands for all that watch from the other side of a connection, the doorman; it is told like any
#   other linker, and passes it on.

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from libactor._core._impl import FAILED as FUTURE_FAILED
from libactor._core._impl import (
    ON_ABANDONED,
    ON_ANY,
    READY,
    FutureCell,
    RunQueue,
    RuntimeCell,
    append_frame,
    dispatch,
    move,
    post,
    tell,
    terminate,
)
from libactor._core.errors import MailboxFull, NotPassable
from libactor.actor import Actor
from libactor.crossing import unmade, unmarked, write_error, write_value
from libactor.debugging import watch
from libactor.events import Exited
from libactor.transport.asking import Asking
from libactor.transport.frames import (
    ABANDONED,
    ANSWER,
    ANSWER_CODED,
    DISCARDED,
    EXITED,
    FAILED,
    Malformed,
)
from libactor.transport.peer import ID_LENGTH_MAX

if TYPE_CHECKING:
    from libactor.process import Process
    from libactor.transport.channel import Socket
    from libactor.transport.node import Node
    from libactor.transport.peer import Peer

log = logging.getLogger("libactor.transport")

UNMADE_MAX = 20  # reasons that the log is told, by connection


class Doorman(RuntimeCell):
    """Stands, among the linkers of actors here, for all on the other side of one connection."""

    def __init__(self, connection: Serving) -> None:
        queue = RunQueue()
        super().__init__(connection.name, queue)
        queue.network = self
        self._connection = connection
        self.process: Process = self._stand_in("links", Actor)._process

    def __call__(self, sender: Any, process: Any, event: Any, /) -> bool:
        """An actor has ended."""
        if isinstance(event, Exited):
            self._connection.send_exit(event.pid.id, event.reason)
        return True

    def link(self, watcher: Any, process: Any, /) -> bool:
        """Nobody has its PID."""
        return True

    def terminate(self, process: Any, inject: bool, /) -> bool:
        """Nobody has its PID."""
        return True

    def end(self) -> None:
        """Watch nobody any more."""
        self.process._end_links()


class Serving(Asking):
    """What is done for the other side."""

    def __init__(self, node: Node, sock: Socket, peer: Peer | None) -> None:
        super().__init__(node, sock, peer)
        self._runtime = node.runtime
        self._processes: dict[str, Process] = node.runtime._processes
        self._unmade: set[str] = set()  # what the log was told
        self._doorman: Doorman | None = None  # until there is a link

    def take_tell(self, id: Any, method: Any, /, *arguments: Any, **keywords: Any) -> None:
        """A call without an answer."""
        process: Any = self._processes.get(id)
        function = None if process is None else process.kind._libactor_remote.get(method)
        if function is None:
            self._lose(id, method, "there is no such actor" if process is None else str(unmarked(process.kind, method)))
            return
        try:
            tell(process.pid, function, *arguments, **keywords)
        except (MailboxFull, NotPassable) as error:
            self._lose(id, method, str(error))

    def take_tell_coded(self, id: Any, method: Any, coded: Any) -> None:
        """As take_tell."""
        try:
            arguments, keywords = self._take_arguments(coded)
        except Exception as error:
            self._lose_unmade(id, method, unmade("its arguments", self.node.address, error))
        else:
            self.take_tell(id, method, *arguments, **keywords)

    def take_call(self, number: Any, id: Any, method: Any, /, *arguments: Any, **keywords: Any) -> None:
        """A call."""
        process: Any = self._processes.get(id)
        function = None if process is None else process.kind._libactor_remote.get(method)
        if function is None:
            self._refuse_call(number, process, method)
            return
        try:
            future: FutureCell = dispatch(process.pid, function, *arguments, **keywords)
        except (MailboxFull, NotPassable) as error:
            self._send_failure(number, error)
            return
        self.serving[number] = future
        future._subscribe(ON_ANY, partial(self._answer, number, process, method))
        future._subscribe(ON_ABANDONED, partial(self._abandon, number, process))

    def take_call_coded(self, number: Any, id: Any, method: Any, coded: Any) -> None:
        """As take_call."""
        try:
            arguments, keywords = self._take_arguments(coded)
        except Exception as error:
            text = unmade(f"the arguments of {method}", self.node.address, error)
            self._send_failure(number, NotPassable(text))
        else:
            self.take_call(number, id, method, *arguments, **keywords)

    def take_post(self, id: Any, sender: Any, address: Any, coded: Any) -> None:
        """A message."""
        process = self._processes.get(id)
        if process is None:
            self._lose(id, "a message", "there is no such actor")
            return
        if sender is not None and not self.node.forwards and (self.peer is None or address != self.peer.address):
            self._lose_unmade(id, "a message", "it is in the name of an actor of another host, and forwards=False")
            return
        try:
            message = _own(self.read_coded(coded))
            post(process.pid, message, None if sender is None else self.node[sender, address])
        except Exception as error:
            self._lose_unmade(id, "a message", unmade("it", self.node.address, error))

    def take_discard(self, number: Any) -> None:
        """The caller asks for a discard."""
        future = self.serving.get(number)
        if future is not None:
            future.discard()

    def take_link(self, id: Any) -> None:
        """Somebody there is to hear of an end here."""
        process = self._processes.get(id)
        if process is None:
            self.send_exit(id, None)
            return
        if self._doorman is None:
            self._doorman = Doorman(self)
        process.link_here(self._doorman.process)

    def take_unlink(self, id: Any) -> None:
        """Nobody is any more."""
        process = self._processes.get(id)
        if process is not None and self._doorman is not None:
            process.unlink_here(self._doorman.process)

    def take_terminate(self, id: Any, inject: Any) -> None:
        """An actor is to stop."""
        process = self._processes.get(id)
        if process is not None:
            terminate(process.pid, bool(inject))

    def take_beat(self) -> None:
        """Something has arrived, which was noted."""

    def send_exit(self, id: Any, reason: BaseException | None) -> None:
        """Tell those there who are linked to the actor ``id`` that it has ended."""
        if self.broken is None:
            self.sent(self.put("exit", EXITED, id, write_error(reason)))

    def leave(self) -> None:
        """The connection broke: nobody there waits for anything any more."""
        self.serving.clear()
        doorman, self._doorman = self._doorman, None
        if doorman is not None:
            doorman.end()

    def _refuse_call(self, number: Any, process: Process | None, method: Any) -> None:
        """There is no actor, or no method for others."""
        if process is None:
            self.sent(self.put("end", ABANDONED, number, None))
        else:
            self._send_failure(number, unmarked(process.kind, method))

    def _answer(self, number: Any, process: Process, method: str, future: FutureCell) -> None:
        if self.serving.pop(number, None) is None:
            return  # the connection broke
        state, value = future._outcome()
        if state == READY:
            size = append_frame(self.outgoing, self._frame_max, ANSWER, number, value)
            if size <= 0:
                size = self._put_result(number, value, f"result of {process.pid.id}.{method}")
            self.sent(size, not self.serving)
        elif state == FUTURE_FAILED:
            self._send_failure(number, value, f"{process.kind.__qualname__}.{method} of {process.pid}")
        else:
            self.sent(self.put("discard", DISCARDED, number), not self.serving)

    def _put_result(self, number: Any, value: Any, place: str) -> int:
        """Put in a result that is not plain, or why it cannot cross."""
        try:
            return self.put(place, ANSWER_CODED, number, write_value(value, place))
        except NotPassable as error:
            return self.put("failure", FAILED, number, write_error(error))

    def _abandon(self, number: Any, process: Process) -> None:
        if self.serving.pop(number, None) is not None:
            self.sent(self.put("end", ABANDONED, number, write_error(process.reason)), not self.serving)

    def _send_failure(self, number: Any, error: BaseException, raised_in: str = "") -> None:
        self.sent(self.put("failure", FAILED, number, write_error(error, raised_in)), not self.serving)

    def _take_arguments(self, coded: Any) -> tuple[list[Any], dict[str, Any]]:
        """What a call brings, to be handed over. Raises: whatever reading it raises."""
        arguments, keywords = self.read_coded(coded)
        if type(arguments) is not tuple or type(keywords) is not dict or not all(type(key) is str for key in keywords):
            raise ValueError("they are no tuple and dict")
        return [_own(value) for value in arguments], {key: _own(value) for key, value in keywords.items()}

    def _lose_unmade(self, id: Any, what: Any, why: str) -> None:
        """As _lose; the log says so once for each class, as its sender hears nothing."""
        self._lose(id, what, why)
        if why not in self._unmade and len(self._unmade) < UNMADE_MAX:
            self._unmade.add(why)
            log.warning("%s: %s, sent to %s, is lost: %s", self, str(what)[:ID_LENGTH_MAX], id[:ID_LENGTH_MAX], why)

    def _lose(self, id: Any, what: Any, why: str) -> None:
        if not isinstance(id, str):
            raise Malformed(f"got the id {id!r:.200}")
        self._runtime.dead_letter(self.node.local.pid(id[:ID_LENGTH_MAX]), str(what), why)


def _own(value: Any) -> Any:
    """What has been read belongs to nobody else, so it is not copied; debug mode looks at it as at any other value."""
    return value if watch.users else move(value)
