"""Plan: which children of a supervisor are up, and in which order the others are to be stopped and started."""

# Who calls: libactor/supervision/supervisor.py tells it what has happened to a child; the answers are steps to take, in
#   order. Pure: no clock, no actors; the same events give the same steps.
# A *round* is a piece of work that goes one step at a time: stop some children, the last one first; wait, if a failure
#   asks for it; start some, the first one first, each once the one before is up. The start of the supervisor is one, so
#   is each restart, and each wish of a user. Rounds that have no child in common go on side by side.
# Invariants: 1. a child is in the `stops` of one round at most, and in the `starts` of one at most, which is the same
#   one if it is in both.    2. in one round nothing is started while something is to be stopped.    3. one child at a
#   time is being stopped in a round, and one being started.    4. a child that is wanted and not up is in some round's
#   `starts`.
# A failure of a child that is to be stopped anyway is no failure. One that reaches children of a round that has not
#   ended is merged with it: what was to be stopped and started there still is, and its delay is that of the failure.
# Rejected: a list of restarts that wait for one another. A second failure in the middle of a restart then needs a case
#   of its own for each place it can come at.

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from libactor.supervision.restarts import Restart, Strategy, reach


class Phase(enum.Enum):
    """Where a child is in its life."""

    DOWN = enum.auto()
    STARTING = enum.auto()
    UP = enum.auto()
    STOPPING = enum.auto()  # it was asked to stop


class Step(NamedTuple):
    """What the supervisor is to do: start or stop the child ``id``, or tell the round ``number`` after ``seconds``."""

    what: Literal["start", "stop", "wait"]
    id: str = ""
    number: int = 0
    seconds: float = 0.0


@dataclass(slots=True, eq=False)
class Member:
    """One child, as the plan sees it."""

    id: str
    place: int  # in the order of the children
    restart: Restart
    phase: Phase = Phase.DOWN
    stop_in: Round | None = None  # the round that is to stop it
    start_in: Round | None = None  # the round that is to start it


@dataclass(slots=True, eq=False)
class Round:
    """A piece of work that has not come to its end."""

    number: int
    stops: dict[str, Member] = field(default_factory=dict)  # still up, or on their way down
    starts: list[Member] = field(default_factory=list)  # not up yet, in order; the first may be on its way
    waiting: bool = False
    stopping: int = 0  # those of `stops` that were asked to stop
    unasked: list[Member] = field(default_factory=list)  # those that were not, in order; some may have ended meanwhile


