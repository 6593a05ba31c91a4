"""Clusters of several masters, with real processes as tasks: what outlives the master that leads."""

from __future__ import annotations

import gc
import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import libactor as la
import mesoslite
from mesoslite import Cluster, FrameworkEnded, InvalidRequest, Offer, TaskState, TaskStatus
from mesoslite.agent import Agent
from mesoslite.allocator import PolicySource
from mesoslite.cluster.masters import Masters
from mesoslite.master import Master
from mesoslite.model import Fenced, MasterEnded, MasterInfo
from mesoslite.registry import SqliteStorage

pytestmark = pytest.mark.real

SECONDS = 60  # that anything is waited for at most


class Service(mesoslite.Framework):
    """Keeps one task running until it is told to let it go; says by futures how far it is."""

    def __init__(self) -> None:
        super().__init__("service")
        self.launched = False
        self.heard: list[str] = []
        self.running: la.Promise[int] = la.Promise()
        self.back: la.Promise[None] = la.Promise()
        self.found: la.Promise[TaskStatus] = la.Promise()

    def on_subscribed(self, framework_id: str) -> None:
        self.heard.append("subscribed")

    def on_disconnected(self) -> None:
        self.heard.append("disconnected")

    def on_resubscribed(self, framework_id: str) -> None:
        self.heard.append("resubscribed")
        self.back.set(None)

    def on_offers(self, offers: tuple[Offer, ...]) -> None:
        for offer in offers:
            if self.launched:
                self.decline(offer)
            else:
                self.launched = True
                self.launch(offer, self.task(offer, "trap 'exit 7' TERM; sleep 1000 & wait", cpus=0.5, task_id="it"))

    def on_update(self, status: TaskStatus) -> None:
        if status.reason is not None and status.reason.name == "REASON_RECONCILIATION":
            self.found.set(status)
        elif status.state is TaskState.TASK_RUNNING:
            self.running.set(0)
        elif status.state.is_terminal:
            self.stop(status)

    def ask(self) -> None:
        """Until there is an answer: there is none as long as the agent is not back."""
        if self.found.future.is_pending():
            self.reconcile("it")
            la.delay(0.2, self.pid, Service.ask)

    def end(self) -> None:
        self.kill("it")


def start(cluster: Cluster) -> tuple[Service, la.Future[Any]]:
    """A framework, and the future of its result, once its task runs."""
    service = Service()
    result = cluster.submit(service)
    service.running.future.get(timeout=SECONDS)
    return service, result


def agent_ids(cluster: Cluster) -> set[str | None]:
    return {la.dispatch(agent, Agent.state).get(timeout=SECONDS).info.id for agent in cluster.agents}


@pytest.mark.parametrize("masters", [1, 3])
@pytest.mark.parametrize("registry", [None, "registry.db"])
def test_tasks_and_ids_outlive_the_master_that_leads(tmp_path: Path, masters: int, registry: str | None) -> None:
    with Cluster(agents=2, masters=masters, registry=registry and tmp_path / registry) as cluster:
        service, result = start(cluster)
        before, ids = cluster.state(), agent_ids(cluster)

        cluster.fail_over()
        service.back.future.get(timeout=SECONDS)
        la.dispatch(service.pid, Service.ask).get(timeout=SECONDS)
        found = service.found.future.get(timeout=SECONDS)
        after = cluster.state()
        la.dispatch(service.pid, Service.end).get(timeout=SECONDS)
        status = result.get(timeout=SECONDS)

        assert service.heard == ["subscribed", "disconnected", "resubscribed"]
        assert found.state is TaskState.TASK_RUNNING
        assert after.master_id != before.master_id
        assert [framework.info.id for framework in after.frameworks] == [service.framework_id]
        assert agent_ids(cluster) == ids
        assert (status.state, status.exit_status) in [(TaskState.TASK_KILLED, 7), (TaskState.TASK_KILLED, -15)]


