"""Failover: how long a new master takes until all agents of the old one are back, with all that they run."""

# No peer that could run beside it: what Mesos's C++ needs for the same stands in bench/failover_figures.py.
# Parameters and work are those of Mesos's own benchmark (master_benchmarks.cpp, AgentReregistrationDelay), and of its
#   report of 2017: agents that the registry does not know, frameworks that all agents share and whose schedulers are
#   not there, ten labels a task; completed tasks are of other frameworks, which a master does not know, as in Mesos.
# The clock starts at the first of the messages, which are there as the bytes that came off a wire, and stops when the
#   last agent has its answer: then its return is durable, in a file on the disk of the checkout. One actor decodes the
#   messages and posts them as their agents, a few a turn, while the master works. Each agent is an actor, which only
#   counts what it is told.
# The process is set up as `mesoslite dev` does it (cli/prompt.py).
# The bytes of all messages are kept throughout. What the process takes beyond that is the master's, at most.

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any, NamedTuple

import libactor as la
from bench.asking import asking, worst_of_most
from bench.benchmarks import expect
from bench.memory import peak, reset_peak
from libactor.codec import Reader, Writer
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.cli.prompt import prompt
from mesoslite.master import Allocator, Master
from mesoslite.model import (
    AgentID,
    AgentInfo,
    AgentReregistered,
    CommandInfo,
    FrameworkID,
    FrameworkInfo,
    Label,
    MasterInfo,
    Ping,
    Pong,
    ReregisterAgent,
    Resources,
    Source,
    TaskID,
    TaskInfo,
    TaskRecord,
    TaskState,
    TaskStatus,
)
from mesoslite.model.messages import CompletedTasks
from mesoslite.model.packed_frameworks import pack_frameworks
from mesoslite.model.registry import AdmitAgent
from mesoslite.model.task_records import pack_tasks
from mesoslite.registry import Registrar, SqliteStorage

FOLDER = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 110.0
FRAMEWORKS = 5
LABELS = 10
AT_ONCE = 4  # messages that are posted in a turn
AGENT_RESOURCES = Resources.parse("cpus:200;mem:1000000;disk:1000000")
TASK_RESOURCES = Resources.parse("cpus:0.1;mem:32;disk:16")
NUMBER = "@@@@@"  # stands, in what is made once, for the number of an agent in five digits


class Load(NamedTuple):
    """What there is to come back: so many tasks an agent, in so many frameworks."""

    agents: int
    tasks: int
    completed: int
    frameworks: int = FRAMEWORKS

    @property
    def active(self) -> int:
        """All tasks that run."""
        return self.agents * self.tasks

    def messages(self) -> Iterator[bytes]:
        """What each agent says, as the bytes that come off the wire."""
        mark = Writer().encode(_message(self))
        for number in range(self.agents):
            yield mark.replace(NUMBER.encode(), f"{number:05}".encode())


def load_of(agents: int, extent: int) -> Load:
    """The load of a line: ``extent`` is the tasks of an agent, and a thousand times its completed ones."""
    completed, tasks = divmod(extent, 1_000)
    return Load(agents, tasks, completed, 1 if tasks < FRAMEWORKS * 2 else FRAMEWORKS)


class FailoverWork:
    """Each method has so many agents (``count``) come back to a new master with so many tasks (``extent``)."""

    def fail_over(self, count: int, extent: int) -> float:
        """Agents that the registry does not know."""
        return _fail_over(load_of(count, extent), known=False)

    def fail_over_known(self, count: int, extent: int) -> float:
        """Agents that the registry knows."""
        return _fail_over(load_of(count, extent), known=True)

    def ask_amid_failover(self, count: int, extent: int) -> float:
        """Meanwhile somebody asks the master for nothing, once a millisecond: what 99 of 100 answers take at most."""
        answers: list[float] = []
        _fail_over(load_of(count, extent), known=False, waits=answers)
        return worst_of_most(answers, f"the return of {count:,} agents")


def _fail_over(load: Load, *, known: bool, waits: list[float] | None = None) -> float:
    messages = list(load.messages())
    size = sum([len(message) for message in messages])
    with TemporaryDirectory(dir=FOLDER) as folder, prompt(), la.Runtime() as runtime:
        path = Path(folder) / "registry.db"
        if known:
            _admit(path, load)
        registrar = runtime.spawn(Registrar(SqliteStorage(path), id="registrar-new"))
        master = runtime.spawn(Master(runtime.spawn(Allocator(HierarchicalAllocator())), registrar))
        la.dispatch(master, Master.wait_leading).get(PATIENCE_SECONDS)
        back = la.Promise[None]()
        tally = Tally(load.agents, back)
        agents = [runtime.spawn(Returning(number, tally)) for number in range(load.agents)]
        wire = runtime.spawn(Wire(master, agents, messages))
        gc.collect()
        before = reset_peak()
        start, start_cpu = perf_counter(), process_time()
        la.tell(wire, Wire.deliver)
        with asking(master, waits) if waits is not None else nullcontext():
            back.future.get(PATIENCE_SECONDS)
            seconds, cpu_seconds = perf_counter() - start, process_time() - start_cpu
        grown = peak() - before
        kept = _check(master, load)
        la.terminate(master)  # before its agents: else it would lose all their tasks, one by one
        la.wait(master, PATIENCE_SECONDS)
    print(
        f"failover: {load.agents:,} agents, {load.active:,} tasks and {load.agents * load.completed:,} completed sent, "
        f"{kept:,} kept, {size / 1e6:,.0f} MB, {seconds:.2f} s, of the processor {cpu_seconds:.2f} s, "
        f"{load.agents / seconds:,.0f} agents/s, at most {grown / 1e6:,.0f} MB more than the messages, "
        f"{grown / size:.2f} times as much as they",
        file=sys.stderr,
    )
    return seconds


