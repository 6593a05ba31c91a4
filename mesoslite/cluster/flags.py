"""Flags: the options that a program was started with, as Mesos prints them."""

# Who calls: cluster.py and nodes.py.
# Source: Mesos 3rdparty/stout/include/stout/flags, src/common/http.cpp; a flag without a value is not there.

from collections.abc import Mapping

DURATIONS = ("allocation_interval",)  # that are given in seconds; others are texts with a unit


def flags_of(options: Mapping[str, object]) -> dict[str, str]:
    """Return ``options`` as texts, without those that were left out, which are None."""
    return {name: _text(name, value) for name, value in options.items() if value is not None}


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}secs" if name in DURATIONS else str(value)
