"""Registrar: the actor through which a master changes the registry, and learns that a change is durable."""

# Who calls: the master, by dispatch (ports.RegistrarPort); it links to the registrar and ends with it.
# Invariants: 1. one store at a time; all that waits when one is over goes into the next, so that a storm of
#   registrations costs a few syncs.    2. operations are decided in the order they came, each by the books as the one
#   before left them, and answered once all of their batch is durable, those that changed nothing or were refused too:
#   what they were decided by might not be true yet, or, if another master has taken over, any more. So a batch of
#   nothing but these is stored as well, which finds that out.    3. an operation that is refused, or cannot be stored,
#   is out of the batch, and the books are as before.    4. after a store that failed or took too long nobody knows what
#   is true: whoever waits is told, and the registrar ends with that as its reason. The books ahead of the storage end
#   with it.
# Epochs are milliseconds of the clock, as long as that runs ahead: so they are later than those of any registry that
#   was here before, and agents that have obeyed its masters obey this one too.
# Rejected: an identity of the registry beside the epoch, in every message; it could not tell a copy from its original.
# Ten thousand operations take a tenth of a second to decide and to answer, one about as many machines a third of that:
#   in between others are served.
# The storage blocks, so it is called in a thread of its own; one that hangs keeps that thread, and nothing else.
# Source: Mesos src/master/registrar.cpp.

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import (
    InvalidRequest,
    MasterInfo,
    RegistryFailed,
    RegistryStorage,
    constants,
)
from mesoslite.model.registry import (
    Entry,
    Recovered,
    RegistryOperation,
    RegistryState,
)

from .books import Books, Place
from .operations import deciding
from .rows import encode

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

log = logging.getLogger(__name__)

PREFIX = "registrar/"
PARTING_SECONDS = 5.0  # that a registrar which ends waits for the storage; as a rule that takes milliseconds
WINDOW_SECONDS = 3600.0  # of the statistics of stores
IN_STEP = 256  # operations that are decided or answered in a row, or rows that are encoded: about a millisecond


class Batch:
    """Operations that are stored together, in the order in which they came: what to store, and what to tell whom then.

    Lists side by side, not of pairs: of a hundred thousand pairs the garbage collector would look at each.
    """

    def __init__(self) -> None:
        self.operations: list[RegistryOperation] = []
        self.answers: list[bool | Exception] = []
        self.promises: list[la.Promise[Any]] = []
        self.places: list[int | slice] = []  # of the operations that each promise is for
        self.entries: dict[Place, Entry] = {}

    def answer(self, first: int, end: int) -> None:
        """Tell some."""
        for promise, place in zip(self.promises[first:end], self.places[first:end], strict=True):
            answer = self.answers[place]
            if isinstance(answer, Exception):
                promise.fail(answer)
            else:
                promise.set(tuple(answer) if isinstance(answer, list) else answer)

    def fail(self, error: Exception) -> None:
        """Tell everybody that it was not stored, as far as one knows."""
        for promise in self.promises:
            promise.fail(error)


