"""The actors that play in the tests between hosts."""

# Who calls: program.py spawns them, each peer in its own process. Peers know them by the name of this module, so all
#   import it alike.

from __future__ import annotations

import hashlib
import os
import queue
from typing import Any

import msgspec

import libactor as la


def find(method: str) -> Any:
    """A method of a class in this module: ``Counter.add``."""
    kind, _, name = method.partition(".")
    return getattr(globals()[kind], name)


class Add(msgspec.Struct, frozen=True):
    """A message to a Counter."""

    amount: int


class Note(msgspec.Struct, frozen=True):
    """A message to a Recorder."""

    number: int
    payload: bytes = b""


class Counter(la.Actor):
    """Counts, fails, dies and hangs on request."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.n = 0
        self.held: list[la.Promise[int]] = []

    @la.remote
    def add(self, k: int) -> int:
        self.n += k
        return self.n

    @la.handles(Add)
    def on_add(self, message: Add) -> None:
        self.n += message.amount

    @la.remote
    def fail(self, text: str) -> int:
        raise ValueError(text)

    @la.remote
    def die(self, text: str) -> None:
        raise ValueError(text)

    @la.remote
    def hang(self) -> la.Future[int]:
        promise = la.Promise[int]()
        self.held.append(promise)
        return promise.future

    @la.remote
    def let_go(self, value: int) -> None:
        for promise in self.held:
            promise.set(value)
        self.held.clear()

    @la.remote
    def digest(self, data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    @la.remote
    def length(self, data: bytes) -> int:
        return len(data)

    @la.remote
    def echo(self, value: Any) -> Any:
        return value

    @la.remote
    def process(self) -> int:
        return os.getpid()

    @la.remote
    def add_at(self, other: la.PID[Any], k: int) -> la.Future[int]:
        return la.dispatch(other, Counter.add, k)

    def secret(self) -> str:
        return "not for others"


class Recorder(la.Actor):
    """Writes down the numbers that arrive, and who sent those that were posted."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.notes: dict[str, list[int]] = {}
        self.senders: list[la.PID[Any] | None] = []
        self.awaited: list[tuple[str, int, la.Promise[None]]] = []

    @la.remote
    def note(self, source: str, number: int, payload: bytes = b"") -> None:
        self.notes.setdefault(source, []).append(number)
        for entry in [entry for entry in self.awaited if entry[0] == source and entry[1] == number]:
            self.awaited.remove(entry)
            entry[2].set(None)

    @la.handles(Note)
    def on_note(self, message: Note, sender: la.PID[Any] | None) -> None:
        self.senders.append(sender)
        self.note("post", message.number, message.payload)

    def arrived(self, source: str, number: int) -> la.Future[None]:
        """Ready when ``number`` has come from ``source``."""
        promise = la.Promise[None]()
        self.awaited.append((source, number, promise))
        if number in self.notes.get(source, ()):
            self.awaited.pop()
            promise.set(None)
        return promise.future

    def of(self, source: str) -> tuple[int, ...]:
        return tuple(self.notes.get(source, ()))

    def posted_by(self) -> tuple[la.PID[Any] | None, ...]:
        return tuple(self.senders)


class Watcher(la.Actor):
    """Links, and hands on what it hears."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.heard: queue.SimpleQueue[tuple[str, str | None]] = queue.SimpleQueue()

    def watch(self, pid: la.PID[Any], reconnect: bool) -> None:
        la.link(pid, reconnect=reconnect)

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        self.heard.put((str(pid), None if reason is None else type(reason).__name__))


class Driver(la.Actor):
    """Sends from inside a handler."""

    def ask(self, pid: la.PID[Any], method: str, arguments: tuple[Any, ...]) -> la.Future[Any]:
        return la.dispatch(pid, find(method), *arguments)

    def post(self, pid: la.PID[Any], message: Any) -> None:
        la.post(pid, message)

    def tell_all(self, pid: la.PID[Any], numbers: range, payload: bytes) -> int:
        for number in numbers:
            la.tell(pid, Recorder.note, str(self.pid), number, payload)
        return len(numbers)
