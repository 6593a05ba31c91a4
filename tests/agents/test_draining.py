"""A draining agent ends its tasks, in no more time than its master gives them."""

# Source: Mesos slave_tests (DrainAgentKillsRunningTask, DrainAgentMarkGone), master_draining_tests.

from typing import Any

import pytest

from mesoslite.model import Drain, FrameworkID, Reason

from .house import House, make_framework, make_task

OTHER = FrameworkID("m-0001")


@pytest.mark.parametrize(
    ("of_task", "most", "grace"),
    [(None, None, 3.0), (None, 2.0, 2.0), (5.0, None, 5.0), (5.0, 2.0, 2.0), (1.0, 2.0, 1.0), (5.0, 0.0, 0.0)],
)
def test_a_task_has_its_own_grace_and_no_more_than_the_drainings(
    house: House, of_task: float | None, most: float | None, grace: float
):
    box = house.run(make_task(kill_grace_seconds=of_task))

    house.send(Drain(max_grace_seconds=most))
    house.advance(max(0.0, grace - 0.001))
    before = list(box.signals)
    house.advance(0.001)

    assert before == (["terminate"] if grace else ["terminate", "kill"])
    assert box.signals == ["terminate", "kill"]


def test_all_tasks_of_all_frameworks_end(house: House):
    boxes = [house.run(make_task("a")), house.run(make_task("b")), house.run(framework=make_framework(id=OTHER))]

    house.send(Drain())

    assert [box.signals for box in boxes] == [["terminate"]] * 3


def test_statuses_say_that_the_agent_is_drained(house: House):
    box = house.run(framework=make_framework("TASK_KILLING_STATE"))

    house.send(Drain())
    house.exit(box, -15)
    house.acknowledge_all()

    assert house.states()[-2:] == ["KILLING", "KILLED"]
    assert [update.status.reason for update in house.updates()[-2:]] == [Reason.REASON_AGENT_DRAINING] * 2


@pytest.mark.parametrize(("capabilities", "state"), [((), "KILLED"), (("PARTITION_AWARE",), "GONE_BY_OPERATOR")])
def test_tasks_of_an_agent_that_will_be_gone_are_gone_for_who_knows_that_state(
    house: House, capabilities: tuple[str, ...], state: str
):
    box = house.run(framework=make_framework(*capabilities))

    house.send(Drain(mark_gone=True))
    house.exit(box, -15)
    house.acknowledge_all()

    assert house.states()[-1] == state


def test_a_task_that_ends_well_while_its_agent_is_drained_has_finished(house: House):
    box = house.run()

    house.send(Drain(mark_gone=True))
    house.exit(box, 0)
    house.acknowledge_all()

    assert (house.states()[-1], house.updates()[-1].status.reason) == ("FINISHED", None)


def test_a_task_that_was_killed_before_is_killed_and_has_less_time_now(house: House):
    box = house.run()
    house.kill(grace_seconds=100)

    house.send(Drain(max_grace_seconds=1.0))
    house.advance(1)
    house.exit(box, -9)
    house.acknowledge_all()

    assert box.signals == ["terminate", "kill"]
    assert (house.states()[-1], house.updates()[-1].status.reason) == ("KILLED", None)


def test_a_draining_that_is_told_twice_ends_tasks_once(house: House):
    box = house.run()

    house.send(Drain(), Drain())

    assert box.signals == ["terminate"]


@pytest.mark.parametrize("most", ["1", [1], float("nan")])
def test_a_draining_that_makes_no_sense_leaves_the_agent_alive(house: House, most: Any):
    box = house.run()

    house.send(Drain(max_grace_seconds=most))

    assert box.signals[:1] == ["terminate"]
    assert house.task().container_id
