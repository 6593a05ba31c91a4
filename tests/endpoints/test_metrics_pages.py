"""The pages of metrics of a master and an agent, which are libactor's (tests/runtime/test_http_own.py)."""

import json

import pytest

import libactor as la
from mesoslite.api import agent_app, loopback_hosts, master_app
from mesoslite.model import MasterStanding

from .fakes import FakeAgent, FakeMaster, agent_snapshot, request


@pytest.fixture
def master(runtime):
    elected = la.metrics.PushGauge("master/elected")
    elected.set(1)
    runtime.metrics.add(elected)
    return master_app(runtime.spawn(FakeMaster()), runtime=runtime, hosts=loopback_hosts("127.0.0.1"))


@pytest.mark.parametrize("path", ["/metrics/snapshot", "/metrics/snapshot/", "/master/metrics/snapshot"])
def test_a_snapshot_is_one_json_object(master, path):
    answer = request(master, "GET", path, host="127.0.0.1")

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert json.loads(answer.body)["master/elected"] == 1


def test_prometheus_has_a_page_of_its_own(master):
    assert b"\nmaster_elected 1" in request(master, "GET", "/metrics", host="127.0.0.1").body


def test_a_snapshot_may_be_a_script(master):
    answer = request(master, "GET", "/metrics/snapshot", query="jsonp=page.show", host="127.0.0.1")

    assert answer.body.startswith(b"page.show({")


@pytest.mark.parametrize(
    ("method", "path", "query", "host", "status"),
    [
        ("GET", "/metrics/none", "", "127.0.0.1", 404),
        ("POST", "/metrics", "", "127.0.0.1", 405),
        ("GET", "/metrics/snapshot", "timeout=soon", "127.0.0.1", 400),
        ("GET", "/metrics/snapshot", "", "elsewhere.example", 403),
    ],
)
def test_what_is_not_served(master, method, path, query, host, status):
    assert request(master, method, path, query=query, host=host).status == status


# Source: Mesos leaves /metrics/snapshot where it is (master.cpp, the routes without redirectable)
def test_a_master_that_does_not_lead_tells_its_own(runtime):
    standing = MasterStanding(leads=False, serves=False)
    master = master_app(runtime.spawn(FakeMaster(standing=standing)), runtime=runtime)

    assert [request(master, "GET", path).status for path in ("/metrics/snapshot", "/state")] == [200, 503]


def test_an_agent_has_them_too(runtime, tmp_path):
    agent = agent_app(runtime.spawn(FakeAgent(agent_snapshot())), tmp_path, runtime=runtime)

    assert b"libactor/actors" in request(agent, "GET", "/slave(1)/metrics/snapshot").body


def test_without_a_runtime_there_are_none(runtime):
    assert request(master_app(runtime.spawn(FakeMaster())), "GET", "/metrics/snapshot").status == 404
