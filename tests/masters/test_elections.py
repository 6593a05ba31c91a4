"""Masters that stand in an election: who leads, what the others answer, and how a leader ends."""

# Source: the names in comments are those of Mesos's tests (master_contender_detector_tests, fault_tolerance_tests,
#   master_tests).

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.model import (
    AgentID,
    AgentInfo,
    Fenced,
    FrameworkID,
    FrameworkInfo,
    Leader,
    LeadershipLost,
    MasterInfo,
    MasterStanding,
    NotLeader,
    RegisterAgent,
    Resources,
    Subscribe,
    TaskID,
    happenings,
)
from mesoslite.model.registry import QuotaConfig, Schedule, Weight

from .peers import Peers
from .stage import FakeAgent, FakeFramework
from .test_happenings import Follower


def metric(master: la.PID[Master], name: str) -> float:
    actor: Any = master._process.actor
    return float(getattr(actor._metrics, name).value)


def ask(master: la.PID[Master], method: Callable[..., Any], *arguments: Any) -> Any:
    return la.dispatch(master, method, *arguments).get(timeout=60)


AGENT, FRAMEWORK = AgentID("a"), FrameworkID("f")
QUESTIONS: list[tuple[Any, ...]] = [
    (Master.state,),
    (Master.framework_principal, FRAMEWORK),
    (Master.find_frameworks, "f"),
    (Master.find_agents, ""),
    (Master.explain, FRAMEWORK, ()),
    (Master.task_stories, TaskID("t"), ""),
    (Master.tasks_named, "t", ""),
    (Master.framework_story, FRAMEWORK),
    (Master.tenure,),
    (Master.registry,),
    (Master.teardown_framework, FRAMEWORK),
    (Master.mark_agent_gone, AGENT),
    (Master.deactivate_agent, AGENT),
    (Master.reactivate_agent, AGENT),
    (Master.drain_agent, AGENT),
    (Master.apply_operation, AGENT, None),
    (Master.schedule,),
    (Master.machines,),
    (Master.maintenance_status,),
    (Master.update_schedule, Schedule(())),
    (Master.start_maintenance, ()),
    (Master.stop_maintenance, ()),
    (Master.quotas,),
    (Master.weights,),
    (Master.update_quota, ()),
    (Master.set_quota, QuotaConfig("r")),
    (Master.remove_quota, "r"),
    (Master.update_weights, (Weight("r", 2.0),)),
]


def test_who_stands_first_leads_and_the_others_wait_without_touching_the_registry(peers: Peers) -> None:
    first, second, third = peers.stand("one"), peers.stand("two"), peers.stand("three")

    assert peers.leading(first, second, third) == [True, False, False]
    assert peers.registry.master is not None
    assert peers.registry.master.hostname == "one"
    for master in (second, third):
        leader = peers.standing(master).leader
        assert leader is not None
        assert leader.info.hostname == "one"


# Source: FaultToleranceTest.MasterFailover, ZooKeeperMasterContenderDetectorTest.ContenderDetectorShutdownNetwork
def test_when_the_leader_ends_the_next_one_leads_in_a_later_epoch(peers: Peers) -> None:
    first, second, third = peers.stand("one"), peers.stand("two"), peers.stand("three")
    before = ask(first, Master.wait_leading)

    peers.end(first)

    assert peers.leading(second, third) == [True, False]
    assert ask(second, Master.wait_leading) > before


def test_a_standby_drops_and_counts_whatever_it_is_sent(peers: Peers) -> None:
    peers.stand("one")
    second = peers.stand("two")

    agent = la.spawn(FakeAgent(second, Resources.parse("cpus:1")))
    framework = la.spawn(FakeFramework(second, Subscribe(FrameworkInfo(name="f"))))
    peers.settle()

    assert metric(second, "dropped_messages") == 2
    assert ask(agent, FakeAgent.heard) == ()
    assert ask(framework, FakeFramework.heard) == ()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question[0].__name__)
def test_a_standby_answers_nothing_but_who_leads(peers: Peers, question: tuple[Any, ...]) -> None:
    peers.stand("one")
    second = peers.stand("two")

    with pytest.raises(NotLeader, match=f"{question[0].__name__}: master .* at one:5050 leads, one@.*; ask that one"):
        ask(second, *question)


def test_who_follows_a_standby_hears_when_it_leads(peers: Peers) -> None:
    first, second = peers.stand("one"), peers.stand("two")
    follower = Follower()
    peers.runtime.spawn(follower)

    before = ask(second, Master.follow, follower.pid)
    peers.end(first)

    assert (before.agents, before.frameworks) == ((), ())
    assert [type(one) for one in follower.told] == [happenings.LeadershipBegun]


