"""A house for one agent: a paused clock, a master that writes down what it hears, containers without processes."""

# Who calls: the tests of this folder, by the fixture `house` of conftest.py.
# Every step settles the clock, so a test reads: send, look.

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

import libactor as la
from mesoslite.agent import Agent, RecoveryOptions
from mesoslite.model import (
    NOTHING,
    AgentFramework,
    AgentID,
    AgentRegistered,
    AgentReregistered,
    AgentSnapshot,
    Attachment,
    CommandInfo,
    Conflict,
    Container,
    ContainerConfig,
    ContainerID,
    ContainerNotices,
    ExecutorExited,
    ExecutorToFramework,
    FrameworkID,
    FrameworkInfo,
    KillTask,
    NotFound,
    OperationUpdate,
    OutputFollower,
    Pong,
    RegisterAgent,
    ReregisterAgent,
    Resources,
    RunTask,
    StatusUpdate,
    StatusUpdateAcknowledgement,
    TaskID,
    TaskInfo,
    TaskRun,
    Termination,
    UnregisterAgent,
    parent_of,
)

AGENT = AgentID("m-S0")
FRAMEWORK = FrameworkID("m-0000")
SETTLE_SECONDS = 30  # a bound on failure


def make_task(name: str = "t1", resources: str = "cpus:1", more: Resources = NOTHING, **fields: Any) -> TaskInfo:
    command = fields.pop("command", CommandInfo(value="exit 0"))
    return TaskInfo(
        task_id=TaskID(name),
        name=name,
        agent_id=AGENT,
        resources=Resources.parse(resources) + more,
        command=command,
        **fields,
    )


def make_framework(*capabilities: str, id: FrameworkID = FRAMEWORK, user: str = "") -> FrameworkInfo:
    return FrameworkInfo(name="f", id=id, capabilities=capabilities, user=user)


