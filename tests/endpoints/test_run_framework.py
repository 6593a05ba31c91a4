"""The framework of `mesoslite run`, while its master is silent: noted, and noted anew once there is an answer."""

import pytest

import libactor as la
from mesoslite.cli.run_framework import NO_OFFER_SECONDS, RunFramework, Unfit
from mesoslite.framework import submit
from mesoslite.framework.local import LocalConnection
from mesoslite.model import AgentID, CommandInfo, Resources, Subscribe, Subscribed, TaskID, TaskInfo, Teardown

from .fakes import FRAMEWORK


class Silent(la.Actor):
    """A master that answers nothing by itself."""

    @la.handles(Subscribe)
    def subscribe(self, call, sender):
        self.scheduler = sender

    @la.handles(Teardown)
    def teardown(self, call, sender):
        pass

    def answer(self):
        la.post(self.scheduler, Subscribed(framework_id=FRAMEWORK, master_id="m", heartbeat_interval_seconds=15.0))


@pytest.fixture
def begin(actor_runtime, actor_clock):
    def begin(notes):
        command = CommandInfo(value="true")
        size = Resources.of(cpus=1)
        task = TaskInfo(task_id=TaskID("t"), name="t", agent_id=AgentID(""), resources=size, command=command)
        master = actor_runtime.spawn(Silent("master"))
        submit(actor_runtime, RunFramework("run", "root", task, notes.append, None), LocalConnection(master))
        actor_clock.settle()
        return master

    return begin


def wait(clock, seconds):
    clock.advance(seconds)
    clock.settle()


def test_a_master_that_does_not_answer_is_noted_and_no_failure(begin, actor_clock):
    notes = []
    begin(notes)

    wait(actor_clock, NO_OFFER_SECONDS)

    assert notes == [Unfit("")]


def test_once_it_has_answered_it_is_noted_again_if_there_is_no_offer(begin, actor_clock):
    notes = []
    master = begin(notes)
    wait(actor_clock, NO_OFFER_SECONDS)
    la.dispatch(master, Silent.answer).get(timeout=60)

    wait(actor_clock, NO_OFFER_SECONDS)
    wait(actor_clock, NO_OFFER_SECONDS)

    assert notes == [Unfit(""), Unfit(FRAMEWORK)]


def test_a_master_that_answers_at_once_is_noted_once(begin, actor_clock):
    notes = []
    la.dispatch(begin(notes), Silent.answer).get(timeout=60)

    wait(actor_clock, NO_OFFER_SECONDS)
    wait(actor_clock, NO_OFFER_SECONDS)

    assert notes == [Unfit(FRAMEWORK)]
