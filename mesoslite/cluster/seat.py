"""Seat: where one master of a cluster stands: when it has lost its leadership, the next one stands there."""

# Who calls: masters.py.
# A master that lost its leadership, was fenced, or is to be replaced, has a successor at once, with an allocator, a
#   registrar and an id of its own; one that failed has none, for what it failed of would most likely come again. Nor
#   has one that stood alone and was fenced: a master of another program has its registry, and would be fenced in turn.
# Invariants: 1. the HTTP port belongs to the seat, and leads to whoever stands there.    2. a successor stands once its
#   predecessor has ended, since both stand by one member of the election.
# A seat gets new actors each time, not those of a supervisor, which keep their PIDs: timers of the last master would
#   come due in the next one.

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import libactor as la
from libactor.http import Receive, Scope, Send
from mesoslite.allocator import pattern_problem
from mesoslite.api import Authentication, master_app
from mesoslite.election import StandaloneMember
from mesoslite.master import AgentOptions, Allocator, Master, MasterOptions
from mesoslite.model import AgentsWhitelisted, Fenced, LeadershipLost, RegistryStorage
from mesoslite.registry import Registrar

from .whitelist import Whitelist, WhitelistWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from libactor.http import Application
    from mesoslite.allocator import PolicySource
    from mesoslite.election import MemoryMember

log = logging.getLogger("mesoslite")

SUCCESSORS_MAX, SUCCESSORS_SECONDS = 5, 60.0  # of losses, in that time; more, and something else is wrong


class Staff(NamedTuple):
    """A master and the actors that end with it."""

    master: la.PID[Master]
    allocator: la.PID[Allocator]
    registrar: la.PID[Registrar]


class Door:
    """The HTTP API of whoever stands at a seat: an ASGI application."""

    def __init__(self) -> None:
        self.app: Application | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; there is a master before anybody is served."""
        assert self.app is not None
        await self.app(scope, receive, send)


class SeatPlan(NamedTuple):
    """What the masters of one seat are made of. ``storage`` makes the registry's storage for each.

    ``whitelist`` is the file with the hosts whose agents are offered; None: all are.
    """

    id: str
    policies: PolicySource
    allocation_interval: float
    storage: Callable[[], RegistryStorage]
    member: MemoryMember | StandaloneMember
    hostname: str
    port: int
    hosts: Collection[str] | None
    options: MasterOptions
    agents: AgentOptions
    flags: Mapping[str, str]
    authentication: Authentication
    whitelist: Path | None = None


class Seat(la.Actor):
    """Has a master stand, by ``plan``; ``left(reason)`` is called when nobody stands there any more, with why."""

    def __init__(self, plan: SeatPlan, left: Callable[[str], None]) -> None:
        super().__init__(f"seat-of-{plan.id}")
        self._plan = plan
        self._left = left
        self._is_closed = False
        self._is_replaced = False
        self._losses: deque[float] = deque(maxlen=SUCCESSORS_MAX)  # when
        self.door = Door()
        self._whitelist = Whitelist(plan.whitelist) if plan.whitelist is not None else None
        self._staff: Staff | None = None  # whoever stands there, or stood there last

    def appoint(self) -> None:
        """Have a master stand.

        Raises: InvalidRequest, if there is no policy for its allocator; OSError and InvalidRequest, for its whitelist.
        """
        plan = self._plan
        listed = self._whitelist.for_next() if self._whitelist is not None else ()
        allocator = la.spawn(Allocator(plan.policies.take(), plan.allocation_interval))
        if self._whitelist is not None:
            la.tell(allocator, Allocator.apply, AgentsWhitelisted(listed))  # before there is a master, and any agent
            la.spawn(WhitelistWatch(self._whitelist, allocator))
        registrar = la.spawn(Registrar(plan.storage(), id=la.generate_id("registrar")))
        master = la.spawn(
            Master(
                allocator,
                registrar,
                contender=plan.member,
                detector=plan.member,
                hostname=plan.hostname,
                port=plan.port,
                id=plan.id,
                options=plan.options,
                agents=plan.agents,
                pattern_problem=pattern_problem,
            )
        )
        la.link(master)
        self._staff = Staff(master, allocator, registrar)
        self.door.app = master_app(
            master,
            runtime=self.runtime,
            hosts=plan.hosts,
            flags=plan.flags,
            authentication=plan.authentication,
        )

    def present(self) -> Staff:
        """Whoever stands there, or stood there last; there is one from the first appointment on."""
        assert self._staff is not None
        return self._staff

    def replace(self) -> None:
        """End whoever stands there, as a crash would, and have the next one stand."""
        self._is_replaced = True
        la.terminate(self.present().master)

    def close(self) -> la.PID[Master] | None:
        """Let nobody stand there after the one who does; end, and return, one who does not lead."""
        self._is_closed = True
        master, leader = self.present().master, self._plan.member.leader
        if leader is not None and leader.info.pid == str(master):
            return None
        la.terminate(master)
        return master

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """The master has ended."""
        staff = self.present()
        la.terminate(staff.allocator)
        la.terminate(staff.registrar)
        if self._is_closed:
            return
        text = "" if reason is None else f"{type(reason).__name__}: {reason}"
        if not self._has_successor(reason):
            self._left(text)
            return
        self._is_replaced = False
        if reason is not None:
            log.warning("%s has stopped, and another one stands in its place: %s", pid, reason)
        try:
            self.appoint()
        except Exception as error:
            log.exception("nobody can stand in the place of %s", pid)
            self._left(f"{type(error).__name__}: {error}")

    def _has_successor(self, reason: BaseException | None) -> bool:
        if self._is_replaced:
            return True
        is_alone = isinstance(self._plan.member, StandaloneMember)
        if not isinstance(reason, LeadershipLost) and not (isinstance(reason, Fenced) and not is_alone):
            return False
        now, losses = self.runtime.clock.now(), self._losses
        is_too_much = len(losses) == SUCCESSORS_MAX and now - losses[0] < SUCCESSORS_SECONDS
        losses.append(now)
        return not is_too_much
