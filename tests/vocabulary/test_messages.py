"""Calls, events and messages: all come back from the wire as what they were."""

from typing import Any

import msgspec
import pytest

from mesoslite.model import (
    Accept,
    AcceptInverseOffers,
    Acknowledge,
    AcknowledgeOperationStatus,
    AgentID,
    AgentInfo,
    AgentMessage,
    AgentRegistered,
    AgentReregistered,
    ApplyOperation,
    Attribute,
    AttributeItems,
    AttributeRanges,
    Call,
    CommandInfo,
    Decline,
    DeclineInverseOffers,
    Drain,
    Error,
    Event,
    ExecutorExited,
    ExecutorID,
    ExecutorInfo,
    ExecutorMessage,
    ExecutorToFramework,
    ExecutorType,
    Failure,
    FrameworkID,
    FrameworkInfo,
    FrameworkToExecutor,
    Heartbeat,
    InverseOffer,
    InverseOffers,
    Kill,
    KillTask,
    Label,
    Launch,
    MasterMessage,
    Offer,
    OfferID,
    Offers,
    OperationAcknowledgement,
    OperationID,
    OperationReference,
    OperationsExpected,
    OperationState,
    OperationStatus,
    OperationUpdate,
    Ping,
    Pong,
    Reason,
    Reconcile,
    ReconcileOperations,
    RegisterAgent,
    RequestResources,
    ReregisterAgent,
    Rescind,
    RescindInverseOffer,
    Resources,
    Revive,
    RunGroup,
    RunTask,
    Shutdown,
    ShutdownAgent,
    ShutdownExecutor,
    ShutdownFramework,
    Source,
    StatusUpdate,
    StatusUpdateAcknowledgement,
    Subscribe,
    Subscribed,
    Suppress,
    TaskGroup,
    TaskID,
    TaskInfo,
    TaskRecord,
    TaskReference,
    TaskState,
    TaskStatus,
    Teardown,
    TellExecutor,
    Unavailability,
    UnconfirmedTask,
    UnregisterAgent,
    Unreserve,
    Update,
    UpdateFramework,
    UpdateFrameworkInfo,
    UpdateOperationStatus,
)
from mesoslite.model.messages import CompletedTasks
from mesoslite.model.packed_frameworks import pack_frameworks
from mesoslite.model.task_records import pack_tasks

VALUES = ("r1", 7.0, AttributeRanges(((1, 3),)), AttributeItems(("a", "b")))
ATTRIBUTES = tuple(Attribute("rack", value) for value in VALUES)
F, A, T, OFFER_ID = FrameworkID("m-0000"), AgentID("m-S0"), TaskID("t"), OfferID("m-O0")
UUID = bytes(range(16))
SOME = Resources.parse("cpus:0.5;mem:32;cpus(ads):1;ports:[31000-31001];zones:{a}")
FRAMEWORK = FrameworkInfo(name="f", user="nobody", roles=("ads",), id=F)
TASK = TaskInfo(
    task_id=T,
    name="t",
    agent_id=A,
    resources=SOME,
    command=CommandInfo(value="echo", shell=False, arguments=("echo", "1"), environment=(("A", "1"),)),
    labels=(Label("k", "v"),),
    kill_grace_seconds=0.5,
)
STATUS = TaskStatus(
    task_id=T,
    state=TaskState.TASK_LOST,
    source=Source.SOURCE_MASTER,
    timestamp=1.25,
    agent_id=A,
    reason=Reason.REASON_AGENT_REMOVED,
    uuid=UUID,
)
EXECUTOR = ExecutorInfo(executor_id=ExecutorID("e"), type=ExecutorType.DEFAULT, resources=SOME)
OPERATION_STATUS = OperationStatus(
    state=OperationState.OPERATION_DROPPED, operation_id=OperationID("o"), message="lost", uuid=UUID, agent_id=A
)
OFFER = Offer(id=OFFER_ID, framework_id=F, agent_id=A, hostname="h", resources=SOME, role="ads", port=5051)
INVERSE_OFFER = InverseOffer(id=OFFER_ID, framework_id=F, agent_id=A, unavailability=Unavailability(1, 2))

