"""Portions of tasks that come back: what of them is kept, for others that are laid out alike."""

from __future__ import annotations

import pytest

from mesoslite.master.portions import KEPT_BYTES_MAX, Portions
from mesoslite.model import AgentID, CommandInfo, FrameworkID, Resources, TaskID, TaskInfo, TaskRecord, TaskState
from mesoslite.model.task_records import pack_tasks

AGENT, OWNER = AgentID("m-S0"), FrameworkID("m-0000")


def packed(name: str, ranges: int) -> bytes:
    ports = ",".join(f"{3 * number}-{3 * number + 1}" for number in range(ranges))
    info = TaskInfo(
        name="t",
        task_id=TaskID(name),
        agent_id=AGENT,
        resources=Resources.parse(f"cpus:1;ports:[{ports}]"),
        command=CommandInfo(value="x"),
    )
    (portion,) = pack_tasks([TaskRecord(info=info, framework_id=OWNER, role="r", state=TaskState.TASK_RUNNING)])
    return portion


# Goal: a master holds a bounded amount of what agents have brought that have gone.
@pytest.mark.parametrize(("ranges", "is_kept"), [(1, True), (KEPT_BYTES_MAX // 4, False)])
def test_how_portions_are_joined_is_kept_if_how_each_is_laid_out_is(ranges: int, is_kept: bool) -> None:
    portions = Portions()
    two = [portions.read(packed(name, ranges), AGENT, {OWNER}) for name in ("a", "b")]

    first, again = portions.joined(two), portions.joined(two)

    assert [task.task_id for task in first.tasks] == ["a", "b"]
    assert (two[0].layout is two[1].layout) is is_kept
    assert (first.layout is again.layout) is is_kept
