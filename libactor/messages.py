"""How code reaches an actor: dispatch, tell, execute, post, now, later or as a callback."""

# Who calls: users, from anywhere. What is passed is taken by value at the call (libactor/_core/values.py): whatever
#   the caller does to its objects afterwards, the actor does not see it.
# Methods are named by the function of the class and looked up by name on the actor when it comes to serve the call, so
#   a subclass's method is called. Source: libprocess dispatch.hpp, defer.hpp, delay.hpp.

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from libactor._core._impl import configure, prepare
from libactor._core.clock import Timer
from libactor._core.values import Moved, all_by_value, by_value
from libactor.actor import Actor
from libactor.context import current_process, current_runtime
from libactor.future import Future
from libactor.pid import PID

if TYPE_CHECKING:
    pass
else:
    from libactor._core._impl import dispatch, execute, post, tell

A = TypeVar("A")
ActorT = TypeVar("ActorT", bound=Actor)
P = ParamSpec("P")
R = TypeVar("R")

if TYPE_CHECKING:

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
    def execute(pid: PID[Any], function: Callable[[], Future[R]], /) -> Future[R]: ...
    @overload
    def execute(pid: PID[Any], function: Callable[[], R], /) -> Future[R]: ...
    def execute(pid: PID[Any], function: Callable[[], Any], /) -> Future[Any]: ...

    def post(pid: PID[Any], message: object, /, sender: PID[Any] | None = None) -> None: ...


class Deferred(Generic[R]):
    """A callable that dispatches: what ``defer`` returns."""

    __slots__ = ("_arguments", "_call")

    def __init__(self, call: Callable[..., Future[R]], arguments: tuple[Any, ...]) -> None:
        self._call = call
        self._arguments = arguments

    def __call__(self, *args: Any) -> Future[R]:
        """Dispatch with the bound arguments followed by ``args``."""
        return self._call(*self._arguments, *args)


@overload
def defer(target: PID[Any], method: Callable[..., Future[R]], *args: Any) -> Deferred[R]: ...
@overload
def defer(target: PID[Any], method: Callable[..., R], *args: Any) -> Deferred[R]: ...
@overload
def defer(target: Callable[..., Future[R]]) -> Deferred[R]: ...
@overload
def defer(target: Callable[..., R]) -> Deferred[R]: ...
def defer(target: PID[Any] | Callable[..., Any], method: Callable[..., Any] | None = None, *args: Any) -> Deferred[Any]:
    """A callable that, whenever it is called, runs in an actor: for the callbacks of futures.

    ``defer(pid, Counter.add, 1)`` dispatches the method with the bound arguments and then those of the call;
    ``defer(pid, function)`` runs a function there; ``defer(function)`` in the actor that is running now.
    Bound arguments are taken by value now, and once more at each call; one in ``move`` is handed over by each.
    Raises: NoRuntime for the last form outside of actors; TypeError and NotPassable as ``dispatch``.
    """
    if not isinstance(target, PID):
        pid, function = current_process("defer").pid, target
    else:
        if method is None:
            raise TypeError("defer: got only a PID; expected defer(pid, method, ...) or defer(function)")
        pid, function = target, method
    if not callable(function):
        raise TypeError(f"defer: got {function!r}, expected a method of the actor or a function")
    name = _method_name(pid._process.kind, function, "defer") if _is_method(function) else None
    bound = tuple([value if type(value) is Moved else by_value(value, "argument of defer") for value in args])
    if name is not None:
        return Deferred(lambda *called: dispatch(pid, function, *called), bound)
    what = getattr(function, "__qualname__", repr(function))
    return Deferred(lambda *called: execute(pid, partial(function, *all_by_value(called, what))), bound)


def delay(
    seconds: float,
    pid: PID[A],
    method: Callable[Concatenate[A, P], object],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Timer:
    """Tell ``method`` of the actor at ``pid`` once, not earlier than ``seconds`` from now on its runtime's clock.

    The timer can be cancelled. Raises: ValueError for a negative or undefined time, and as ``tell``.
    """
    process = pid._process
    event = prepare("delay", pid, method, *args, **kwargs)
    return process.runtime.clock.timer(seconds, lambda: process.deliver(event))


def link(pid: PID[Any]) -> None:
    """Inside an actor: have its ``on_exited(pid, reason)`` called when the one at ``pid`` stops; at once if it has."""
    watcher = current_process("link")
    if watcher is pid._process:
        raise ValueError(f"link: {pid} cannot watch itself")
    pid._process.link(watcher)


def spawn(actor: ActorT) -> PID[ActorT]:
    """Start an actor in the current runtime: see Runtime.spawn."""
    return current_runtime("spawn").spawn(actor)


def terminate(pid: PID[Any], inject: bool = True) -> None:
    """Ask an actor to stop: see Runtime.terminate."""
    pid._process.runtime.terminate(pid, inject)


def wait(pid: PID[Any], timeout: float | None = None) -> bool:
    """Wait until an actor has stopped: see Runtime.wait."""
    return pid._process.runtime.wait(pid, timeout)


def _is_method(function: Callable[..., Any]) -> bool:
    """Whether ``function`` was defined in the body of a class, and is not bound to an object."""
    owner = getattr(function, "__qualname__", "").rpartition(".")[0]
    free = isinstance(function, type) or hasattr(function, "__self__")
    return bool(owner) and not owner.endswith("<locals>") and not free


def _method_name(kind: type, method: Callable[..., Any], operation: str) -> str:
    """The name to look ``method`` up by on an actor of class ``kind``; raises TypeError if it has no such method."""
    name: str | None = getattr(method, "__name__", None)
    if name is None or hasattr(method, "__self__"):
        raise TypeError(
            f"{operation}: got {method!r}, expected a function of the actor's class, such as Counter.add; "
            "a bound method would run outside the actor"
        )
    if name.startswith("__") and not name.endswith("__"):  # a private name, as the compiler stores it
        name = f"_{method.__qualname__.split('.')[-2].lstrip('_')}{name}"
    if not hasattr(kind, name):
        raise TypeError(
            f"{operation}: {kind.__qualname__} has no method {name!r}; for a function of your own use execute"
        )
    return name


configure(method_name=_method_name)
