"""How a method is named in a call: by the function of the actor's class, which becomes the name to look up there."""

# Who calls: the core, for every method that is not a plain function its class has by that name (policy method_name);
#   libactor/deferred.py. Each error says what was given and what to give instead.
# Static methods are called like any other, and without the actor; class methods are bound to their class, so their
#   code can do no more in the actor than outside of it: they are refused.

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any

from libactor._core._impl import configure


class Unknown:
    """The class of an actor elsewhere of which nothing more is known: it may have any method."""


def is_method(function: Callable[..., Any]) -> bool:
    """Whether ``function`` was defined in the body of a class, and is not bound to an object."""
    owner = getattr(function, "__qualname__", "").rpartition(".")[0]
    free = isinstance(function, type) or hasattr(function, "__self__")
    return bool(owner) and not owner.endswith("<locals>") and not free


def method_name(kind: type, method: Any, operation: str) -> str:
    """The name to look ``method`` up by on an actor of class ``kind``; raises TypeError if it has no such method."""
    name: str | None = getattr(method, "__name__", None)
    if name is None or not callable(method) or hasattr(method, "__self__"):
        raise TypeError(f"{operation}: got {method!r}, expected {_expected(method)}")
    if inspect.isasyncgenfunction(method):
        raise TypeError(
            f"{operation}: {method.__qualname__} is an asynchronous generator, which nobody would run; make it an "
            "`async def` without yield, and let it return all values or send each"
        )
    if name.startswith("__") and not name.endswith("__"):  # a private name, as the compiler stores it
        name = f"_{method.__qualname__.split('.')[-2].lstrip('_')}{name}"
    if not hasattr(kind, name) and kind is not Unknown:
        raise TypeError(
            f"{operation}: {kind.__qualname__} has no method {name!r}; for a function of your own use execute"
        )
    return name


def _expected(method: Any) -> str:
    wanted = "a function of the actor's class, such as Counter.add"
    if isinstance(method, property):
        return f"{wanted}; a property is read in a method of the actor"
    if isinstance(method, (str, bytes)):
        return f"{wanted}, and not its name"
    bound_to = getattr(method, "__self__", None)
    if isinstance(bound_to, type):
        return f"{wanted}; a class method needs no actor: call it, or use execute"
    if bound_to is not None and not isinstance(bound_to, types.ModuleType):
        return f"{wanted}; a bound method would run outside the actor"
    return f"{wanted}; for another callable use execute"


configure(method_name=method_name)
