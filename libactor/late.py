"""Late: names of a package that are imported when they are first asked for."""

# Who calls: packages that are imported with libactor, also by programs that use nothing of them: testing, io,
#   subprocess. Not libactor itself: see there.

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def import_later(package: str, modules: Mapping[str, str]) -> Callable[[str], object]:
    """The ``__getattr__`` of the package: it imports a name from its module, and keeps it in the package."""

    def find(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{package}.{modules[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return find
