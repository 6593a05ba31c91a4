"""defer: a callable that runs in an actor whenever it is called, with arguments that were bound before."""

# Who calls: users, who give what defer returns to futures as a callback. Bound arguments are taken by value when they
#   are bound, and once more at each call, so no call sees what the actor did to those of another. Of one that is for
#   one call they are moved into that call.
# A moved argument in a callable for many calls is refused: each call would hand over the same object.
# What is a method: a function that the actor's class has, or that was defined in the body of a class; anything else
#   callable is a function, which is called in the actor without it.
# The core makes the plainest ones itself (_core/_deferred.py). Source: libprocess defer.hpp.

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from libactor._core._impl import Moved, configure
from libactor._core.errors import MovedError
from libactor._core.values import all_by_value
from libactor.context import current_process
from libactor.future import Future
from libactor.methods import is_method, method_name
from libactor.pid import PID
from libactor.placeholders import Placeholder
from libactor.process import Process

if not TYPE_CHECKING:
    from libactor._core._impl import Deferred, defer

R = TypeVar("R")

if TYPE_CHECKING:

    class Deferred(Generic[R]):
        """A callable that calls into an actor and answers with the future of the result: what ``defer`` returns."""

        def __init__(
            self,
            pid: PID[Any],
            what: str | Callable[..., Any],
            name: str,
            bound: tuple[Any, ...],
            names: tuple[str, ...],
            places: tuple[int, ...],
            once: bool,
            /,
        ) -> None: ...
        def __call__(self, *arguments: Any) -> Future[R]: ...

    @overload
    def defer(
        target: PID[Any],
        method: Callable[..., Coroutine[Any, Any, R]],
        /,
        *args: Any,
        once: bool = False,
        **kwargs: Any,
    ) -> Deferred[R]: ...
    @overload
    def defer(
        target: PID[Any], method: Callable[..., Future[R]], /, *args: Any, once: bool = False, **kwargs: Any
    ) -> Deferred[R]: ...
    @overload
    def defer(
        target: PID[Any], method: Callable[..., R], /, *args: Any, once: bool = False, **kwargs: Any
    ) -> Deferred[R]: ...
    @overload
    def defer(
        target: Callable[..., Coroutine[Any, Any, R]], /, *args: Any, once: bool = False, **kwargs: Any
    ) -> Deferred[R]: ...
    @overload
    def defer(target: Callable[..., Future[R]], /, *args: Any, once: bool = False, **kwargs: Any) -> Deferred[R]: ...
    @overload
    def defer(target: Callable[..., R], /, *args: Any, once: bool = False, **kwargs: Any) -> Deferred[R]: ...
    def defer(target: Any, /, *args: Any, once: bool = False, **kwargs: Any) -> Deferred[Any]: ...


def _defer(target: Any, /, *args: Any, once: bool = False, **kwargs: Any) -> Deferred[Any]:
    """What the core does not defer itself."""
    pid, function, args = _split(target, args)
    if not callable(function):
        raise TypeError(f"defer: got {function!r}, expected a method of the actor or a function")
    if not isinstance(pid._process, Process):
        raise TypeError(f"defer: got {pid!r}, expected a PID, as spawn returns it")
    kind = pid._process.kind
    if is_method(function) or getattr(kind, getattr(function, "__name__", ""), None) is function:
        what: Any = method_name(kind, function, "defer")
        name = what
    else:
        what, name = function, callable_name(function)
    places = tuple([value.place if type(value) is Placeholder else 0 for value in (*args, *kwargs.values())])
    bound = pass_bound(args, kwargs, f"defer({name})", once)
    return Deferred(pid, what, name, bound, tuple(kwargs), places if any(places) else (), once)


def _split(target: Any, args: tuple[Any, ...]) -> tuple[PID[Any], Any, tuple[Any, ...]]:
    """Where to run what, and the arguments to bind."""
    if not isinstance(target, PID):
        return current_process("defer").pid, target, args
    if not args:
        raise TypeError("defer: got only a PID; expected defer(pid, method, ...) or defer(function, ...)")
    return target, args[0], args[1:]


def pass_bound(args: tuple[Any, ...], kwargs: dict[str, Any], where: str, once: bool) -> tuple[Any, ...]:
    """The arguments as they are kept until the call, taken by value.

    Raises: NotPassable; TypeError for a moved argument that is not for once.
    """
    values = (*args, *kwargs.values())
    if not once and any(type(value) is Moved for value in values):
        raise TypeError(
            f"{where}: an argument is moved, and every call would hand over the same object; say once=True, or share "
            "it with Shared()"
        )
    return all_by_value(
        tuple([None if type(value) is Placeholder else value for value in values]), where, tuple(kwargs)
    )


def callable_name(function: Callable[..., Any]) -> str:
    """What to call ``function`` in an error."""
    return str(getattr(function, "__qualname__", None) or repr(function))


configure(defer_slowly=_defer, moved_error=MovedError)
