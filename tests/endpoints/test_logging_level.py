"""How much a program logs: set for a while over HTTP, in both forms."""

import json
import logging

import pytest

import libactor as la
from mesoslite.api import agent_app, master_app
from mesoslite.api.logging_level import PATH, VERBOSITY
from mesoslite.model import MasterStanding

from .fakes import FakeAgent, FakeMaster, agent_snapshot, request

LOGGERS = [logging.getLogger("libactor"), logging.getLogger("mesoslite")]


@pytest.fixture
def clock(runtime):
    runtime.clock.pause()
    return runtime.clock


@pytest.fixture(params=["master", "agent"])
def app(request, runtime, tmp_path):
    if request.param == "master":
        return master_app(runtime.spawn(FakeMaster(standing=MasterStanding())), runtime=runtime)
    return agent_app(runtime.spawn(FakeAgent(agent_snapshot())), tmp_path, runtime=runtime)


@pytest.fixture
def leader(runtime):
    return master_app(runtime.spawn(FakeMaster()), runtime=runtime)


def toggle(app, **parameters):
    answer = request(app, "POST", PATH, query="&".join(f"{name}={value}" for name, value in parameters.items()))
    return answer.status, answer.body.decode()


def call(app, kind, **message):
    body = json.dumps({"type": kind, kind.lower(): message}).encode()
    answer = request(app, "POST", "/api/v1", body, content_type="application/json")
    return answer.status, answer.body.decode()


def levels():
    return [logger.getEffectiveLevel() for logger in LOGGERS]


# Source: AgentAPITest.GetLoggingLevel, MasterAPITest.SetLoggingLevel; of a master that does not lead as well
def test_a_level_holds_for_its_time_and_not_longer(app, clock):
    usual = levels()

    assert toggle(app) == (200, "0\n")
    assert toggle(app, level=1, duration="5secs") == (200, "")
    assert levels() == [min(logging.INFO, level) for level in usual]
    assert toggle(app, level=9, duration="10secs") == (200, "")
    clock.advance(9.5)
    assert (toggle(app), levels()) == ((200, "9\n"), [logging.DEBUG] * 2)

    clock.advance(0.5)
    assert (toggle(app), levels()) == ((200, "0\n"), usual)


def test_the_calls_get_and_set_the_same_level(leader, clock):
    second = {"nanoseconds": 10**9}

    assert call(leader, "SET_LOGGING_LEVEL", level=2, duration=second) == (200, "")
    assert json.loads(call(leader, "GET_LOGGING_LEVEL")[1])["get_logging_level"] == {"level": 2}
    assert toggle(leader) == (200, "2\n")
    assert call(leader, "SET_LOGGING_LEVEL", level=0, duration=second) == (200, "")
    assert VERBOSITY.level == 0


def test_a_setting_ends_with_its_runtime():
    usual = levels()
    with la.Runtime() as runtime:
        app = master_app(runtime.spawn(FakeMaster()), runtime=runtime)
        toggle(app, level=3, duration="1weeks")
        assert levels() == [logging.DEBUG] * 2

    assert (VERBOSITY.level, levels()) == (0, usual)


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"level": 1}, "'duration=value'"),
        ({"duration": "1secs"}, "'level=value'"),
        ({"level": -1, "duration": "1secs"}, "level: got '-1'"),
        ({"level": "9" * 20, "duration": "1secs"}, "level: got"),
        ({"level": 1, "duration": "soon"}, "duration: got the duration 'soon'"),
    ],
)
def test_what_is_no_level_or_no_time_is_refused(app, parameters, text):
    status, answer = toggle(app, **parameters)

    assert (status, text in answer, VERBOSITY.level) == (400, True, 0)


def test_a_page_of_another_origin_sets_none(app):
    answer = request(app, "POST", PATH, query="level=1&duration=1secs", origin="http://elsewhere.example")

    assert (answer.status, VERBOSITY.level) == (403, 0)


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"level": 1}, "set_logging_level.duration"),
        ({"duration": {"nanoseconds": 1}}, "set_logging_level.level"),
        ({"level": -1, "duration": {"nanoseconds": 1}}, "set_logging_level.level"),
        ({"level": 1, "duration": {"nanoseconds": -1}}, "set_logging_level.duration"),
    ],
)
def test_a_call_that_says_no_level_or_no_time_is_refused(leader, message, path):
    status, answer = call(leader, "SET_LOGGING_LEVEL", **message)

    assert (status, path in answer, VERBOSITY.level) == (400, True, 0)
