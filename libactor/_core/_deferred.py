"""Deferred: a callable that calls into an actor whenever it is called, with bound arguments and those of the call."""

# Who calls: libactor/deferred.py makes them; futures, as their callbacks, and users call them.
# Invariant: one that is for one call gives its bound arguments away to the first: they lie in a list of one, and
#   list.pop is one step. It lets go of them then, and not when it goes away itself.
# Twin: csrc/deferred.c, which makes the plainest ones without asking libactor/deferred.py.
# Source: libprocess defer.hpp.

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, final

from libactor._core._calls import _ask, _pass
from libactor._core._pid import receiver
from libactor._core._policy import policy

if TYPE_CHECKING:
    from types import GenericAlias


@final
class Deferred:
    """A callable that calls into an actor and answers with the future of the result: what ``defer`` returns."""

    __slots__ = ("_held", "_mailbox", "_name", "_names", "_once", "_place_last", "_places", "_what")

    # _what: the method's name, or the callable.    _name: what that is called in an error.
    # _held: the tuple of the bound arguments; empty once they were given away.    _names: of the last of them.
    # _places: as long as the bound arguments, which argument of the call stands there, 0: the bound one; empty if none
    #   does: then those of the call follow the bound ones without a name.    _place_last: the highest of them.

    def __init__(
        self,
        pid: Any,
        what: str | Callable[..., Any],
        name: str,
        bound: tuple[Any, ...],
        names: tuple[str, ...],
        places: tuple[int, ...],
        once: bool,
        /,
    ) -> None:
        self._mailbox = receiver(pid, "Deferred")
        self._what = what
        self._name = name
        self._held = [bound]
        self._names = names
        self._places = places
        self._place_last = max(places, default=0)
        self._once = once

    def __call__(self, *arguments: Any) -> Any:
        """Call into the actor; the future of the result."""
        if len(arguments) < self._place_last:
            raise TypeError(
                f"deferred {self._name}: called with {len(arguments)} arguments, expected {self._place_last} or more, "
                f"for _{self._place_last}"
            )
        bound = self._take()
        if self._once:  # what is bound was taken by value for this call
            passed = self._arrange(bound, policy.copier.all_by_value(arguments, self._name))
        else:
            passed = _pass(*self._arrange(bound, arguments), self._name)
        kind = "dispatch" if isinstance(self._what, str) else "execute"
        return _ask(self._mailbox, kind, self._what, *passed, patient=False)  # a callback waits for nothing

    def _take(self) -> tuple[Any, ...]:
        """The bound arguments; for good, if this is for one call."""
        try:
            return self._held.pop() if self._once else self._held[0]
        except IndexError:
            raise policy.moved_error(
                f"deferred {self._name}: was for one call (once=True), which took its arguments; defer again"
            ) from None

    def _arrange(self, bound: tuple[Any, ...], arguments: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments without and with a name, each in its place."""
        if self._places:
            bound = tuple(
                [arguments[place - 1] if place else value for place, value in zip(self._places, bound, strict=True)]
            )
            arguments = ()
        unnamed = len(bound) - len(self._names)
        return (*bound[:unnamed], *arguments), dict(zip(self._names, bound[unnamed:], strict=True))

    def __repr__(self) -> str:
        return f"<Deferred {self._name} in {self._mailbox.pid}>"

    def __class_getitem__(cls, item: Any) -> GenericAlias:
        from types import GenericAlias

        return GenericAlias(cls, item)


def defer(target: Any, /, *args: Any, **kwargs: Any) -> Deferred:
    """A callable that, whenever it is called, runs in an actor: for the callbacks of futures.

    ``defer(pid, Counter.add, 1)`` calls the method, ``defer(pid, function, 1)`` a function, in the actor at ``pid``;
    ``defer(function, 1)`` a function in the actor that is running now. The arguments of the call follow the bound ones;
    or they go where ``libactor.placeholders`` stand for them, and those that none stands for are dropped. Bound
    arguments are taken by value now, and once more at each call. With ``once`` there is one call, into which they are
    moved; another raises MovedError, and only then may an argument be wrapped in ``move``.

    Raises: NoRuntime for the last form outside of actors; TypeError and NotPassable as ``dispatch``.
    """
    deferred: Deferred = policy.defer_slowly(target, *args, **kwargs)
    return deferred
