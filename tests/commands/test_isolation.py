"""`mesoslite agent --isolation`: what tasks are kept apart with, from the command line to their statuses."""

import os
import signal
import uuid
from pathlib import Path

import pytest

import libactor as la
from mesoslite import Framework, TaskState
from mesoslite.framework import submit
from mesoslite.framework.http import HttpConnection
from mesoslite.model import Reason

from .conftest import finish
from .test_nodes import PATIENCE, get, registered, start_agent, start_master
from .test_nodes import address as address

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make control groups"),
    pytest.mark.skipif(not Path("/sys/fs/cgroup").is_dir(), reason="this machine has no control groups"),
]


@pytest.fixture
def root():
    """A control group that no other test has; at the end there are no groups in it, and it is removed."""
    name = f"mesoslite-test-{uuid.uuid4().hex}"
    yield name
    for path in Path("/sys/fs/cgroup").glob(f"*/{name}"):
        path.rmdir()


class Once(Framework):
    """Launches one task; ``ended`` is its last status, ``running`` the one that it runs."""

    def __init__(self, command, **asked):
        super().__init__("once")
        self.command, self.asked = command, asked
        self.running, self.ended = la.Promise(), la.Promise()

    def on_offers(self, offers):
        for offer in offers:
            asked, self.asked = self.asked, None
            self.launch(offer, [] if asked is None else [self.task(offer, self.command, task_id="it", **asked)])

    def on_update(self, status):
        if status.state is TaskState.TASK_RUNNING:
            self.running.set(status)
        elif status.state.is_terminal:
            self.ended.set(status)

    def end(self):
        self.kill("it")


@pytest.fixture
def run(address, root, tmp_path):
    """Starts a master and an agent with that isolation; runs a framework with them."""
    with la.Runtime() as runtime:
        _, url = start_master(address, tmp_path / "registry.db")
        processes = []

        def agent(isolation, *options):
            process = start_agent(
                address, tmp_path / "work", "--isolation", isolation, "--cgroups-root", root, *options
            )
            registered(process)
            processes.append(process)

        def begin(framework):
            submit(runtime, framework, HttpConnection(url))
            return framework

        yield agent, begin, url
        for process in processes:
            process.send_signal(signal.SIGINT)
            assert finish(process)[0] == 0


# Source: Mesos CgroupsIsolatorTest.ROOT_CGROUPS_MemoryForward..., in what they check. Method: the command would go on.
def test_a_task_without_memory_fails_for_that_reason(run):
    agent, begin, url = run
    agent("cgroups/cpu,cgroups/mem,cgroups/pids,cgroups/freezer")

    task = begin(Once("python3 -S -c 'bytearray(200 << 20)'; sleep 1000", cpus=0.5, mem=40))

    status = task.ended.future.get(PATIENCE)
    assert (status.state, status.reason) == (TaskState.TASK_FAILED, Reason.REASON_CONTAINER_LIMITATION_MEMORY)
    assert status.message.startswith("Memory limit exceeded: Requested: 40MB")
    [slave] = get(f"{url}/state")["slaves"]
    assert slave["attributes"]["isolation"] == "{cgroups/cpu, cgroups/freezer, cgroups/mem, cgroups/pids}"
    assert slave["attributes"]["cgroups"] in ("v1", "v2", "hybrid")


def test_what_a_task_uses_and_may_use_is_told(run, root):
    agent, begin, url = run
    agent("cgroups/all,disk/du")
    task = begin(Once("sleep 1000", cpus=0.5, mem=40))
    assert task.running.future.get(PATIENCE)

    [slave] = get(f"{url}/state")["slaves"]
    [container] = get(f"http://{slave['hostname']}:{slave['port']}/containers")

    statistics = container["statistics"]
    assert statistics["mem_limit_bytes"] == statistics["mem_soft_limit_bytes"] == 40 << 20
    assert 0 < statistics["mem_total_bytes"] < 40 << 20
    assert statistics["processes"] >= 1
    group = container["container_id"]
    assert list(Path("/sys/fs/cgroup").glob(f"*/{root}/{group}"))
    la.dispatch(task.pid, Once.end)
    assert task.ended.future.get(PATIENCE).state is TaskState.TASK_KILLED
    assert not list(Path("/sys/fs/cgroup").glob(f"*/{root}/*/cgroup.procs"))
