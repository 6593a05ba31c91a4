"""State: the documents of ``/state`` and ``/frameworks``: frameworks with all that is theirs, and agents."""

# Source: Mesos src/master/readonly_handler.cpp (state, frameworks), src/master/http.cpp (FullFrameworkWriter).

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from mesoslite.model import MASTER_CAPABILITIES, encode_domain

from ..documents import address, cluster_name, told_flags, version_document
from ..projections_v0 import (
    AGENT_V0,
    EXECUTOR_V0,
    FRAMEWORK_END_V0,
    FRAMEWORK_V0,
    OFFER_V0,
    RECOVERED_AGENT_V0,
    TASK_V0,
)
from ..seen import seen_frameworks
from ..seen_agents import agents_v0
from ..serving import Items

if TYPE_CHECKING:
    from mesoslite.model.view import FrameworkView, View

    from ..documents import Document
    from ..serving import Part
    from ..sight import Sight


def state_parts(view: View, sight: Sight, flags: Mapping[str, str]) -> Iterator[Part]:
    """All of the cluster, and the options that the master's program was started with."""
    told = told_flags(flags) if sight.flags.is_all else {}
    yield msgspec.json.encode({**_head(view), **cluster_name(flags), **told})[:-1] + b',"slaves":['
    yield from agents_v0(AGENT_V0, view.agents, sight)
    yield b'],"recovered_slaves":['
    yield Items(RECOVERED_AGENT_V0, view.recovered_agents)
    yield b'],"frameworks":['
    yield from listed(seen_frameworks(view.frameworks, sight), framework_parts)
    yield b'],"completed_frameworks":['
    yield from listed(seen_frameworks(view.completed_frameworks, sight), framework_parts)
    yield b'],"orphan_tasks":[],"unregistered_frameworks":[]}'


def frameworks_parts(view: View, sight: Sight, framework_id: str | None) -> Iterator[Part]:
    """The frameworks, or the one of that id."""

    def chosen(frameworks: Iterable[FrameworkView]) -> Iterator[FrameworkView]:
        return seen_frameworks([each for each in frameworks if framework_id in (None, each.framework.id)], sight)

    yield b'{"frameworks":['
    yield from listed(chosen(view.frameworks), framework_parts)
    yield b'],"completed_frameworks":['
    yield from listed(chosen(view.completed_frameworks), framework_parts)
    yield b'],"unregistered_frameworks":[]}'


def listed(frameworks: Iterable[FrameworkView], parts: Callable[[FrameworkView], Iterator[Part]]) -> Iterator[Part]:
    """The parts of each, commas between them."""
    for number, framework in enumerate(frameworks):
        if number:
            yield b","
        yield from parts(framework)


def framework_parts(view: FrameworkView) -> Iterator[Part]:
    """A framework, live or completed."""
    yield FRAMEWORK_V0.render(view.framework)[:-1] + b',"tasks":['
    yield Items(TASK_V0, view.tasks)
    yield b'],"unreachable_tasks":['
    yield Items(TASK_V0, view.unreachable_tasks)
    yield b'],"completed_tasks":['
    yield Items(TASK_V0, *view.completed_tasks)
    yield b'],"offers":['
    yield Items(OFFER_V0, view.offers)
    yield b'],"executors":['
    yield Items(EXECUTOR_V0, view.executors)
    yield b"]," + FRAMEWORK_END_V0.render(view.framework)[1:]


def _head(view: View) -> Document:
    tenure, info = view.master, view.master.info
    pid = address(info.pid, info.hostname, info.port)
    domain = {"domain": encode_domain(info.domain)} if info.domain is not None else {}
    return {
        **version_document(),
        "start_time": tenure.start_time,
        "elected_time": tenure.elected_time,
        "id": info.id,
        "pid": pid,
        "hostname": info.hostname,
        "capabilities": list(MASTER_CAPABILITIES),
        "activated_slaves": view.active_agents,
        "deactivated_slaves": len(view.agents) - view.active_agents,
        "unreachable_slaves": view.unreachable_agents,
        "leader": pid,
        "leader_info": {"id": info.id, "pid": pid, "port": info.port, "hostname": info.hostname, **domain},
        **domain,
    }
