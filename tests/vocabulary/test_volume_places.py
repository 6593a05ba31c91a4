"""A task says where it sees a volume; in the books that is the volume that was made."""

import pytest
from msgspec.structs import replace

from mesoslite.model import AgentID, CommandInfo, Reservation, ReservationType, Resources, TaskID, TaskInfo
from mesoslite.model.kinds import Disk, DiskSource, DiskType, Kind, Persistence, Volume, VolumeMode
from mesoslite.model.portions import Portion
from mesoslite.model.v1 import encode_task
from mesoslite.model.volume_places import said_resources, with_offered_volumes

ADS = Reservation(ReservationType.DYNAMIC, "ads")
CPU = Resources.parse("cpus:1")


def disk(volume=None, *, name="v", mib=64, source=None, principal=None, shared=False):
    seen = Disk(source, Persistence(name, principal), volume or Volume("made"))
    return Resources.from_portions([Portion(Kind("disk", reservations=(ADS,), disk=seen, shared=shared), mib * 1000)])


def task(resources):
    return TaskInfo(
        task_id=TaskID("t"), name="t", agent_id=AgentID("a"), resources=resources, command=CommandInfo(value="true")
    )


OFFERED = Resources.parse("cpus:4") + disk() + disk(name="w", shared=True)


@pytest.mark.parametrize("said", [Volume("/elsewhere"), Volume("made", VolumeMode.RO), Volume("a/b", VolumeMode.RO)])
@pytest.mark.parametrize("fields", [{}, {"name": "w", "shared": True}])
def test_a_volume_counts_as_it_was_made_and_is_seen_as_it_was_said(said, fields):
    given = task(CPU + disk(said, **fields))

    taken = with_offered_volumes(given, OFFERED)

    assert taken.resources == CPU + disk(**fields)
    assert said_resources(taken) == given.resources
    assert encode_task(taken) == encode_task(given)
    assert with_offered_volumes(taken, OFFERED) == taken


@pytest.mark.parametrize(
    "resources",
    [
        CPU,
        CPU + disk(),
        CPU + disk(Volume("x"), name="other"),
        CPU + disk(Volume("x"), principal="somebody"),
        CPU + disk(Volume("x"), source=DiskSource(DiskType.PATH, "/d")),
        CPU + disk(Volume("x"), shared=True),
        CPU + disk(Volume("x", host_path="/etc")),
    ],
)
def test_what_is_the_same_or_another_volume_stays_as_it_was_said(resources):
    assert with_offered_volumes(task(resources), OFFERED) == task(resources)


def test_amounts_are_compared_by_whoever_takes_them():
    taken = with_offered_volumes(task(disk(Volume("x"), mib=65)), OFFERED)

    assert taken.resources == disk(mib=65)
    assert not OFFERED.contains(taken.resources)
    assert replace(taken, resources=CPU).volume_places  # of none that it has: nothing is seen there
    assert said_resources(replace(taken, resources=CPU)) == CPU