class Registrar(la.Actor):
    """Keeps one master's registry in ``storage``; implements RegistrarPort."""

    def __init__(
        self,
        storage: RegistryStorage,
        *,
        id: str = "registrar",
        fetch_timeout: float = constants.REGISTRY_FETCH_SECONDS,
        store_timeout: float = constants.REGISTRY_STORE_SECONDS,
    ) -> None:
        super().__init__(id)
        self._storage = storage
        self._fetch_timeout = fetch_timeout
        self._store_timeout = store_timeout
        self._recovered: la.Promise[Recovered] | None = None
        self._books: Books | None = None
        self._master: MasterInfo | None = None
        self._waiting = Batch()
        self._is_writing = False
        self._call: la.Future[Any] | None = None  # of the storage, the last one
        self._is_stuck = False  # it took too long
        self._size = 0

    def on_start(self) -> None:
        """Have a thread for the storage."""
        self._pool = la.Pool(1, name=self.pid.id)
        self._fetched = la.metrics.Timer(PREFIX + "state_fetch")
        self._stored = la.metrics.Timer(PREFIX + "state_store", window=WINDOW_SECONDS)
        queued = la.metrics.Gauge(PREFIX + "queued_operations", la.defer(self.pid, Registrar.queued))
        size = la.metrics.Gauge(PREFIX + "registry_size_bytes", la.defer(self.pid, Registrar.size_bytes))
        self._metrics = (queued, size, self._fetched, self._stored)

    async def on_stop(self) -> None:
        """Let go of the storage and of its thread; what still waits is abandoned."""
        self._waiting, self._recovered = Batch(), None
        for metric in self._metrics:
            with suppress(ValueError):  # it never read, or another registrar of the program has
                self.runtime.metrics.remove(metric)
        call = self._call
        if call is not None and not self._is_stuck:
            await call.recover(lambda _: None).after(PARTING_SECONDS, self._give_up)
        if call is not None and self._is_stuck:
            log.warning("%s: its thread still waits for the storage, which is closed when that comes back", self.pid)
            call.on_any(lambda _: self._storage.close())
            return
        try:
            await self._pool.submit(self._storage.close).after(PARTING_SECONDS, self._give_up)
        finally:
            if self._is_stuck:
                log.warning("%s: its thread still closes the storage", self.pid)
            else:
                self._pool.close()

    def _give_up(self, _: la.Future[Any]) -> la.Future[Any]:
        self._is_stuck = True
        return la.ready(None)

    # ---- what the master asks ----

    def recover(self, master: MasterInfo) -> la.Future[Recovered]:
        """See RegistrarPort."""
        if self._recovered is None:
            self._recovered = la.Promise()
            la.tell(self.pid, Registrar.read, master)
        return self._recovered.future

    def state(self) -> la.Future[RegistryState]:
        """See RegistrarPort."""
        if self._recovered is None:
            raise InvalidRequest("registrar: state before recover; the registry is not known yet")
        return self._recovered.future.then(la.defer(self.pid, Registrar._state))

    def _state(self, _: Recovered) -> RegistryState:
        assert self._books is not None
        assert self._master is not None
        return self._books.state(self._master)

    def apply(self, operation: RegistryOperation) -> la.Future[bool]:
        """See RegistrarPort."""
        self._check_recovered(operation)
        self._waiting.operations.append(operation)
        return self._promised(len(self._waiting.operations) - 1)

    def apply_all(self, operations: tuple[RegistryOperation, ...]) -> la.Future[tuple[bool | Exception, ...]]:
        """See RegistrarPort."""
        self._check_recovered(*operations[:1])
        if not operations:
            return la.ready(())
        first = len(self._waiting.operations)
        self._waiting.operations += operations
        return self._promised(slice(first, first + len(operations)))

    def _check_recovered(self, *operations: RegistryOperation) -> None:
        if self._recovered is None:
            names = "".join([type(operation).__name__ for operation in operations]) or "nothing"
            raise InvalidRequest(f"registrar: {names} before recover; the registry is not known yet")

    def _promised(self, place: int | slice) -> la.Future[Any]:
        """The future of what becomes of operations that now wait."""
        promise: la.Promise[Any] = la.Promise()
        self._waiting.promises.append(promise)
        self._waiting.places.append(place)
        self._want_write()
        return promise.future

    def queued(self) -> int:
        """How many operations wait for the store that is under way to end."""
        return len(self._waiting.operations)

    def size_bytes(self) -> int:
        """How much room the registry took after the last store."""
        return self._size

    # ---- reading and storing: told, so that what fails ends the actor ----

    async def read(self, master: MasterInfo) -> None:
        """Take the registry over, and tell of it, in the place of another registrar of the program."""
        assert self._recovered is not None
        for metric in self._metrics:
            self.runtime.metrics.replace(metric)
        epoch = int(self.runtime.clock.now() * 1000)
        try:
            future = self._pool.submit(lambda: (self._storage.recover(master, epoch), self._storage.size_bytes()))
            recovered, self._size = await self._in_time(self._fetched, future, "recover", self._fetch_timeout)
        except Exception as error:
            raise self._fail("recover", error, self._recovered.fail) from error
        self._books, self._master = Books(recovered.state), master
        self._recovered.set(recovered)
        self._want_write()

    async def write(self) -> None:
        """Store what waits, until nothing does."""
        while self._waiting.operations:
            batch, self._waiting = self._waiting, Batch()
            for number, operation in enumerate(batch.operations):
                if number and number % IN_STEP == 0:
                    await self._serve_others()
                for _ in self._deciding(operation, batch):
                    await self._serve_others()
            try:
                future = self._pool.submit(self._store, la.move(list(batch.entries.values())))
                self._size = await self._in_time(self._stored, future, "store", self._store_timeout)
            except Exception as error:
                raise self._fail("store", error, batch.fail) from error
            for first in range(0, len(batch.promises), IN_STEP):
                if first:
                    await self._serve_others()
                batch.answer(first, first + IN_STEP)
        self._is_writing = False

    def _serve_others(self) -> la.Future[None]:
        """Go on behind what is in the mailbox, and let other actors run."""
        return la.dispatch(self.pid, Registrar._nothing)

    def _nothing(self) -> None:
        """That the answer comes is the answer."""

    def _want_write(self) -> None:
        if self._books is not None and self._waiting.operations and not self._is_writing:
            self._is_writing = True
            la.tell(self.pid, Registrar.write)  # behind what is in the mailbox, which so comes along

    def _deciding(self, operation: RegistryOperation, batch: Batch) -> Iterator[None]:
        """Decide what is stored together with others, behind those before it, in steps if it is much."""
        assert self._books is not None
        try:
            batch.answers.append((yield from self._changing(self._books, operation, batch.entries)))
        except Exception as error:  # also of an operation with fields of wrong types: it is nobody else's fault
            batch.answers.append(error)

    @staticmethod
    def _changing(
        books: Books, operation: RegistryOperation, entries: dict[Place, Entry]
    ) -> Generator[None, None, bool]:
        change = yield from deciding(books, operation)
        puts: list[Entry] = []
        for place, row in change.puts:
            puts.append(encode(place, row))
            if len(puts) % IN_STEP == 0:
                yield
        books.commit(change)
        for place in change.deletes:
            entries[place] = Entry(*place, None)
        for (place, _), entry in zip(change.puts, puts, strict=True):
            entries[place] = entry
        return bool(puts or change.deletes)

    def _store(self, entries: list[Entry]) -> int:
        """In the thread for the storage: store, and return how much room the registry takes then."""
        self._storage.store(entries)
        return self._storage.size_bytes()

    def _in_time(self, timer: la.metrics.Timer, future: la.Future[Any], verb: str, seconds: float) -> la.Future[Any]:
        def late(_: la.Future[Any]) -> la.Future[Any]:
            self._is_stuck = True
            return la.failed(
                RegistryFailed(
                    f"registrar: could not {verb} within {seconds:g} s; look whether the disk, or what the registry is "
                    f"kept in, is overloaded or out of reach"
                )
            )

        self._call = timer.time(future)
        return self._call.after(seconds, late)

    def _fail(self, verb: str, error: Exception, tell: Any) -> RegistryFailed:
        """Tell whoever waits, and return what to end with."""
        failure = error
        if not isinstance(failure, RegistryFailed):
            log.error("%s: could not %s", self.pid, verb, exc_info=error)
            failure = RegistryFailed(f"registrar: could not {verb}: {type(error).__name__}: {error}")
        tell(failure)
        self._waiting.fail(failure)
        self._waiting = Batch()
        return la.foreseen(failure)
