"""Mistakes of a framework's author: each is told to whoever runs it, costs nobody else anything; the books balance."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

import libactor as la
import mesoslite
from mesoslite import FrameworkEnded, InvalidRequest, Offer, TaskState, TaskStatus
from mesoslite.agent import Agent
from mesoslite.framework import LocalConnection, submit

from .script import Script, check_books, ended, run_command

pytestmark = pytest.mark.real

Act = Callable[[Script, Offer], object]


def launch(**details: Any) -> Act:
    """Launch a task described with these mistakes."""

    def act(script: Script, offer: Offer) -> None:
        script.launch(offer, [script.task(offer, **{"command": "true", "cpus": 0.5, "mem": 32, **details})])

    return act


SLIPS: dict[str, Act] = {
    "a number in the environment": launch(environment={"A": 1}),
    "a number as task id": launch(task_id=5),
    "a list as command": launch(command=["sleep", "1"]),
    "a number as URI": launch(uris=[5]),
    "a text as URIs": launch(uris="http://host/job.tar.gz"),
    "a text as kill grace": launch(kill_grace_seconds="3"),
    "no task at all": lambda script, offer: script.launch(offer, [None]),  # type: ignore[list-item]
    "a text as filter": lambda script, offer: script.decline(offer, refuse_seconds="5"),  # type: ignore[arg-type]
    "no number as filter": lambda script, offer: script.decline(offer, refuse_seconds=None),  # type: ignore[arg-type]
    "a list as role": lambda script, offer: script.suppress(["*"]),  # type: ignore[arg-type]
    "a number as task to kill": lambda script, offer: script.kill(7),  # type: ignore[arg-type]
    "a name that is no text": launch(name="\ud800"),
    "offers in a list": lambda script, offer: script.decline([offer]),  # type: ignore[arg-type]
    "an offer's id as offer": lambda script, offer: script.launch(offer.id, []),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("act", SLIPS.values(), ids=SLIPS.keys())
def test_a_slip_of_types_ends_its_framework_and_nobody_else(cluster: mesoslite.Cluster, act: Act) -> None:
    with pytest.raises((InvalidRequest, TypeError, AttributeError)):
        cluster.run(Script(act, ended("it")), timeout=60)

    check_books(cluster)
    assert run_command(cluster, "true")[-1].state is TaskState.TASK_FINISHED
    assert len(cluster.state().agents) == 2


def test_the_error_names_the_field(cluster: mesoslite.Cluster) -> None:
    with pytest.raises(InvalidRequest, match=r"accept: .*`str`.*tasks\[0\]\.command\.environment\[0\]\[1\]"):
        cluster.run(Script(launch(environment={"A": 1}), ended("it")), timeout=60)


# Goal: also a call that bypasses the checks harms nobody else. Method: a connection that sends it as it is.
def test_a_malformed_call_ends_its_framework_and_the_master_carries_on(cluster: mesoslite.Cluster) -> None:
    class Raw(Script):
        def _call(self, call: Any) -> None:
            assert self.connection is not None
            self.connection.send(call)

    framework = Raw(launch(environment={"A": 1}, task_id=5), ended("it"))

    with pytest.raises(InvalidRequest, match="Expected `str`, got `int`"):
        submit(cluster.runtime, framework, LocalConnection(cluster.master)).get(timeout=60)

    check_books(cluster)
    assert run_command(cluster, "true")[-1].state is TaskState.TASK_FINISHED


def test_a_framework_whose_time_is_up_is_removed_whatever_its_failover_timeout(cluster: mesoslite.Cluster) -> None:
    running = threading.Event()

    class Patient(Script):
        def __init__(self) -> None:
            super().__init__(launch(command="sleep 1000", task_id="it"), ended("it"))
            self.info = mesoslite.Framework("patient", failover_timeout=600).info

        def on_update(self, status: TaskStatus) -> None:
            if status.state is TaskState.TASK_RUNNING:
                running.set()

    future = cluster.submit(Patient())
    assert running.wait(20)

    future.discard()
    with pytest.raises(la.Discarded):
        future.get(timeout=60)

    assert run_command(cluster, "true", resources=(2.0, 256.0))[-1].state is TaskState.TASK_FINISHED
    assert cluster.state().frameworks == ()


def test_stop_before_the_subscription_leaves_nothing_behind(cluster: mesoslite.Cluster) -> None:
    class Hasty(mesoslite.Framework):
        def on_start(self) -> None:
            super().on_start()
            self.stop("done")

    assert cluster.run(Hasty("hasty", failover_timeout=600), timeout=60) == "done"

    assert cluster.state().frameworks == ()


def test_a_call_from_outside_the_framework_is_refused_with_the_way_in(cluster: mesoslite.Cluster) -> None:
    class Idle(mesoslite.Framework):
        subscribed = threading.Event()

        def on_subscribed(self, framework_id: str) -> None:
            self.subscribed.set()

        def end(self) -> None:
            self.stop("from inside")

    framework = Idle()
    future = cluster.submit(framework)
    assert framework.subscribed.wait(20)

    with pytest.raises(InvalidRequest, match=r"suppress: called from outside.*libactor\.dispatch"):
        framework.suppress()

    la.dispatch(framework.pid, Idle.end)
    assert future.get(timeout=60) == "from inside"


@pytest.mark.parametrize(
    ("base", "name"),
    [(mesoslite.Framework, "on_offers"), (mesoslite.Framework, "on_error"), (mesoslite.Executor, "on_launch")],
)
def test_a_hook_that_would_be_exclusive_is_refused_when_the_class_is_made(base: type, name: str) -> None:
    async def handler(self: object, argument: object) -> None: ...

    with pytest.raises(TypeError, match=rf"Modern\.{name}.*la\.Mutex"):
        type("Modern", (base,), {name: la.exclusive(handler)})


def test_what_is_no_framework_is_refused(cluster: mesoslite.Cluster) -> None:
    with pytest.raises(InvalidRequest, match="expected an instance"):
        cluster.run(None, timeout=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"agents": "2"}, {"resources": {"cpus": 2}}, {"resources": None}])
def test_a_cluster_of_the_wrong_types_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="expected"):
        mesoslite.Cluster(**wrong)


def test_a_framework_that_runs_cannot_be_submitted_again(cluster: mesoslite.Cluster) -> None:
    class Idle(mesoslite.Framework):
        """Never stops."""

    framework = Idle()
    future = cluster.submit(framework)
    connection = framework.connection

    with mesoslite.Cluster() as other, pytest.raises(la.SpawnError, match="submitted before"):
        other.submit(framework)

    assert framework.connection is connection
    future.discard()


def test_a_framework_ended_from_outside_says_so(cluster: mesoslite.Cluster) -> None:
    subscribed = threading.Event()

    class Idle(mesoslite.Framework):
        def on_subscribed(self, framework_id: str) -> None:
            subscribed.set()

    framework = Idle()
    future = cluster.submit(framework)
    assert subscribed.wait(20)
    la.terminate(framework.pid)

    with pytest.raises(FrameworkEnded, match="Idle"):
        future.get(timeout=60)


def test_an_agent_that_fails_loses_its_tasks_and_says_why(cluster: mesoslite.Cluster) -> None:
    running = threading.Event()

    class Watcher(Script):
        def on_update(self, status: TaskStatus) -> None:
            if status.state is TaskState.TASK_RUNNING:
                running.set()
            super().on_update(status)

    future = cluster.submit(Watcher(launch(command="sleep 1000", task_id="it"), ended("it")))
    assert running.wait(20)
    used = next(agent for agent in cluster.state().agents if agent.used)
    pid = next(pid for pid in cluster.agents if str(pid) == used.pid)

    la.tell(pid, Agent.shutdown_framework, None)  # type: ignore[arg-type]  # an error in one of its handlers
    statuses = future.get(timeout=60)

    assert statuses[-1].state is TaskState.TASK_LOST
    assert "it stopped: Agent.shutdown_framework() missing" in statuses[-1].message
    check_books(cluster)
    assert run_command(cluster, "true")[-1].state is TaskState.TASK_FINISHED
