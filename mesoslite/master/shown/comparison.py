"""Comparison: whether two Views say the same, however they were made."""

# Who calls: tests and checkers, with a View and one that was made of the books from scratch.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

if TYPE_CHECKING:
    from libactor.records import Snapshot
    from mesoslite.model.view import FrameworkView, View


def differences(one: View, other: View) -> list[str]:
    """What is not the same in both, but for their numbers: a line each."""
    found: list[str] = []
    for name in ("agents", "recovered_agents", "operations"):
        _compare(name, getattr(one, name), getattr(other, name), found)
    found += [
        f"{name}: {getattr(one, name)!r:.300} and {getattr(other, name)!r:.300}"
        for name in ("active_agents", "unreachable_agents", "master")
        if getattr(one, name) != getattr(other, name)
    ]
    for name in ("frameworks", "completed_frameworks"):
        mine, theirs = ([each.framework.id for each in getattr(view, name)] for view in (one, other))
        if mine != theirs:
            found.append(f"{name}: {mine} and {theirs}")
            continue
        for left, right in zip(getattr(one, name), getattr(other, name), strict=True):
            _compare_frameworks(left, right, found)
    return found


def _compare_frameworks(one: FrameworkView, other: FrameworkView, found: list[str]) -> None:
    where = f"framework {one.framework.id}"
    if one.framework != other.framework:
        found.append(f"{where}: {_described(one.framework)} and {_described(other.framework)}")
    for name in ("tasks", "unreachable_tasks", "executors", "offers"):
        _compare(f"{where}, {name}", getattr(one, name), getattr(other, name), found)
    mine, theirs = ([task for part in view.completed_tasks for task in part] for view in (one, other))
    if mine != theirs:
        found.append(f"{where}, completed tasks: {list(map(_described, mine))} and {list(map(_described, theirs))}")
    if one.inverse_offers != other.inverse_offers:
        found.append(f"{where}, inverse offers: {one.inverse_offers} and {other.inverse_offers}")


def _compare(name: str, one: Snapshot[Any], other: Snapshot[Any], found: list[str]) -> None:
    mine, theirs = set(one), set(other)
    if mine != theirs or len(one) != len(other):
        more, less = ([_described(each) for each in list(part)[:3]] for part in (mine - theirs, theirs - mine))
        found.append(f"{name}: {len(one)} and {len(other)}; {more} and {less}")


def _described(record: Any) -> str:
    return repr(asdict(record.decode()))[:1000]
