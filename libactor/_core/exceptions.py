"""Exceptions: a second that equals a first, so that no two who raise it share a traceback; one for nobody's ears."""

# Who calls: Future.get raises one per reader; an exception that is passed by value crosses as one (values.py).
# The copy is made without the class's own __init__, which may take other arguments than those it hands on to its base,
#   and may count, log or open things. What its built-in base keeps apart from args and __dict__ (OSError.filename, the
#   fields of UnicodeDecodeError) is restored by the built-in base itself, the way pickling would.
# Rejected: copy.copy, which calls __init__ with args: `E(3)` with text "bad 3" became "bad bad 3".

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any, cast


def fresh_exception(original: BaseException) -> BaseException:
    """A copy of ``original`` without traceback, cause and context; attributes are shared, notes are copied.

    Where the class, written in C, does not let itself be made, the copy is a RuntimeError with its name and text.
    """
    try:
        return build_exception(type(original), *exception_parts(original))
    except TypeError:
        return RuntimeError(f"{type(original).__qualname__}: {original}")


def exception_parts(original: BaseException) -> tuple[Any, ...]:
    """What ``build_exception`` makes an equal one of: what its base was made with, args, __dict__, and the rest."""
    _, arguments, *kept_apart = cast(Any, _built_in_base(type(original))).__reduce__(original)
    attributes = dict(original.__dict__)
    if "__notes__" in attributes:
        attributes["__notes__"] = list(attributes["__notes__"])
    rest = {}
    for state in kept_apart:  # of ImportError and the like, a mapping that repeats __dict__
        rest.update({name: state[name] for name in state.keys() - attributes.keys()})
    return arguments, original.args, attributes, rest


def build_exception(kind: type[Any], arguments: Any, args: Any, attributes: Any, rest: Any) -> BaseException:
    """A new exception. Raises: TypeError where the class, written in C, does not let itself be made."""
    base = cast(Any, _built_in_base(kind))
    fresh: BaseException = base.__new__(kind, *arguments)
    base.__init__(fresh, *arguments)
    fresh.args = args
    fresh.__dict__.update(attributes)
    for name, value in rest.items():
        setattr(fresh, name, value)
    return fresh


def _built_in_base(kind: type) -> type:
    return next(entry for entry in kind.__mro__ if entry.__module__ == "builtins")


def report_unraisable(error: BaseException, what: str, where: object) -> None:
    """Hand ``error`` to sys.unraisablehook: it came where nothing more can be done, such as out of the log itself."""
    sys.unraisablehook(
        SimpleNamespace(
            exc_type=type(error), exc_value=error, exc_traceback=error.__traceback__, err_msg=what, object=where
        )
    )
