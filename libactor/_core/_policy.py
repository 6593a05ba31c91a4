"""What the core asks of the layers above it: they say so once, when they are imported."""

# Who calls: the modules of libactor name by configure() what is theirs; the core looks it up when it needs it.
# Twin: the policies of csrc/module.c, by the same names.

from __future__ import annotations

from typing import Any


class Policy:
    """One field for each name that configure() takes."""

    __slots__ = ("future_type",)

    # future_type: the class of the futures that the core makes, a subclass of FutureCell.


policy = Policy()


def configure(**entries: Any) -> None:
    """Name what the core asks Python for. Raises: TypeError for a name that is no field of Policy."""
    for name, value in entries.items():
        if name not in Policy.__slots__:
            raise TypeError(f"configure() got the unknown name {name!r}")
        setattr(policy, name, value)
