"""Master: the actor that knows the cluster: agents and frameworks come and go, offers go out, statuses come in."""

# Who calls: agents and frameworks post messages, in one process or through a transport; readers dispatch `state`.
# Every handler is short and none waits. The books are in ledger.py, changes to them in accounts.py, the calls of
#   subscribed frameworks in scheduling.py; here is who may say what, and what a coming or a loss entails.
# A framework is believed only from the actor it subscribed from, an agent only from the actor it registered from.
# Source: Mesos src/master/master.cpp; ids as there (`<master>-S0`, `<master>-0000`, `<master>-O0`).

from __future__ import annotations

import itertools
import logging
from typing import Any

import msgspec

import libactor as la
from mesoslite.model import (
    Accept,
    Acknowledge,
    AgentID,
    AgentInfo,
    AgentRegistered,
    ClusterState,
    Decline,
    Error,
    Explanation,
    Failure,
    FrameworkCall,
    FrameworkID,
    FrameworkInfo,
    InvalidRequest,
    Kill,
    Offer,
    Offers,
    Reason,
    Reconcile,
    RegisterAgent,
    Rescind,
    Revive,
    ShutdownFramework,
    StatusUpdate,
    Subscribe,
    Subscribed,
    Suppress,
    TaskState,
    Teardown,
    UnregisterAgent,
    Update,
    constants,
    format_agent_id,
    format_framework_id,
    validate_framework,
)
from mesoslite.model.version import software_version

from .accounts import Accounts
from .allocation import Allocator, Granted
from .ledger import AgentEntry, FrameworkEntry, Ledger
from .lookup import agents_called, frameworks_called
from .scheduling import Scheduling
from .statuses import master_status
from .tasks import TaskEntry

log = logging.getLogger("mesoslite.master")


