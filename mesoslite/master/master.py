"""Master: the actor that knows the cluster: agents and frameworks come and go, offers go out, statuses come in."""

# Who calls: agents and frameworks post messages, in one process or through a transport; readers dispatch `state`.
# Every handler is short and none waits. What comes from outside goes through intake.py first. The books are in
#   ledger.py, changes to them in accounts.py and agent_accounts.py, the calls of subscribed frameworks in
#   scheduling.py, their coming and going in subscription.py and departures.py, that of agents in registration.py and
#   removal.py, statuses in updates.py, what operators ask in operator.py; here is the rest of what comes in.
# Source: Mesos src/master/master.cpp.

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, get_args

import libactor as la
from mesoslite.model import (
    AgentID,
    AllocatorFailed,
    ClusterState,
    Contender,
    Detector,
    ExecutorExited,
    ExecutorToFramework,
    FrameworkCall,
    FrameworkID,
    MasterEnded,
    OperationUpdate,
    RegisterAgent,
    RegistrarPort,
    RegistryFailed,
    ReregisterAgent,
    StatusUpdate,
    Subscribe,
    UnregisterAgent,
    UpdateFramework,
    happenings,
)
from mesoslite.model.registry import Recovered
from mesoslite.model.version import software_version

from .accounts import Accounts
from .admission import Admission
from .agent_options import AgentOptions
from .agents import Agents
from .allocation import Allocator
from .calls import Calls
from .candidate import led
from .census import Census
from .chronicle import Chronicle
from .departures import Departures
from .executors import Executors
from .feedback import Feedback
from .framework_metrics import FrameworkMetrics
from .granting import Granting
from .history import History
from .intake import Intake
from .ledger import Ledger
from .lookups import Lookups
from .metrics import MasterMetrics
from .observer import AgentHeard, AgentSilent
from .offer_timeouts import OfferTimeouts
from .offering import Offering
from .operation_metrics import OperationMetrics
from .operator import OperatorCalls
from .options import DEFAULTS, MasterOptions, no_pattern
from .publication import Publication
from .scheduling import Scheduling
from .shown.shown import Shown
from .slices import Slices
from .snapshots import Moment, Told
from .standing import Standing
from .subscription import Subscriptions
from .updates import Updates
from .viewing import Viewing

log = logging.getLogger("mesoslite.master")

M = TypeVar("M", bound=Callable[..., object])


def _handles_calls(method: M) -> M:
    """Have a method handle every call of frameworks that are subscribed."""
    for kind in get_args(FrameworkCall):
        la.handles(kind)(method)
    return method


def _told(done: la.Promise[None]) -> Iterator[None]:
    done.set(None)
    yield from ()


