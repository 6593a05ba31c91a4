"""Actor: what users subclass, and the mark that makes a method a message handler."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from libactor._core._impl import ActorCell, configure
from libactor._core.errors import SpawnError
from libactor.context import running_process

if TYPE_CHECKING:
    from typing import Self

    from libactor.pid import PID
    from libactor.process import Process
    from libactor.runtime import Runtime

MethodT = TypeVar("MethodT", bound=Callable[..., Any])


def handles(kind: type) -> Callable[[MethodT], MethodT]:
    """Mark a method as the handler of messages of exactly the class ``kind``.

    The method takes ``(self, message)`` or ``(self, message, sender)``; ``sender`` is a PID, or None for a message
    posted from outside of actors. A subclass's handler of a class replaces its base's.
    """
    if not isinstance(kind, type):
        raise TypeError(f"handles: got {kind!r}, expected a message class, {_say_which(kind)}")

    def mark(method: MethodT) -> MethodT:
        method.__dict__.setdefault("_handled", []).append(kind)
        return method

    return mark


def _say_which(kind: Any) -> str:
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return "so mark the method once for each of them"
    origin = typing.get_origin(kind)
    if isinstance(origin, type):
        return f"so @handles({origin.__qualname__}): an object does not know the parameters of its class"
    return "as in @handles(Reset)"


class Actor(ActorCell):
    """State of its own, changed only by its handlers, which run one at a time.

    Subclass it, call ``super().__init__()`` and hand the object to ``spawn``; from then on only its handlers may
    touch it. Others reach it through its PID: by ``dispatch`` and ``tell`` to its methods, by ``post`` to its
    ``@handles`` methods.

    ``id`` names the actor within its runtime; left out, one is made from the class name.
    """

    # Message class -> method name, whether it takes the sender.
    _libactor_handlers: ClassVar[dict[type, tuple[str, bool]]] = {}

    if TYPE_CHECKING:
        _libactor_process: Process | None

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        _refuse_coroutines(cls)
        cls._libactor_handlers = _find_handlers(cls)

    def _is_current(self) -> bool:
        """Whether the caller is inside one of this actor's handlers."""
        return self._libactor_process is not None and running_process() is self._libactor_process

    def _stop_reason(self) -> BaseException | None:
        """Inside on_stop: what has stopped this actor; None if it was terminated."""
        return self._libactor_process.reason if self._libactor_process is not None else None

    @property
    def pid(self: Self) -> PID[Self]:
        """The address others reach this actor at; raises SpawnError before it is spawned."""
        if self._libactor_process is None:
            raise SpawnError(f"{self._libactor_id}: has no PID before it is spawned; use it from on_start on")
        return self._libactor_process.pid

    @property
    def runtime(self) -> Runtime:
        """The runtime this actor lives in, for its clock and to spawn; raises SpawnError before it is spawned."""
        if self._libactor_process is None:
            raise SpawnError(f"{self._libactor_id}: has no runtime before it is spawned; use it from on_start on")
        return self._libactor_process.runtime

    def on_start(self) -> None:
        """Called once, in the actor, before any event. An exception here stops the actor."""

    def on_stop(self) -> None:
        """Called once, in the actor, after its last event, unless on_start failed."""

    def on_exited(self, pid: PID[Any], reason: BaseException | None) -> None:
        """An actor this one is linked to has stopped: ``reason`` is what made it, None if it was terminated."""


def _refuse_id(id: object) -> SpawnError:
    """The error for an id that will not do."""
    return SpawnError(f"Actor: id {id!r} will not do; expected text without '@' and '/', or None for a made one")


configure(refuse_id=_refuse_id)


def _refuse_coroutines(cls: type) -> None:
    """A coroutine in the place of a plain method would be made and never run: nobody would hear of it."""
    for name, method in vars(cls).items():
        if not inspect.iscoroutinefunction(method):
            continue
        replaced = getattr(super(cls, cls), name, None)
        if hasattr(method, "_handled") or (callable(replaced) and not inspect.iscoroutinefunction(replaced)):
            raise TypeError(
                f"{cls.__qualname__}.{name}: is a coroutine; make it a plain function, which may go on in the callback "
                "of a future"
            )


def _find_handlers(cls: type) -> dict[type, tuple[str, bool]]:
    """What ``cls`` handles, by all its bases, those that are no actors included; the nearer class wins."""
    names: dict[type, str] = {}
    for base in reversed(cls.__mro__):
        own: dict[type, str] = {}
        for name, method in vars(base).items():
            kinds = getattr(method, "__dict__", {}).get("_handled", ())
            for kind in kinds:
                if own.setdefault(kind, name) != name:
                    raise TypeError(
                        f"{cls.__qualname__}: {own[kind]} and {name} both handle {kind.__qualname__}; mark one"
                    )
        names |= own
    return {kind: (name, _takes_sender(cls, name)) for kind, name in names.items()}


def _takes_sender(cls: type, name: str) -> bool:
    """Whether the method that an object of ``cls`` has, which may override the marked one, asks for the sender."""
    positional = [
        parameter
        for parameter in inspect.signature(getattr(cls, name)).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    if len(positional) not in (2, 3):
        raise TypeError(
            f"{cls.__qualname__}.{name}: a message handler takes (self, message) or (self, message, sender)"
        )
    return len(positional) == 3
