"""Clusters with real processes: what a task gets and leaves, and what a mistake costs (nothing)."""

from __future__ import annotations

import asyncio
import json
import math
import os
import select
import socket
import threading
import urllib.request
from pathlib import Path

import msgspec
import pytest

import libactor as la
import mesoslite
from mesoslite import FrameworkEnded, InvalidRequest, InvalidResources, Offer, Resources, TaskState, TaskStatus
from mesoslite.agent import Agent
from mesoslite.cluster import Cluster
from mesoslite.master import Allocator, Master
from mesoslite.model import CommandURI, MasterEnded, MasterInfo
from mesoslite.registry import SqliteStorage

from .script import Script, check_books, ended, run_command

pytestmark = pytest.mark.real

LOST, ERROR, FAILED = TaskState.TASK_LOST, TaskState.TASK_ERROR, TaskState.TASK_FAILED


def sandbox(cluster: mesoslite.Cluster) -> Path:
    """The sandbox of the task "it"."""
    [latest] = cluster.work_dir.glob("agent-*/slaves/*/frameworks/*/executors/it/runs/latest")
    return latest


def await_end(pid: int) -> None:
    """Wait until a process, which was sent SIGKILL, has ended; it may still wait for its parent, the machine's."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], 10)[0], f"process {pid} is still there"
    finally:
        os.close(descriptor)


def test_masters_and_agents_serve_their_metrics(cluster: mesoslite.Cluster) -> None:
    agent = cluster.state().agents[0]
    urls = cluster.url, f"http://{agent.info.hostname}:{agent.info.port}"
    told = [json.loads(urllib.request.urlopen(f"{url}/metrics/snapshot", timeout=60).read()) for url in urls]

    assert [numbers["master/slaves_connected"] for numbers in told] == [2, 2]  # of one program


def test_a_command_runs_in_a_sandbox_and_its_states_are_told_in_order(cluster: mesoslite.Cluster) -> None:
    statuses = run_command(cluster, "pwd; echo oops >&2")

    assert [status.state for status in statuses] == [
        TaskState.TASK_STARTING,
        TaskState.TASK_RUNNING,
        TaskState.TASK_FINISHED,
    ]
    assert statuses[-1].exit_status == 0
    assert Path((sandbox(cluster) / "stdout").read_text().strip()) == sandbox(cluster).resolve()
    assert (sandbox(cluster) / "stderr").read_text() == "oops\n"
    check_books(cluster)


def test_a_command_that_fails_tells_its_exit_status(cluster: mesoslite.Cluster) -> None:
    status = run_command(cluster, "exit 42")[-1]

    assert (status.state, status.exit_status) == (FAILED, 42)
    assert "42" in status.message
    check_books(cluster)


def test_a_command_that_does_not_exist_fails_and_says_so(cluster: mesoslite.Cluster) -> None:
    status = run_command(cluster, "no-such-command-anywhere")[-1]

    assert (status.state, status.exit_status) == (FAILED, 127)
    assert "no-such-command-anywhere" in (sandbox(cluster) / "stderr").read_text()
    check_books(cluster)


def test_a_killed_task_is_killed_with_all_it_started(cluster: mesoslite.Cluster, tmp_path: Path) -> None:
    def act(script: Script, offer: Offer) -> None:
        command = "sleep 1000 & echo $! > child; echo $$ > leader; wait"
        script.launch(offer, [script.task(offer, command, cpus=0.5, mem=32, task_id="it")])

    class Killer(Script):
        def on_update(self, status: TaskStatus) -> None:
            if status.state is TaskState.TASK_RUNNING:
                self.kill("it")
            super().on_update(status)

    statuses = cluster.run(Killer(act, ended("it")), timeout=60)

    assert statuses[-1].state is TaskState.TASK_KILLED
    for name in ("child", "leader"):
        file = sandbox(cluster) / name
        if file.exists() and file.read_text().strip():  # the kill may come before the shell has written
            await_end(int(file.read_text()))
    check_books(cluster)


def test_a_task_larger_than_its_offer_is_an_error_and_the_cluster_carries_on(cluster: mesoslite.Cluster) -> None:
    status = run_command(cluster, "true", resources=(3.0, 32.0))[-1]

    assert status.state is ERROR
    assert "cpus:3" in status.message
    assert run_command(cluster, "true")[-1].state is TaskState.TASK_FINISHED
    check_books(cluster)


def test_a_task_is_given_the_ports_and_the_reserved_resources_that_it_asks_for(tmp_path: Path) -> None:
    wanted = Resources.parse("cpus(ads):0.5;ports:[31001-31002]")

    def act(script: Script, offer: Offer) -> None:
        task = script.task(offer, "true", mem=32, resources=wanted, task_id="it")
        script.launch(offer, [task])

    with mesoslite.Cluster(resources="cpus(ads):1;mem:64;ports:[31000-31009]", work_dir=tmp_path) as cluster:
        statuses = cluster.run(Script(act, ended("it"), role="ads"), timeout=60)
        [info] = [task.info for entry in cluster.state().completed_frameworks for task in entry.completed_tasks]

    assert statuses[-1].state is TaskState.TASK_FINISHED
    assert info.resources == wanted + Resources.of(mem=32)


def test_a_task_knows_the_role_that_its_resources_are_allocated_to(cluster: mesoslite.Cluster) -> None:
    def act(script: Script, offer: Offer) -> None:
        command = 'test "$MESOS_ALLOCATION_ROLE" = ads'
        script.launch(offer, [script.task(offer, command, cpus=0.1, mem=32, task_id="it")])

    assert cluster.run(Script(act, ended("it"), role="ads"), timeout=60)[-1].state is TaskState.TASK_FINISHED


def test_files_are_fetched_for_a_command_and_named_for_executors(cluster: mesoslite.Cluster, tmp_path: Path) -> None:
    (tmp_path / "words").write_text("of words")
    words = f"file://{tmp_path}/words"
    renamed = CommandURI(value=words, output_file="renamed")

    def act(script: Script, offer: Offer) -> None:
        script.launch(
            offer, script.task(offer, "cat words renamed", uris=[words, renamed], cpus=0.1, mem=32, task_id="it")
        )

    framework = Script(act, ended("it"))

    assert cluster.run(framework, timeout=60)[-1].state is TaskState.TASK_FINISHED
    command = framework.executor("builder", "./builder", uris=[words]).command
    assert command is not None
    assert command.uris == (CommandURI(value=words),)


def test_a_task_finds_its_agent_whatever_that_is_called(tmp_path: Path) -> None:
    def act(script: Script, offer: Offer) -> None:
        command = "case $MESOS_AGENT_ENDPOINT in 127.0.0.1:*) ;; *) exit 1; esac"
        script.launch(offer, [script.task(offer, command, cpus=0.1, mem=32, task_id="it")])

    with mesoslite.Cluster(hostname="nowhere.example", host="0.0.0.0", work_dir=tmp_path) as cluster:
        statuses = cluster.run(Script(act, ended("it")), timeout=60)

    assert statuses[-1].state is TaskState.TASK_FINISHED


@pytest.mark.parametrize(
    ("limit", "state", "message"),
    [(math.inf, TaskState.TASK_FINISHED, "status 0"), (64.0, TaskState.TASK_ERROR, "is not enforced by this agent")],
)
def test_limits_above_requests_are_judged_by_the_agent(
    cluster: mesoslite.Cluster, limit: float, state: TaskState, message: str
) -> None:
    def act(script: Script, offer: Offer) -> None:
        task = script.task(offer, "true", cpus=0.1, mem=32, task_id="it")
        script.launch(offer, [msgspec.structs.replace(task, limits=(("mem", limit),))])

    last = cluster.run(Script(act, ended("it")), timeout=60)[-1]
    assert last.state is state
    assert message in last.message


def test_an_offer_used_twice_loses_the_second_task_only(cluster: mesoslite.Cluster) -> None:
    def act(script: Script, offer: Offer) -> None:
        script.launch(offer, [script.task(offer, "true", cpus=0.5, mem=32, task_id="first")])
        script.launch(offer, [script.task(offer, "true", cpus=0.5, mem=32, task_id="second")])

    script = Script(act, ended("first", "second"))
    cluster.run(script, timeout=60)

    assert script.states_of("second") == [LOST]
    assert script.states_of("first")[-1] is TaskState.TASK_FINISHED
    check_books(cluster)


def test_killing_an_unknown_task_is_answered(cluster: mesoslite.Cluster) -> None:
    def act(script: Script, offer: Offer) -> None:
        script.decline(offer)
        script.kill("nobody")

    [status] = cluster.run(Script(act, ended("nobody")), timeout=60)

    assert status.state is LOST
    assert "nobody" in status.message
    check_books(cluster)


def test_an_agent_that_vanishes_loses_its_tasks_and_leaves_no_process(cluster: mesoslite.Cluster) -> None:
    started = threading.Event()

    class Watcher(Script):
        def on_update(self, status: TaskStatus) -> None:
            if status.state is TaskState.TASK_RUNNING:
                started.set()
            super().on_update(status)

    def act(script: Script, offer: Offer) -> None:
        script.launch(offer, [script.task(offer, "echo $$ > leader; sleep 1000", cpus=0.5, mem=32, task_id="it")])

    future = cluster.submit(Watcher(act, ended("it")))
    assert started.wait(20)
    used = next(agent for agent in cluster.state().agents if agent.used)
    pid = next(pid for pid in cluster.agents if str(pid) == used.pid)
    la.terminate(pid)
    statuses = future.get(timeout=60)

    assert statuses[-1].state is LOST
    assert len(cluster.state().agents) == 1
    assert run_command(cluster, "true")[-1].state is TaskState.TASK_FINISHED
    check_books(cluster)


def test_an_error_in_a_framework_reaches_whoever_runs_it(cluster: mesoslite.Cluster) -> None:
    class Faulty(mesoslite.Framework):
        def on_offers(self, offers: tuple[Offer, ...]) -> None:
            raise ZeroDivisionError("a fault of the framework's own")

    with pytest.raises(ZeroDivisionError, match="a fault of the framework's own"):
        cluster.run(Faulty(), timeout=60)

    assert run_command(cluster, "true")[-1].state is TaskState.TASK_FINISHED
    check_books(cluster)


def test_run_ends_a_framework_whose_time_is_up(cluster: mesoslite.Cluster) -> None:
    class Idle(mesoslite.Framework):
        """Never stops."""

    with pytest.raises(TimeoutError):
        cluster.run(Idle(), timeout=0.2)

    assert run_command(cluster, "true")[-1].state is TaskState.TASK_FINISHED
    assert cluster.state().frameworks == ()


def test_two_frameworks_share_the_agents(cluster: mesoslite.Cluster) -> None:
    def act(script: Script, offer: Offer) -> None:
        script.launch(offer, [script.task(offer, "true", cpus=2, mem=256, task_id="it")], refuse_seconds=0)

    scripts = [Script(act, ended("it")) for _ in range(2)]
    la.collect([cluster.submit(script) for script in scripts]).get(timeout=60)

    assert [script.states_of("it")[-1] for script in scripts] == [TaskState.TASK_FINISHED] * 2
    check_books(cluster)


def test_closing_a_cluster_ends_frameworks_and_tasks(tmp_path: Path) -> None:
    started = threading.Event()

    class Endless(Script):
        def on_update(self, status: TaskStatus) -> None:
            if status.state is TaskState.TASK_RUNNING:
                started.set()

    def act(script: Script, offer: Offer) -> None:
        script.launch(offer, [script.task(offer, "sleep 1000", cpus=0.5, mem=32)])

    with mesoslite.Cluster(work_dir=tmp_path) as cluster:
        future = cluster.submit(Endless(act, ended()))
        assert started.wait(20)

    with pytest.raises(FrameworkEnded, match="script"):
        future.get(timeout=60)
    assert sorted(tmp_path.glob("agent-1/slaves/*/frameworks/*/executors/*/runs/*/stdout"))


def test_a_temporary_work_directory_is_removed() -> None:
    with mesoslite.Cluster() as cluster:
        work_dir = cluster.work_dir
        run_command(cluster, "true")
        assert work_dir.is_dir()

    assert not work_dir.exists()


def test_a_cluster_lives_in_asyncio() -> None:
    async def main() -> list[TaskStatus]:
        async with mesoslite.Cluster() as cluster:

            def act(script: Script, offer: Offer) -> None:
                script.launch(offer, [script.task(offer, "true", cpus=0.5, mem=32, task_id="it")])

            statuses: list[TaskStatus] = await cluster.submit(Script(act, ended("it")))
            return statuses

    assert asyncio.run(main())[-1].state is TaskState.TASK_FINISHED


def test_two_clusters_live_side_by_side() -> None:
    with mesoslite.Cluster() as one, mesoslite.Cluster() as other:
        assert one.url != other.url
        assert run_command(one, "true")[-1].state is TaskState.TASK_FINISHED
        assert run_command(other, "true")[-1].state is TaskState.TASK_FINISHED
        assert len(one.state().completed_frameworks) == 1


def test_a_port_in_use_is_named_and_nothing_stays_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(OSError, match=str(port)):
            mesoslite.Cluster(port=port, work_dir=tmp_path).start()


@pytest.mark.parametrize("resources", ["cpus:x", "cpus:-1", "cpus:nan", "cpus", "mem:inf", "", "ports:[5-1]"])
def test_resources_that_make_no_sense_are_refused_before_anything_starts(resources: str) -> None:
    with pytest.raises(InvalidResources):
        mesoslite.Cluster(resources=resources)


def test_a_cluster_without_agents_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="at least 1"):
        mesoslite.Cluster(agents=0)


def test_an_allocator_that_is_not_installed_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="nothing named 'nobodys'; there are hierarchical"):
        mesoslite.Cluster(allocator="nobodys")


def test_a_cluster_that_does_not_run_takes_no_framework() -> None:
    with pytest.raises(RuntimeError, match="start"):
        mesoslite.Cluster().submit(mesoslite.Framework())


def test_a_framework_object_runs_once(cluster: mesoslite.Cluster) -> None:
    script = Script(lambda script, offer: script.kill("nobody"), ended("nobody"))
    cluster.run(script, timeout=60)

    with pytest.raises(la.SpawnError):
        cluster.run(script, timeout=60)


def test_master_and_agents_can_be_spawned_in_a_runtime_of_ones_own(tmp_path: Path) -> None:
    from mesoslite.allocator import HierarchicalAllocator
    from mesoslite.containment import PosixContainerizer
    from mesoslite.framework import LocalConnection, submit
    from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar

    def act(script: Script, offer: Offer) -> None:
        script.launch(offer, [script.task(offer, "true", cpus=0.5, mem=32, task_id="it")])

    with la.Runtime() as runtime:
        registrar = la.spawn(Registrar(MemoryStorage(MemoryRegistry())))
        master = la.spawn(Master(la.spawn(Allocator(HierarchicalAllocator(), 0.1)), registrar))
        la.dispatch(master, Master.wait_leading).get(timeout=60)
        la.spawn(
            Agent(master, resources=Resources.of(cpus=1, mem=64), work_dir=tmp_path, containerizer=PosixContainerizer())
        )
        statuses = submit(runtime, Script(act, ended("it")), LocalConnection(master)).get(timeout=60)

    assert statuses[-1].state is TaskState.TASK_FINISHED


def test_a_registry_in_a_file_is_taken_over_and_agents_have_left_it(tmp_path: Path) -> None:
    epochs = []
    for _ in range(2):
        with Cluster(registry=tmp_path / "registry.db") as cluster:
            epochs.append(la.dispatch(cluster.master, Master.wait_leading).get(timeout=60))
            assert len(cluster.state().agents) == 1

    storage = SqliteStorage(tmp_path / "registry.db")
    found = storage.recover(MasterInfo(id="next"))
    storage.close()

    assert epochs[0] < epochs[1]
    assert found.state.agents == ()


def test_a_file_that_is_no_registry_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    path.write_bytes(b"letters to my aunt" * 100)

    with pytest.raises(MasterEnded, match="is no registry; move it away"):
        Cluster(registry=path).start()

    assert path.read_bytes().startswith(b"letters")


def test_a_cluster_tells_of_the_machine_it_runs_on():
    with Cluster() as cluster:
        told = cluster.runtime.metrics.snapshot(timeout=60).get(timeout=60)

    names = ("cpus_total", "load_1min", "load_5min", "load_15min", "mem_total_bytes", "mem_free_bytes")
    assert [name for name in told if name.startswith("system/")] == sorted([f"system/{name}" for name in names])
    assert told["system/cpus_total"] >= 1
    assert 0 < told["system/mem_free_bytes"] < told["system/mem_total_bytes"]