def _check(master: la.PID[Master], load: Load) -> int:
    """All tasks that run are there, the last one can be read, and so many are kept."""
    running = la.dispatch(master, Master.count, "tasks_running").get(PATIENCE_SECONDS)
    expect(running, load.active, "tasks that run")
    last = TaskID(f"task-{load.agents - 1:05}-{load.tasks - 1:03}")
    stories = la.dispatch(master, Master.task_stories, last, "").get(PATIENCE_SECONDS)
    expect([len(story.earlier) for story in stories], [2], "statuses of the last task")
    return int(running)


def _admit(path: Path, load: Load) -> None:
    """Have a registry that knows the agents."""
    with la.Runtime() as runtime:
        registrar = runtime.spawn(Registrar(SqliteStorage(path)))
        la.dispatch(registrar, Registrar.recover, MasterInfo(id="before")).get(PATIENCE_SECONDS)
        infos = [_agent(f"{number:05}") for number in range(load.agents)]
        asked = [la.dispatch(registrar, Registrar.apply, AdmitAgent(info)) for info in infos]
        la.collect(asked).get(PATIENCE_SECONDS)


class Tally:
    """Counts agents that are back; only their actors touch it, of which one runs at a time."""

    def __init__(self, wanted: int, back: la.Promise[None]) -> None:
        self.missing = wanted
        self.back = back


class Returning(la.Actor):
    """An agent that waits for its answer."""

    def __init__(self, number: int, tally: Tally) -> None:
        super().__init__(f"slave-{number}")
        self._tally = tally

    @la.handles(AgentReregistered)
    def hear(self, message: AgentReregistered) -> None:
        """It is back."""
        tally = self._tally
        tally.missing -= 1
        if not tally.missing:
            tally.back.set(None)

    @la.handles(Ping)
    def ping(self, message: Ping, sender: la.PID[Any]) -> None:
        """It lives."""
        la.post(sender, Pong())


class Wire(la.Actor):
    """Posts what has come from the agents."""

    def __init__(self, master: la.PID[Master], agents: list[la.PID[Returning]], messages: list[bytes]) -> None:
        super().__init__("wire")
        self._master = master
        self._waiting = zip(agents, messages, strict=True)

    def deliver(self) -> None:
        """Some of it, and the rest later."""
        for _ in range(AT_ONCE):
            agent, message = next(self._waiting, (None, b""))
            if agent is None:
                return
            la.post(self._master, Reader({}, []).decode(message), sender=agent)
        la.tell(self.pid, Wire.deliver)


def _message(load: Load) -> ReregisterAgent:
    infos = [FrameworkInfo(name=f"framework-{n}", id=_framework(n)) for n in range(load.frameworks)]
    return ReregisterAgent(
        info=_agent(NUMBER),
        frameworks=pack_frameworks(infos),
        tasks=pack_tasks([_task(f"task-{NUMBER}-{n:03}", _framework(n % load.frameworks)) for n in range(load.tasks)]),
        completed_tasks=tuple(
            [_completed(load, FrameworkID(f"completed-{n}")) for n in range(FRAMEWORKS if load.completed else 0)]
        ),
    )


def _completed(load: Load, framework_id: FrameworkID) -> CompletedTasks:
    count = load.completed // FRAMEWORKS
    names = [f"{framework_id}-{NUMBER}-{n:03}" for n in range(count)]
    return CompletedTasks(
        framework_id, pack_tasks([_task(name, framework_id, TaskState.TASK_FINISHED) for name in names])
    )


def _agent(number: str) -> AgentInfo:
    return AgentInfo(
        hostname=f"host-{number}.example.com", port=5051, resources=AGENT_RESOURCES, id=AgentID(f"agent-{number}")
    )


def _framework(number: int) -> FrameworkID:
    return FrameworkID(f"framework-{number}")


def _task(task_id: str, framework_id: FrameworkID, state: TaskState = TaskState.TASK_RUNNING) -> TaskRecord:
    agent_id = AgentID(f"agent-{NUMBER}")
    states = (TaskState.TASK_STARTING, state)
    return TaskRecord(
        info=TaskInfo(
            task_id=TaskID(task_id),
            name=f"a task of {framework_id}",
            agent_id=agent_id,
            resources=TASK_RESOURCES,
            command=CommandInfo(value="sleep 1000"),
            labels=tuple([Label(f"key-{n}", f"value-{n}") for n in range(LABELS)]),
        ),
        framework_id=framework_id,
        state=state,
        role="*",
        statuses=tuple(
            [
                TaskStatus(
                    task_id=TaskID(task_id),
                    state=state,
                    source=Source.SOURCE_EXECUTOR,
                    timestamp=1_500_000_000.0,
                    agent_id=agent_id,
                    uuid=bytes(range(16)),
                )
                for state in states
            ]
        ),
    )
