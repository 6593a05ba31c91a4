"""/mesoslite/allocator/explain: who is meant, what is answered about one agent and about all, and what is refused."""

import json

import pytest

import libactor as la
from mesoslite.api import master_app
from mesoslite.model import (
    ADVICE,
    AgentID,
    AgentInfo,
    Explanation,
    Finding,
    FrameworkID,
    FrameworkInfo,
    NotFound,
    OfferReason,
    Resources,
)

from .fakes import FakeMaster, request

PATH = "/mesoslite/allocator/explain"
FRAMEWORKS = {
    "m-0000": FrameworkInfo(id=FrameworkID("m-0000"), name="web", roles=("ads",)),
    "m-0001": FrameworkInfo(id=FrameworkID("m-0001"), name="twin"),
    "m-0002": FrameworkInfo(id=FrameworkID("m-0002"), name="twin"),
    "m-0003": FrameworkInfo(id=FrameworkID("m-0003"), name="few", roles=tuple([f"r{n}" for n in range(10)])),
    "m-0004": FrameworkInfo(id=FrameworkID("m-0004"), name="many", roles=tuple([f"r{n}" for n in range(500)])),
}
AGENTS = tuple(
    [
        AgentInfo(id=AgentID(f"m-S{n}"), hostname=f"host-{n}", port=5051, resources=Resources.of(cpus=1))
        for n in range(450)
    ]
)


class ExplainingMaster(FakeMaster):
    """Agents with an even number are filtered, all others are free to be offered."""

    def __init__(self, agents=AGENTS, explains=True):
        super().__init__()
        self.agents = agents
        self.explains = explains
        self.portions = []

    def find_frameworks(self, text):
        return tuple([info for info in FRAMEWORKS.values() if text in (info.id, info.name)])

    def find_agents(self, text):
        return tuple([info for info in self.agents if text in ("", info.id, info.hostname)])

    def explain(self, framework_id, agent_ids):
        if not self.explains:
            raise NotFound("explain: the allocation policy Mine does not explain what it decides")
        self.portions.append(len(agent_ids))
        return tuple([self._explanation(framework_id, agent_id) for agent_id in agent_ids])

    def _explanation(self, framework_id, agent_id):
        is_filtered = not int(agent_id.rpartition("S")[2]) % 2
        finding = (
            Finding("ads", OfferReason.FILTER, f"filter on {agent_id}")
            if is_filtered
            else Finding("ads", OfferReason.NEXT, "free")
        )
        return Explanation(framework_id, agent_id, 7, (finding,))


@pytest.fixture
def app(runtime):
    return master_app(runtime.spawn(ExplainingMaster()))


def ask(app, query):
    answer = request(app, "GET", PATH, query=query)
    return answer.status, answer.body.decode()


@pytest.mark.parametrize("query", ["framework=m-0000&agent=m-S2", "framework=web&agent=host-2"])
def test_one_agent_is_answered_finding_by_finding_with_what_to_do(app, query):
    status, body = ask(app, query)

    assert status == 200
    assert json.loads(body) == {
        "framework": {"id": "m-0000", "name": "web", "roles": ["ads"]},
        "agent": {"id": "m-S2", "hostname": "host-2"},
        "run": 7,
        "findings": [
            {"role": "ads", "reason": "FILTER", "text": "filter on m-S2", "advice": ADVICE[OfferReason.FILTER]}
        ],
    }


# Goal: no portion holds the allocator up, and none is lost. Method: more agents than fit in two portions.
def test_all_agents_are_summed_up_by_reason_and_asked_about_in_portions(runtime):
    master = ExplainingMaster()

    status, body = ask(master_app(runtime.spawn(master)), "framework=web")

    document = json.loads(body)
    assert (status, document["agents"], document["run"]) == (200, 450, 7)
    assert [(entry["reason"], entry["agents"], entry["example"]["id"]) for entry in document["summary"]] == [
        ("FILTER", 225, "m-S0"),
        ("NEXT", 225, "m-S1"),
    ]
    assert master.portions == [100, 100, 100, 100, 50]


# Goal: a portion of a framework in many roles takes no longer. Method: each role counts, and some roles are too many.
@pytest.mark.parametrize(("name", "portion"), [("few", 10), ("many", 1)])
def test_portions_are_the_smaller_the_more_roles_a_framework_is_in(runtime, name, portion):
    master = ExplainingMaster(AGENTS[:20])

    status, body = ask(master_app(runtime.spawn(master)), f"framework={name}")

    assert (status, json.loads(body)["agents"]) == (200, 20)
    assert master.portions == [portion] * (20 // portion)


# Goal: people read names. Method: a finding that speaks of another framework, which is still there, or gone.
@pytest.mark.parametrize(
    ("other", "text", "named"),
    [
        ("m-0002", "run 1 offered it to framework 'twin' (0002)", {"id": "m-0002", "name": "twin"}),
        ("m-0009", "run 1 offered it to framework m-0009", None),
    ],
)
def test_another_framework_is_told_by_its_name(runtime, other, text, named):
    class Master(ExplainingMaster):
        def _explanation(self, framework_id, agent_id):
            told = f"run 1 offered it to framework {other}"
            finding = Finding("ads", OfferReason.SHARE, told, FrameworkID(other))
            return Explanation(framework_id, agent_id, 1, (finding,))

    app = master_app(runtime.spawn(Master()))
    (one,) = json.loads(ask(app, "framework=web&agent=m-S2")[1])["findings"]
    (all_,) = json.loads(ask(app, "framework=web")[1])["summary"]

    assert (one["text"], one.get("other")) == (text, named)
    assert (all_["text"], all_.get("other"), all_["agents"]) == (text, named, 450)


def test_a_cluster_without_agents_has_nothing_to_sum_up(runtime):
    status, body = ask(master_app(runtime.spawn(ExplainingMaster(agents=()))), "framework=web")

    assert (status, json.loads(body)["agents"], json.loads(body)["summary"]) == (200, 0, [])


@pytest.mark.parametrize(
    ("query", "status", "problem"),
    [
        ("", 400, "no framework is named"),
        ("framework=", 400, "no framework is named"),
        ("framework=web&agent=", 400, "the agent is empty"),
        ("framework=web&agents=m-S1", 400, "unknown parameter 'agents'"),
        ("framework=web&framework=twin", 400, "'framework' is given twice"),
        ("framework=web&agent=m-S1&agent=m-S1", 400, "'agent' is given twice"),
        ("framework=nobody", 404, "no framework 'nobody' is in the cluster"),
        ("framework=web&agent=nowhere", 404, "no agent 'nowhere' is in the cluster"),
        ("framework=twin", 400, "'twin' is 2 frameworks: m-0001, m-0002; name one of them by its id"),
        ("framework=" + "x" * 5_000, 404, "no framework 'xxx"),
        ("framework=%ff%00%0d%0a", 404, "no framework"),
    ],
)
def test_what_cannot_be_answered_says_why(app, query, status, problem):
    answered, body = ask(app, query)

    assert answered == status
    assert problem in body
    assert len(body) < 400


@pytest.mark.parametrize("query", ["framework=web", "framework=web&agent=m-S1"])
def test_a_policy_that_cannot_say_is_404(runtime, query):
    status, body = ask(master_app(runtime.spawn(ExplainingMaster(explains=False))), query)

    assert (status, body) == (404, "explain: the allocation policy Mine does not explain what it decides")


def test_a_master_that_has_stopped_is_503(runtime):
    pid = runtime.spawn(ExplainingMaster())
    la.terminate(pid)
    assert la.wait(pid, timeout=60)

    assert ask(master_app(pid), "framework=web")[0] == 503
