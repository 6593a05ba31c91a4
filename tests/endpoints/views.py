"""Views of a master's books, made by hand."""

from libactor.records import Collection
from mesoslite.model import MasterInfo, MasterTenure, Reservation, ReservationType, ValueType
from mesoslite.model.record_types import AGENT, EXECUTOR, FRAMEWORK, OFFER, OPERATION, TASK
from mesoslite.model.records import Agent, Framework, Resource, Status, Task
from mesoslite.model.states import TaskState
from mesoslite.model.view import FrameworkView, View


def snapshot(kind, key, records):
    collection = Collection(kind, key)
    for record in records:
        collection.put(kind.pack(record))
    return collection.snapshot()


def task(task_id, *, agent="m-S0", framework="f", state=TaskState.TASK_RUNNING, timestamp=None):
    statuses = (Status(task_id, state, timestamp),) if timestamp is not None else ()
    return Task(task_id, task_id, framework, agent, state, statuses=statuses)


def framework(framework_id="f", *, tasks=(), unreachable=(), completed=((),), executors=(), offers=(), record=None):
    """``completed`` are blocks of tasks; ``record`` the framework's own."""
    return FrameworkView(
        framework=FRAMEWORK.pack(record or Framework(framework_id, framework_id, "root", 4_000_000_000)),
        tasks=snapshot(TASK, "task_id", tasks),
        unreachable_tasks=snapshot(TASK, "task_id", unreachable),
        completed_tasks=tuple([snapshot(TASK, "task_id", block) for block in completed]),
        executors=snapshot(EXECUTOR, ("agent_id", "executor_id"), executors),
        offers=snapshot(OFFER, "id", offers),
    )


def agent(agent_id="m-S0", **fields):
    return Agent(agent_id, "host", 5051, "slave(1)@host:5051", "1.12.0", 3_000_000_000, **fields)


def amounts(role="*", **units):
    """Scalars, reserved for that role."""
    reservations = () if role == "*" else (Reservation(ReservationType.STATIC, role),)
    return tuple(
        [
            Resource(name, ValueType.SCALAR, count * 1000, role=role, reservations=reservations)
            for name, count in units.items()
        ]
    )


def view(
    number=1, *, agents=(), recovered=(), frameworks=(), completed=(), operations=(), hostname="localhost", domain=None
):
    info = MasterInfo(id="m", hostname=hostname, port=5050, pid="master@local-1", domain=domain)
    return View(
        number=number,
        master=MasterTenure(info=info, start_time=1.5, elected_time=2.5),
        agents=snapshot(AGENT, "id", agents),
        recovered_agents=snapshot(AGENT, "id", recovered),
        active_agents=sum([one.active for one in agents]),
        unreachable_agents=2,
        frameworks=tuple(frameworks),
        completed_frameworks=tuple(completed),
        operations=snapshot(OPERATION, "uuid", operations),
    )
