"""Summary: the document of ``/state-summary``: agents and frameworks with how many tasks they have in each state."""

# Tasks that live, that are unreachable and that are completed count, those of completed frameworks do not. All count,
#   whoever may see them, as in Mesos; but frameworks that somebody may not see are not named.
# Source: Mesos src/master/readonly_handler.cpp (stateSummary, TaskStateSummaries, SlaveFrameworkMapping).

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from mesoslite.model import TaskState

from ..columns import columns
from ..documents import cluster_name
from ..projections_v0 import AGENT_V0, FRAMEWORK_SUMMARY_V0
from ..seen import unseen_ids
from ..seen_agents import agent_texts_v0

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mesoslite.model.view import FrameworkView, View

    from ..serving import Part
    from ..sight import Sight

COUNTED = tuple(
    TaskState[f"TASK_{name}"]
    for name in (
        "STAGING",
        "STARTING",
        "RUNNING",
        "KILLING",
        "FINISHED",
        "KILLED",
        "FAILED",
        "LOST",
        "ERROR",
        "UNREACHABLE",
    )
)


class _Agent:
    """What frameworks have on an agent."""

    __slots__ = ("counts", "framework_ids")

    def __init__(self) -> None:
        self.counts: Counter[TaskState] = Counter()
        self.framework_ids: list[str] = []


def summary_parts(view: View, sight: Sight, flags: Mapping[str, str]) -> Iterator[Part]:
    """Agents and frameworks, in short, and the name of the cluster, if the master's program was given one."""
    unseen = unseen_ids(view, sight)
    counted = [(each, _counts(each)) for each in view.frameworks]
    agents: dict[str, _Agent] = {}
    for each, counts in counted:
        for agent_id, states in counts.items():
            agent = agents.setdefault(agent_id, _Agent())
            agent.counts.update(states)
            agent.framework_ids += [each.framework.id] if each.framework.id not in unseen else []
    none = _Agent()
    head = {"hostname": view.master.info.hostname, **cluster_name(flags)}
    yield msgspec.json.encode(head)[:-1] + b',"slaves":['
    for number, (record, text) in enumerate(
        zip(view.agents, agent_texts_v0(AGENT_V0, view.agents, sight), strict=True)
    ):
        agent = agents.get(record.id, none)
        yield b"," * (number > 0) + text[:-1]
        yield _end(agent.counts, "framework_ids", agent.framework_ids)
    yield b'],"frameworks":['
    seen = [(each, counts) for each, counts in counted if each.framework.id not in unseen]
    for number, (each, counts) in enumerate(seen):
        yield b"," * (number > 0) + FRAMEWORK_SUMMARY_V0.render(each.framework)[:-1]
        yield _end(sum(counts.values(), Counter()), "slave_ids", list(counts))
    yield b"]}"


def _counts(framework: FrameworkView) -> dict[str, Counter[TaskState]]:
    """How many tasks a framework has in each state, by agent."""
    pairs: Counter[tuple[str, int]] = Counter()
    states = {id(state): state for state in TaskState}  # which are hashed by their name, in Python
    for snapshot in (framework.tasks, framework.unreachable_tasks, *framework.completed_tasks):
        for agent_ids, values in columns(snapshot, "agent_id", "state"):
            pairs.update(zip(agent_ids, map(id, values), strict=True))
    counts: dict[str, Counter[TaskState]] = {}
    for (agent_id, state), count in pairs.items():
        counts.setdefault(agent_id, Counter())[states[state]] += count
    return counts


def _end(counts: Counter[TaskState], name: str, ids: list[str]) -> bytes:
    """The last members of an agent or a framework."""
    return b"," + msgspec.json.encode({**{state.name: counts[state] for state in COUNTED}, name: ids})[1:]
