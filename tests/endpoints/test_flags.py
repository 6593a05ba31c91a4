"""Flags: what a master and an agent say of the options that their programs were started with."""

import json
import urllib.request
from pathlib import Path

import pytest

from mesoslite import Cluster
from mesoslite.api import agent_app, master_app
from mesoslite.cluster.flags import flags_of
from mesoslite.model import MasterStanding

from .fakes import FakeAgent, FakeMaster, agent_snapshot, request

FLAGS = {"roles": "ads", "allocation_interval": "1secs"}


@pytest.fixture(params=["master", "agent"])
def app(request, runtime, tmp_path):
    if request.param == "master":
        return master_app(runtime.spawn(FakeMaster()), flags=FLAGS)
    return agent_app(runtime.spawn(FakeAgent(agent_snapshot())), tmp_path, flags=FLAGS)


def test_flags_are_texts_by_name(app):
    assert json.loads(request(app, "GET", "/flags").body) == {"flags": FLAGS}
    assert json.loads(request(app, "GET", "/state").body)["flags"] == FLAGS
    assert request(app, "GET", "/flags", query="jsonp=f").body.startswith(b"f({")
    assert request(app, "POST", "/flags").status == 405


@pytest.mark.parametrize("path", ["/state", "/state-summary"])
def test_a_cluster_that_has_a_name_tells_it(runtime, path):
    app = master_app(runtime.spawn(FakeMaster()), flags={"cluster": "north"})

    assert json.loads(request(app, "GET", path).body)["cluster"] == "north"


def test_the_call_has_a_list_of_them(app):
    # Source: MasterAPITest.GetFlags, AgentAPITest.GetFlags
    answer = request(app, "POST", "/api/v1", b'{"type": "GET_FLAGS"}', content_type="application/json")

    flags = [{"name": name, "value": value} for name, value in FLAGS.items()]
    assert json.loads(answer.body) == {"type": "GET_FLAGS", "get_flags": {"flags": flags}}


def test_a_master_that_does_not_lead_tells_its_own(runtime):
    standby = master_app(runtime.spawn(FakeMaster(standing=MasterStanding())), flags=FLAGS)

    assert json.loads(request(standby, "GET", "/flags").body) == {"flags": FLAGS}


def test_flags_are_written_as_mesos_does():
    given = {"a": True, "b": None, "allocation_interval": 0.5, "port": 5050, "offer_timeout": "30secs", "d": Path("/x")}

    assert flags_of(given) == {
        "a": "true", "allocation_interval": "0.5secs", "port": "5050", "offer_timeout": "30secs", "d": "/x",
    }  # fmt: skip
    assert flags_of({"allocation_interval": 1.0}) == {"allocation_interval": "1secs"}


def test_a_cluster_tells_its_options():
    with Cluster(resources="cpus:1;mem:32") as cluster:
        with urllib.request.urlopen(f"{cluster.url}/state", timeout=60) as answer:
            state = json.load(answer)
        [agent] = state["slaves"]
        with urllib.request.urlopen(f"http://{agent['pid'].partition('@')[2]}/flags", timeout=60) as answer:
            flags = json.load(answer)["flags"]

    assert flags == state["flags"]
    assert (flags["agents"], flags["resources"], flags["allocator"]) == ("1", "cpus:1; mem:32", "hierarchical")
