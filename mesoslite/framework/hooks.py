"""Hooks: the on_ methods that users override, plain or coroutines, and how those who call them wait for their end."""

# Who calls: framework.py, executor/executor.py.
# A hook that waits holds nothing up: its actor serves other events meanwhile, for it may wait for what one of them
#   brings, and is to hear of an offer that is rescinded, or of a master that is lost. Rejected: one hook at a time,
#   where the first kind would wait for ever.

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import libactor as la

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine
    from typing import Any


def rest_of(answer: Awaitable[None] | None) -> Coroutine[Any, Any, None] | None:
    """What a handler is to return for what its hook has returned: the rest of that, or None if it is over."""
    return None if answer is None else done(answer)


async def done(answer: Awaitable[None] | None) -> None:
    """Wait for what a hook has returned, if that can be waited for."""
    if inspect.isawaitable(answer):
        await answer


def refuse_exclusive(kind: type, base: type) -> None:
    """Raises: TypeError, if ``kind`` marks a hook of ``base`` by la.exclusive, which would keep nothing out."""
    for name in vars(base):
        is_hook = name.startswith("on_") and not hasattr(la.Actor, name)
        if is_hook and la.is_exclusive(getattr(kind, name)):
            raise TypeError(
                f"{kind.__qualname__}.{name}: is marked by la.exclusive, which keeps nothing out of a hook; where one "
                "is to wait for another, let both take a la.Mutex"
            )
