"""Life: the beginning and the end of an actor: on_start, on_stop, and what is owed to others at its end."""

# Who calls: a turn of the mailbox, which derives from Life; spawn, terminate and the handlers themselves.
# Start and termination are no events but flags of the mailbox, which a turn looks at before it takes an event: nothing
#   is served before on_start, and a termination goes ahead of what waits. What on_start or on_stop waits for comes as
#   such a flag too.
# Invariants: 1. after its end no handler runs; what is left is dropped, and says so to whoever waits for it.
#   2. the end goes through, whatever the code it calls on its way raises.
# Twin: csrc/life.c.

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from libactor._core._actor import KIND_QUICK, ActorCell, kind_of
from libactor._core._coroutine import START, STOP, close_all, drive, drive_life, is_coroutine
from libactor._core._lanes import ASIDE
from libactor._core.exceptions import report_unraisable

if TYPE_CHECKING:
    import threading
    from collections import deque

    from libactor._core._coroutine import Task
    from libactor._core._mailbox import Mailbox


class Life:
    """How a mailbox begins and ends."""

    __slots__ = (
        "_awake", "_closed", "_delegates", "_ending", "_gone", "_life", "_life_due", "_parts", "_starting", "_stopped",
        "_stopping", "_suspended", "_tasks", "actor", "kind", "reason", "runtime", "started",
    )  # fmt: skip

    # Explained in Mailbox, which fills them.

    if TYPE_CHECKING:
        _awake: bool
        _closed: bool
        _delegates: dict[type, Any] | None
        _ending: bool
        _events: deque[Any]
        _gone: bool
        _held: int
        _life: Task | None
        _life_due: bool
        _lock: threading.RLock
        _parts: list[Any]
        _starting: bool
        _stash: deque[Any]
        _stopped: Any
        _stopping: bool
        _suspended: int
        _tasks: dict[Task, None]
        _urgent: deque[Any]
        actor: Any
        kind: type
        reason: BaseException | None
        runtime: Any
        started: bool

        def _check(self) -> Any: ...
        def _end_links(self) -> None: ...
        def _report_last(self, what: str, error: BaseException) -> None: ...
        def close(self) -> list[Any]: ...
        def deliver(self, event: Any, /) -> None: ...
        def enqueue(self) -> None: ...

    def _begin(self) -> None:
        """Have the actor started before all else; the caller enqueues it."""
        self._starting = self._awake = True

    def _terminate(self, last: Any) -> None:
        """Ask the actor to stop: ahead of what waits, or, if ``last`` is not None, by that event after it."""
        self._check()
        if self._stopping:
            return
        if last is not None and (self._urgent or self._events or self._held or self._life is not None):
            self.deliver(last)
            return
        with self._lock:
            wake = not self._closed and not self._awake
            if not self._closed:
                self._ending = self._awake = True
        if wake:
            self.enqueue()

    def stop(self, reason: BaseException | None, /) -> None:
        """End the actor, in its own turn: on_stop, drop what waits, tell links, release waiters."""
        if self._stopping:
            return
        self._stopping = True
        self.reason = reason
        close_all(cast("Mailbox", self))
        self._end_parts()
        if not self.started or self._stop_is_over():
            self._finish()

    def _stop_is_over(self) -> bool:
        """Call on_stop; False if it is to be waited for."""
        self.started = False
        try:
            return drive_life(cast("Mailbox", self), STOP, self.actor.on_stop())
        except BaseException as error:
            self._report(error, "on_stop")
            return True

    def _finish(self) -> None:
        """The rest of the end, after on_stop."""
        self._end_parts()  # that on_stop has made
        self.runtime._forget(self)
        self._drop_rest()
        self._call_last("its links", self._end_links)
        if self.kind.__base__ is not ActorCell:  # a plain Actor anybody makes for any purpose: for la.run, say
            kind = kind_of(self.kind)
            kind.quick = min(kind.quick + 1, KIND_QUICK)
        self._delegates = self.actor = None
        self._depart()

    def _drop_rest(self) -> None:
        """Refuse what comes from now on, and drop what is left: nothing of it outlives the wait for the end."""
        rest = self.close()
        while self._stash:
            event = self._stash.popleft()
            self._call_last("what waited for an answer", event.drop, self, ASIDE)
        for event in rest:
            self._call_last("what waited for an answer", event.drop, self)

    def _end_parts(self) -> None:
        """End what ends with the actor, the last part first; what a part adds meanwhile as well."""
        while self._parts:
            self._call_last("what belongs to it", self._parts.pop().end, self)

    def _depart(self) -> None:
        """The last step of the actor's end: whoever waits for it goes on."""
        with self._lock:
            self._gone = True
            stopped, self._stopped = self._stopped, None
        if stopped is not None:
            stopped._target = None
            stopped._complete(1, None)

    def _call_last(self, what: str, function: Callable[..., object], *arguments: Any) -> None:
        """Call a function on the way out: an error, even SystemExit, is logged, because the way goes on."""
        try:
            function(*arguments)
        except BaseException as error:
            self._report(error, what)

    def _report(self, error: BaseException, what: str) -> None:
        """Log it; not even a log that fails keeps the actor from its end."""
        try:
            self._report_last(what, error)
        except BaseException as failure:
            report_unraisable(failure, "libactor: stopping an actor failed", self)

    def _live(self) -> None:
        """Start the actor, or end it, whichever is next."""
        if self._starting:
            self._starting = False
            self.started = drive_life(cast("Mailbox", self), START, self.actor.on_start())
        elif self._ending:
            self._ending = False
            self.stop(None)
        elif self._life is not None:
            self._life.serve(cast("Mailbox", self))

    def _note_life(self) -> None:
        """What on_start or on_stop waits for has come."""
        with self._lock:
            self._life_due = True
            wake, self._awake = not self._awake, True
        if wake:
            self.enqueue()

    def _drive(self, returned: Any, what: Any, /) -> None:
        """Go on with what a handler that nobody waits for has returned, if that is a coroutine. In the actor's own
        turn."""
        if is_coroutine(returned):
            drive(cast("Mailbox", self), returned, what)

    @property
    def suspended(self) -> int:
        """How many of its coroutines wait for a future now."""
        return self._suspended
