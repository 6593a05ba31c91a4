"""Ports: Protocols through which packages that may not import each other meet in a composition root."""

# Who calls: master/ is given an AllocationPolicy, which allocator/ implements; api/ the address of an actor that is a
#   MasterPort or an AgentPort; framework/ a SchedulerConnection; sim/ fakes them. The registrar (registry/) is given a
#   RegistryStorage and is a RegistrarPort to the master, which is given a Contender and a Detector (election/) as well.
# What agents have containers made by is in containerizer_port.py.

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from .agents import AgentInfo
from .calls import Call, UpdateFramework
from .container_calls import ContainerCall
from .deltas import AgentAdded, Delta, Plan
from .executor_calls import ExecutorCall, ExecutorClaims, ExecutorSubscribe
from .explanations import Explanation
from .frameworks import FrameworkInfo
from .happenings import KINDS, Happening
from .ids import AgentID, FrameworkID, TaskID
from .masters import Leader, MasterInfo, MasterStanding
from .operator_port import OperatorPort
from .registry import Entry, Recovered, RegistryOperation
from .resources import Resources
from .state import AgentSnapshot
from .stories import FrameworkStory, TaskStory


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

        A filter that it names and that the policy does not make, for it would be about nobody, counts as ended.
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
class AgentsTaker(Protocol):
    """A policy that takes several agents at once; a policy need not: it is told of each by itself then."""

    def add_agents(self, agents: tuple[AgentAdded, ...]) -> None:
        """As ``apply`` of each, one after the other."""
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


class MasterPort(OperatorPort, Protocol):
    """The actor that is the master, for those who dispatch to its address.

    It also handles every message of calls.py; Subscribe makes the sender's actor the framework's scheduler: it is
    linked to and posted the messages of events.py, and the framework's other calls are taken from it only. What
    operators ask of it is in operator_port.py.
    """

    def wait_leading(self) -> Any:
        """The future of the epoch in which it leads, ready once it serves."""
        ...

    def standing(self) -> MasterStanding:
        """Whether it leads and serves, and who leads as far as it knows; all else but ``ping`` needs that it serves.

        Else that raises NotLeader. Once it serves, it does until it ends.
        """
        ...

    def view(self, known_number: int | None = None) -> Any:
        """The future of a View (view.py): what readers see, never older than the question.

        A NotModified instead, if that View is the one with ``known_number``.
        """
        ...

    def follow_view(self, pid: Any, kinds: frozenset[type[Happening]] = KINDS) -> Any:
        """The future of None: the actor at ``pid`` is posted a View, then what happens after it, until it ends.

        In this order, each happening (happenings.py) once. Fails with InvalidRequest for what is no kind of these.
        """
        ...

    def count_operator_streams(self, count: int) -> None:
        """So many are subscribed to what happens, as operators: for the metrics."""
        ...

    def framework_principal(self, framework_id: FrameworkID) -> str | None:
        """Whose a framework of the cluster is, connected or not; "" if nobody has said, None if there is none."""
        ...

    def find_frameworks(self, text: str) -> tuple[FrameworkInfo, ...]:
        """The frameworks that people may mean by that text: an id, its last part, or a name."""
        ...

    def find_agents(self, text: str) -> tuple[AgentInfo, ...]:
        """The agents that people may mean by that text: an id, its last part, or a host; all of them by ""."""
        ...

    def update_framework(self, call: UpdateFramework, scheduler: Any) -> Any:
        """The future of the call of that name from the actor ``scheduler``, after what that has posted before.

        Fails with InvalidRequest if it cannot be; then nothing has changed.
        """
        ...

    def wait_served(self, sender: Any) -> Any:
        """The future of None: all is done that the actor ``sender`` has asked for until now."""
        ...

    def task_stories(self, task_id: TaskID, framework: str) -> tuple[TaskStory, ...]:
        """What is remembered of tasks with that id, of the frameworks that people may mean; "": of any."""
        ...

    def tasks_named(self, name: str, framework: str) -> Any:
        """The future of the ids of tasks of that name, 100 at most, the newest of a framework first, each after its
        framework's; of the frameworks that people may mean, "": of any.
        """
        ...

    def framework_story(self, framework_id: FrameworkID) -> FrameworkStory | None:
        """What is remembered of what a framework has done with offers; None for an unknown one."""
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

    def subscribe_executor(self, call: ExecutorSubscribe, channel: Any, claims: ExecutorClaims | None = None) -> None:
        """Have the messages of executor_events.py for an executor posted to the actor ``channel``, which is linked to.

        It takes the place of whoever was subscribed for it, and is terminated when it is not needed any more.
        ``claims`` are what who calls has proved to be, if it was asked. Raises: NotFound; Conflict, if that is another.
        """
        ...

    def executor_call(self, call: ExecutorCall, claims: ExecutorClaims | None = None) -> None:
        """Take a call of an executor. Raises: NotFound; Conflict, if it is not subscribed, or who calls is another."""
        ...

    def container_call(self, call: ContainerCall) -> Any:
        """Do what a call asks about containers in containers; the future of what its class says, which may fail."""
        ...

    def ping(self) -> None:
        """Nothing: that the answer comes shows that the actor is alive and serves."""
        ...


