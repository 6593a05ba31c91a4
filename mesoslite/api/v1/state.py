"""State: the documents of GET_STATE and of the calls that show a part of it."""

# Who calls: shown_calls.py; SUBSCRIBE tells GET_STATE first.
# As Mesos makes JSON of its messages: a list that is empty is left out.
# Tasks and executors are those of all frameworks, completed ones too.
# Source: Mesos include/mesos/v1/master/master.proto (Response), src/master/readonly_handler.cpp.

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from mesoslite.model.v1 import encode_inverse_offer

from ..projections_v1 import (
    AGENT_V1,
    EXECUTOR_V1,
    FRAMEWORK_END_V1,
    FRAMEWORK_V1,
    OFFER_V1,
    OPERATION_V1,
    RECOVERED_AGENT_V1,
    TASK_V1,
)
from ..seen import seen_frameworks, seen_operations
from ..seen_agents import seen_agents
from ..serving import Items

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from libactor.records import Projection, Snapshot
    from mesoslite.model.view import FrameworkView, View

    from ..serving import Part
    from ..sight import Sight


def state(view: View, sight: Sight) -> Iterator[Part]:
    """Tasks, executors, frameworks and agents."""
    before = b"{"
    for name, parts in (
        (b"get_tasks", tasks),
        (b"get_executors", executors),
        (b"get_frameworks", frameworks),
        (b"get_agents", agents),
    ):
        yield before + b'"%s":' % name
        yield from parts(view, sight)
        before = b","
    yield b"}"


def tasks(view: View, sight: Sight) -> Iterator[Part]:
    """The tasks that live, that are unreachable and that are completed."""
    every = _every(view, sight.only("frameworks", "tasks"))
    return _object(
        tasks=_items(TASK_V1, [each.tasks for each in every]),
        unreachable_tasks=_items(TASK_V1, [each.unreachable_tasks for each in every]),
        completed_tasks=_items(TASK_V1, chain.from_iterable(each.completed_tasks for each in every)),
    )


def executors(view: View, sight: Sight) -> Iterator[Part]:
    """The executors."""
    every = _every(view, sight.only("frameworks", "executors"))
    return _object(executors=_items(EXECUTOR_V1, [each.executors for each in every]))


def frameworks(view: View, sight: Sight) -> Iterator[Part]:
    """The frameworks, live and completed."""
    alone = sight.only("frameworks")
    return _object(
        frameworks=_frameworks(seen_frameworks(view.frameworks, alone)),
        completed_frameworks=_frameworks(seen_frameworks(view.completed_frameworks, alone)),
    )


def agents(view: View, sight: Sight) -> Iterator[Part]:
    """The agents, and those that are yet to come back."""
    return _object(
        agents=_items(AGENT_V1, [seen_agents(view.agents, sight)]),
        recovered_agents=_items(RECOVERED_AGENT_V1, [seen_agents(view.recovered_agents, sight)]),
    )


def operations(view: View, sight: Sight) -> Iterator[Part]:
    """The operations."""
    return _object(operations=_items(OPERATION_V1, [seen_operations(view, sight)]))


def _every(view: View, sight: Sight) -> list[FrameworkView]:
    return list(seen_frameworks((*view.frameworks, *view.completed_frameworks), sight))


def _object(**lists: Iterator[Part]) -> Iterator[Part]:
    """An object of those lists that have entries; each iterator comes to the entries and the commas between them."""
    before = b"{"
    for name, parts in lists.items():
        first = next(parts, None)
        if first is not None:
            yield before + b'"%s":[' % name.encode()
            yield first
            yield from parts
            before = b"],"
    yield b"{}" if before == b"{" else b"]}"


def _items(projection: Projection[Any], snapshots: Iterable[Snapshot[Any]]) -> Iterator[Part]:
    filled = [snapshot for snapshot in snapshots if len(snapshot)]
    if filled:
        yield Items(projection, *filled)


def _frameworks(frameworks: Iterable[FrameworkView]) -> Iterator[Part]:
    before = b""
    for each in frameworks:
        yield before
        yield from _framework(each)
        before = b","


def _framework(view: FrameworkView) -> Iterator[Part]:
    yield FRAMEWORK_V1.render(view.framework)[:-1]
    if len(view.offers):
        yield b',"offers":['
        yield Items(OFFER_V1, view.offers)
        yield b"]"
    if view.inverse_offers:
        inverse_offers = [encode_inverse_offer(each, refined=True) for each in view.inverse_offers]
        yield b',"inverse_offers":' + msgspec.json.encode(inverse_offers)
    end = FRAMEWORK_END_V1.render(view.framework)
    yield b"," + end[1:] if end != b"{}" else b"}"
