"""Figures: what is counted of each framework, a list of numbers, and where in it each stands."""

# Who calls: whoever in the master does something that is counted, `framework.figures[...] += 1`, some 30 ns;
#   framework_metrics.py tells them, census.py adds up tasks.
# Columns are in order of their names, so that a list is a row of metrics as it is. The sums (`calls`, `events`,
#   `operations`), `subscribed` and what is unreachable are filled in by who tells.
# Calls that this master does not serve, and operations that it does not know, are there with zeros, as Mesos has them.
#   Heartbeats are not: the API sends them, and the master does not know of them.
# Invariant: `tasks/active/<state>`, all but TASK_UNREACHABLE, is how many of the framework's tasks are in that state.
# Rejected: a metric for each, as in Mesos: 600,000 of them for 9,000 frameworks, and 3 s for a snapshot.
# Source: Mesos src/master/metrics.cpp (FrameworkMetrics).

from __future__ import annotations

from typing import get_args

from mesoslite.model import (
    Call,
    Create,
    Destroy,
    Event,
    GrowVolume,
    Heartbeat,
    Launch,
    LaunchGroup,
    Reserve,
    ShrinkVolume,
    TaskState,
    Unreserve,
)

OPERATION_NAMES: dict[type, str] = {
    Create: "create",
    Destroy: "destroy",
    GrowVolume: "grow_volume",
    Launch: "launch",
    LaunchGroup: "launch_group",
    Reserve: "reserve",
    ShrinkVolume: "shrink_volume",
    Unreserve: "unreserve",
}


def _names(kinds: tuple[type, ...], what: str) -> dict[type, str]:
    """What is counted of each kind of call or event, by its tag."""
    return {kind: f"{what}/{str(kind.__struct_config__.tag).lower()}" for kind in kinds}  # type: ignore[attr-defined]


_CALLS = _names(get_args(Call), "calls")
_EVENTS = _names(tuple([kind for kind in get_args(Event) if kind is not Heartbeat]), "events")
_OPERATIONS = {kind: f"operations/{name}" for kind, name in OPERATION_NAMES.items()}
_TASKS = {state: f"tasks/{'terminal' if state.is_terminal else 'active'}/{state.name.lower()}" for state in TaskState}
_OTHERS = (
    "subscribed",
    "calls",
    "events",
    *("offers/accepted", "offers/declined", "offers/rescinded", "offers/sent"),
    *("operations", "operations/create_disk", "operations/destroy_disk"),
)

COLUMNS: tuple[str, ...] = tuple(
    sorted({*_OTHERS, *_CALLS.values(), *_EVENTS.values(), *_OPERATIONS.values(), *_TASKS.values()})
)
PLACES: dict[str, int] = {name: place for place, name in enumerate(COLUMNS)}

CALLS: dict[type, int] = {kind: PLACES[name] for kind, name in _CALLS.items()}
EVENTS: dict[type, int] = {kind: PLACES[name] for kind, name in _EVENTS.items()}
OPERATIONS: dict[type, int] = {kind: PLACES[name] for kind, name in _OPERATIONS.items()}
TASKS: dict[TaskState, int] = {state: PLACES[name] for state, name in _TASKS.items()}
OFFERS_ACCEPTED, OFFERS_DECLINED = PLACES["offers/accepted"], PLACES["offers/declined"]
OFFERS_RESCINDED, OFFERS_SENT = PLACES["offers/rescinded"], PLACES["offers/sent"]
LAUNCH, LAUNCH_GROUP = OPERATIONS[Launch], OPERATIONS[LaunchGroup]


def new_figures() -> list[int]:
    """Those of a framework of which nothing is counted yet."""
    return [0] * len(COLUMNS)