def test_one_master_after_the_other_may_go(tmp_path: Path) -> None:
    with Cluster(masters=2) as cluster:
        epochs = []
        for _ in range(4):
            epochs.append(la.dispatch(cluster.master, Master.wait_leading).get(timeout=SECONDS))
            cluster.fail_over()

        assert epochs == sorted(set(epochs))
        assert cluster.run(mesoslite_echo(), timeout=SECONDS) is TaskState.TASK_FINISHED


# Method: the agents have not yet found the master that they leave.
def test_a_cluster_that_is_closed_just_after_a_takeover_says_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    with Cluster(agents=3, masters=3) as cluster:
        cluster.fail_over()

    assert "UnregisterAgent" not in caplog.text


def mesoslite_echo() -> mesoslite.Framework:
    class Echo(mesoslite.Framework):
        done = False

        def on_offers(self, offers: tuple[Offer, ...]) -> None:
            for offer in offers:
                self.launch(offer, [] if self.done else [self.task(offer, "true", cpus=0.1)])
                self.done = True

        def on_update(self, status: TaskStatus) -> None:
            if status.state.is_terminal:
                self.stop(status.state)

    return Echo()


# Goal: a master that fails is missed, not started again, and its end is the end of the cluster only if it was the last.
def test_a_cluster_ends_with_the_last_of_its_masters() -> None:
    class Broken:
        """A policy that fails once there is an agent, whoever uses it."""

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(name)

        def apply(self, delta: Any) -> Any:
            if type(delta).__name__ == "AgentAdded":
                raise RuntimeError("no agents, please")
            return ()

        def begin(self, rng: Any) -> Any:
            raise RuntimeError("no runs, please")

        def dominant_share(self, framework_id: Any) -> float:
            return 0.0

        def available(self, agent_id: Any) -> Any:
            raise RuntimeError("nothing, please")

    with pytest.raises(MasterEnded, match=r"the master has stopped: AllocatorFailed"):
        Cluster(masters=2, allocator=Broken).start()


def test_a_framework_ends_with_the_last_master_and_hears_why() -> None:
    with Cluster(masters=2) as cluster:
        service, result = start(cluster)
        la.terminate(cluster.allocator)  # then its master ends, and has no successor
        service.back.future.get(timeout=SECONDS)
        la.terminate(cluster.allocator)

        with pytest.raises(InvalidRequest, match="service: the master has stopped"):
            result.get(timeout=SECONDS)
        assert cluster.stopped.get(timeout=SECONDS) == ""
        with pytest.raises(MasterEnded, match="state: the master has stopped"):
            cluster.state()


def test_a_framework_hears_nothing_of_masters_that_end_with_their_cluster() -> None:
    with Cluster(masters=3) as cluster:
        service, result = start(cluster)
        cluster.fail_over()  # so that masters are younger than the framework
        service.back.future.get(timeout=SECONDS)

    assert service.heard == ["subscribed", "disconnected", "resubscribed"]
    with pytest.raises(FrameworkEnded):
        result.get(timeout=SECONDS)


def test_every_master_has_a_port_and_leads_to_the_leader() -> None:
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    opener = urllib.request.build_opener(Stay)

    def location(url: str) -> str:
        until = time.monotonic() + SECONDS
        while True:  # who stands in the place of the former leader hears of the next one a little later
            with pytest.raises(urllib.error.HTTPError) as caught:
                opener.open(f"{url}/state", timeout=SECONDS)
            with caught.value as answer:
                if answer.code == 503 and time.monotonic() < until:
                    continue
                assert answer.code == 307
                return str(answer.headers["location"])

    with Cluster(masters=2) as cluster:
        first, second = cluster.urls
        before = (cluster.url, location(second))
        cluster.fail_over()
        after = (cluster.url, location(first))
        with opener.open(f"{second}/state", timeout=SECONDS) as answer:
            assert answer.status == 200

    assert before == (first, f"//{first.removeprefix('http://')}/state")
    assert after == (second, f"//{second.removeprefix('http://')}/state")


