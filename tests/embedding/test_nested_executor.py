"""An executor of somebody else's, which runs groups as containers in its own, as Mesos's default executor does."""

import sys
from pathlib import Path

import pytest

import mesoslite
from mesoslite import CommandInfo, Resources, TaskState
from mesoslite.model import ExecutorID, ExecutorInfo, ExecutorType, LaunchGroup, TaskGroup

from .script import Script

pytestmark = pytest.mark.real

PROGRAM = Path(__file__).with_name("group_executor.py")


def group(script, offer, **commands):
    command = CommandInfo(value=f"exec {sys.executable} -I -S {PROGRAM}")
    executor = ExecutorInfo(
        executor_id=ExecutorID("group"),
        type=ExecutorType.CUSTOM,
        command=command,
        resources=Resources.parse("cpus:0.1;mem:32;disk:16"),
    )
    tasks = [script.task(offer, command, task_id=name, cpus=0.1, mem=32) for name, command in commands.items()]
    script.accept(offer, LaunchGroup(executor, TaskGroup(tuple(tasks))))


def run(cluster, until, **commands):
    return cluster.run(Script(lambda script, offer: group(script, offer, **commands), until), timeout=60)


def ends(script):
    return {status.task_id: status for status in script.updates if status.state.is_terminal}


def test_tasks_run_as_containers_in_that_of_their_executor(tmp_path):
    with mesoslite.Cluster(agents=1, resources="cpus:2;mem:256;disk:64", work_dir=tmp_path) as cluster:
        updates = run(cluster, lambda script: len(ends(script)) == 2, a="echo in $MESOS_SANDBOX", b="exit 0")

        assert {status.task_id: status.state for status in updates} == dict.fromkeys("ab", TaskState.TASK_FINISHED)
        [container] = {
            status.container_status.value["container_id"]["value"] for status in updates if status.task_id == "a"
        }
        [sandbox] = tmp_path.glob(f"agent-1/slaves/*/frameworks/*/executors/group/runs/latest/containers/{container}")
        assert (sandbox / "stdout").read_text() == f"in {sandbox.resolve()}\n"


def test_a_task_that_fails_has_the_others_of_its_group_killed(tmp_path):
    with mesoslite.Cluster(agents=1, resources="cpus:2;mem:256;disk:64", work_dir=tmp_path) as cluster:
        updates = run(cluster, lambda script: len(ends(script)) == 2, a="exit 3", b="exec sleep 1000")

        last = {status.task_id: (status.state, status.message) for status in updates}
        assert last == {"a": (TaskState.TASK_FAILED, "status 768"), "b": (TaskState.TASK_KILLED, "status 15")}
