"""run: a function in an actor of its own, which ends with it."""

# Who calls: users who want something done beside them: it may block, since other actors then get another worker; gauges
#   (libactor/metrics/gauges.py).
# Source: libprocess async.hpp, run.hpp.

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from libactor._core._impl import generate_id
from libactor.actor import Actor
from libactor.context import current_runtime
from libactor.deferred import Deferred, callable_name, pass_bound
from libactor.future import Future

if TYPE_CHECKING:
    from libactor.runtime import Runtime

P = ParamSpec("P")
R = TypeVar("R")


class _Whole(partial[Any]):
    """A function that is served to its end before the termination behind it, also if it is a coroutine."""

    __slots__ = ()
    _exclusive = True


@overload
def run(function: Callable[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]: ...
@overload
def run(function: Callable[P, Future[R]], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]: ...
@overload
def run(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]: ...
def run(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
    """Call ``function`` in a fresh actor of the current runtime, which stops when it returns; the future of its result.

    Arguments and result are passed by value; ``move`` hands one over. Of a future that the function returns the outcome
    is that of the result, whose discard reaches it; the actor does not wait for it. An ``async def`` one it sees to
    its end. A discard before the function was begun keeps it from being called.

    Raises: TypeError for what is not callable; NotPassable for an argument; NoRuntime; SpawnError in a closed runtime.
    """
    return run_in(current_runtime("run"), function, "run", args, kwargs)


def run_in(
    runtime: Runtime, function: Callable[..., Any], prefix: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Future[Any]:
    """As ``run``, in ``runtime``, by an actor whose id begins with ``prefix``, as the texts of errors do."""
    if not callable(function):
        raise TypeError(f"{prefix}: got {function!r}, expected a function")
    name = callable_name(function)
    bound = pass_bound(args, kwargs, f"{prefix}({name})", once=True)
    pid = runtime.spawn(Actor(generate_id(prefix)))
    call: Deferred[Any] = Deferred(pid, _Whole(function), name, bound, tuple(kwargs), (), True)
    future = call()
    runtime.terminate(pid, inject=False)
    return future
