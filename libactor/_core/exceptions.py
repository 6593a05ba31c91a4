"""A second exception that equals a first, so that no two who raise it share a traceback."""

# Who calls: Future.get raises one per reader; an exception that is passed by value crosses as one (values.py).
# The copy is made without the class's own __init__, which may take other arguments than those it hands on to its base,
#   and may count, log or open things. What its built-in base keeps apart from args and __dict__ (OSError.filename, the
#   fields of UnicodeDecodeError) is restored by the built-in base itself, the way pickling would.
# Rejected: copy.copy, which calls __init__ with args: `E(3)` with text "bad 3" became "bad bad 3".

from __future__ import annotations

from typing import Any, cast


def fresh_exception(original: BaseException) -> BaseException:
    """A copy of ``original`` without traceback, cause and context; attributes are shared, notes are copied.

    Where the class, written in C, does not let itself be made, the copy is a RuntimeError with its name and text.
    """
    kind = type(original)
    base = next(entry for entry in kind.__mro__ if entry.__module__ == "builtins")
    _, arguments, *kept_apart = cast(Any, base).__reduce__(original)
    try:
        fresh: BaseException = base.__new__(kind, *arguments)
    except TypeError:
        return RuntimeError(f"{kind.__qualname__}: {original}")
    cast(Any, base).__init__(fresh, *arguments)
    fresh.args = original.args
    fresh.__dict__.update(original.__dict__)
    if hasattr(original, "__notes__"):
        fresh.__notes__ = list(original.__notes__)
    for state in kept_apart:  # of ImportError and the like, a mapping that repeats __dict__
        for name in state.keys() - original.__dict__.keys():
            setattr(fresh, name, state[name])
    return fresh
