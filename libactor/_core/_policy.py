"""What the core asks of the layers above it: they say so once, when they are imported."""

# Who calls: the modules of libactor name by configure() what is theirs; the core looks it up when it needs it.
# Twin: the policies of csrc/module.c, by the same names.

from __future__ import annotations

from typing import Any


class Policy:
    """One field for each name that configure() takes."""

    __slots__ = ("copy_value", "future_type", "get_slowly", "pass_answer")

    # future_type: the class of the futures that the core makes, FutureCell or a subclass of it.
    # get_slowly(future, timeout): wait until it is ready; raise if it is not to be.
    # copy_value(value): a copy for one more reader of a future.
    # pass_answer(value): the value as it leaves an actor, and whether each reader gets a copy.

    def __init__(self) -> None:
        self.future_type: Any = None
        self.get_slowly: Any = None
        self.copy_value: Any = None
        self.pass_answer: Any = None


policy = Policy()


def configure(**entries: Any) -> None:
    """Name what the core asks Python for. Raises: TypeError for a name that is no field of Policy."""
    for name, value in entries.items():
        if name not in Policy.__slots__:
            raise TypeError(f"configure() got the unknown name {name!r}")
        setattr(policy, name, value)