class Master(la.Actor):
    """Hears everything; answers a registration only if ``answers``, and then promises pings that often."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id)
        self.heard: list[Any] = []
        self.returned: la.Promise[ReregisterAgent] = la.Promise()
        self.answers = True
        self.ping_timeout = 1e9  # seconds
        self.epoch = 0

    @la.handles(RegisterAgent)
    @la.handles(ReregisterAgent)
    @la.handles(Pong)
    @la.handles(StatusUpdate)
    @la.handles(OperationUpdate)
    @la.handles(ExecutorExited)
    @la.handles(ExecutorToFramework)
    @la.handles(UnregisterAgent)
    def hear(self, message: Any, sender: la.PID[Any]) -> None:
        self.heard.append(message)
        if isinstance(message, RegisterAgent) and self.answers:
            la.post(sender, AgentRegistered(AGENT, self.ping_timeout, self.epoch))
        if isinstance(message, ReregisterAgent):
            self.returned.set(message)
        if isinstance(message, ReregisterAgent) and self.answers:
            la.post(
                sender,
                AgentReregistered(agent_id=AGENT, ping_timeout_seconds=self.ping_timeout, epoch=self.epoch),
            )

    def wait_return(self) -> la.Future[ReregisterAgent]:
        """The first message of an agent that comes back: dispatch it."""
        return self.returned.future

    def send(self, pid: la.PID[Any], message: Any) -> None:
        la.post(pid, message)

    def fail(self) -> None:
        raise OSError("the disk is full")


class Box:
    """A container without processes: it ends when the test says so, and is heard of if its agent is there."""

    has_started = True
    is_ending = False
    termination: Termination | None = None

    def __init__(self, number: int, config: ContainerConfig, notices: ContainerNotices) -> None:
        self.pid = number
        self.config = config
        self.command = config.command
        self.sandbox = Path(config.sandbox)
        self.environment = dict(config.environment)
        self.user = config.user
        self.signals: list[str] = []
        self.notices = notices

    def exit(self, exit_status: int | None) -> None:
        self.termination = Termination(exit_status)
        self.notices.ended(self.termination)

    def terminate(self, grace_seconds: float) -> None:
        self.signals.append("terminate")

    def kill(self) -> None:
        self.signals.append("kill")

    def signal(self, number: int) -> None:
        self.signals.append(f"signal {number}")


class FakeAttachment:
    """The streams of a box: what is ``written`` is taken at once, and the test says what is put out."""

    def __init__(self, config: ContainerConfig) -> None:
        self.has_tty = config.container is not None and "tty_info" in config.container.value
        self.followers: list[OutputFollower] = []
        self.holding: list[OutputFollower] = []
        self.written: list[bytes] = []
        self.sizes: list[tuple[int, int]] = []
        self.input_ended = False

    def follow(self, follower: OutputFollower) -> None:
        self.followers.append(follower)

    def unfollow(self, follower: OutputFollower) -> None:
        if follower in self.followers:
            self.followers.remove(follower)

    def hold(self, follower: OutputFollower) -> None:
        self.holding.append(follower)

    def go_on(self, follower: OutputFollower) -> None:
        self.holding = [one for one in self.holding if one is not follower]

    def say(self, data: bytes, *, is_stderr: bool = False) -> None:
        self.followers = [follower for follower in self.followers if follower.output(is_stderr, data)]

    def end(self) -> None:
        followers, self.followers = self.followers, []
        for follower in followers:
            follower.ended()

    def write(self, data: bytes, taken: Callable[[bool], None]) -> None:
        self.written.append(data)
        taken(not self.input_ended)

    def end_input(self) -> None:
        self.input_ended = True

    def resize(self, rows: int, columns: int) -> None:
        if not self.has_tty:
            raise Conflict("no terminal")
        self.sizes.append((rows, columns))


class Boxes:
    """A containerizer; ``error`` is what the next launch raises, ``close_error`` what the closing does.

    ``left`` are the boxes of earlier lives, by their ids, of which those that are not known are put in ``orphans``.
    Once it ``is_cut`` off, it does nothing any more: its program was killed.
    """

    def __init__(self, left: dict[ContainerID, Box] | None = None) -> None:
        self.left = left or {}
        self.orphans: list[Box] = []
        self.is_cut = self.is_detached = False
        self.made: list[Box] = []
        self.attachments: dict[ContainerID, FakeAttachment] = {}  # of those with streams
        self.removed: list[ContainerID] = []
        self.updates: list[tuple[ContainerID, Resources, tuple[tuple[str, float], ...]]] = []
        self.error: Exception | None = None
        self.update_error: Exception | None = None
        self.is_closed = False
        self.close_error: Exception | None = None

    def recover(
        self, known: Sequence[ContainerConfig], notices: Callable[[ContainerID], ContainerNotices]
    ) -> Mapping[ContainerID, Container]:
        found = {
            config.container_id: self.left[config.container_id] for config in known if config.container_id in self.left
        }
        nested = {key: box for key, box in self.left.items() if _root(key) in found and box.config.is_checkpointed}
        self.orphans = [box for key, box in self.left.items() if key not in found | nested]
        for key, box in found.items():
            (config,) = [config for config in known if config.container_id == key]
            changing: Any = {"resources": NOTHING, "limits": (), "volumes": ()}
            assert replace(config, **changing) == replace(box.config, **changing)
        found |= nested
        for key, box in found.items():
            box.notices = notices(key)
            if box.termination is not None:
                box.notices.ended(box.termination)
        return found

    def update(self, config: ContainerConfig) -> None:
        if self.update_error is not None:
            raise self.update_error
        self.updates.append((config.container_id, config.resources, config.limits))

    def remove(self, container_id: ContainerID) -> None:
        box = self.left.get(container_id)
        if box is not None and box.termination is None:
            raise Conflict(f"remove: {container_id} runs")
        self.left.pop(container_id, None)
        self.removed.append(container_id)

    def attach(self, container_id: ContainerID) -> Attachment:
        if container_id not in self.left or self.left[container_id].termination is not None:
            raise NotFound(f"attach: {container_id} does not run")
        if container_id not in self.attachments:
            raise Conflict(f"attach: {container_id} has no streams")
        return self.attachments[container_id]

    def detach(self) -> None:
        self.is_detached = not self.is_cut

    def launch(self, config: ContainerConfig, notices: ContainerNotices) -> Box:
        if self.error is not None:
            raise self.error
        outer = parent_of(config.container_id)
        if outer is not None and (outer not in self.left or self.left[outer].termination is not None):
            raise NotFound(f"launch: {outer} does not run")
        if outer is not None and config.container_id in self.left:
            raise Conflict(f"launch: {config.container_id} is there")
        box = Box(1000 + len(self.made), config, notices)
        if config.has_streams or (config.container is not None and "tty_info" in config.container.value):
            self.attachments[config.container_id] = FakeAttachment(config)
        self.made.append(box)
        self.left[config.container_id] = box
        return box

    def close(self) -> None:
        self.is_closed = True
        assert not self.is_cut
        if self.close_error is not None:
            raise self.close_error


def _root(container_id: ContainerID) -> ContainerID:
    return ContainerID(container_id.partition(".")[0])


class Mortal(Agent):
    """An agent that can be ended as by a signal."""

    def fall(self) -> None:
        raise OSError("killed")


class Nobody:
    """Hears what becomes of containers when there is no agent."""

    def started(self) -> None: ...

    def ended(self, termination: Termination) -> None: ...


class House:
    """An agent and all it deals with."""

    def __init__(self, runtime: la.Runtime, work_directory: Path) -> None:
        self.runtime = runtime
        self.work_directory = work_directory
        self.boxes = Boxes()
        self.master = Master()
        self.master_pid = runtime.spawn(self.master)
        self.pid: la.PID[Agent] | None = None
        runtime.clock.pause()

    def open(
        self,
        master: Any = None,
        *,
        recovery: RecoveryOptions | None = None,
        resources: str | Resources = "cpus:4;mem:1024",
        **fields: Any,
    ) -> None:
        """Start the agent, which follows the one master of the house unless ``master`` says whom."""
        fields = {"port": 5051, **fields}
        agent = Mortal(
            master or self.master_pid,
            resources=Resources.parse(resources) if isinstance(resources, str) else resources,
            work_dir=self.work_directory,
            containerizer=self.boxes,
            recovery=recovery,
            **fields,
        )
        self.pid = self.runtime.spawn(agent)
        self.settle()

    def fall(self) -> None:
        """Have the agent end as by SIGKILL: containers go on, and nobody hears of them."""
        self.boxes.is_cut = True
        la.tell(self.agent, Mortal.fall)
        self.wait()
        for box in self.boxes.left.values():
            box.notices = Nobody()

    def wait(self) -> None:
        """Wait until the agent has ended."""
        assert la.wait(self.agent, SETTLE_SECONDS)
        self.settle()

    def come_back(self, recovery: RecoveryOptions | None = None, **fields: Any) -> None:
        """Start an agent where the last one was, with the containers that it has left, and forget what was heard."""
        self.boxes = Boxes(self.boxes.left)
        self.master.heard.clear()
        self.open(recovery=recovery or RecoveryOptions(), id="slave(1)", **fields)

    @property
    def agent(self) -> la.PID[Agent]:
        assert self.pid is not None
        return self.pid

    def settle(self) -> None:
        assert self.runtime.clock.settle(SETTLE_SECONDS)

    def advance(self, seconds: float) -> None:
        self.runtime.clock.advance(seconds)
        self.settle()

    def send(self, *messages: Any) -> None:
        """Have the master send ``messages`` to the agent."""
        for message in messages:
            la.dispatch(self.master_pid, Master.send, self.agent, message).get(timeout=SETTLE_SECONDS)
        self.settle()

    def run(self, task: TaskInfo | None = None, framework: FrameworkInfo | None = None) -> Box:
        """Launch a task and return its container."""
        before = len(self.boxes.made)
        self.send(RunTask(framework or make_framework(), task or make_task()))
        assert len(self.boxes.made) == before + 1, f"the task was not launched: {self.updates()}"
        return self.boxes.made[-1]

    def kill(self, name: str = "t1", grace_seconds: float | None = None, framework: FrameworkID = FRAMEWORK) -> None:
        self.send(KillTask(framework_id=framework, task_id=TaskID(name), grace_seconds=grace_seconds))

    def exit(self, box: Box, exit_status: int | None) -> None:
        box.exit(exit_status)
        self.settle()

    def acknowledge(self, update: StatusUpdate) -> None:
        assert update.status.uuid is not None
        self.send(
            StatusUpdateAcknowledgement(
                agent_id=AGENT,
                framework_id=update.framework_id,
                task_id=update.status.task_id,
                uuid=update.status.uuid,
            )
        )

    def acknowledge_all(self) -> list[StatusUpdate]:
        """Acknowledge whatever is under way until nothing is; return the updates in order."""
        known: list[StatusUpdate] = []
        while len(self.updates()) > len(known):
            known.append(self.updates()[len(known)])
            if known[-1].status.uuid is not None:
                self.acknowledge(known[-1])
        return known

    def updates(self) -> list[StatusUpdate]:
        """Every update the master has heard, repetitions included."""
        return [message for message in self.master.heard if isinstance(message, StatusUpdate)]

    def operation_updates(self) -> list[OperationUpdate]:
        """Every update of an operation that the master has heard, repetitions included."""
        return [message for message in self.master.heard if isinstance(message, OperationUpdate)]

    def registrations(self) -> int:
        return sum(isinstance(message, RegisterAgent) for message in self.master.heard)

    def states(self) -> list[str]:
        """The states the master has heard of, without the TASK_ in front."""
        return [update.status.state.name.removeprefix("TASK_") for update in self.updates()]

    def snapshot(self) -> AgentSnapshot:
        return la.dispatch(self.agent, Agent.state).get(timeout=SETTLE_SECONDS)

    def framework(self) -> AgentFramework:
        (framework,) = self.snapshot().frameworks
        return framework

    def task(self) -> TaskRun:
        (run,) = self.framework().tasks
        return run