class Plan:
    """The children of one supervisor, in order."""

    __slots__ = ("_members", "_rounds", "_strategy", "_total")

    # _rounds: by number.    _total: children and rounds so far.

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._members: dict[str, Member] = {}
        self._rounds: dict[int, Round] = {}
        self._total = 0

    def add(self, id: str, restart: Restart) -> None:
        """A child that comes after all others, which is down."""
        assert id not in self._members, id
        self._total += 1
        self._members[id] = Member(id, self._total, restart)

    def remove(self, id: str) -> None:
        """Forget a child that is down and not to be started."""
        assert not self.is_wanted(id), id
        assert self.phase(id) is Phase.DOWN, id
        del self._members[id]

    def phase(self, id: str) -> Phase:
        """Where the child is."""
        return self._members[id].phase

    def is_wanted(self, id: str) -> bool:
        """Whether the child is to be up once all is done."""
        member = self._members[id]
        return member.start_in is not None or (member.stop_in is None and member.phase in (Phase.STARTING, Phase.UP))

    def is_expected_to_end(self, id: str) -> bool:
        """Whether the child was, or is about to be, asked to stop: then its end is no failure."""
        return self._members[id].stop_in is not None

    def start(self, ids: Iterable[str]) -> list[Step]:
        """Start children that are down, in their order, each once the one before is up."""
        return self._begin([], [self._members[name] for name in ids])

    def up(self, id: str) -> list[Step]:
        """The child has started, as asked."""
        member = self._members[id]
        if member.phase is not Phase.STARTING:  # it was asked to stop meanwhile
            return []
        member.phase = Phase.UP
        return [] if member.stop_in is not None else self._withdraw(member)

    def gone(self, id: str) -> list[Step]:
        """The child that was to be stopped has ended; or it has not, and is left behind."""
        member = self._members[id]
        found, member.stop_in = member.stop_in, None
        assert found is not None, member
        del found.stops[id]
        found.stopping -= member.phase is Phase.STOPPING
        member.phase = Phase.DOWN
        return self._go_on(found)

    def given_up(self, id: str) -> list[Step]:
        """The child has ended, or could not be started, and is to stay down."""
        member = self._members[id]
        member.phase = Phase.DOWN
        return self._withdraw(member)

    def failed(self, id: str, delay: float) -> list[Step]:
        """The child has ended, or could not be started, and is to be started again in ``delay`` seconds."""
        self._members[id].phase = Phase.DOWN
        reached = [self._members[other] for other in reach(self._strategy, self._members, id)]
        rounds = {found.number: found for member in reached for found in (member.stop_in, member.start_in) if found}
        stops = [member for found in rounds.values() for member in found.stops.values()]
        starts = [member for found in rounds.values() for member in found.starts]
        for member in reached:
            if member.phase in (Phase.STARTING, Phase.UP) and member.stop_in is None:
                stops.append(member)
                if member.start_in is None:
                    starts += [member] if member.restart != "temporary" else []
                elif member.restart == "temporary":  # one at most in each round
                    starts = [other for other in starts if other is not member]
        if self._members[id] not in starts:
            starts.append(self._members[id])
        for found in rounds.values():
            self._drop(found)
        return self._begin(stops, starts, delay)

    def due(self, number: int) -> list[Step]:
        """The wait of a round is over, if there is such a round still."""
        found = self._rounds.get(number)
        if found is None or not found.waiting:
            return []
        found.waiting = False
        return self._go_on(found)

    def stop(self, id: str) -> list[Step]:
        """Stop a child, and start it no more; nothing if it is down."""
        member = self._members[id]
        if member.phase not in (Phase.STARTING, Phase.UP) or member.stop_in is not None:
            return self._withdraw(member)
        found = member.start_in
        if found is None:
            return self._begin([member], [])
        assert not found.stops, member  # it is on its way up: what is to be started after it waits until it is down
        found.stops[id] = member
        found.unasked = [member]
        member.stop_in = found
        return self._withdraw(member)

    def again(self, id: str) -> list[Step]:
        """Start a child at once, if it is down or waits to be started; stop it before, if it is up."""
        member = self._members[id]
        if member.start_in is not None:  # it will be started as it is
            member.start_in.waiting = False
            return self._go_on(member.start_in)
        if member.stop_in is None:
            return self._begin([] if member.phase is Phase.DOWN else [member], [member])
        member.start_in = member.stop_in  # it will be down soon
        member.start_in.starts = _sorted([*member.start_in.starts, member])
        return []

    def _withdraw(self, member: Member) -> list[Step]:
        """Take a child off what is to be started."""
        found, member.start_in = member.start_in, None
        if found is None:
            return []
        found.starts.remove(member)
        return self._go_on(found)

    def _begin(self, stops: list[Member], starts: list[Member], delay: float = 0.0) -> list[Step]:
        self._total += 1
        fresh = Round(self._total, {member.id: member for member in stops}, _sorted(starts), delay > 0)
        fresh.unasked = _sorted(member for member in stops if member.phase is not Phase.STOPPING)
        fresh.stopping = len(stops) - len(fresh.unasked)
        for member in stops:
            member.stop_in = fresh
        for member in starts:
            member.start_in = fresh
        self._rounds[fresh.number] = fresh
        wait = [Step("wait", number=fresh.number, seconds=delay)] if fresh.waiting else []
        return wait + self._go_on(fresh)

    def _drop(self, found: Round) -> None:
        """End a round, whose work another one has taken over."""
        for member in found.stops.values():
            member.stop_in = None
        for member in found.starts:
            member.start_in = None
        del self._rounds[found.number]

    def _go_on(self, found: Round) -> list[Step]:
        """The next step of a round, if it is time for one."""
        if found.stopping:
            return []
        if found.stops:
            while found.unasked[-1].stop_in is not found:  # it has ended
                found.unasked.pop()
            last = found.unasked.pop()
            last.phase = Phase.STOPPING
            found.stopping = 1
            return [Step("stop", last.id)]
        if not found.starts:
            del self._rounds[found.number]
            return []
        if found.waiting or found.starts[0].phase is not Phase.DOWN:
            return []
        found.starts[0].phase = Phase.STARTING
        return [Step("start", found.starts[0].id)]


def _sorted(members: Iterable[Member]) -> list[Member]:
    return sorted(members, key=_place)


def _place(member: Member) -> int:
    return member.place