class Master(OperatorCalls, Lookups, Viewing, Granting):
    """The master of a cluster; spawn it in a Runtime with the PIDs of a spawned Allocator and a spawned Registrar.

    It stands for leadership by ``contender``, and learns by ``detector`` who leads meanwhile; left out, nobody else
    stands. It ends with LeadershipLost when it leads no more.
    ``hostname`` and ``port`` are where its HTTP API is reached; 0 if it is not served. ``pattern_problem`` says what
    is wrong with a pattern of an offer constraint, None if the allocator can judge by it; without it there are none.
    """

    _told_next: la.Promise[ClusterState] | None = None  # for those who have asked while others are told

    def __init__(
        self,
        allocator: la.PID[Allocator],
        registrar: la.PID[RegistrarPort],
        *,
        contender: Contender | None = None,
        detector: Detector | None = None,
        hostname: str = "localhost",
        port: int = 0,
        id: str = "master",
        options: MasterOptions = DEFAULTS,
        agents: AgentOptions | None = None,
        pattern_problem: Callable[[str], str | None] = no_pattern,
    ) -> None:
        super().__init__(id)
        self.master_id = str(la.random_uuid())
        self._allocator, self._registrar = allocator, registrar
        self._standing = Standing(contender, detector)
        self._hostname, self._port, self._domain = hostname, port, options.domain
        self._chronicle = Chronicle(self._now)
        self._ledger = Ledger(self._chronicle, options.max_completed_frameworks)
        self._shown = Shown(self._ledger, self._ledger.changes)
        self._history = History(self._ledger, options, self.master_id)
        self._accounts = Accounts(self._ledger, allocator, self.master_id)
        timeouts = OfferTimeouts(options.offer_timeout, self._now, self._wait_for_answers)
        self._offering = Offering(self._ledger, self._accounts, timeouts, self._now)
        self._publication = Publication()
        self._metrics = MasterMetrics(self._chronicle, self._publication)
        self._census = Census(self._ledger, self._own_figures())
        OperationMetrics(self._chronicle, self._publication)
        FrameworkMetrics(self._ledger, self._history, self._publication, options)
        books = self._ledger, self._accounts, self._offering
        self._feedback = Feedback(*books, self._metrics, self._now)
        self._executors = Executors(self._ledger, self._accounts, self._metrics)
        self._subscriptions = Subscriptions(
            *books, master_id=self.master_id, options=options, pattern_problem=pattern_problem, now=self._now
        )
        self._slices, self._reading = Slices(self._now, self._want_slice), Slices(self._now, self._want_reading)
        self._own: set[la.PID[Any]] = {allocator, registrar}
        self._intake = Intake(self._ledger, self._slices, self._metrics, self._own, self._standing)
        self._departures = Departures(
            self._ledger, self._accounts, self._now, self._wait_for_framework, self._offering, self._slices
        )
        self._updates = Updates(self._ledger, self._accounts, self._metrics, self._now)
        scheduling = Scheduling(*books, self._updates, self._feedback, self._executors, self._now, options)
        self._calls = Calls(self._ledger, self._metrics, self._subscriptions, self._departures, scheduling)
        self._agent_options = agents or AgentOptions()
        self._agents = Agents(
            self._ledger,
            self._accounts,
            self._offering,
            self._feedback,
            self._subscriptions,
            self._metrics,
            self._slices,
            registrar,
            self._agent_options,
            master_id=self.master_id,
            now=self._now,
            wait=self._wait_for_agent,
            settle=self._settle_later,
            rescind=self._rescind_later,
            served_roles=options.served_roles,
            admission=Admission(options),
            end=self._end,
        )
        self._leading, self._start_time = la.Promise[int](), 0.0

    def on_start(self) -> None:
        """Stand for leadership."""
        self._clock = self.runtime.clock
        self._start_time = self._now()
        self._own.add(self.pid)
        self._publication.begin(self.runtime.metrics)
        self._census.tell(self._publication, lambda name: la.defer(self.pid, Master.count, name))
        self._publication.add(la.metrics.Gauge("master/event_queue_dispatches", self._messages_waiting))
        la.link(self._allocator)
        la.link(self._registrar)
        self._stand()

    def _messages_waiting(self) -> int:
        return sum([depth for pid, depth in self.runtime.metrics.depths() if pid == self.pid])

    def on_stop(self) -> None:
        """Stand no more, and count nothing any more."""
        self._standing.stop()
        self._leading = la.Promise[int]()  # who still waits for the one before is told at once that it is abandoned
        self._reading.drop()  # likewise
        self._told_next = self._asked = None
        self._publication.end()
        if self._standing.serves:
            self._chronicle.tell(happenings.LeadershipEnded, self.master_id)

    def _recovered(self, found: Recovered) -> None:
        """The registry is read: take charge of the allocator, and serve from now on."""
        la.tell(self._allocator, Allocator.attach, self.pid)
        self._own.add(self._agents.begin(found, self.pid))
        roster = self._ledger.roster
        if roster.recovered:
            la.delay(self._agent_options.agent_reregister_timeout, self.pid, Master._end_recovery)
        counts = (len(roster.recovered), len(roster.unreachable), len(roster.gone))
        self._chronicle.tell(happenings.LeadershipBegun, self.master_id, found.epoch, *counts)
        self._wait_to_prune()
        self._take_over_if_idle()
        self._standing.serve()
        self._publication.take_over()
        self._leading.set(found.epoch)

    def _wait_to_prune(self) -> None:
        la.delay(self._agent_options.registry_gc_interval, self.pid, Master._prune)

    def _prune(self) -> None:
        self._agents.pruning.run()
        self._wait_to_prune()

    def _end_recovery(self) -> None:
        if self._agents.recovery.go_on():
            la.tell(self.pid, Master._end_recovery)

    def ping(self) -> None:
        """Nothing; that the answer comes is the answer."""

    def follow(self, pid: la.PID[Any], kinds: frozenset[type[happenings.Happening]] = happenings.KINDS) -> ClusterState:
        """Post to ``pid`` what happens from now on, of these kinds, until it ends; what is returned is all before that.

        Raises: InvalidRequest for what is no kind of happening.
        """
        self._chronicle.follow(pid, kinds)
        la.link(pid)
        telling = Moment(self._ledger).telling()
        try:
            while True:
                next(telling)
        except StopIteration as through:
            return self._state(through.value)

    @led
    def state(self) -> la.Future[ClusterState]:
        """All of the cluster at this moment; while others are told, at a later one that all who wait share.

        Raises: NotLeader.
        """
        if self._told_next is not None:
            return self._told_next.future
        told: la.Promise[ClusterState] = la.Promise()
        if self._reading.is_idle:
            self._reading.put(told, self._tell_state(Moment(self._ledger), told))
        else:
            self._told_next = told
            self._reading.put(told, self._tell_state(None, told))
        return told.future

    def _tell_state(self, moment: Moment | None, told: la.Promise[ClusterState]) -> Iterator[None]:
        try:
            if moment is None:
                self._told_next, moment = None, Moment(self._ledger)
            told.set(self._state((yield from moment.telling())))
        except Exception as error:  # it is the reader's business, and the cluster carries on
            told.fail(error)

    def _state(self, told: Told) -> ClusterState:
        return ClusterState(
            master_id=self.master_id,
            pid=str(self.pid),
            hostname=self._hostname,
            port=self._port,
            start_time=self._start_time,
            version=software_version(),
            agents=told.agents,
            frameworks=told.frameworks,
            completed_frameworks=told.completed_frameworks,
        )

    # ---- agents ----

    @la.handles(RegisterAgent)
    @la.handles(ReregisterAgent)
    @la.handles(UnregisterAgent)
    def agent_comes_or_goes(
        self, message: RegisterAgent | ReregisterAgent | UnregisterAgent, sender: la.PID[Any] | None
    ) -> None:
        """Let an agent come, go on under the id that it has, or leave."""
        self._intake.take(message, sender, self._agents.take)

    @la.handles(AgentSilent)
    @la.handles(AgentHeard)
    def observed(self, message: AgentSilent | AgentHeard, sender: la.PID[Any] | None) -> None:
        """An agent does not answer pings, or does again."""
        self._agents.observed(message, sender)

    def _agent_overdue(self, agent_id: AgentID, disconnections: int) -> None:
        self._agents.removal.overdue(agent_id, disconnections)

    def _wait_for_agent(self, agent_id: AgentID, disconnections: int) -> la.Timer:
        seconds = self._agent_options.agent_reregister_timeout
        return la.delay(seconds, self.pid, Master._agent_overdue, agent_id, disconnections)

    # ---- frameworks ----

    @la.handles(Subscribe)
    def subscribe(self, call: Subscribe, sender: la.PID[Any] | None) -> None:
        """Admit a framework, or let one that is known continue from where it now is."""
        self._intake.take(call, sender, self._subscriptions.subscribe)

    def _failover_expired(self, framework_id: FrameworkID, disconnections: int) -> None:
        self._departures.failover_expired(framework_id, disconnections)

    def _wait_for_framework(self, seconds: float, framework_id: FrameworkID, disconnections: int) -> la.Timer:
        return la.delay(seconds, self.pid, Master._failover_expired, framework_id, disconnections)

    # ---- calls of subscribed frameworks ----

    @_handles_calls
    def call(self, call: FrameworkCall, sender: la.PID[Any] | None) -> None:
        """Serve a call; one that cannot be served ends its framework, and nobody else."""
        self._intake.take(call, sender, self._calls.serve)

    def _want_slice(self) -> None:
        la.tell(self.pid, Master._advance)

    def _advance(self) -> None:
        self._slices.advance()

    @led
    def update_framework(self, call: UpdateFramework, scheduler: la.PID[Any]) -> la.Future[None]:
        """As the call of that name from the actor ``scheduler``, in its turn, for who wants an answer.

        It fails with InvalidRequest, if it cannot be; then nothing has changed.
        """
        done: la.Promise[None] = la.Promise()
        self._slices.take(scheduler, self._subscriptions.update_in_turn(call, scheduler, done))
        return done.future

    def wait_served(self, sender: la.PID[Any]) -> la.Future[None]:
        """Complete once all is done that ``sender`` has asked for until now."""
        done: la.Promise[None] = la.Promise()
        self._slices.take(sender, _told(done))
        return done.future

    # ---- statuses ----

    @la.handles(StatusUpdate)
    def status_update(self, message: StatusUpdate, sender: la.PID[Any] | None) -> None:
        """Record a status, free what an ended task held, and pass the status on; the agent repeats it until then."""
        self._intake.take(message, sender, self._updates.take)

    @la.handles(OperationUpdate)
    def operation_update(self, message: OperationUpdate, sender: la.PID[Any] | None) -> None:
        """Record how an operation went, enter what it has made, and pass it on; the agent repeats it until then."""
        self._intake.take(message, sender, self._feedback.take)

    @la.handles(ExecutorExited)
    @la.handles(ExecutorToFramework)
    def of_executor(self, message: ExecutorExited | ExecutorToFramework, sender: la.PID[Any] | None) -> None:
        """Free what an executor held, or pass on what it says."""
        self._intake.take(message, sender, self._executors.take)

    # ---- losses ----

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """An agent, a framework, the allocator, or who follows what happens has stopped."""
        self._chronicle.forget(pid)
        self._slices.take(pid, self._departed(pid, reason))  # after all that it has said
        if pid in (self._allocator, self._registrar):
            kind, what = (AllocatorFailed, "allocator") if pid == self._allocator else (RegistryFailed, "registrar")
            log.error("the %s has stopped (%s); the master cannot go on without it", what, reason)
            if reason is None:
                la.terminate(self.pid)
                return
            error = type(reason)(str(reason)) if isinstance(reason, kind) else kind(f"{what}: {reason!r}")
            raise la.foreseen(error) from reason  # so that frameworks hear why; who has ended has logged it

    def _departed(self, pid: la.PID[Any], reason: BaseException | None) -> Iterator[None]:
        self._agents.exited(pid, reason)
        if (framework := self._ledger.framework_at(pid)) is not None and framework.connected:
            self._departures.disconnect(framework)
        yield from ()

    def _end(self, error: BaseException) -> None:
        """End with ``error``, which was met outside of a handler."""
        la.tell(self.pid, Master._fail, str(error) or repr(error))
        log.error("the master ends", exc_info=error)

    @la.control
    def _fail(self, why: str) -> None:
        raise MasterEnded(why)

    def _now(self) -> float:
        return self._clock.now()
