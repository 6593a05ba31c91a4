"""Executors that others have written run the tasks of a framework: processes of their own, over sockets."""

import shlex
import sys
from pathlib import Path

import pytest

import mesoslite
from mesoslite.framework import submit
from mesoslite.framework.http import HttpConnection
from mesoslite.model import ExecutorID, ExecutorInfo, Resources, TaskID, TaskState

from .conftest import BOUND

pytestmark = pytest.mark.real

RAW = f"{shlex.quote(sys.executable)} {shlex.quote(str(Path(__file__).with_name('raw_executor.py')))}"
SIZE = Resources.parse("cpus:0.1;mem:32")


class Scheduler(mesoslite.Framework):
    """Launches tasks of one executor on the first offer, and keeps what it hears until its test has heard enough."""

    def __init__(self, *names, data=b"", kill=False):
        super().__init__()
        self.names, self.data, self.kills = names, data, kill
        self.told, self.left = [], set(names)

    def on_offers(self, offers):
        offer, *rest = offers
        self.decline(*rest)
        if not self.names:
            self.decline(offer)
            return
        names, self.names = self.names, ()
        executor = ExecutorInfo(
            executor_id=ExecutorID("e"), command=mesoslite.CommandInfo(value=f"exec {RAW}"), resources=SIZE
        )
        self.launch(offer, [self.task(name, offer, executor) for name in names])

    def task(self, name, offer, executor):
        return mesoslite.TaskInfo(
            task_id=TaskID(name),
            name=name,
            agent_id=offer.agent_id,
            resources=SIZE,
            executor=executor,
            data=self.data,
        )

    def on_message(self, agent_id, executor_id, data):
        self.told.append((executor_id, data))
        self.shut_down_executor(agent_id, executor_id)

    def on_executor_end(self, agent_id, executor_id, exit_status):
        self.told.append((executor_id, exit_status))

    def on_update(self, status):
        self.told.append((status.task_id, status.state, status.executor_id))
        if status.state is TaskState.TASK_RUNNING and self.kills:
            self.kill(status.task_id)
        elif status.state is TaskState.TASK_RUNNING:
            self.tell_executor(status.agent_id, status.executor_id, b"\x00echo\xff")
        if status.state.is_terminal:
            self.left.discard(status.task_id)
            if not self.left:
                self.stop((self.told, status))


@pytest.fixture
def cluster(tmp_path):
    with mesoslite.Cluster(agents=1, work_dir=tmp_path) as cluster:
        yield cluster


def states_of(told, name):
    return [one[1].name for one in told if one[0] == name]


def test_an_executor_runs_tasks_and_ends_them_when_they_are_killed(cluster, tmp_path):
    told, last = cluster.run(Scheduler("a", "b", kill=True), timeout=BOUND)

    for name in ("a", "b"):
        assert states_of(told, name) == ["TASK_STARTING", "TASK_RUNNING", "TASK_KILLED"]
    assert {one[2] for one in told} == {"e"}
    assert last.source.name == "SOURCE_EXECUTOR"
    [stdout] = tmp_path.glob("agent-1/slaves/*/frameworks/*/executors/e/runs/*-*/stdout")
    assert stdout.read_text().split()[:2] == ["SUBSCRIBED", "LAUNCH"]


def test_tasks_of_an_executor_that_exits_fail(cluster):
    told, last = cluster.run(Scheduler("a", data=b"exit"), timeout=BOUND)

    assert states_of(told, "a") == ["TASK_FAILED"]
    assert (last.reason.name, last.message) == ("REASON_EXECUTOR_TERMINATED", "Executor exited with status 7")


@pytest.mark.parametrize("remote", [False, True])
def test_an_executor_and_its_framework_talk_until_it_is_shut_down(cluster, remote):
    scheduler = Scheduler("a")

    if remote:
        told, last = submit(cluster.runtime, scheduler, HttpConnection(cluster.url)).get(timeout=BOUND)
    else:
        told, last = cluster.run(scheduler, timeout=BOUND)

    assert [one for one in told if one[0] == "e"][:1] == [("e", b"\x00echo\xff")]
    assert (last.state, last.message) == (TaskState.TASK_FAILED, "Executor exited with status 0")