def test_every_question_that_a_leader_answers_is_among_those(peers: Peers) -> None:
    public = {name for name in vars(Master) | vars(Master.__mro__[1]) | vars(Master.__mro__[2]) if name[0] != "_"}
    guarded = {name for name in public if hasattr(getattr(Master, name), "__wrapped__")}

    assert guarded == {question[0].__name__ for question in QUESTIONS} | {"update_framework"}


def test_a_master_that_leads_and_has_not_read_its_registry_says_so(peers: Peers) -> None:
    peers.registry.hold()
    first = peers.stand("one")
    agent = la.spawn(FakeAgent(first, Resources.parse("cpus:1")))
    peers.settle()
    standing, dropped = peers.standing(first), metric(first, "dropped_messages")

    with pytest.raises(NotLeader, match="this master leads, and has not read its registry yet; ask again"):
        ask(first, Master.state)
    peers.registry.release()
    peers.settle()

    assert (standing.leads, standing.serves, dropped) == (True, False, 1)
    assert peers.leading(first) == [True]
    assert ask(agent, FakeAgent.heard) == ()


def test_a_master_that_knows_of_no_leader_says_so(peers: Peers) -> None:
    member = peers.members["one"] = peers.election.join()
    peers.election.cut_off(member)
    first = peers.stand("one")

    assert peers.standing(first) == MasterStanding()
    with pytest.raises(NotLeader, match="state: no master leads; ask again"):
        ask(first, Master.state)


# Source: MasterTest, lostCandidacy: "Lost leadership... committing suicide!"
def test_a_leader_whose_session_is_over_ends_at_once_and_says_why(peers: Peers) -> None:
    first, second = peers.stand("one"), peers.stand("two")
    watch = peers.watch(first)

    peers.election.expire(peers.members["one"])
    peers.settle()

    assert isinstance(watch.ends["one"], LeadershipLost)
    assert "its leadership is lost" in str(watch.ends["one"])
    assert peers.leading(second) == [True]


def test_a_leader_that_is_deposed_serves_nothing_that_waits_in_its_mailbox(peers: Peers) -> None:
    first = peers.stand("one")
    agents: list[la.PID[FakeAgent]] = []

    def depose_with_work_behind() -> None:
        agents.append(la.spawn(FakeAgent(first, Resources.parse("cpus:1"))))
        greeting = RegisterAgent(AgentInfo(hostname="h", port=1, resources=Resources.parse("cpus:1")))
        la.post(first, greeting, sender=agents[0])
        peers.election.expire(peers.members["one"])

    la.execute(first, depose_with_work_behind).get(timeout=60)
    peers.settle()

    assert peers.registry.stores == 0
    assert ask(agents[0], FakeAgent.heard) == ()


def test_a_standby_whose_session_is_over_ends_too_and_whoever_stands_in_its_place_may_lead(peers: Peers) -> None:
    first, second = peers.stand("one"), peers.stand("two")
    watch = peers.watch(second)

    peers.election.expire(peers.members["two"])
    peers.settle()
    again = peers.stand("two")
    peers.end(first)

    assert isinstance(watch.ends["two"], LeadershipLost)
    assert peers.leading(again) == [True]


def test_a_leader_that_hears_of_a_later_one_concedes(peers: Peers) -> None:
    first = peers.stand("one")
    watch = peers.watch(first)

    peers.members["one"].followers.tell(Leader(MasterInfo(id="later"), 7), 10**9)
    peers.settle()

    assert "the master later leads now" in str(watch.ends["one"])


# What a detector said before the election was over may come after it.
def test_a_leader_does_not_concede_to_an_earlier_one(peers: Peers) -> None:
    peers.end(peers.stand("one"))
    second = peers.stand("two")

    peers.members["two"].followers.tell(Leader(MasterInfo(id="earlier"), 0), 10**9)
    peers.settle()

    assert peers.leading(second) == [True]


# Goal: H1, the fence. Method: the leader is cut off from the election and goes on, while another one has taken over;
#   then both are asked for what needs the registry.
def test_of_two_masters_that_both_believe_that_they_lead_the_registry_obeys_the_later(peers: Peers) -> None:
    first, second = peers.stand("one"), peers.stand("two")
    watch = peers.watch(first, second)

    peers.election.cut_off(peers.members["one"])
    peers.settle()
    both = peers.leading(first, second)
    refused = la.dispatch(first, Master.update_weights, (Weight("r", 2.0),))
    peers.settle()
    ask(second, Master.update_weights, (Weight("r", 3.0),))
    peers.settle()

    assert both == [True, True]
    with pytest.raises((Fenced, la.Abandoned)):
        refused.get(timeout=60)
    assert isinstance(watch.ends["one"], Fenced)
    assert len(peers.registry.rows) == 1
    assert [weight.weight for weight in ask(second, Master.weights)] == [3.0]