EXAMPLES = {
    Call: (
        Subscribe(FRAMEWORK),
        Accept(framework_id=F, offer_ids=(OFFER_ID,), operations=(Launch((TASK,)),)),
        Decline(framework_id=F, offer_ids=(OFFER_ID,)),
        AcceptInverseOffers(framework_id=F, inverse_offer_ids=(OFFER_ID,)),
        DeclineInverseOffers(framework_id=F, inverse_offer_ids=(OFFER_ID,)),
        Kill(framework_id=F, task_id=T),
        Acknowledge(framework_id=F, agent_id=A, task_id=T, uuid=UUID),
        Reconcile(F, (TaskReference(T, A),)),
        AcknowledgeOperationStatus(framework_id=F, operation_id=OperationID("o"), uuid=UUID),
        ReconcileOperations(F, (OperationReference(OperationID("o"), A),)),
        Suppress(F, ("ads",)),
        Revive(F),
        RequestResources(F),
        TellExecutor(framework_id=F, agent_id=A, executor_id=EXECUTOR.executor_id, data=b"\xff"),
        Shutdown(framework_id=F, agent_id=A, executor_id=EXECUTOR.executor_id),
        Teardown(F),
        UpdateFramework(framework_id=F, framework=FRAMEWORK),
    ),
    Event: (
        Subscribed(framework_id=F, master_id="m", heartbeat_interval_seconds=15.0),
        Offers((OFFER,)),
        Rescind(OFFER_ID),
        InverseOffers((INVERSE_OFFER,)),
        RescindInverseOffer(OFFER_ID),
        Update(STATUS),
        UpdateOperationStatus(OPERATION_STATUS),
        ExecutorMessage(A, EXECUTOR.executor_id, b"\xff"),
        Failure(A),
        Error("gone"),
        Heartbeat(),
    ),
    AgentMessage: (
        RegisterAgent(AgentInfo(hostname="h", port=5051, resources=SOME, attributes=ATTRIBUTES)),
        ReregisterAgent(
            info=AgentInfo(hostname="h", port=5051, resources=SOME, id=A),
            tasks=pack_tasks(
                [TaskRecord(info=TASK, framework_id=F, state=TaskState.TASK_LOST, statuses=(STATUS,), role="web")]
            ),
            completed_tasks=(CompletedTasks(F, (b"\x90",)),),
            frameworks=pack_frameworks([FRAMEWORK]),
        ),
        UnregisterAgent(A),
        StatusUpdate(framework_id=F, status=STATUS, latest_state=TaskState.TASK_LOST),
        OperationUpdate(
            framework_id=F,
            operation_uuid=UUID,
            status=OPERATION_STATUS,
            latest_state=OperationState.OPERATION_DROPPED,
            total=SOME,
        ),
        ExecutorExited(framework_id=F, executor_id=EXECUTOR.executor_id, exit_status=1),
        ExecutorToFramework(framework_id=F, executor_id=EXECUTOR.executor_id, agent_id=A, data=b"\xff"),
        Pong(),
    ),
    MasterMessage: (
        AgentRegistered(A, epoch=3),
        Ping(connected=True),
        AgentReregistered(agent_id=A, unconfirmed=(UnconfirmedTask(F, T, TaskState.TASK_LOST),)),
        RunTask(FRAMEWORK, TASK),
        RunGroup(FRAMEWORK, EXECUTOR, TaskGroup((TASK,)), True),
        ApplyOperation(framework_id=F, operation_uuid=UUID, operation=Unreserve(SOME)),
        OperationAcknowledgement(operation_uuid=UUID, status_uuid=UUID),
        OperationsExpected(((F, UUID),)),
        KillTask(framework_id=F, task_id=T, grace_seconds=1.0),
        Drain(max_grace_seconds=1.0, mark_gone=True),
        StatusUpdateAcknowledgement(agent_id=A, framework_id=F, task_id=T, uuid=UUID),
        UpdateFrameworkInfo(FRAMEWORK),
        ShutdownFramework(F),
        FrameworkToExecutor(framework_id=F, executor_id=EXECUTOR.executor_id, data=b"\xff"),
        ShutdownExecutor(framework_id=F, executor_id=EXECUTOR.executor_id),
        ShutdownAgent("full"),
    ),
}
ALL = [(union, example) for union, examples in EXAMPLES.items() for example in examples]


@pytest.mark.parametrize(("union", "example"), ALL, ids=[type(example).__name__ for _, example in ALL])
@pytest.mark.parametrize("codec", [msgspec.json, msgspec.msgpack], ids=["json", "msgpack"])
def test_message_comes_back_from_the_wire_as_one_of_its_union(codec: Any, union: Any, example: Any) -> None:
    decoded = codec.decode(codec.encode(example), type=union)

    assert (type(decoded), decoded) == (type(example), example)


# Goal: a type added to a union is also tried above. Method: compare with the union's own members.
@pytest.mark.parametrize("union", EXAMPLES, ids=["Call", "Event", "AgentMessage", "MasterMessage"])
def test_every_member_of_a_union_has_an_example(union: Any) -> None:
    assert [type(example) for example in EXAMPLES[union]] == list(union.__args__)


@pytest.mark.parametrize("example", [example for _, example in ALL], ids=lambda example: type(example).__name__)
def test_message_can_be_hashed_and_cannot_be_changed(example: Any) -> None:
    names = type(example).__struct_fields__

    assert isinstance(hash(example), int)
    for name in names:
        with pytest.raises(AttributeError):
            setattr(example, name, None)
