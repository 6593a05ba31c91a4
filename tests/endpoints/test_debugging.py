"""/help and /__processes__ of a master and an agent: libactor's pages (tests/runtime), with what these serve."""

import json

import pytest

from mesoslite.api import Authentication, agent_app, master_app
from mesoslite.model import MasterStanding

from .fakes import FakeAgent, FakeMaster, agent_snapshot, request


@pytest.fixture(params=["master", "slave(7)"])
def program(request):
    return request.param


@pytest.fixture
def app(program, runtime, tmp_path):
    if program == "master":  # one that does not lead: it is looked into as well
        return master_app(runtime.spawn(FakeMaster(standing=MasterStanding())), runtime=runtime)
    return agent_app(runtime.spawn(FakeAgent(agent_snapshot())), tmp_path, runtime=runtime)


def test_the_help_lists_what_is_served_and_by_which_methods(app, program):
    answer = request(app, "GET", f"/help/{program}", query="format=json")

    [process] = json.loads(answer.body)["processes"]
    endpoints = {one["name"]: one["text"] for one in process["endpoints"]}
    assert process["id"] == program
    assert (endpoints["/state"], endpoints["/api/v1"], endpoints["/logging/toggle"]) == ("GET", "POST", "GET, POST")


def test_the_help_is_a_page_for_people(app, program):
    whole = request(app, "GET", "/help")
    one = request(app, "GET", f"/{program}/help/{program}/state")

    assert whole.headers["content-type"].startswith("text/html")
    assert f"/{program}" in whole.body.decode()
    assert "GET" in one.body.decode()
    assert request(app, "GET", "/help/nobody").status == 404


def test_the_actors_of_the_program_are_listed(app, program):
    answer = request(app, "GET", "/__processes__")

    assert program in [one["id"] for one in json.loads(answer.body)]
    assert request(app, "POST", "/__processes__").status == 405


def test_an_actor_of_the_program_is_not_reached_by_the_pages(app, program):
    assert request(app, "GET", f"/help/../{program}/state").status == 404


def test_who_may_read_may_look(runtime):
    authentication = Authentication({"ann": "a"}, readonly=True)
    app = master_app(runtime.spawn(FakeMaster()), runtime=runtime, authentication=authentication)

    assert [request(app, "GET", path).status for path in ("/help", "/__processes__")] == [401, 401]