def test_a_leadership_is_told_of_by_who_led_only(peers: Peers) -> None:
    first, second = peers.stand("one"), peers.stand("two")
    heard: list[Any] = []
    for master in (first, second):
        actor: Any = master._process.actor
        actor._chronicle.listen(heard.append)

    peers.end(second)
    ended = list(heard)
    peers.end(first)

    assert ended == []
    assert [type(happening).__name__ for happening in heard] == ["LeadershipEnded"]


def test_a_master_whose_member_stands_already_ends_and_leaves_the_other_alone(peers: Peers) -> None:
    first = peers.stand("one")
    peers.members["two"] = peers.members["one"]

    second = peers.stand("two")

    with pytest.raises(la.Abandoned, match="stands for leadership already"):
        peers.standing(second)
    assert peers.leading(first) == [True]


def told(peers: Peers, name: str) -> float | None:
    snapshot: dict[str, float] = peers.runtime.metrics.snapshot().get(timeout=60)
    return snapshot.get(f"master/{name}")


def test_a_master_tells_whether_it_is_elected_and_since_when_it_runs(peers: Peers) -> None:
    member = peers.members["one"] = peers.election.join()
    peers.election.cut_off(member)
    peers.stand("one")
    peers.runtime.clock.advance(7)

    assert (told(peers, "elected"), told(peers, "uptime_secs")) == (0, 7)


def test_a_leader_says_since_when_it_is_one(peers: Peers) -> None:
    first = peers.stand("one")
    second = peers.stand("two")
    start = ask(first, Master.tenure).start_time
    peers.runtime.clock.advance(7)
    peers.end(first)

    tenure = ask(second, Master.tenure)

    assert (tenure.start_time, tenure.elected_time, tenure.info.hostname) == (start, start + 7, "two")


# Goal: of several masters in one program the leader is told of. Method: the first one has the names, waits, and is
#   overtaken; then the leader ends, and another leads.
def test_the_metrics_of_a_program_are_those_of_its_leader(peers: Peers) -> None:
    peers.members["one"] = peers.election.join()
    peers.election.cut_off(peers.members["one"])
    first = peers.stand("one")
    elected = [told(peers, "elected")]
    second, third = peers.stand("two"), peers.stand("three")

    la.spawn(FakeAgent(second, Resources.parse("cpus:1")))
    la.spawn(FakeAgent(third, Resources.parse("cpus:1")))
    peers.settle()
    elected.append(told(peers, "elected"))
    figures = [told(peers, name) for name in ("slaves_connected", "slave_registrations", "dropped_messages")]
    peers.end(first)
    peers.end(second)
    elected.append(told(peers, "elected"))
    names = peers.runtime.metrics.snapshot().get(timeout=60).keys()
    peers.end(third)

    assert figures == [1, 1, 0]
    assert elected == [0, 1, 1]
    assert {"registrar/registry_size_bytes", "allocator/mesos/allocation_runs"} <= names
    assert told(peers, "elected") is None


# Goal: who is deposed before it has even begun does not take the registry from who leads now. Method: it is busy
#   meanwhile, so that the news of its election waits in its mailbox.
def test_a_master_that_is_deposed_before_it_begins_leaves_the_registry_alone(peers: Peers) -> None:
    first, second, third = peers.stand("one"), peers.stand("two"), peers.stand("three")
    watch = peers.watch(second)
    busy, over = threading.Event(), threading.Event()

    def wait() -> None:
        busy.set()
        over.wait(60)

    la.execute(second, wait)
    assert busy.wait(60)
    peers.election.expire(peers.members["one"])
    peers.election.expire(peers.members["two"])
    ask(third, Master.wait_leading)
    over.set()
    peers.settle()

    assert isinstance(watch.ends["two"], LeadershipLost)
    assert peers.registry.master is not None
    assert peers.registry.master.hostname == "three"
    assert peers.leading(third) == [True]
    la.wait(first, timeout=60)


def test_who_waits_for_a_standby_to_lead_hears_at_once_that_it_has_ended(peers: Peers) -> None:
    peers.stand("one")
    second = peers.stand("two")
    leading = la.dispatch(second, Master.wait_leading)

    peers.end(second)

    with pytest.raises(la.Abandoned):
        leading.get(timeout=0)


# Goal: HTTP clients are not sent in a circle. Method: the detector has heard of the election before the master has.
def test_a_master_that_is_elected_and_has_not_begun_names_nobody_else(peers: Peers) -> None:
    peers.stand("one")
    second = peers.stand("two")
    info = ask(second, Master.info)

    peers.members["two"].followers.tell(Leader(info, 7), 10**9)
    peers.settle()

    assert peers.standing(second) == MasterStanding()
