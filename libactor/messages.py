"""How code reaches an actor: dispatch, tell, execute, post, now or later; and what actors do about one another."""

# Who calls: users, from anywhere. What is passed is taken by value at the call (libactor/_core/values.py): whatever
#   the caller does to its objects afterwards, the actor does not see it.
# Methods are named by the function of the class and looked up by name on the actor when it comes to serve the call, so
#   a subclass's method is called (methods.py). As a callback: deferred.py.
# Source: libprocess dispatch.hpp, delay.hpp, process.hpp.

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

from libactor._core._impl import prepare
from libactor._core.clock import Timer
from libactor.actor import Actor
from libactor.bounds import Bounded
from libactor.combinators import undiscardable
from libactor.context import current_process, current_runtime, running_runtime
from libactor.future import Future
from libactor.methods import Unknown
from libactor.pid import PID

if not TYPE_CHECKING:
    from libactor._core._impl import dispatch, execute, post, spawn, tell, terminate, wait

A = TypeVar("A")
ActorT = TypeVar("ActorT", bound=Actor)
P = ParamSpec("P")
R = TypeVar("R")

if TYPE_CHECKING:

    @overload
    def dispatch(
        pid: PID[A], method: Callable[Concatenate[A, P], Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[R]: ...
    @overload
    def dispatch(
        pid: PID[A], method: Callable[Concatenate[A, P], Future[R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[R]: ...
    @overload
    def dispatch(
        pid: PID[A], method: Callable[Concatenate[A, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[R]: ...
    def dispatch(pid: PID[Any], method: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]: ...

    def tell(
        pid: PID[A], method: Callable[Concatenate[A, P], object], /, *args: P.args, **kwargs: P.kwargs
    ) -> None: ...

    @overload
    def execute(pid: PID[Any], function: Callable[[], Coroutine[Any, Any, R]], /) -> Future[R]: ...
    @overload
    def execute(pid: PID[Any], function: Callable[[], Future[R]], /) -> Future[R]: ...
    @overload
    def execute(pid: PID[Any], function: Callable[[], R], /) -> Future[R]: ...
    def execute(pid: PID[Any], function: Callable[[], Any], /) -> Future[Any]: ...

    def spawn(actor: ActorT, /, *, mailbox: Bounded | None = ...) -> PID[ActorT]: ...
    def terminate(pid: PID[Any], inject: bool = True) -> None: ...
    def wait(pid: PID[Any], timeout: float | None = None) -> bool: ...
    def post(pid: PID[Any], message: object, /, sender: PID[Any] | None = None) -> None: ...


def delay(
    seconds: float,
    pid: PID[A],
    method: Callable[Concatenate[A, P], object],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Timer:
    """Tell ``method`` of the actor at ``pid`` once, not earlier than ``seconds`` from now.

    The clock is that of the actor that calls this, outside of actors that of the one at ``pid``. The timer can be
    cancelled. Raises: ValueError for a negative or undefined time, and as ``tell``.
    """
    event = prepare("delay", pid, method, *args, **kwargs)
    process = pid._process
    clock = (running_runtime() or process.runtime).clock
    timer: Timer = clock.timer(seconds, lambda: process.deliver(event))
    return timer


def link(pid: PID[Any], *, reconnect: bool = False) -> None:
    """Inside an actor: have its ``on_exited(pid, reason)`` called when the one at ``pid`` stops; at once if it has.

    Of an actor on another host it is also told, with ``Disconnected``, when the connection breaks: the actor may live
    on. With ``reconnect`` a new connection is made first, by which everything goes from then on; links that were made
    by the old one go over to it and hear nothing of it. Without a network in between it changes nothing.
    Source: libprocess process.hpp, RemoteConnection.
    """
    watcher = current_process("link")
    if not isinstance(pid, PID):
        raise TypeError(f"link: got {pid!r}, expected a PID, as spawn returns it")
    if watcher is pid._process:
        raise ValueError(f"link: {pid} cannot watch itself")
    if reconnect:
        pid._process.relink(watcher)
    else:
        pid._process.link(watcher)


@overload
def parse_pid(text: str) -> PID[Any]: ...
@overload
def parse_pid(text: str, kind: type[A]) -> PID[A]: ...
def parse_pid(text: str, kind: type[Any] = Unknown) -> PID[Any]:
    """The PID of an actor that is written ``text``, as in ``"counter@10.0.0.6:5050"``, for the current runtime.

    ``kind``: its class, or a base of it, whose methods can then be called; left out, any method is let through, and
    whoever is called says whether there is one. Raises: TypeError, ValueError; RuntimeError in a runtime that has no
    address for others.
    """
    return current_runtime("parse_pid").parse_pid(text, kind)


def stopped(pid: PID[Any]) -> Future[None]:
    """A future that is ready, with None, once the actor at ``pid`` has stopped: what ``wait`` waits for, to be awaited.

    A discard of it stops nothing. Raises: TypeError for what is no PID.
    """
    if not isinstance(pid, PID):
        raise TypeError(f"stopped: got {pid!r}, expected a PID, as spawn returns it")
    pid._process.runtime.check_here()
    end: Future[None] = pid._process.stopped
    return undiscardable(end)


def delegate(kind: type, pid: PID[Any] | None) -> None:
    """Inside an actor: send messages of exactly the class ``kind``, while it has no handler for them, on to ``pid``.

    The one who gets it sees the sender that it came from. The last call for a class holds; None ends it. Two actors
    that delegate to one another send a message round for ever. Source: libprocess process.hpp.
    """
    process = current_process("delegate")
    if not isinstance(kind, type):
        raise TypeError(f"delegate: got {kind!r}, expected a message class, such as Reset")
    if pid is not None and not isinstance(pid, PID):
        raise TypeError(f"delegate: got {pid!r}, expected a PID, as spawn returns it, or None")
    if pid is not None and pid._process is process:
        raise ValueError(f"delegate: {pid} cannot delegate to itself")
    process.delegate(kind, pid)
