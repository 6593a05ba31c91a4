"""Every status arrives, in order, one at a time, and is repeated until it is acknowledged."""

from mesoslite.model import FrameworkInfo, StatusUpdateAcknowledgement, TaskID, TaskState, UpdateFrameworkInfo

from .house import AGENT, FRAMEWORK, House, make_task

UNKNOWN = b"\0" * 16


def acknowledgement(**changes: object) -> StatusUpdateAcknowledgement:
    fields = {"agent_id": AGENT, "framework_id": FRAMEWORK, "task_id": TaskID("t1"), "uuid": UNKNOWN}
    return StatusUpdateAcknowledgement(**{**fields, **changes})


def test_one_status_of_a_task_is_under_way_at_a_time(house: House):
    house.exit(house.run(), 0)
    seen = [house.states()]

    for _ in range(2):
        house.acknowledge(house.updates()[-1])
        seen.append(house.states())

    assert seen == [["STARTING"], ["STARTING", "RUNNING"], ["STARTING", "RUNNING", "FINISHED"]]


def test_an_update_says_the_newest_state_as_well_as_its_own(house: House):
    box = house.run()
    house.exit(box, 0)

    house.acknowledge(house.updates()[0])

    assert house.updates()[-1].status.state is TaskState.TASK_RUNNING
    assert house.updates()[-1].latest_state is TaskState.TASK_FINISHED


# Goal: repetitions after 10 s, then twice the wait, at most 10 min. Method: step before and onto each deadline.
def test_an_update_is_repeated_with_waits_that_double_up_to_ten_minutes(house: House):
    house.run()

    for number, wait in enumerate([10, 20, 40, 80, 160, 320, 600, 600], 1):
        house.advance(wait - 0.001)
        assert len(house.updates()) == number
        house.advance(0.001)
        assert len(house.updates()) == number + 1
    assert len({update.status.uuid for update in house.updates()}) == 1


# Its scheduler may have missed it, as after a failover: it must not wait for the repetition.
def test_an_update_goes_out_again_at_once_when_its_framework_is_back(house: House):
    house.run()
    house.advance(10)
    framework = FrameworkInfo(name="back", id=FRAMEWORK)

    house.send(UpdateFrameworkInfo(framework))
    at_once = len(house.updates())
    house.advance(10)

    assert (at_once, len(house.updates())) == (3, 4)
    assert [entry.info for entry in house.snapshot().frameworks] == [framework]


def test_the_next_update_starts_with_the_short_wait_again(house: House):
    house.run()
    house.advance(10)
    house.advance(20)

    house.acknowledge(house.updates()[-1])
    house.advance(10)

    assert house.states() == ["STARTING"] * 3 + ["RUNNING"] * 2


def test_a_repetition_carries_the_state_that_is_newest_by_then(house: House):
    box = house.run()
    house.exit(box, 3)

    house.advance(10)

    first, second = house.updates()
    assert (first.latest_state, second.latest_state) == (TaskState.TASK_STARTING, TaskState.TASK_FAILED)


def test_nothing_is_repeated_once_all_is_acknowledged(house: House):
    house.exit(house.run(), 0)
    house.acknowledge_all()

    house.advance(10_000)

    assert house.states() == ["STARTING", "RUNNING", "FINISHED"]
    assert house.snapshot().frameworks == ()


def test_nothing_is_repeated_while_a_task_runs_and_all_is_acknowledged(house: House):
    house.run()
    house.acknowledge_all()

    house.advance(10_000)

    assert house.states() == ["STARTING", "RUNNING"]
    assert house.task().pid == 1000  # the agent lives, and so does its task


def test_a_repeated_acknowledgement_is_ignored(house: House):
    house.exit(house.run(), 0)
    first = house.updates()[0]
    house.acknowledge(first)

    house.acknowledge(first)

    assert house.states() == ["STARTING", "RUNNING"]


def test_an_acknowledgement_that_does_not_fit_is_ignored(house: House):
    house.run()
    uuid = house.updates()[0].status.uuid

    house.send(
        acknowledgement(),
        acknowledgement(uuid=uuid, task_id="other"),
        acknowledgement(uuid=uuid, framework_id="other"),
        acknowledgement(uuid=uuid, agent_id="other"),
        acknowledgement(uuid=b""),
    )

    assert house.states() == ["STARTING"]
    house.acknowledge(house.updates()[0])
    assert house.states() == ["STARTING", "RUNNING"]


def test_an_acknowledgement_when_nothing_is_under_way_is_ignored(house: House):
    house.run()
    house.acknowledge_all()

    house.send(acknowledgement())

    assert house.task().task.state is TaskState.TASK_RUNNING


def test_streams_of_two_tasks_do_not_wait_for_each_other(house: House):
    house.run(make_task("t1"))
    house.run(make_task("t2"))

    house.acknowledge(house.updates()[1])

    assert [(update.status.task_id, update.status.state.name) for update in house.updates()] == [
        ("t1", "TASK_STARTING"),
        ("t2", "TASK_STARTING"),
        ("t2", "TASK_RUNNING"),
    ]
