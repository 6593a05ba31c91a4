"""Volume places: where a task sees a persistent volume that was made to be seen elsewhere, or otherwise."""

# Who calls: validation, of tasks that are launched; agents, which make it so; whoever shows what a task has said.
# A volume is one and the same wherever it is seen. In books it counts as it was made, so that amounts add up: a task
#   that says another place has in ``resources`` what was offered, and in ``volume_places`` what it said.
# Rejected: kinds that are equal whatever their place is (Mesos's DiskInfo): who finds one by another then has either.
# Source: Mesos src/common/resources.cpp (operator== of Resource::DiskInfo).

from collections.abc import Callable

from msgspec.structs import replace

from .kinds import Kind, Volume
from .resources import Resources
from .tasks import TaskInfo, VolumePlace


def with_offered_volumes(task: TaskInfo, offered: Resources) -> TaskInfo:
    """Return the task with its volumes as they are ``offered``, if they differ in no more than their place."""
    if not task.resources.others:
        return task
    made = {_name(portion.kind): portion.kind for portion in offered.others if portion.kind.persistence is not None}
    places: list[VolumePlace] = []

    def as_made(kind: Kind) -> Kind:
        there = made.get(_name(kind)) if kind.persistence is not None else None
        said = kind.disk.volume if kind.disk is not None else None
        if there is None or there == kind or said is None or said.host_path is not None:
            return kind
        if kind != _seen(there, said):  # another disk, say
            return kind
        places.append(VolumePlace(*_name(kind), said))
        return there

    resources = _changed(task.resources, as_made)
    return replace(task, resources=resources, volume_places=tuple(places)) if places else task


def said_resources(task: TaskInfo) -> Resources:
    """Return the resources of a task with each volume where it sees it."""
    if not task.volume_places:
        return task.resources
    said = {(place.role, place.persistence_id): place.volume for place in task.volume_places}

    def as_said(kind: Kind) -> Kind:
        volume = said.get(_name(kind)) if kind.persistence is not None else None
        return kind if volume is None else _seen(kind, volume)

    return _changed(task.resources, as_said)


def _changed(resources: Resources, change: Callable[[Kind], Kind]) -> Resources:
    return Resources.from_portions([replace(each, kind=change(each.kind)) for each in resources.portions])


def _name(kind: Kind) -> tuple[str, str]:
    """Of a volume, which is unique on an agent."""
    return kind.role, kind.persistence.id if kind.persistence is not None else ""


def _seen(kind: Kind, volume: Volume) -> Kind:
    assert kind.disk is not None
    return replace(kind, disk=replace(kind.disk, volume=volume))