# Goal: H1. Method: the leader is cut off from the election while it leads, and both are then asked for a change.
def test_agents_and_registry_obey_the_later_of_two_masters_that_both_believe_that_they_lead() -> None:
    with Cluster(masters=2) as cluster:
        service, _ = start(cluster)
        election: Any = cluster._masters._election
        first, agent = cluster.master, cluster.agents[0]
        [agent_id] = agent_ids(cluster)
        member = cluster._masters._places[0]
        plan: Any = member.seat._process.actor  # type: ignore[attr-defined]

        election.cut_off(plan._plan.member)
        service.back.future.get(timeout=SECONDS)
        state = cluster.state()
        standing = la.dispatch(first, Master.standing).get(timeout=SECONDS)
        ends = la.stopped(first)
        change = la.dispatch(first, Master.deactivate_agent, agent_id)
        with pytest.raises((la.Abandoned, Fenced)):
            change.get(timeout=SECONDS)
        ends.get(timeout=SECONDS)

        assert standing.serves
        assert state.master_id == cluster.state().master_id
        actor: Any = agent._process.actor  # type: ignore[attr-defined]
        assert str(actor._registration.master) == state.pid


def test_a_lost_leadership_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with Cluster(masters=2) as cluster:
        election: Any = cluster._masters._election
        plan: Any = cluster._masters._places[0].seat._process.actor  # type: ignore[attr-defined]
        first = cluster.master
        ends = la.stopped(first)

        election.expire(plan._plan.member)
        ends.get(timeout=SECONDS)
        cluster.fail_over()  # which waits for the seats

    told = [(line.getMessage(), line.exc_info) for line in caplog.records if line.levelno >= logging.WARNING]
    assert len(told) == 1, told
    assert told[0][0].startswith(f"{first} has stopped, and another one stands in its place: master ")
    assert told[0][1] is None


@pytest.mark.parametrize("masters", [0, -1, 1.5, "two"])
def test_a_number_of_masters_that_is_none_is_refused(masters: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"cluster: got .* masters, expected a number of at least 1"):
        Cluster(masters=masters)


def test_a_cluster_that_does_not_run_has_nobody_to_fail() -> None:
    with pytest.raises(RuntimeError, match="fail_over: the cluster is not running"):
        Cluster().fail_over()


def test_a_policy_that_serves_one_master_only_is_refused_for_two() -> None:
    from mesoslite.allocator import HierarchicalAllocator

    with pytest.raises(InvalidRequest, match="give its class"):
        Cluster(masters=2, allocator=HierarchicalAllocator()).start()


# Goal: a program that asks its cluster every second for weeks does not grow. Method: nothing that was made for a
#   question is there once it is answered.
def test_a_question_leaves_nothing_behind() -> None:
    with Cluster(masters=2) as cluster:
        for _ in range(3):
            cluster.state()
        gc.collect()
        left = [one for one in gc.get_objects() if "wait_for.<locals>" in getattr(one, "__qualname__", "")]

    assert left == []


def test_who_waits_for_a_leader_in_vain_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    with Cluster(masters=2) as cluster:
        masters: Any = cluster._masters
        member, asked, here = masters._member, [], threading.get_ident()

        def detect(previous: Any) -> la.Future[Any]:
            found: la.Future[Any] = type(member).detect(member, previous)
            if threading.get_ident() == here:  # agents and frameworks follow this member, too
                asked.append(found)
            return found

        masters._election.cut_off(member)
        masters._election.expire(member)
        with monkeypatch.context() as patch:
            patch.setattr(member, "detect", detect)
            patch.setattr("mesoslite.cluster.masters.PATIENCE_SECONDS", 0.05)
            with pytest.raises(TimeoutError):
                cluster.state()
        masters._election.mend(member)

    assert [one.is_discarded() for one in asked] == [True]


