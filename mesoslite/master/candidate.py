"""Candidate: the part of a master that stands for leadership, and says who leads."""

# Who calls: master.py and the other parts of the master inherit it; who serves readers dispatches its methods.
# A master reads the registry once it is elected, not before: that takes it away from whoever led.
# What is over ends the master ahead of all that waits in its mailbox: the news comes by the control lane.

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import libactor as la
from mesoslite.model import LeadershipLost, MasterInfo, MasterTenure, NotLeader, RegistrarPort

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import FaultDomain, Leadership, MasterStanding
    from mesoslite.model.registry import Recovered

    from .standing import Standing

P = ParamSpec("P")
R = TypeVar("R")
CandidateT = TypeVar("CandidateT", bound="Candidate")


def led(method: Callable[Concatenate[CandidateT, P], R]) -> Callable[Concatenate[CandidateT, P], R]:
    """Have a method raise NotLeader, unless this master leads and has read the registry."""

    @functools.wraps(method)
    def checked(self: CandidateT, /, *args: P.args, **kwargs: P.kwargs) -> R:
        self._check_serving(method.__name__)
        return method(self, *args, **kwargs)

    return checked


class Candidate(la.Actor):
    """Stands, and leads or waits; implements that part of MasterPort."""

    master_id: str
    _hostname: str
    _port: int
    _domain: FaultDomain | None
    _registrar: la.PID[RegistrarPort]
    _standing: Standing
    _leading: la.Promise[int]
    _start_time: float
    _elected_time: float  # once it leads

    def info(self) -> MasterInfo:
        """What this master says of itself."""
        return MasterInfo(
            id=self.master_id, hostname=self._hostname, port=self._port, pid=str(self.pid), domain=self._domain
        )

    def _tenure(self) -> MasterTenure:
        return MasterTenure(info=self.info(), start_time=self._start_time, elected_time=self._elected_time)

    @la.remote
    def standing(self) -> MasterStanding:
        """Whether this master leads and serves, and who leads as far as it knows."""
        return self._standing.describe()

    @la.remote
    def wait_leading(self) -> la.Future[int]:
        """The epoch in which this master leads, once it has read the registry and serves: dispatch it."""
        return self._leading.future

    def _stand(self) -> None:
        pid = self.pid
        self._standing.start(
            self.info(),
            lambda leadership: la.tell(pid, Candidate._elected, leadership),
            lambda why: la.tell(pid, Candidate._end_leadership, why),
        )

    def _elected(self, leadership: Leadership | None) -> None:
        """It leads: take the registry over, unless that is over already: it would take it from who leads now."""
        if not self._standing.begin(leadership):
            return
        self._elected_time = self.runtime.clock.now()
        found = la.dispatch(self._registrar, RegistrarPort.recover, self.info())
        found.on_ready(lambda found: la.tell(self.pid, Candidate._recovered, found))
        found.on_failed(lambda _: None)  # the registrar ends with it, and this master then

    def _recovered(self, found: Recovered) -> None:
        """The registry is read: serve from now on."""
        raise NotImplementedError

    def _is_elected(self) -> float:
        return float(self._standing.leads)

    def _uptime(self) -> float:
        return self.runtime.clock.now() - self._start_time

    @la.control
    def _end_leadership(self, why: str) -> None:
        """End at once; whoever has started this master may start another one, which stands anew."""
        raise la.foreseen(LeadershipLost(f"master {self.master_id} ends: {why}"))

    def _check_serving(self, operation: str) -> None:
        if self._standing.serves:
            return
        standing = self._standing.describe()
        if standing.leads:
            raise NotLeader(f"{operation}: this master leads, and has not read its registry yet; ask again")
        if standing.leader is None:
            raise NotLeader(f"{operation}: no master leads; ask again")
        info = standing.leader.info
        raise NotLeader(f"{operation}: master {info.id} at {info.hostname}:{info.port} leads, {info.pid}; ask that one")
