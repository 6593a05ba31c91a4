"""Changes: what is marked is taken once, in pieces of the size that is asked for."""

from __future__ import annotations

from mesoslite.master.shown.changes import Changes
from mesoslite.master.tasks import TaskEntry
from mesoslite.model import AgentID, CommandInfo, FrameworkID, Resources, TaskID, TaskInfo

FRAMEWORKS = [FrameworkID("a"), FrameworkID("b")]


def entry(name: str, framework_id: FrameworkID) -> TaskEntry:
    info = TaskInfo(
        task_id=TaskID(name),
        name=name,
        agent_id=AgentID("s"),
        resources=Resources.of(cpus=1),
        command=CommandInfo(value="true"),
    )
    return TaskEntry.launched(info, framework_id, "*")


def test_tasks_that_were_brought_are_each_taken_once_some_of_one_framework_at_a_time() -> None:
    changes = Changes()
    marked = {one: [entry(f"{one}-{number}", one) for number in range(7)] for one in FRAMEWORKS}
    for number in range(7):
        for framework_id in FRAMEWORKS:
            changes.bring(framework_id, marked[framework_id][number : number + 1])
    changes.bring(FRAMEWORKS[0], [])

    taken: dict[FrameworkID, list[TaskEntry]] = {one: [] for one in FRAMEWORKS}
    left = [len(changes)]
    while (some := changes.take_brought(3)) is not None:
        framework_id, tasks = some
        assert 0 < len(tasks) <= 3
        taken[framework_id] += tasks
        left.append(len(changes))

    assert left == [14, 11, 8, 7, 4, 1, 0]
    assert {one: set(tasks) for one, tasks in taken.items()} == {one: set(tasks) for one, tasks in marked.items()}
    assert [len(tasks) for tasks in taken.values()] == [7, 7]
