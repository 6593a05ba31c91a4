"""What is remembered of a task, to say why it waits or how it ended: what, in which order, and how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

import libactor as la
from mesoslite.master import Master
from mesoslite.master.history import AGENT_HAPPENINGS_MAX, HAPPENINGS_MAX, REFUSALS_MAX
from mesoslite.master.named_tasks import NAMED_MAX
from mesoslite.model import (
    AcceptInverseOffers,
    Decline,
    FrameworkID,
    Kill,
    Launch,
    Revive,
    Suppress,
    TaskID,
    TaskState,
    Teardown,
    Unavailability,
    constants,
    happenings,
)
from mesoslite.model.registry import MachineID, Schedule, Window
from mesoslite.model.stories import FrameworkStanding, FrameworkStory, PlannedService, TaskStory

from .packing import tasks_of
from .stage import Stage, task
from .test_agents import LOST_SECONDS, cut_off, greeting, silence
from .test_happenings import greeting_of

OVER = b"fedcba9876543210"


class Told:
    """A stage with an agent that runs "task" for the framework "test"."""

    def __init__(self, stage: Stage, **details: Any) -> None:
        self.stage = stage
        self.agent = stage.agent()
        self.framework = stage.framework(checkpoint=True, failover_timeout=100.0, **details)
        self.id = stage.framework_id(self.framework)
        self.task = task(stage.offers(self.framework)[0])
        stage.run(self.framework, self.agent, self.task)

    def report(self, state: TaskState, uuid: bytes = OVER) -> None:
        self.stage.report(self.agent, self.id, self.task, state, uuid)

    def end(self) -> None:
        self.report(TaskState.TASK_FINISHED)
        self.stage.acknowledge(self.framework, self.task, OVER)


def stories(stage: Stage, task_id: str = "task", framework: str = "") -> tuple[TaskStory, ...]:
    return la.dispatch(stage.master, Master.task_stories, TaskID(task_id), framework).get(timeout=60)


def kinds(story: TaskStory) -> list[str]:
    return [type(each).__name__.removeprefix("Task") for each in story.happenings]


def offers_of(stage: Stage, framework_id: FrameworkID) -> FrameworkStory:
    story = la.dispatch(stage.master, Master.framework_story, framework_id).get(timeout=60)
    assert story is not None
    return story


def finish(told: Told) -> None:
    told.end()


def kill(told: Told) -> None:
    told.stage.call(told.framework, Kill(framework_id=told.id, task_id=told.task.task_id))
    told.report(TaskState.TASK_KILLED)
    told.stage.acknowledge(told.framework, told.task, OVER)


def lose_the_agent(told: Told) -> None:
    told.stage.lose(told.agent)
    told.stage.advance(700)


def cut_the_agent_off_for_a_while(told: Told) -> None:
    message = greeting(told.stage)
    cut_off(told.stage, told.agent)
    told.stage.say(told.agent, message)


def tear_down(told: Told) -> None:
    told.stage.call(told.framework, Teardown(framework_id=told.id))


LOST = TaskState.TASK_LOST
STORIES: list[tuple[Callable[[Told], None], TaskState, list[str]]] = [
    (finish, TaskState.TASK_FINISHED, ["Updated", "Removed"]),
    (kill, TaskState.TASK_KILLED, ["KillAsked", "Updated", "Removed"]),
    (lose_the_agent, LOST, ["AgentDisconnected", "Updated", "Removed", "AgentUnreachable"]),
    (cut_the_agent_off_for_a_while, TaskState.TASK_RUNNING, ["AgentDisconnected", "AgentReturned"]),
    (tear_down, TaskState.TASK_KILLED, ["Updated", "Removed"]),
]


@pytest.mark.parametrize(("act", "state", "rest"), STORIES, ids=[act.__name__ for act, _, _ in STORIES])
def test_a_story_is_all_that_happened_to_a_task_in_order(
    stage: Stage, act: Callable[[Told], None], state: TaskState, rest: list[str]
) -> None:
    told = Told(stage)

    act(told)
    [story] = stories(stage)

    assert kinds(story) == ["Launched", "Updated", *rest]
    assert (story.state, story.earlier, story.forgotten) == (state, (), 0)
    assert story.framework.name == "test"


def test_a_task_that_was_refused_is_known_by_the_reason(stage: Stage) -> None:
    told = Told(stage)
    stage.advance(6)

    stage.act(told.framework, Launch((task(stage.offers(told.framework)[-1], "large", "cpus:99"),)))
    [story] = stories(stage, "large")

    [refused] = story.happenings
    assert isinstance(refused, happenings.TaskRefused)
    assert (story.state, refused.state) == (None, TaskState.TASK_ERROR)
    assert offers_of(stage, told.id).refused == (refused,)


def test_a_task_of_a_former_master_begins_with_what_its_agent_knew(stage: Stage) -> None:
    Told(stage)
    message = greeting(stage)
    stage.fail_over()

    agent = stage.greet(message)
    [before] = stories(stage)
    status = before.earlier[-1]
    [framework] = stage.state().frameworks
    assert framework.info.id is not None
    stage.report(agent, framework.info.id, tasks_of(message)[0].info, TaskState.TASK_FINISHED, OVER)  # type: ignore[arg-type]
    [after] = stories(stage)

    assert (before.state, before.standing, kinds(before)) == (TaskState.TASK_RUNNING, FrameworkStanding.RECOVERED, [])
    assert (status.state, before.agent_id) == (TaskState.TASK_RUNNING, tasks_of(message)[0].info.agent_id)  # type: ignore[attr-defined]
    assert (after.earlier, kinds(after)) == ((status,), ["Updated"])


@pytest.mark.parametrize(("text", "found"), [("", 2), ("test", 2), ("0000", 1), ("0001", 1), ("other", 0)])
def test_frameworks_are_found_by_id_its_end_or_name(stage: Stage, text: str, found: int) -> None:
    for _ in range(2):
        told = Told(stage)
        stage.call(told.framework, Suppress(framework_id=told.id, roles=()))

    known = stories(stage, framework=text)

    assert len(known) == found
    assert all(text in (story.framework.name, str(story.framework.id)[-4:], "") for story in known)


def test_an_id_that_is_used_again_begins_a_new_story() -> None:
    with la.Runtime() as runtime:
        stage = Stage(runtime, max_completed_tasks_per_framework=0)  # so that the books have the id once
        told = Told(stage)
        told.end()
        [before] = stories(stage)
        stage.advance(6)

        stage.accept(told.framework, stage.offers(told.framework)[-1], told.task)
        [story] = stories(stage)

        assert (before.state, kinds(before)[-1]) == (TaskState.TASK_FINISHED, "Removed")
        assert (story.state, kinds(story)) == (TaskState.TASK_STAGING, ["Launched"])
        stage.check_books()


def test_what_a_framework_does_with_offers_is_remembered(stage: Stage) -> None:
    told = Told(stage)
    stage.advance(6)

    offer = stage.offers(told.framework)[-1]
    stage.call(told.framework, Decline(framework_id=told.id, offer_ids=(offer.id,)))
    stage.call(told.framework, Suppress(framework_id=told.id, roles=()))
    declined = offers_of(stage, told.id)
    stage.call(told.framework, Revive(framework_id=told.id, roles=("*",)))
    revived = offers_of(stage, told.id)

    assert (declined.declined, declined.refuse_seconds, declined.suppressed) == (1, 5.0, ("*",))
    assert declined.declined_time == stage.runtime.clock.now()
    assert (declined.tasks, declined.offers, declined.standing) == (1, 0, FrameworkStanding.CONNECTED)
    assert revived.suppressed == ()


def test_nothing_is_told_of_strangers(stage: Stage) -> None:
    Told(stage)

    assert stories(stage, "nobody") == ()
    assert la.dispatch(stage.master, Master.framework_story, FrameworkID("nobody")).get(timeout=60) is None


# ---- bounds ----


def test_a_long_story_keeps_its_beginning_and_its_end(stage: Stage) -> None:
    told = Told(stage)
    flapping = [TaskState.TASK_STARTING, TaskState.TASK_RUNNING] * HAPPENINGS_MAX

    for number, state in enumerate(flapping):
        told.report(state, number.to_bytes(16, "big"))
    [story] = stories(stage)

    assert len(story.happenings) == HAPPENINGS_MAX
    assert story.forgotten == 2 + len(flapping) - HAPPENINGS_MAX
    assert type(story.happenings[0]) is happenings.TaskLaunched
    last = story.happenings[-1]
    assert isinstance(last, happenings.TaskUpdated)
    assert last.status.uuid == (len(flapping) - 1).to_bytes(16, "big")


def test_a_run_of_equal_states_counts_once_by_its_newest(stage: Stage) -> None:
    told = Told(stage)

    for number in range(2 * HAPPENINGS_MAX):
        told.report(TaskState.TASK_RUNNING, number.to_bytes(16, "big"))
    [story] = stories(stage)

    assert kinds(story) == ["Launched", "Updated"]
    assert story.forgotten == 0


@pytest.fixture
def small() -> Any:
    with la.Runtime() as runtime:
        made = Stage(
            runtime,
            max_completed_tasks_per_framework=1,
            max_unreachable_tasks_per_framework=1,
            max_completed_frameworks=1,
        )
        yield made
        made.check_books()


def test_as_many_tasks_that_are_over_are_remembered_as_the_books_may_have(small: Stage) -> None:
    told = Told(small)
    told.end()

    for name in ("second", "third"):
        small.advance(6)
        told.task = task(small.offers(told.framework)[-1], name)
        small.run(told.framework, told.agent, told.task)
        told.end()

    assert [len(stories(small, name)) for name in ("task", "second", "third")] == [0, 1, 1]


def test_removed_frameworks_are_remembered_as_long_as_in_the_books(small: Stage) -> None:
    tear_down(Told(small))
    small.advance(6)
    second = Told(small)
    tear_down(second)

    [story] = stories(small)

    assert (story.framework.id, story.standing) == (second.id, FrameworkStanding.REMOVED)


def test_refusals_and_losses_of_agents_are_bounded(stage: Stage) -> None:
    told = Told(stage)
    stage.advance(6)
    offer = stage.offers(told.framework)[-1]

    tasks = tuple([task(offer, f"large-{number}", "cpus:99") for number in range(REFUSALS_MAX + 5)])
    stage.act(told.framework, Launch(tasks))
    for _ in range(AGENT_HAPPENINGS_MAX):
        cut_the_agent_off_for_a_while(told)

    assert len(offers_of(stage, told.id).refused) == REFUSALS_MAX
    assert stories(stage, "large-4") == ()
    [story] = stories(stage)
    assert len(story.happenings) == 2 + AGENT_HAPPENINGS_MAX


# Goal: a cluster whose machines come and go for years does not grow. Method: an agent is lost, and pruned.
def test_what_happened_to_an_agent_is_forgotten_with_it(stage: Stage) -> None:
    agent = stage.agent()
    agent_id = stage.agent_id(agent)
    silence(stage, agent)
    stage.advance(LOST_SECONDS)
    actor: Any = stage.master._process.actor
    before = set(actor._history._agents)

    stage.runtime.clock.advance(constants.REGISTRY_AGENT_AGE_SECONDS)
    stage.advance(constants.REGISTRY_GC_SECONDS)

    assert (before, set(actor._history._agents)) == ({agent_id}, set())


# ---- by name ----


def named(stage: Stage, name: str, framework: str = "") -> list[tuple[FrameworkID, TaskID]]:
    return list(la.dispatch(stage.master, Master.tasks_named, name, framework).get(timeout=60))


def test_tasks_are_found_by_their_name_the_newest_of_a_framework_first(stage: Stage) -> None:
    told = Told(stage)
    told.end()
    stage.advance(6)
    offer = stage.offers(told.framework)[-1]
    again = [replace(task(offer, task_id, "cpus:0.1"), name="task") for task_id in ("b", "c")]
    stage.accept(told.framework, offer, *again, task(offer, "other", "cpus:0.1"))

    assert named(stage, "task") == [(told.id, "c"), (told.id, "b"), (told.id, "task")]
    assert named(stage, "task", "test") == named(stage, "task", told.id) == named(stage, "task")
    assert named(stage, "task", "nobody") == named(stage, "c") == []


def test_tasks_that_were_brought_and_those_of_removed_frameworks_are_found_by_their_name(stage: Stage) -> None:
    told = Told(stage)
    state = stage.state()
    stage.fail_over()
    brought = stage.greet(greeting_of(state, state.agents[0].info.id))

    found = named(stage, "task")
    la.dispatch(stage.master, Master.teardown_framework, told.id).get(timeout=60)
    stage.settle()

    assert brought is not None
    assert found == named(stage, "task") == [(told.id, "task")]


def test_no_more_tasks_of_a_name_are_looked_for_than_a_hundred(stage: Stage) -> None:
    told = Told(stage)
    stage.advance(6)
    offer = stage.offers(told.framework)[-1]
    tasks = [replace(task(offer, f"t{number}", "cpus:0.001"), name="many") for number in range(NAMED_MAX + 5)]
    stage.act(told.framework, Launch(tuple(tasks)))

    assert len(named(stage, "many")) == NAMED_MAX


# ---- service ----


def test_a_service_that_is_planned_for_the_agent_of_a_task_is_told_while_it_is_there(stage: Stage) -> None:
    told = Told(stage)
    when = Unavailability(10**18, 10**9)
    before = stories(stage)[0].service
    machine = MachineID("host")

    la.dispatch(stage.master, Master.update_schedule, Schedule((Window((machine,), when),))).get(timeout=60)
    stage.settle()
    stage.advance(1)
    asked = stories(stage)[0].service
    inverse = stage.inverse_offers(told.framework)[-1]
    stage.call(told.framework, AcceptInverseOffers(framework_id=told.id, inverse_offer_ids=(inverse.id,)))
    agreed = stories(stage)[0].service
    told.end()

    agent_id = told.task.agent_id
    assert before is None
    assert asked == PlannedService(agent_id, when, True, None)
    assert agreed is not None
    assert (agreed.is_asked, agreed.answer is not None and agreed.answer.accepted) == (False, True)
    assert stories(stage)[0].service is None
