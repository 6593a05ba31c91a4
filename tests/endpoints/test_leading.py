"""What a master that does not lead answers over HTTP."""

# Source: Mesos src/master/http.cpp (redirect), and the names of its tests in comments.

import json

import pytest

import libactor as la
from mesoslite.api import master_app
from mesoslite.model import Leader, MasterInfo, MasterStanding

from .fakes import FakeMaster, request

LED = [
    ("GET", "/state"),
    ("GET", "/master/state"),
    ("POST", "/api/v1/scheduler"),
    ("POST", "/master/api/v1/scheduler"),
    ("GET", "/mesoslite/allocator/explain"),
    ("GET", "/mesoslite/why"),
    ("GET", "/api/v1/scheduler"),  # where the leader would say that it takes no such method
]


def app(runtime, **standing):
    return master_app(runtime.spawn(FakeMaster(standing=MasterStanding(**standing))))


def leader(hostname="elsewhere"):
    return Leader(MasterInfo(id="m", hostname=hostname, port=5051))


@pytest.mark.parametrize(("method", "path"), LED)
def test_a_master_that_does_not_lead_names_the_one_that_does(runtime, method, path):
    answer = request(app(runtime, leader=leader()), method, path, query="a=b&c=%20d")

    assert answer.status == 307
    assert answer.headers["location"] == f"//elsewhere:5051{path}?a=b&c=%20d"


@pytest.mark.parametrize(("method", "path"), LED)
def test_without_a_leader_there_is_no_answer(runtime, method, path):
    answer = request(app(runtime), method, path)

    assert (answer.status, answer.body) == (503, b"No leader elected")


# Source: MasterTest.RecoveredSlaves, "Master has not finished recovery"
@pytest.mark.parametrize(("method", "path"), LED)
def test_before_it_has_read_the_registry_a_leader_does_not_answer(runtime, method, path):
    answer = request(app(runtime, leads=True, leader=leader()), method, path)

    assert (answer.status, answer.body) == (503, b"Master has not finished recovery")


def test_a_leader_looks_at_the_method(runtime):
    answer = request(app(runtime, leads=True, serves=True), "GET", "/api/v1/scheduler")

    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_what_any_master_answers_is_refused_by_its_method_before_anybody_asks_who_leads(runtime):
    assert request(app(runtime), "POST", "/health").status == 405


@pytest.mark.parametrize("path", ["/health", "/version"])
def test_what_says_that_a_master_is_alive_is_answered_by_all(runtime, path):
    assert request(app(runtime, leader=leader()), "GET", path).status == 200


@pytest.mark.parametrize("leads", [False, True])
def test_redirect_leads_to_the_leader_be_it_the_one_that_was_asked(runtime, leads):
    answer = request(app(runtime, leads=leads, serves=leads, leader=leader("::1")), "GET", "/redirect")

    assert (answer.status, answer.headers["location"]) == (307, "//[::1]:5051")


def test_redirect_without_a_leader_leads_nowhere(runtime):
    assert request(app(runtime), "GET", "/redirect").status == 503


def test_a_path_that_was_escaped_is_passed_on_escaped(runtime):
    answer = request(app(runtime, leader=leader()), "GET", "/state/\r\nx: y/é")

    assert answer.headers["location"] == "//elsewhere:5051/state/%0D%0Ax:%20y/%C3%A9"


# Goal: who leads is not asked for ever. Method: a master that counts how often it is asked.
def test_a_master_that_serves_is_asked_once(runtime):
    class Counting(FakeMaster):
        asked = 0

        def standing(self):
            self.asked += 1
            return super().standing()

    actor = Counting()
    served = master_app(runtime.spawn(actor))

    for _ in range(3):
        assert json.loads(request(served, "GET", "/state").body)["id"] == "m"

    assert actor.asked == 1


def test_a_master_that_has_ended_is_not_there(runtime):
    pid = runtime.spawn(FakeMaster())
    served = master_app(pid)
    request(served, "GET", "/state")
    la.terminate(pid)
    la.wait(pid, timeout=60)

    assert request(served, "GET", "/state").status == 503
