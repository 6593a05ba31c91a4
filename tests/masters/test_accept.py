"""ACCEPT: operations in their order, what they make of offers and agents, and what goes back."""

import msgspec
import pytest

import libactor as la
from mesoslite.master.allocator_messages import Granted
from mesoslite.model import (
    NOTHING,
    Accept,
    AllocationConverted,
    ApplyOperation,
    CommandInfo,
    Create,
    Decline,
    Destroy,
    Disk,
    ExecutorExited,
    ExecutorID,
    ExecutorInfo,
    ExecutorType,
    Failure,
    Filters,
    Grant,
    GrowVolume,
    Kind,
    Launch,
    LaunchGroup,
    OfferID,
    OperationID,
    OperationState,
    Persistence,
    Portion,
    Reason,
    Rescind,
    Reservation,
    ReservationType,
    Reserve,
    Resources,
    RunGroup,
    RunTask,
    ShrinkVolume,
    TaskGroup,
    TaskState,
    Unreserve,
    UpdateOperationStatus,
    Volume,
)
from mesoslite.model.volume_places import said_resources

from .stage import FakeAgent, FakeFramework, Stage, task

ADS = Reservation(ReservationType.DYNAMIC, "ads")


def reserved(text: str) -> Resources:
    return Resources.parse(text).pushed(ADS)


def volume(mib: int, name: str = "v", shared: bool = False, path: str = "path") -> Resources:
    disk = Disk(persistence=Persistence(name), volume=Volume(path))
    return Resources.from_portions([Portion(Kind("disk", reservations=(ADS,), disk=disk, shared=shared), mib * 1000)])


def begin(
    stage: Stage, resources: str = "cpus:4;mem:1024;disk:1000", **details: object
) -> tuple[la.PID[FakeAgent], la.PID[FakeFramework]]:
    """An agent, and a framework in role ads that holds an offer of all of it."""
    agent = stage.agent(resources)
    return agent, stage.framework(roles=("ads",), **details)


def kinds(stage: Stage, agent: la.PID[FakeAgent]) -> list[str]:
    return [type(message.operation).__name__ for message in stage.heard(agent, ApplyOperation)]


def test_resources_that_can_never_be_are_told_by_statuses_and_the_offer_goes_back(stage: Stage) -> None:
    agent, framework = begin(stage)
    offer = stage.offers(framework)[0]
    unfit = "accept.operations[0].launch.task_infos[0].resources[0].scalar: negative"
    tasks = tuple([task(offer, name) for name in "ab"])

    stage.act(
        framework,
        Launch(tasks, unfit=unfit),
        Reserve(NOTHING, id=OperationID("o"), unfit=unfit),
        Launch((task(offer, "c"),)),
        refuse_seconds=0,
    )
    stage.advance(1)

    assert [(status.task_id, status.state) for status in stage.updates(framework)] == [
        ("a", TaskState.TASK_ERROR),
        ("b", TaskState.TASK_ERROR),
    ]
    assert all(status.message.endswith(unfit) for status in stage.updates(framework))
    [told] = stage.heard(framework, UpdateOperationStatus)
    assert (told.status.state, told.status.operation_id) == (OperationState.OPERATION_ERROR, "o")
    assert told.status.message.endswith(unfit)
    assert [message.task.task_id for message in stage.heard(agent, RunTask)] == ["c"]
    assert stage.offers(framework)[-1].resources == offer.resources - task(offer).resources


# Stands for ReservationTest.ReserveThenUnreserve: the next offer shows what was made, and no filter keeps it back.
def test_what_was_reserved_is_offered_as_such_at_once(stage: Stage) -> None:
    agent, framework = begin(stage)

    stage.act(framework, Reserve(reserved("cpus:1")), refuse_seconds=3600)
    stage.advance(1)

    assert stage.offers(framework)[-1].resources.reserved() == reserved("cpus:1")
    assert stage.state().agents[0].info.resources == Resources.parse("cpus:3;mem:1024;disk:1000") + reserved("cpus:1")
    assert kinds(stage, agent) == ["Reserve"]


