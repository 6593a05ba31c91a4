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
from ..serving import Items

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from libactor.records import Projection, Snapshot
    from mesoslite.model.view import FrameworkView, View

    from ..serving import Part


def state(view: View) -> Iterator[Part]:
    """Tasks, executors, frameworks and agents."""
    before = b"{"
    for name, parts in (
        (b"get_tasks", tasks(view)),
        (b"get_executors", executors(view)),
        (b"get_frameworks", frameworks(view)),
        (b"get_agents", agents(view)),
    ):
        yield before + b'"%s":' % name
        yield from parts
        before = b","
    yield b"}"


def tasks(view: View) -> Iterator[Part]:
    """The tasks that live, that are unreachable and that are completed."""
    every = (*view.frameworks, *view.completed_frameworks)
    return _object(
        tasks=_items(TASK_V1, [each.tasks for each in every]),
        unreachable_tasks=_items(TASK_V1, [each.unreachable_tasks for each in every]),
        completed_tasks=_items(TASK_V1, chain.from_iterable(each.completed_tasks for each in every)),
    )


def executors(view: View) -> Iterator[Part]:
    """The executors."""
    every = (*view.frameworks, *view.completed_frameworks)
    return _object(executors=_items(EXECUTOR_V1, [each.executors for each in every]))


def frameworks(view: View) -> Iterator[Part]:
    """The frameworks, live and completed."""
    return _object(frameworks=_frameworks(view.frameworks), completed_frameworks=_frameworks(view.completed_frameworks))


def agents(view: View) -> Iterator[Part]:
    """The agents, and those that are yet to come back."""
    return _object(
        agents=_items(AGENT_V1, [view.agents]), recovered_agents=_items(RECOVERED_AGENT_V1, [view.recovered_agents])
    )


def operations(view: View) -> Iterator[Part]:
    """The operations."""
    return _object(operations=_items(OPERATION_V1, [view.operations]))


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
