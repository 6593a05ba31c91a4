"""Ports: Protocols through which packages that may not import each other meet in a composition root."""

# Who calls: agent/ is given a Launcher, which containment/ implements; master/ an AllocationPolicy, which allocator/
#   implements; api/ the address of an actor that is a MasterPort or an AgentPort; framework/ a SchedulerConnection;
#   sim/ fakes them.
# A callback, not a future: an agent's handler does not wait for the end of a task, it goes on and is told.
# How long to wait between ``terminate`` and ``kill`` is the agent's business, which has a clock that can be virtual.

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from .agents import AgentInfo
from .calls import Call
from .deltas import Delta, Plan
from .explanations import Explanation
from .frameworks import FrameworkInfo
from .ids import AgentID, ContainerID, FrameworkID
from .resources import Resources
from .state import AgentSnapshot, ClusterState
from .tasks import CommandInfo


class Container(Protocol):
    """A command that was started, with all the processes that it starts in turn."""

    @property
    def pid(self) -> int:
        """The operating system's id of its first process."""
        ...

    def terminate(self) -> None:
        """Have all its processes asked to end (SIGTERM), without waiting; nothing happens once it has ended."""
        ...

    def kill(self) -> None:
        """Have all its processes ended at once (SIGKILL), without waiting; nothing happens once it has ended."""
        ...


class Launcher(Protocol):
    """Starts containers."""

    def launch(
        self,
        container_id: ContainerID,
        user: str,
        command: CommandInfo,
        sandbox: Path,
        environment: Mapping[str, str],
        on_exit: Callable[[int | None], None],
    ) -> Container:
        """Start ``command`` in the directory ``sandbox``, which exists; no other container has ``container_id``.

        It runs as ``user``, who gets the sandbox, if this process may become somebody else, and ``user`` is not "".
        Its environment is the agent's own, then HOME, USER and LOGNAME of another user, then ``environment``, then what
        the command sets, then MESOS_CONTAINER_ID; the later wins.
        ``on_exit`` is called once, from any thread, when none of its processes is left: with the exit status in the
        form of ``TaskStatus.exit_status``, so None if that was lost. It must only hand the news on.
        Raises: OSError that says what was wrong and what to do, if the command cannot be started; NotFound, if there is
        no such user. Then ``on_exit`` is never called.
        """
        ...

    def close(self) -> None:
        """Kill every container that runs and wait until it is gone; sandboxes stay.

        Inside a handler other actors run meanwhile. Raises: RuntimeError, if one would not end within a bound.
        """
        ...


class RandomStream(Protocol):
    """A source of randomness, such as ``random.Random``; passed in, so that one seed gives one plan."""

    def random(self) -> float:
        """A number at least 0.0 and below 1.0, each as likely as another."""
        ...


class AllocationCycle(Protocol):
    """One run of an allocation policy, in slices, between which deltas may be applied."""

    @property
    def plan(self) -> Plan | None:
        """What the run decided; None as long as it is not through."""
        ...

    def advance(self, work: int) -> bool:
        """Do about so much, in clients looked at, and return whether the run is through."""
        ...


@runtime_checkable
class AllocationPolicy(Protocol):
    """Decides who is offered what: a state machine of deltas and plans, without clock, actor or I/O."""

    def apply(self, delta: Delta) -> tuple[int, ...]:
        """Take note of what happened; the numbers of the filters that ended with it, and need not expire.

        Raises: InternalError, if it cannot follow what happened before; InvalidRequest or InsufficientResources for
        what cannot be. Then nothing has changed.
        """
        ...

    def begin(self, rng: RandomStream) -> AllocationCycle:
        """Begin to grant what is free, and to book it; one run at a time."""
        ...

    def dominant_share(self, framework_id: FrameworkID) -> float:
        """The largest share of the cluster that a framework holds of any one resource; offers count."""
        ...

    def available(self, agent_id: AgentID) -> Resources:
        """What is neither used nor offered of an agent. Raises: NotFound."""
        ...


@runtime_checkable
class FigureSource(Protocol):
    """A policy that knows numbers under the names of Mesos's metrics; a policy need not."""

    def figure(self, name: str) -> float:
        """One of its numbers, by what stands after ``allocator/mesos/``. Raises: NotFound."""
        ...


@runtime_checkable
class Explainer(Protocol):
    """A policy that can say why; a policy need not."""

    def explain(self, framework_id: FrameworkID, agent_id: AgentID) -> Explanation:
        """Why a framework got, or did not get, an offer of an agent."""
        ...


class MasterPort(Protocol):
    """The actor that is the master, for those who dispatch to its address.

    It also handles every message of calls.py; Subscribe makes the sender's actor the framework's scheduler: it is
    linked to and posted the messages of events.py, and the framework's other calls are taken from it only.
    """

    def state(self) -> ClusterState:
        """All of the cluster at this moment."""
        ...

    def knows_framework(self, framework_id: FrameworkID) -> bool:
        """Whether that framework is one of the cluster's, connected or not."""
        ...

    def find_frameworks(self, text: str) -> tuple[FrameworkInfo, ...]:
        """The frameworks that people may mean by that text: an id, its last part, or a name."""
        ...

    def find_agents(self, text: str) -> tuple[AgentInfo, ...]:
        """The agents that people may mean by that text: an id, its last part, or a host; all of them by ""."""
        ...

    def explain(self, framework_id: FrameworkID, agent_ids: tuple[AgentID, ...]) -> Any:
        """The future of an Explanation for each agent: why the framework got, or did not get, an offer of it.

        Fails with NotFound if the allocation policy cannot say.
        """
        ...

    def ping(self) -> None:
        """Nothing: that the answer comes shows that the actor is alive and serves."""
        ...


class AgentPort(Protocol):
    """The actor that is an agent, for those who dispatch to its address."""

    def state(self) -> AgentSnapshot:
        """All that the agent knows at this moment."""
        ...

    def ping(self) -> None:
        """Nothing: that the answer comes shows that the actor is alive and serves."""
        ...


class SchedulerConnection(Protocol):
    """A framework's line to a master: calls go in, events come back as messages to the framework's actor.

    Addresses are actors' PIDs, which the model does not know; hence ``Any``.
    """

    def open(self, framework: Any) -> None:
        """Post events to the actor at ``framework`` from now on; called inside that actor, before the first call."""
        ...

    def send(self, call: Call) -> None:
        """Send a call; calls arrive in order. What the master refuses comes back as an Error event."""
        ...

    def close(self) -> None:
        """Deliver what was sent, within a bound, and let go of the master."""
        ...