class RegistryStorage(Protocol):
    """Where a registry is kept. Every call blocks; one at a time."""

    def recover(self, master: MasterInfo, epoch_least: int = 1) -> Recovered:
        """Read all that is stored, and take it over: every earlier master's next ``store`` is refused from now on.

        The epoch is ``epoch_least``, or one more than the last, whichever is later. Durable when it returns.
        Raises: RegistryFailed, or what says more: RegistryCorrupt, RegistryTooNew, RegistryLocked. Then nothing has
        changed.
        """
        ...

    def store(self, entries: Sequence[Entry], /) -> None:
        """Make these changes, all or none, of at most one entry a key; durable when it returns.

        What is to be taken out need not be there: it may have come and gone between two stores.
        Raises: Fenced, if another master has recovered since this one did; RegistryFailed. Then nobody knows whether
        they were made, and nothing more is stored.
        """
        ...

    def size_bytes(self) -> int:
        """How much room the registry takes."""
        ...

    def close(self) -> None:
        """Let go of it; a second time does nothing."""
        ...


class RegistrarPort(Protocol):
    """The actor that is the registrar, for those who dispatch to its address. It ends when the registry fails."""

    def recover(self, master: MasterInfo) -> Any:
        """The future of a Recovered, the same one each time. First of all, and for one master."""
        ...

    def state(self) -> Any:
        """The future of a RegistryState, as the registry is, or will be once what was applied is durable."""
        ...

    def apply(self, operation: RegistryOperation) -> Any:
        """The future of whether the registry has changed, ready once that is durable; in the order of the calls.

        Fails with RegistryRefused or InvalidRequest if the operation cannot be; then nothing has changed. Fails with
        RegistryFailed if the registry does; then nobody knows, and the registrar ends.
        """
        ...

    def apply_all(self, operations: tuple[RegistryOperation, ...]) -> Any:
        """As ``apply`` of each in turn: one future, of a tuple of what each comes to, the error for one that cannot be.

        It fails, with RegistryFailed, only if the registry does.
        """
        ...


class Leadership(Protocol):
    """That this master leads."""

    @property
    def leader(self) -> Leader:
        """How others see it."""
        ...

    @property
    def epoch(self) -> int | None:
        """The leadership's number among all there ever were, if the election knows it; else the registry gives one."""
        ...

    @property
    def lost(self) -> Any:
        """The future of None, ready once this master leads no more: it must end."""
        ...


class Contender(Protocol):
    """Stands for leadership, for one master."""

    def contend(self, info: MasterInfo) -> Any:
        """The future of a Leadership, ready once this master leads. Raises: InvalidRequest, if it stands already."""
        ...

    def withdraw(self) -> bool:
        """Stand no more, and lead no more; whether it stood. What waits is discarded, a leadership is lost."""
        ...


class Detector(Protocol):
    """Follows who leads."""

    def detect(self, previous: Leader | None = None) -> Any:
        """The future of who leads, a Leader or None, ready as soon as that is not ``previous``.

        A discard of it means that nobody waits any more. It fails if nobody will lead any more.
        """
        ...


class SchedulerConnection(Protocol):
    """A framework's line to a master: calls go in, events come back as messages to the framework's actor.

    Addresses are actors' PIDs, which the model does not know; hence ``Any``.
    """

    def open(self, framework: Any) -> None:
        """Post events to the actor at ``framework`` from now on; called inside that actor, before the first call.

        The first is Connected (framework/connected.py), once there is a master to subscribe with.
        """
        ...

    def send(self, call: Call) -> bool:
        """Send a call; calls arrive in order. What the master refuses comes back as an Error event.

        False: there is no master at the moment, and nothing is sent.
        """
        ...

    def heeds(self, sender: Any) -> bool:
        """Whether events from the actor ``sender`` are to be heeded: it is the master, and not one that led before."""
        ...

    def answered(self) -> None:
        """The master has answered a Subscribe, by Subscribed or Error: it need not be repeated."""
        ...

    def exited(self, pid: Any, reason: BaseException | None) -> bool:
        """An actor that the framework is linked to has ended, or cannot be reached.

        True: it is a master of this connection, which looks for one again.
        """
        ...

    def close(self) -> None:
        """Deliver what was sent, within a bound, and let go of the master."""
        ...