def test_what_was_reserved_and_unreserved_is_as_it_was(stage: Stage) -> None:
    agent, framework = begin(stage)
    total = stage.offers(framework)[0].resources

    stage.act(framework, Reserve(reserved("cpus:1")), Unreserve(reserved("cpus:1")), refuse_seconds=0)
    stage.advance(1)

    assert stage.offers(framework)[-1].resources == total
    assert kinds(stage, agent) == ["Reserve", "Unreserve"]


# Stands for ReservationTest.ReserveAndLaunchThenUnreserve: each operation sees what those before it have made.
def test_an_accept_reserves_makes_a_volume_and_launches_on_both(stage: Stage) -> None:
    agent, framework = begin(stage)
    offer = stage.offers(framework)[0]
    info = msgspec.structs.replace(task(offer), resources=reserved("cpus:1") + volume(100))

    stage.act(framework, Reserve(reserved("cpus:1;disk:100")), Create(volume(100)), Launch((info,)))

    assert stage.updates(framework) == []
    assert [type(message) for message in stage.heard(agent, ApplyOperation) + stage.heard(agent, RunTask)] == [
        ApplyOperation,
        ApplyOperation,
        RunTask,
    ]
    assert stage.state().agents[0].used == info.resources


# Stands for ReservationTest.DropReserveTooLarge and DropReserveWithDifferentRole.
@pytest.mark.parametrize(
    "wrong",
    [
        Reserve(reserved("cpus:5")),
        Reserve(Resources.parse("cpus:1").pushed(Reservation(ReservationType.DYNAMIC, "other"))),
        Unreserve(reserved("cpus:1")),
        Create(volume(10)),
        Destroy(volume(10)),
        GrowVolume(volume(10), reserved("disk:1")),
        ShrinkVolume(volume(10), 1000),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_a_refused_operation_changes_nothing_and_does_not_hold_up_the_next(stage: Stage, wrong: Reserve) -> None:
    agent, framework = begin(stage)
    offer = stage.offers(framework)[0]

    stage.act(framework, wrong, Launch((task(offer),)))
    assert stage.operation_statuses(framework) == []
    stage.advance(7)
    stage.act(framework, msgspec.structs.replace(wrong, id=OperationID("o")))

    [status] = stage.operation_statuses(framework)
    assert (status.state, status.operation_id, status.uuid) == (OperationState.OPERATION_ERROR, "o", None)
    assert status.message
    assert len(stage.heard(agent, RunTask)) == 1
    assert kinds(stage, agent) == []
    assert stage.state().agents[0].info.resources == offer.resources


# Stands for PersistentVolumeTest.CreateAndDestroyPersistentVolumes.
def test_a_volume_is_made_offered_and_destroyed(stage: Stage) -> None:
    agent, framework = begin(stage)
    stage.act(framework, Reserve(reserved("disk:100")), Create(volume(100)), refuse_seconds=0)
    stage.advance(1)
    assert stage.offers(framework)[-1].resources == Resources.parse("cpus:4;mem:1024;disk:900") + volume(100)

    stage.act(framework, Destroy(volume(100)), Unreserve(reserved("disk:100")), refuse_seconds=0)
    stage.advance(1)

    assert stage.offers(framework)[-1].resources == Resources.parse("cpus:4;mem:1024;disk:1000")
    assert kinds(stage, agent) == ["Reserve", "Create", "Destroy", "Unreserve"]


# Mesos's master says nothing about the path (validateDiskInfo): it is for the agent, which mounts the volume, to judge.
@pytest.mark.parametrize("path", ["../../etc", "/etc", "a/b", ""])
def test_where_a_volume_is_in_a_container_is_not_the_masters_to_judge(stage: Stage, path: str) -> None:
    agent, framework = begin(stage)
    info = msgspec.structs.replace(task(stage.offers(framework)[0]), resources=volume(100, path=path))

    stage.act(framework, Reserve(reserved("disk:100")), Create(volume(100, path=path)), Launch((info,)))

    assert kinds(stage, agent) == ["Reserve", "Create"]
    assert [message.task for message in stage.heard(agent, RunTask)] == [info]


# As in Mesos, whose DiskInfo is the same wherever it is seen. The next offer has the volume as it was made.
@pytest.mark.parametrize("is_group", [False, True])
def test_a_task_sees_a_volume_where_it_says(stage: Stage, is_group: bool) -> None:
    agent, framework = begin(stage)
    offer = stage.offers(framework)[0]
    info = task(offer, resources="cpus:1;mem:32")
    info = msgspec.structs.replace(info, resources=info.resources + volume(100, path="/elsewhere"))
    launch = LaunchGroup(default_executor(), TaskGroup((info,))) if is_group else Launch((info,))

    stage.act(framework, Reserve(reserved("disk:100")), Create(volume(100)), launch, refuse_seconds=0)

    assert stage.updates(framework) == []
    sent = stage.heard(agent, RunGroup)[0].group.tasks if is_group else [stage.heard(agent, RunTask)[0].task]
    assert [said_resources(each) for each in sent] == [info.resources]
    stage.report(agent, offer.framework_id, sent[0], TaskState.TASK_FINISHED)
    stage.advance(1)
    assert stage.offers(framework)[-1].resources.reserved() == volume(100)


# Stands for PersistentVolumeTest.GrowVolume, ShrinkVolume and NonSpeculativeGrowAndLaunch.
@pytest.mark.parametrize(
    ("operation", "after"),
    [
        (GrowVolume(volume(50), reserved("disk:10")), volume(60) + reserved("disk:40")),
        (ShrinkVolume(volume(50), 20_000), volume(30) + reserved("disk:70")),
    ],
    ids=["grow", "shrink"],
)
def test_a_volume_is_resized_once_its_agent_says_so(stage: Stage, operation: GrowVolume, after: Resources) -> None:
    agent, framework = begin(stage)
    stage.act(framework, Reserve(reserved("disk:100")), Create(volume(50)), refuse_seconds=0)
    stage.advance(1)
    total = stage.state().agents[0].info.resources
    early = msgspec.structs.replace(task(stage.offers(framework)[-1]), resources=after)

    stage.act(framework, operation, Launch((early,)), refuse_seconds=0)
    [refused] = stage.updates(framework)
    before = stage.state().agents[0]
    stage.answer(agent, stage.applied(agent)[-1])
    stage.advance(1)

    assert refused.reason is Reason.REASON_TASK_INVALID
    assert before.info.resources == total
    assert before.used.contains(volume(50))
    assert stage.state().agents[0].info.resources == total - volume(50) - reserved("disk:50") + after
    assert stage.state().agents[0].used == NOTHING
    assert sum([offer.resources for offer in stage.state().frameworks[0].offers], NOTHING).contains(after)


def test_a_resize_that_failed_leaves_everything_as_it_was(stage: Stage) -> None:
    agent, framework = begin(stage)
    stage.act(framework, Reserve(reserved("disk:100")), Create(volume(50)), refuse_seconds=0)
    stage.advance(1)
    total = stage.state().agents[0].info.resources
    stage.act(framework, ShrinkVolume(volume(50), 20_000, OperationID("o")))
    assert stage.state().agents[0].used == volume(50)

    stage.answer(agent, stage.applied(agent)[-1], OperationState.OPERATION_FAILED)

    assert stage.state().agents[0].info.resources == total
    assert stage.state().agents[0].used == NOTHING
    assert stage.operation_statuses(framework)[-1].state is OperationState.OPERATION_FAILED


# Goal: the agent's word about what it has counts. Method: it drops one of two operations, then does the other.
def test_an_agent_that_did_not_do_what_was_expected_is_believed(stage: Stage) -> None:
    agent, framework = begin(stage, "cpus:4;mem:1024")
    stage.act(framework, Reserve(reserved("cpus:1")), Reserve(reserved("mem:24")), refuse_seconds=0)
    stage.advance(1)
    offer = stage.offers(framework)[-1]
    first, second = stage.applied(agent)

    stage.answer(agent, first, OperationState.OPERATION_DROPPED, total=Resources.parse("cpus:4;mem:1024"))
    stage.answer(agent, second)

    assert stage.heard(framework, Rescind)[0] == Rescind(offer.id)
    assert stage.state().agents[0].info.resources == Resources.parse("cpus:4;mem:1000") + reserved("mem:24")
    stage.advance(1)
    assert stage.offers(framework)[-1].resources == Resources.parse("cpus:4;mem:1000") + reserved("mem:24")


# Stands for MasterTest.LaunchCombinedOfferTest.
def test_offers_of_one_agent_are_used_together(stage: Stage) -> None:
    agent, framework = begin(stage, "cpus:4;mem:1024")
    first = stage.offers(framework)[0]
    half = task(first, "half", "cpus:2;mem:512")
    stage.accept(framework, first, half, refuse_seconds=0)
    stage.advance(1)
    stage.report(agent, first.framework_id, half, TaskState.TASK_FINISHED)
    stage.advance(1)
    offer_ids = tuple([offer.id for offer in stage.offers(framework)[1:]])
    whole = task(first, "whole", "cpus:4;mem:1024")

    stage.call(
        framework,
        Accept(framework_id=first.framework_id, offer_ids=offer_ids, operations=(Launch((whole,)),)),
    )

    assert len(offer_ids) == 2
    assert stage.state().agents[0].used == whole.resources


def test_with_invalid_offers_every_task_is_lost_and_every_operation_dropped(stage: Stage) -> None:
    agent, framework = begin(stage)
    offer = stage.offers(framework)[0]
    group = LaunchGroup(default_executor(), TaskGroup((task(offer, "b"),)))

    stage.call(
        framework,
        Accept(
            framework_id=offer.framework_id,
            offer_ids=(offer.id, OfferID("gone")),
            operations=(Launch((task(offer, "a"),)), group, Reserve(reserved("cpus:1"), id=OperationID("o"))),
        ),
    )

    assert {(status.task_id, status.reason) for status in stage.updates(framework)} == {
        ("a", Reason.REASON_INVALID_OFFERS),
        ("b", Reason.REASON_INVALID_OFFERS),
    }
    [status] = stage.operation_statuses(framework)
    assert (status.state, status.operation_id) == (OperationState.OPERATION_ERROR, "o")
    assert "no longer valid" in status.message
    assert stage.heard(agent, ApplyOperation) == []


# ---- executors ----


def default_executor(resources: str = "cpus:0.1;mem:32;disk:10") -> ExecutorInfo:
    return ExecutorInfo(executor_id=ExecutorID("e"), type=ExecutorType.DEFAULT, resources=Resources.parse(resources))


def test_a_groups_executor_is_counted_once_and_until_it_has_ended(stage: Stage) -> None:
    agent, framework = begin(stage)
    offer = stage.offers(framework)[0]
    pairs = [tuple(task(offer, f"{name}{number}", "cpus:0.5;mem:100") for number in "12") for name in "ab"]

    stage.act(framework, *[LaunchGroup(default_executor(), TaskGroup(pair)) for pair in pairs])

    first, second = stage.heard(agent, RunGroup)
    assert (first.starts_executor, second.starts_executor) == (True, False)
    assert 0 < first.number < second.number
    assert [each.task_id for each in first.group.tasks] == ["a1", "a2"]
    assert first.executor.framework_id == offer.framework_id
    assert stage.state().agents[0].used == Resources.parse("cpus:2.1;mem:432;disk:10")


def test_an_offer_names_the_executors_of_its_framework(stage: Stage) -> None:
    _, framework = begin(stage)
    offer = stage.offers(framework)[0]
    group = LaunchGroup(default_executor(), TaskGroup((task(offer),)))

    stage.act(framework, group, refuse_seconds=0)
    stage.advance(2)
    own = stage.offers(framework)[-1]
    stage.call(framework, Decline(framework_id=own.framework_id, offer_ids=(own.id,), filters=Filters(1000)))
    other = stage.framework("other")
    stage.advance(2)

    assert (offer.executor_ids, own.executor_ids) == ((), ("e",))
    assert stage.offers(other)[-1].executor_ids == ()


def test_an_executor_frees_its_resources_when_its_agent_says_that_it_has_ended(stage: Stage) -> None:
    agent, framework = begin(stage)
    offer = stage.offers(framework)[0]
    info = task(offer, resources="cpus:1;mem:100")
    stage.act(framework, LaunchGroup(default_executor(), TaskGroup((info,))))
    assert stage.state().agents[0].used == Resources.parse("cpus:1.1;mem:132;disk:10")

    stage.report(agent, offer.framework_id, info, TaskState.TASK_FINISHED)
    assert stage.state().agents[0].used == Resources.parse("cpus:0.1;mem:32;disk:10")
    for _ in range(2):
        exited = ExecutorExited(framework_id=offer.framework_id, executor_id=ExecutorID("e"), exit_status=7)
        stage.say(agent, exited)

    assert stage.state().agents[0].used == NOTHING
    assert stage.heard(framework, Failure) == [Failure(offer.agent_id, ExecutorID("e"), 7)]


def test_a_group_is_refused_as_a_whole(stage: Stage) -> None:
    agent, framework = begin(stage)
    offer = stage.offers(framework)[0]
    group = TaskGroup((task(offer, "a"), task(offer, "b", "cpus:9")))

    stage.act(framework, LaunchGroup(default_executor(), group))

    assert [status.state for status in stage.updates(framework)] == [TaskState.TASK_ERROR] * 2
    assert {status.reason for status in stage.updates(framework)} == {Reason.REASON_TASK_GROUP_INVALID}
    assert stage.heard(agent, RunGroup) == []
    assert stage.state().agents[0].used == NOTHING


# Stands for TaskValidationTest.ExecutorInfoDiffersOnSameSlave.
def test_an_executor_that_runs_must_be_described_as_it_is(stage: Stage) -> None:
    agent, framework = begin(stage)
    offer = stage.offers(framework)[0]
    custom = ExecutorInfo(
        executor_id=ExecutorID("e"), command=CommandInfo(value="run"), resources=Resources.parse("cpus:0.1;mem:32")
    )
    other = msgspec.structs.replace(custom, name="other")
    one, two, three = [
        msgspec.structs.replace(task(offer, name), command=None, executor=executor)
        for name, executor in (("a", custom), ("b", custom), ("c", other))
    ]

    stage.act(framework, Launch((one,)), refuse_seconds=0)
    stage.advance(1)
    stage.act(framework, Launch((two, three)))

    assert [run.starts_executor for run in stage.heard(agent, RunTask)] == [True, False]
    [refused] = stage.updates(framework)
    assert (refused.task_id, refused.state) == ("c", TaskState.TASK_ERROR)
    assert stage.state().agents[0].used == Resources.parse("cpus:2.1;mem:288")


@pytest.mark.parametrize("loss", ["agent", "framework"])
def test_nothing_of_executors_and_operations_is_left_when_one_side_goes(stage: Stage, loss: str) -> None:
    agent, framework = begin(stage)
    offer = stage.offers(framework)[0]
    stage.act(framework, Reserve(reserved("disk:100")), Create(volume(50)), refuse_seconds=0)
    stage.advance(1)
    group = LaunchGroup(default_executor(), TaskGroup((task(offer, resources="cpus:1;mem:100"),)))
    stage.act(framework, ShrinkVolume(volume(50), 20_000), group)

    stage.lose(agent if loss == "agent" else framework)
    stage.advance(90)

    state = stage.state()
    assert [entry.used for entry in state.agents] == [NOTHING] * (loss == "framework")
    assert [entry.used for entry in state.frameworks] == [NOTHING] * (loss == "agent")


# ---- shared volumes ----


def sharing(stage: Stage) -> tuple[la.PID[FakeAgent], la.PID[FakeFramework]]:
    """A framework that is offered an agent with a shared volume."""
    agent, framework = begin(stage, "cpus:8;mem:1024;disk:1000", capabilities=("SHARED_RESOURCES",))
    stage.act(framework, Reserve(reserved("disk:100")), Create(volume(100, shared=True)), refuse_seconds=0)
    stage.advance(1)
    assert stage.offers(framework)[-1].resources.contains(volume(100, shared=True))
    return agent, framework


# Stands for PersistentVolumeTest.SharedPersistentVolumeMultipleTasks.
def test_several_tasks_of_an_accept_use_one_copy_of_a_shared_volume(stage: Stage) -> None:
    agent, framework = sharing(stage)
    offer = stage.offers(framework)[-1]
    one, two, three = [
        msgspec.structs.replace(task(offer, name), resources=Resources.parse("cpus:1") + volume(100, shared=True))
        for name in ("a", "b", "c")
    ]

    stage.act(framework, Launch((one, two)), Launch((three,)), refuse_seconds=0)

    assert stage.updates(framework) == []
    assert stage.state().agents[0].used.scalars() == {"cpus": 3000, "disk": 100_000}
    for info in (one, two, three):
        stage.report(agent, offer.framework_id, info, TaskState.TASK_FINISHED)
    assert stage.state().agents[0].used == NOTHING


# Stands for PersistentVolumeTest.SharedPersistentVolumeRescindOnDestroy.
def test_offers_of_a_shared_volume_are_rescinded_when_it_is_destroyed(stage: Stage) -> None:
    agent, owner = sharing(stage)
    info = task(stage.offers(owner)[-1], resources="cpus:1")
    other = stage.framework("other", roles=("ads",), capabilities=("SHARED_RESOURCES",))
    stage.accept(owner, stage.offers(owner)[-1], info, refuse_seconds=3600)
    stage.advance(1)
    stage.report(agent, stage.framework_id(owner), info, TaskState.TASK_FINISHED)
    stage.advance(1)
    first, second = stage.offers(other)
    assert first.resources.shared() == second.resources.shared() == volume(100, shared=True)

    stage.act(other, Destroy(volume(100, shared=True)))

    assert stage.heard(other, Rescind) == [Rescind(first.id)]
    assert stage.state().agents[0].info.resources.contains(reserved("disk:100"))
    assert kinds(stage, agent)[-1] == "Destroy"


# Goal: a grant on its way of what is destroyed meanwhile harms nobody. Method: destroy while a plan is being offered.
def test_a_grant_of_a_volume_that_is_gone_goes_back(stage: Stage) -> None:
    _, framework = sharing(stage)
    offer = stage.offers(framework)[-1]
    grant = Grant(
        framework_id=offer.framework_id, role="ads", agent_id=offer.agent_id, resources=volume(100, shared=True)
    )
    stage.book(
        AllocationConverted(
            framework_id=offer.framework_id, role="ads", agent_id=offer.agent_id, before=NOTHING, after=grant.resources
        )
    )

    stage.act(framework, Destroy(volume(100, shared=True)), refuse_seconds=0)
    la.post(stage.master, Granted((grant,)), sender=stage.allocator)
    stage.settle()

    assert len(stage.offers(framework)) == 2
    stage.advance(1)
    assert stage.offers(framework)[-1].resources == Resources.parse("cpus:8;mem:1024;disk:900") + reserved("disk:100")


def test_a_shared_volume_that_a_task_uses_is_not_destroyed(stage: Stage) -> None:
    agent, framework = sharing(stage)
    offer = stage.offers(framework)[-1]
    info = msgspec.structs.replace(task(offer), resources=Resources.parse("cpus:1") + volume(100, shared=True))
    stage.act(framework, Launch((info,)), refuse_seconds=0)
    stage.advance(1)

    stage.act(framework, Destroy(volume(100, shared=True), OperationID("o")))

    [status] = stage.operation_statuses(framework)
    assert "tasks use" in status.message
    assert kinds(stage, agent) == ["Reserve", "Create"]
