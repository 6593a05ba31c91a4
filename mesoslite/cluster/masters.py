"""Masters: those of one cluster, of one registry and one election, each at a seat of its own."""

# Who calls: cluster.py.
# One master stands by itself, and its end is the end of the cluster. Of several one leads; who loses its leadership
#   stands again, who fails is missed. When nobody is left, whoever follows them hears why.

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import libactor as la
from libactor.http import HttpServer, Listener
from mesoslite.api import NOBODY, Authentication, loopback_hosts
from mesoslite.election import MemoryElection, StandaloneMember
from mesoslite.master import AgentOptions, Master, MasterOptions
from mesoslite.model import InvalidRequest, MasterEnded
from mesoslite.registry import MemoryRegistry, MemoryStorage, SqliteStorage

from .following import Following
from .seat import Seat, SeatPlan, Staff

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from mesoslite.allocator import PolicySource
    from mesoslite.election import MemoryMember
    from mesoslite.model import Leader, RegistryStorage

T = TypeVar("T")

PATIENCE_SECONDS = 10.0  # for a master to begin; it does at once unless the machine is overwhelmed


class Place(NamedTuple):
    """One of the seats: the id of whoever stands there, and where it is reached."""

    id: str
    seat: la.PID[Seat]
    url: str


class Masters:
    """The masters of one start of a cluster, ``count`` of them; see Cluster for the rest.

    ``flags`` are told by their HTTP API, ``authentication`` is asked for there. ``whitelist`` is as of SeatPlan.
    The first one serves HTTP at ``port``, the others at those after it, or any if it is 0.
    """

    def __init__(
        self,
        runtime: la.Runtime,
        count: int,
        policies: PolicySource,
        allocation_interval: float,
        *,
        host: str,
        port: int,
        hostname: str,
        registry: Path | None,
        options: MasterOptions | None = None,
        agents: AgentOptions | None = None,
        flags: Mapping[str, str],
        authentication: Authentication = NOBODY,
        whitelist: Path | None = None,
    ) -> None:
        self._runtime = runtime
        self._count = count
        self._policies = policies
        self._allocation_interval = allocation_interval
        self._host, self._port, self._hostname = host, port, hostname
        self._registry = registry
        self._options, self._agents = options or MasterOptions(), agents or AgentOptions()
        self._flags = flags
        self._authentication = authentication
        self._whitelist = whitelist
        self._shared = MemoryRegistry()  # if there is no file
        self._election: MemoryElection | StandaloneMember = MemoryElection() if count > 1 else StandaloneMember()
        self._member = self._join()
        self._lock = threading.Lock()
        self._turn = threading.Lock()  # takeovers and the end come one after the other
        self._is_closed = False
        self._places: list[Place] = []
        self._left = 0  # of them
        self._stopped: la.Promise[str] = la.Promise()
        self._waiting: set[la.Promise[None]] = set()  # of those who wait for a master, for when none is left
        self.following = Following(self._member)

    # ---- life ----

    def start(self, parts: ExitStack, server: HttpServer) -> None:
        """Have them stand, and wait until the first one leads.

        Raises: OSError, for a port or the whitelist; InvalidRequest, for that or an allocation policy; MasterEnded.
        """
        for number in range(self._count):
            listener = Listener(self._host, self._port + number if self._port else 0)
            parts.callback(listener.close)
            plan = self._plan(number, listener)
            seat = Seat(plan, self._leave)
            place = Place(plan.id, self._runtime.spawn(seat), listener.url)
            self._places.append(place)
            la.dispatch(place.seat, Seat.appoint).get(timeout=PATIENCE_SECONDS)
            if not number:
                self._wait_until_it_leads("start", self._staff_at(place).master)
            server.serve(seat.door, listener)

    def close(self) -> None:
        """Let their end be no news: nobody follows them any more, nobody succeeds them, and only the leader is left.

        Between two masters, waits for the next one: the end of the cluster is to be told to somebody.
        """
        with self._turn:
            self._is_closed = True
            self.following.close()
            with suppress(MasterEnded, TimeoutError):
                self._wait_for_leader("close", None)
            for place in self._places:
                waiting = la.dispatch(place.seat, Seat.close).get(timeout=PATIENCE_SECONDS)
                if waiting is not None:
                    la.wait(waiting, timeout=PATIENCE_SECONDS)

    def end(self) -> None:
        """They have been ended."""
        self._stop("")

    # ---- who leads ----

    @property
    def stopped(self) -> la.Future[str]:
        """Why the last of them has failed; empty, if there was no reason, or they were ended."""
        return self._stopped.future

    @property
    def urls(self) -> tuple[str, ...]:
        """Where each of them is reached."""
        return tuple([place.url for place in self._places])

    def leading(self, operation: str) -> Place:
        """Where the leader stands; waits for one. Of those that have ended, and of one alone, the first one.

        Raises: MasterEnded, if nobody is left while it waits; TimeoutError.
        """
        if self._count == 1 or not self._stopped.future.is_pending():
            return self._places[0]
        return self._place_of(self._wait_for_leader(operation, None))

    def present(self, operation: str) -> Staff:
        """The leader, and what ends with it, likewise."""
        return self._staff_at(self.leading(operation))

    def fail_over(self) -> None:
        """End the leader, as a crash would, and wait until the next one serves. Raises: MasterEnded, TimeoutError."""
        operation = "fail over"
        with self._turn:
            if self._is_closed:
                raise MasterEnded(f"{operation}: the cluster is closed; start another one")
            leader = self._wait_for_leader(operation, None)
            la.dispatch(self._place_of(leader).seat, Seat.replace).get(timeout=PATIENCE_SECONDS)
            staff = self._staff_at(self._place_of(self._wait_for_leader(operation, leader)))
            self._wait_until_it_leads(operation, staff.master)

    def wait_for(self, operation: str, begun: la.Future[T]) -> T:
        """What ``begun`` comes to. Raises: MasterEnded, if nobody leads any more; TimeoutError; what ``begun`` does."""
        if begun.is_ready() and self.stopped.is_pending():
            return begun.get()
        decided: la.Promise[None] = la.Promise()
        with self._lock:
            self._waiting.add(decided)
        begun.on_any(lambda _: decided.set(None)).on_abandoned(lambda: decided.set(None))
        try:
            if self.stopped.is_pending():
                decided.future.get(timeout=PATIENCE_SECONDS)
        finally:
            with self._lock:
                self._waiting.discard(decided)
        if not self.stopped.is_pending():
            raise self.ended(operation)
        return begun.get()

    def _wait_until_it_leads(self, operation: str, master: la.PID[Master]) -> None:
        """Raises: MasterEnded, TimeoutError."""
        try:
            self.wait_for(operation, la.dispatch(master, Master.wait_leading))
        except la.Abandoned as error:  # it has just ended, and its seat is about to hear of it
            raise self.ended(operation) from error

    def ended(self, operation: str) -> MasterEnded:
        """The error for what is asked of a cluster that nobody leads any more."""
        why = self.stopped.get(timeout=PATIENCE_SECONDS)  # who watches a master hears of its end as soon as we do
        advice = "" if operation == "start" else "; start another cluster"  # else the reason says what to do
        return MasterEnded(f"{operation}: the master has stopped: {why or 'it was ended'}{advice}")

    def _wait_for_leader(self, operation: str, previous: Leader | None) -> Leader:
        detected = self._member.detect(previous)
        try:
            leader = self.wait_for(operation, detected)
        finally:
            detected.discard()  # if it was in vain; else that does nothing
        return leader if leader is not None else self._wait_for_leader(operation, None)

    def _place_of(self, leader: Leader) -> Place:
        name = leader.info.pid.partition("@")[0]
        return next(place for place in self._places if place.id == name)

    def _staff_at(self, place: Place) -> Staff:
        return la.dispatch(place.seat, Seat.present).get(timeout=PATIENCE_SECONDS)

    # ---- parts ----

    def _join(self) -> MemoryMember | StandaloneMember:
        return self._election.join() if isinstance(self._election, MemoryElection) else self._election

    def _storage(self) -> RegistryStorage:
        return SqliteStorage(self._registry) if self._registry is not None else MemoryStorage(self._shared)

    def _plan(self, number: int, listener: Listener) -> SeatPlan:
        hostname = self._hostname or listener.name
        return SeatPlan(
            id="master" if not number else f"master({number + 1})",
            policies=self._policies,
            allocation_interval=self._allocation_interval,
            storage=self._storage,
            member=self._join(),
            hostname=hostname,
            port=listener.port,
            hosts=loopback_hosts(self._host, hostname),
            options=self._options,
            agents=self._agents,
            flags=self._flags,
            authentication=self._authentication,
            whitelist=self._whitelist,
        )

    def _leave(self, why: str) -> None:
        """Nobody stands at one of the seats any more."""
        with self._lock:
            self._left += 1
            is_last = self._left == len(self._places)
        if is_last:
            self._stop(why)
            self.following.end(MasterEnded(f"the master has stopped: {why}" if why else "the master has stopped"))

    def _stop(self, why: str) -> None:
        self._stopped.set(why)
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        for decided in waiting:
            decided.set(None)


def checked_count(masters: object) -> int:
    """Return the number of masters. Raises: InvalidRequest, below 1."""
    if not isinstance(masters, int) or masters < 1:
        raise InvalidRequest(f"cluster: got {masters!r} masters, expected a number of at least 1")
    return masters
