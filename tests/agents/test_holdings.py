"""The container of an executor may use what the executor and its tasks hold, from one task to the next."""

import math
from typing import Any

import pytest

from mesoslite.agent.executors.execution import Batch, Execution
from mesoslite.agent.executors.holdings import holdings
from mesoslite.agent.runs import Run
from mesoslite.model import ContainerID, InvalidRequest, Reason, Resources, TaskState

from .executors import Program, launch, make_executor, task_of
from .house import FRAMEWORK, House

E = make_executor(resources="cpus:0.5;mem:32")
T1, T2 = task_of(E, resources="cpus:1;mem:64"), task_of(E, "t2", resources="cpus:2;mem:64")
PLACE: Any = (FRAMEWORK, ContainerID("c"), "/s", "web")


# Source: Mesos SlaveTest.ExecutorShutdownGracePeriod and ContainerUpdatedBeforeTaskReachesExecutor, in what they check.
def test_a_container_grows_with_its_tasks_and_shrinks_as_they_end(house: House):
    launch(house, T1)
    assert house.boxes.made[-1].config.resources == Resources.parse("cpus:1.5;mem:96")
    program = Program(house)
    program.subscribe()

    launch(house, T2, starts=False)
    program.update("t1", TaskState.TASK_FINISHED)

    sizes = [resources for _, resources, _ in house.boxes.updates]
    assert sizes == [Resources.parse("cpus:3.5;mem:160"), Resources.parse("cpus:2.5;mem:96")]


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (InvalidRequest("no such limit"), TaskState.TASK_ERROR, Reason.REASON_TASK_INVALID),
        (OSError("the disk is full"), TaskState.TASK_FAILED, Reason.REASON_CONTAINER_LAUNCH_FAILED),
    ],
)
def test_a_later_task_for_which_its_container_cannot_have_what_it_takes_is_refused(house: House, error, state, reason):
    launch(house, T1)
    program = Program(house)
    program.subscribe()
    house.boxes.update_error = error

    launch(house, T2, starts=False)

    [status] = [update.status for update in house.updates() if update.status.task_id == "t2"]
    assert (status.state, status.reason) == (state, reason)
    assert str(error) in status.message
    assert [run.task.info.task_id for run in house.framework().tasks] == ["t1"]
    program.update("t1", TaskState.TASK_FINISHED)  # a container that keeps what it had is no harm
    assert house.snapshot()


def test_a_container_shrinks_when_a_task_is_killed_before_it_was_sent(house: House):
    launch(house, T1, T2)
    house.kill("t1")

    assert house.boxes.updates[-1][1] == Resources.parse("cpus:2.5;mem:96")


# Source: Mesos SlaveTest.ExecutorLimits, in what it checks
@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (((), ()), ()),
        (((("cpus", 3.0),), ()), (("cpus", 5.5),)),
        (((("mem", 100.0),), (("cpus", 3.0), ("mem", 200.0))), (("cpus", 4.5), ("mem", 332.0))),
        (((("mem", math.inf),), ()), (("mem", math.inf),)),
    ],
)
def test_a_limit_of_one_task_bounds_all_of_them(limits, expected):
    execution = Execution(E, *PLACE[:1], "web", ContainerID("c"), "/s")
    tasks = [task_of(E, f"t{n}", resources=f"cpus:{n + 1};mem:64", limits=each) for n, each in enumerate(limits)]
    execution.enter(Batch(tuple([Run(task, *PLACE, execution) for task in tasks]), False))

    assert holdings(execution) == (Resources.parse("cpus:3.5;mem:160"), expected)
