"""Actor: what users subclass, and the mark that makes a method a message handler."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Awaitable, Callable, Coroutine
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from libactor._core._impl import ActorCell, configure
from libactor._core.errors import SpawnError
from libactor.bounds import Bounded, check_bounded
from libactor.context import running_process
from libactor.routes import routes_of
from libactor.stash import check_limit, put_back, set_aside
from libactor.timers import Timers, timers_of

if TYPE_CHECKING:
    from typing import Self

    from libactor.pid import PID
    from libactor.process import Process
    from libactor.runtime import Runtime

MethodT = TypeVar("MethodT", bound=Callable[..., Any])
ResultT = TypeVar("ResultT")

_INHERITED: Any = object()  # what a class keyword is that was left out


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


def control(method: MethodT) -> MethodT:
    """Mark a method whose calls go by the control lane: ahead of all others, in their own order.

    Calls by dispatch, tell, delay and defer, and messages by post if it is a ``handles`` method as well, in either
    order of the marks. A bounded mailbox neither refuses nor counts them. The class of the receiving actor decides; the
    method of a subclass that overrides a marked one is marked too.
    """
    given: object = method
    if not callable(given) or not hasattr(given, "__dict__"):
        raise TypeError(f"control: got {method!r}, expected a method, as in @control above its def")
    method.__dict__["_controls"] = True
    return method


def remote(method: MethodT) -> MethodT:
    """Mark a method that actors of other hosts may call, by dispatch, tell, delay and defer. Raises: TypeError.

    The class of the receiving actor decides; the method of a subclass that overrides a marked one is marked too.
    ``handles`` methods need no mark: messages may come from anywhere.
    """
    given: object = method
    if not callable(given) or not hasattr(given, "__dict__"):
        raise TypeError(f"remote: got {method!r}, expected a method, as in @remote above its def")
    method.__dict__["_remote"] = True
    return method


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

    _libactor_control: ClassVar[frozenset[str | type]] = frozenset()  # methods and message classes of the control lane
    _libactor_remote: ClassVar[dict[str, Any]] = {}  # by name, the methods that other hosts may call
    _libactor_mailbox: ClassVar[Bounded | None] = None
    _libactor_stash: ClassVar[int | None] = None  # how many events its handlers may set aside

    if TYPE_CHECKING:
        _libactor_process: Process | None

    def __init_subclass__(
        cls, *, mailbox: Bounded | None = _INHERITED, stash: int | None = _INHERITED, **arguments: Any
    ) -> None:
        """``mailbox`` bounds those of its actors, ``stash`` what they may set aside; None: no bound, left out: as the
        base has it."""
        given = super().__init_subclass__
        if arguments and isinstance(given, types.BuiltinMethodType):  # that of object, which takes none
            raise TypeError(f"{cls.__qualname__}: got the class keyword {min(arguments)!r}, expected mailbox or stash")
        given(**arguments)
        _refuse_shadows(cls)
        _refuse_generators(cls)
        cls._libactor_handlers = _find_handlers(cls)
        cls._libactor_control = _find_control(cls)
        cls._libactor_remote = {name: getattr(cls, name) for name in _find_marked(cls, "_remote")}
        routes_of(cls)
        if mailbox is not _INHERITED:
            check_bounded(mailbox, cls.__qualname__)
            cls._libactor_mailbox = mailbox
        if stash is not _INHERITED:
            cls._libactor_stash = check_limit(stash, cls.__qualname__)

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

    def stash(self, limit: int | None = None) -> ResultT:  # type: ignore[type-var]  # the caller says which
        """Inside a handler: set the call or message that it serves aside, until ``unstash``.

        Its None has whatever type the handler is to return, as in ``return self.stash()``: that is ignored, and who
        waits for the answer waits on. A handler that raises after it has set nothing aside. At the end of the actor
        what is in the stash is dropped like what waits.
        ``limit``: how many events may be set aside at most; left out, what the class says (``stash=``), or no limit.
        Raises: StashFull at the limit; RuntimeError outside of handlers, and where there is nothing to set aside.
        """
        set_aside(self, self._libactor_stash if limit is None else check_limit(limit, "stash"))
        return cast(ResultT, None)

    def unstash(self) -> int:
        """Inside a handler: put back all that was set aside, in its order, ahead of what waits; how many that were.

        An event that this very handler has set aside stays there. Raises: RuntimeError outside of handlers.
        """
        return put_back(self)

    @cached_property  # so that a class may have a field of that name
    def timers(self) -> Timers:
        """Appointments of this actor with itself, each under a key; for its handlers, ``on_start`` included."""
        return timers_of(self)

    def on_start(self) -> Awaitable[object] | None:
        """Called once, in the actor, before any event. An exception here stops the actor.

        It may be ``async def``, or return a future: then nothing else is served until that is over.
        """

    def on_stop(self) -> Awaitable[object] | None:
        """Called once, in the actor, after its last event, unless on_start failed.

        It may be ``async def``, or return a future: who waits for the end of the actor waits for that too.
        """

    def on_exited(self, pid: PID[Any], reason: BaseException | None) -> Coroutine[Any, Any, object] | None:
        """An actor this one is linked to has stopped: ``reason`` is what made it, None if it was terminated."""


def _refuse_id(id: object) -> SpawnError:
    """The error for an id that will not do."""
    return SpawnError(f"Actor: id {id!r} will not do; expected text without '@' and '/', or None for a made one")


configure(refuse_id=_refuse_id)


def _refuse_shadows(cls: type) -> None:
    """What stands in the place of something that every actor has, or that nobody could call as it will be called."""
    for name in ("pid", "runtime", "stash", "timers", "unstash"):
        if name in vars(cls):
            raise TypeError(
                f"{cls.__qualname__}.{name}: every actor has a {name} of libactor's; call this another name"
            )
    exited = vars(cls).get("on_exited")
    if isinstance(exited, types.FunctionType):
        try:
            inspect.signature(exited).bind(cls, None, None)
        except TypeError as error:
            raise TypeError(f"{cls.__qualname__}.on_exited: {error}; expected (self, pid, reason)") from None


def _refuse_generators(cls: type) -> None:
    """An asynchronous generator in the place of a handler would be made and never run: nobody would hear of it."""
    for name, method in vars(cls).items():
        if not inspect.isasyncgenfunction(method):
            continue
        replaced = getattr(super(cls, cls), name, None)
        if hasattr(method, "_handled") or (callable(replaced) and not inspect.isasyncgenfunction(replaced)):
            raise TypeError(
                f"{cls.__qualname__}.{name}: is an asynchronous generator, which nobody would run; make it an "
                "`async def` without yield"
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


def _find_control(cls: type[Actor]) -> frozenset[str | type]:
    """The names of the methods that ``cls`` or a base of it has marked, and what messages they handle."""
    names = _find_marked(cls, "_controls")
    return frozenset(names) | {kind for kind, (name, _) in cls._libactor_handlers.items() if name in names}


def _find_marked(cls: type[Actor], mark: str) -> set[str]:
    """The names of the methods that ``cls`` or a base of it has marked."""
    return {
        name
        for base in cls.__mro__
        for name, method in vars(base).items()
        if getattr(method, "__dict__", {}).get(mark, False)
    }


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
