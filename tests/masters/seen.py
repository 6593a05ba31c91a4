"""What readers see of a master, against its books as they are told otherwise."""

from __future__ import annotations

from typing import Any

from mesoslite.model import ClusterState, FrameworkState, Resources, TaskRecord
from mesoslite.model.resource_records import unpacked_resources
from mesoslite.model.task_records import unpacked_task
from mesoslite.model.view import FrameworkView, View


def check_view(view: View, state: ClusterState) -> None:
    """The View says what the state of the cluster at the same moment says, as far as that says it."""
    agents = {agent.id: agent for agent in view.agents}
    assert agents.keys() == {agent.info.id for agent in state.agents}
    assert view.active_agents == sum([agent.active for agent in state.agents])
    for agent in state.agents:
        record = agents[agent.info.id].decode()
        assert (record.active, record.deactivated) == (agent.active, agent.deactivated)
        assert unpacked_resources(record.resources) == agent.info.resources
        assert unpacked_resources(record.used) == agent.used
        assert unpacked_resources(record.offered) == agent.offered
    pairs = ((view.frameworks, state.frameworks), (view.completed_frameworks, state.completed_frameworks))
    for seen, told in pairs:
        assert [each.framework.id for each in seen] == [each.info.id for each in told]
        for each, framework in zip(seen, told, strict=True):
            _check_framework(each, framework)


def _check_framework(seen: FrameworkView, told: FrameworkState) -> None:
    record = seen.framework.decode()
    assert (record.name, record.connected, record.recovered) == (told.info.name, told.connected, told.recovered)
    for resources, wanted in ((record.used, told.used), (record.offered, told.offered)):
        assert united(unpacked_resources(resources)) == united(wanted)
    tasks = {task.task_id: outline(unpacked_task(task.decode())) for task in seen.tasks}
    assert tasks == {task.info.task_id: outline(task) for task in told.tasks}
    completed = [outline(unpacked_task(task.decode())) for part in seen.completed_tasks for task in part]
    assert completed == list(map(outline, told.completed_tasks))
    assert {offer.id for offer in seen.offers} == {offer.id for offer in told.offers}
    assert seen.inverse_offers == told.inverse_offers


def outline(task: TaskRecord) -> tuple[Any, ...]:
    """What of a task outlives its way through a record."""
    info = task.info
    who = (info.task_id, info.name, info.agent_id, task.framework_id, task.role, info.labels)
    told = (task.update_state, task.update_uuid) if task.update_uuid is not None else None
    return (*who, info.resources, task.state, repr(task.statuses), told)  # a time may be no number, and equal none


def united(resources: Resources) -> tuple[Any, ...]:
    """Scalars, and ranges and items each once."""
    numbers = {
        (part.kind, number)
        for part in resources.others
        for span in part.ranges
        for number in range(span[0], span[1] + 1)
    }
    items = {(part.kind, item) for part in resources.others for item in part.items}
    return (resources.only_scalars(), numbers, items)