def in_thread(call: Callable[[], object]) -> Callable[[], BaseException | None]:
    """Call in a thread; what is returned waits for its end, and returns what it raised."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def wait() -> BaseException | None:
        thread.join(timeout=SECONDS)
        return raised[0] if raised else None

    return wait


def test_takeovers_that_are_asked_for_at_once_come_one_after_the_other() -> None:
    with Cluster(masters=2) as cluster:
        first = la.dispatch(cluster.master, Master.wait_leading).get(timeout=SECONDS)
        asked = [in_thread(cluster.fail_over) for _ in range(3)]
        errors = [wait() for wait in asked]
        last = la.dispatch(cluster.master, Master.wait_leading).get(timeout=SECONDS)

    assert errors == [None, None, None]
    assert last >= first + 3


def left_in(path: Path) -> tuple[Any, Any]:
    """The agents that the next master of a registry would wait for, and those that are unreachable."""
    storage = SqliteStorage(path)
    found = storage.recover(MasterInfo(id="next")).state
    storage.close()
    return found.agents, found.unreachable


@pytest.mark.parametrize("masters", [1, 2])
def test_a_cluster_that_ends_amid_a_takeover_forgets_its_agents(tmp_path: Path, masters: int) -> None:
    path = tmp_path / "registry.db"
    with Cluster(masters=masters, agents=2, registry=path) as cluster:
        ended = la.stopped(cluster.master)
        wait = in_thread(cluster.fail_over)
        ended.get(timeout=SECONDS)

    assert wait() is None
    assert left_in(path) == ((), ())


# Goal: no wait for a leader that never comes. Method: all masters lose their leadership and candidacy at once, and the
# cluster is closed while their successors are about to stand.
def test_a_cluster_that_ends_while_nobody_leads_waits_for_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    with Cluster(masters=2, agents=2, registry=path) as cluster:
        election: Any = cluster._masters._election
        for member in tuple(election._members):
            election.expire(member)
        begin = time.monotonic()

    assert time.monotonic() - begin < 5
    assert left_in(path) == ((), ())


# Goal: a framework is not told that the tasks which end with its cluster are lost.
def test_a_cluster_ends_frameworks_before_agents() -> None:
    class Last(Service):
        agents: tuple[la.PID[Agent], ...] = ()

        def on_stop(self) -> None:
            self.heard += ["agent" for agent in self.agents if la.stopped(agent).is_pending()]
            super().on_stop()

    with Cluster(agents=2) as cluster:
        service = Last()
        result = cluster.submit(service)
        service.running.future.get(timeout=SECONDS)
        service.agents = cluster.agents

    assert service.heard == ["subscribed", "agent", "agent"]
    with pytest.raises(FrameworkEnded):
        result.get(timeout=SECONDS)


# Goal: the next master of a registry does not wait for agents that were ended. Method: the last one has just taken
#   over, so that they have not come back to it yet.
def test_a_cluster_that_ends_just_after_a_takeover_forgets_its_agents(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    with Cluster(masters=2, agents=2, registry=path) as cluster:
        cluster.fail_over()

    assert left_in(path) == ((), ())


# Goal: whoever is asked may end before its seat hears of it. Method: that hears when nobody can go on without.
def test_who_ends_while_it_is_waited_for_is_told_as_ended() -> None:
    class Late(Masters):
        def ended(self, operation: str) -> MasterEnded:
            self.end()
            return super().ended(operation)

    class Mute(la.Actor):
        def wait_leading(self) -> None:
            raise AssertionError("it has ended")

    with la.Runtime() as runtime:
        masters = Late(
            runtime,
            1,
            PolicySource("hierarchical"),
            1.0,
            host="127.0.0.1",
            port=0,
            hostname="",
            registry=None,
            flags={},
        )
        master: la.PID[Any] = runtime.spawn(Mute())
        la.terminate(master)
        assert la.wait(master, SECONDS)

        with pytest.raises(MasterEnded, match="start: the master has stopped: it was ended"):
            masters._wait_until_it_leads("start", master)