class Master(la.Actor):
    """The master of a cluster; spawn it in a Runtime with the PID of a spawned Allocator.

    ``hostname`` and ``port`` are where its HTTP API is reached; 0 if it is not served.
    """

    def __init__(self, allocator: la.PID[Allocator], *, hostname: str = "localhost", port: int = 0) -> None:
        super().__init__("master")
        self.master_id = str(la.random_uuid())
        self._allocator = allocator
        self._hostname = hostname
        self._port = port
        self._ledger = Ledger()
        self._accounts = Accounts(self._ledger, allocator, self.master_id)
        self._scheduling = Scheduling(self._ledger, self._accounts, self._now)
        self._agent_numbers = itertools.count()
        self._framework_numbers = itertools.count()
        self._start_time = 0.0

    def on_start(self) -> None:
        """Take charge of the allocator."""
        self._start_time = self._now()
        la.link(self._allocator)
        la.tell(self._allocator, Allocator.attach, self.pid)

    def ping(self) -> None:
        """Nothing; that the answer comes is the answer."""

    def knows_framework(self, framework_id: FrameworkID) -> bool:
        """Whether that framework is one of the cluster's, connected or not."""
        return framework_id in self._ledger.frameworks

    def find_frameworks(self, text: str) -> tuple[FrameworkInfo, ...]:
        """The frameworks that people may mean by that text: an id, its last part, or a name."""
        return frameworks_called(text, self.master_id, self._ledger.frameworks)

    def find_agents(self, text: str) -> tuple[AgentInfo, ...]:
        """The agents that people may mean by that text: an id, its last part, or a host; all of them by ""."""
        return agents_called(text, self.master_id, self._ledger.agents)

    def explain(self, framework_id: FrameworkID, agent_ids: tuple[AgentID, ...]) -> la.Future[tuple[Explanation, ...]]:
        """Why a framework got, or did not get, an offer of each agent; NotFound if the allocator cannot say."""
        return la.dispatch(self._allocator, Allocator.explain, framework_id, agent_ids)

    def state(self) -> ClusterState:
        """All of the cluster at this moment."""
        total = self._ledger.total
        return ClusterState(
            master_id=self.master_id,
            pid=str(self.pid),
            hostname=self._hostname,
            port=self._port,
            start_time=self._start_time,
            version=software_version(),
            agents=tuple([agent.snapshot() for agent in self._ledger.agents.values()]),
            frameworks=tuple([entry.snapshot(total) for entry in self._ledger.frameworks.values()]),
            completed_frameworks=tuple([entry.snapshot(total) for entry in self._ledger.completed]),
        )

    # ---- agents ----

    @la.handles(RegisterAgent)
    def register_agent(self, message: RegisterAgent, sender: la.PID[Any] | None) -> None:
        """Admit an agent; one that repeats itself, because the answer was late, is answered again."""
        if sender is None:
            log.warning("register: an agent without an address on %s; ignored", message.info.hostname)
            return
        agent = self._ledger.agent_at(sender)
        if agent is None:
            agent = self._admit_agent(message.info, sender)
        la.post(sender, AgentRegistered(agent.id))

    @la.handles(UnregisterAgent)
    def unregister_agent(self, message: UnregisterAgent, sender: la.PID[Any] | None) -> None:
        """Let go of an agent that leaves."""
        agent = self._ledger.agent_at(sender)
        if agent is None or agent.id != message.agent_id:
            log.warning("unregister: %s is not agent %s; ignored", sender, message.agent_id)
            return
        self._lose_agent(agent, "it has left", left=True)

    def _admit_agent(self, info: AgentInfo, pid: la.PID[Any]) -> AgentEntry:
        agent_id = format_agent_id(self.master_id, next(self._agent_numbers))
        named = msgspec.structs.replace(info, id=agent_id)
        agent = AgentEntry(id=agent_id, info=named, pid=pid, registered_time=self._now())
        la.link(pid)
        self._accounts.admit_agent(agent)
        log.info("agent %s at %s has joined with %s", agent_id, pid, info.resources)
        return agent

    def _lose_agent(self, agent: AgentEntry, why: str, *, left: bool = False) -> None:
        """Its offers are rescinded, its tasks lost, its resources struck off; frameworks hear of all of it.

        ``left``: it took leave and ended its tasks; else it vanished.
        """
        for offer in list(agent.offers.values()):
            self._rescind(offer)
        for task in list(agent.tasks.values()):
            self._lose_task(task, why, left)
        self._ledger.complete_tasks_of(agent)
        self._accounts.remove_agent(agent)
        for framework in self._connected():
            la.post(framework.pid, Failure(agent.id))
        log.info("agent %s is struck off: %s", agent.id, why)

    def _lose_task(self, task: TaskEntry, why: str, left: bool) -> None:
        framework = self._ledger.frameworks[task.framework_id]
        state = TaskState.TASK_GONE if framework.partition_aware and not left else TaskState.TASK_LOST
        status = master_status(
            task.info.task_id,
            state,
            now=self._now(),
            reason=Reason.REASON_AGENT_REMOVED,
            message=f"Agent {task.info.agent_id} is lost: {why}",
            agent_id=task.info.agent_id,
        )
        task.record(status, state)
        self._accounts.release(task)
        self._ledger.complete_task(task)
        if framework.connected:
            la.post(framework.pid, Update(status))

    # ---- frameworks ----

    @la.handles(Subscribe)
    def subscribe(self, call: Subscribe, sender: la.PID[Any] | None) -> None:
        """Admit a framework, or let one that is known continue from where it now is."""
        if sender is None:
            log.warning("subscribe: framework %s without an address; ignored", call.framework.name)
            return
        try:
            validate_framework(call.framework)
            framework = self._admit_framework(call.framework, sender)
        except InvalidRequest as error:
            la.post(sender, Error(str(error)))
            return
        except Exception as error:  # the description is none: a number where a text belongs
            log.exception("subscribe: %s is refused", sender)
            la.post(sender, Error(f"subscribe: {error!r}"))
            return
        la.link(sender)
        la.post(
            sender,
            Subscribed(
                framework_id=framework.id,
                master_id=self.master_id,
                heartbeat_interval_seconds=constants.HEARTBEAT_INTERVAL_SECONDS,
            ),
        )

    def _admit_framework(self, info: FrameworkInfo, pid: la.PID[Any]) -> FrameworkEntry:
        if info.id is not None and any(entry.id == info.id for entry in self._ledger.completed):
            raise InvalidRequest(f"subscribe: framework {info.id} has been removed; subscribe without an id")
        if self._ledger.framework_at(pid) is not None:
            raise InvalidRequest(f"subscribe: {pid} has subscribed already; one actor is one framework")
        known = self._ledger.frameworks.get(info.id) if info.id is not None else None
        if known is not None:
            self._take_over(known, info, pid)
            return known
        framework_id = info.id or self._new_framework_id()
        named = msgspec.structs.replace(info, id=framework_id)
        framework = FrameworkEntry(id=framework_id, info=named, pid=pid, registered_time=self._now())
        self._accounts.admit_framework(framework)
        log.info("framework %s (%s) has subscribed from %s", framework_id, info.name, pid)
        return framework

    def _new_framework_id(self) -> FrameworkID:
        """The next id that nobody has; a framework that brings an id of its own may have taken one of these."""
        taken = {*self._ledger.frameworks, *[entry.id for entry in self._ledger.completed]}
        while (framework_id := format_framework_id(self.master_id, next(self._framework_numbers))) in taken:
            pass
        return framework_id

    def _take_over(self, framework: FrameworkEntry, info: FrameworkInfo, pid: la.PID[Any]) -> None:
        """A known framework subscribes from elsewhere: the old place is told, its offers go back.

        Its roles cannot change yet; user and checkpoint stay as they were, as in Mesos.
        """
        if info.roles != framework.info.roles:
            raise InvalidRequest(f"subscribe: framework {framework.id} cannot change its roles; subscribe anew")
        if framework.connected:
            la.post(framework.pid, Error("the framework has subscribed from elsewhere"))
        for offer in list(framework.offers.values()):
            self._accounts.take_back(offer)
        self._ledger.move_framework(framework, pid)
        framework.info = msgspec.structs.replace(
            info, id=framework.id, user=framework.info.user, checkpoint=framework.info.checkpoint
        )
        self._accounts.activate_framework(framework)

    def _disconnect(self, framework: FrameworkEntry) -> None:
        """Its scheduler is gone: it keeps its tasks for the failover timeout."""
        for offer in list(framework.offers.values()):
            self._accounts.take_back(offer)
        self._accounts.deactivate_framework(framework)
        seconds = framework.info.failover_timeout
        log.info("framework %s is disconnected; it has %s s to come back", framework.id, seconds)
        if seconds:
            la.delay(seconds, self.pid, Master._failover_expired, framework.id, framework.disconnections)
        else:
            self._remove_framework(framework)

    def _failover_expired(self, framework_id: FrameworkID, disconnections: int) -> None:
        framework = self._ledger.frameworks.get(framework_id)
        if framework is not None and not framework.connected and framework.disconnections == disconnections:
            self._remove_framework(framework)

    def _remove_framework(self, framework: FrameworkEntry) -> None:
        """Every agent ends its tasks; here they count as killed at once, and nobody is told."""
        for agent in self._ledger.agents.values():
            la.post(agent.pid, ShutdownFramework(framework.id))
        for offer in list(framework.offers.values()):
            self._accounts.take_back(offer)
        for task in list(framework.tasks.values()):
            if not task.state.is_terminal:
                status = master_status(
                    task.info.task_id,
                    TaskState.TASK_KILLED,
                    now=self._now(),
                    reason=Reason.REASON_FRAMEWORK_REMOVED,
                    message=f"Framework {framework.id} was removed",
                    agent_id=task.info.agent_id,
                )
                task.record(status, TaskState.TASK_KILLED)
                self._accounts.release(task)
        self._accounts.remove_framework(framework)
        log.info("framework %s (%s) is removed", framework.id, framework.info.name)

    # ---- calls of subscribed frameworks ----

    @la.handles(Accept)
    @la.handles(Decline)
    @la.handles(Kill)
    @la.handles(Acknowledge)
    @la.handles(Reconcile)
    @la.handles(Suppress)
    @la.handles(Revive)
    @la.handles(Teardown)
    def call(self, call: FrameworkCall, sender: la.PID[Any] | None) -> None:
        """Serve a call; one that cannot be served ends its framework, and nobody else."""
        framework = self._caller(call.framework_id, sender, type(call).__name__.lower())
        if framework is None:
            return
        try:
            if isinstance(call, Teardown):
                self._remove_framework(framework)
            else:
                self._scheduling.serve(framework, call)
        except Exception as error:
            log.exception("%s of framework %s failed; the framework is removed", type(call).__name__, framework.id)
            la.post(framework.pid, Error(f"{type(call).__name__.lower()}: {error!r}; the framework is removed"))
            self._remove_framework(framework)

    def _caller(self, framework_id: FrameworkID, sender: la.PID[Any] | None, operation: str) -> FrameworkEntry | None:
        """The framework that calls, if it calls from where it subscribed."""
        framework = self._ledger.framework_at(sender)  # not by the id, which a malformed call may have anything as
        if framework is None or framework.id != framework_id:
            log.warning("%s: %s is not subscribed as framework %s; ignored", operation, sender, framework_id)
            return None
        return framework

    # ---- offers and statuses ----

    @la.handles(Granted)
    def granted(self, message: Granted, sender: la.PID[Any] | None) -> None:
        """Offer what the allocator granted, one message a framework."""
        made: dict[FrameworkID, list[Offer]] = {}
        for grant in message.grants:
            offer = self._accounts.offer(grant)
            if offer is not None:
                made.setdefault(grant.framework_id, []).append(offer)
        for framework_id, offers in made.items():
            la.post(self._ledger.frameworks[framework_id].pid, Offers(tuple(offers)))

    @la.handles(StatusUpdate)
    def status_update(self, message: StatusUpdate, sender: la.PID[Any] | None) -> None:
        """Record a status, free what an ended task held, and pass the status on; the agent repeats it until then."""
        agent = self._ledger.agent_at(sender)
        framework = self._ledger.frameworks.get(message.framework_id)
        task = framework.tasks.get(message.status.task_id) if framework is not None else None
        if agent is None or framework is None or task is None or task.info.agent_id != agent.id:
            log.warning("status: %s of task %s is about nothing known; ignored", sender, message.status.task_id)
            if agent is not None and framework is None:
                la.post(agent.pid, ShutdownFramework(message.framework_id))
            return
        if task.record(message.status, message.latest_state):
            self._accounts.release(task)
        if framework.connected:
            la.post(framework.pid, Update(message.status))

    def _rescind(self, offer: Offer) -> None:
        self._accounts.take_back(offer)
        framework = self._ledger.frameworks[offer.framework_id]
        la.post(framework.pid, Rescind(offer.id))

    # ---- losses ----

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """An agent, a framework or the allocator has stopped."""
        agent = self._ledger.agent_at(pid)
        if agent is not None:
            self._lose_agent(agent, f"it stopped: {reason}" if reason is not None else "it stopped")
        framework = self._ledger.framework_at(pid)
        if framework is not None and framework.connected:
            self._disconnect(framework)
        if pid == self._allocator:
            log.error("the allocator has stopped (%s); the master cannot go on without it", reason)
            la.terminate(self.pid)

    def _connected(self) -> list[FrameworkEntry]:
        return [framework for framework in self._ledger.frameworks.values() if framework.connected]

    def _now(self) -> float:
        return self.runtime.clock.now()
