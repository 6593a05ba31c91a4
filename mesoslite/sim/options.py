"""Options: what a seed draws for its run before anything happens: how large, which features, which faults."""

# Who calls: life.py, first of all; runs.py prints them with a failure.
# Swarm testing: each run has a random part of the features and of the faults, and each of these a strength of its own.
#   Runs with all of everything would never see what needs quiet elsewhere.
# Invariant: 0 drawn is the tame choice, so the plain run is small, without features, and nothing goes wrong in it.

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from libactor.testing import Stream

FEATURES = (
    "kills",  # schedulers kill tasks
    "ports",  # tasks take ports
    "suppression",  # schedulers that have enough want no offers
    "late answers",  # offers and statuses are answered late, some offers after they were void
    "reservations",  # schedulers and operators reserve cpus, and unreserve them
    "volumes",  # schedulers and operators make volumes, resize and destroy them
    "groups",  # schedulers launch groups, which agents refuse
    "updates",  # schedulers say anew what they are
    "teardown",  # schedulers end their frameworks, and begin anew
    "launch failures",  # agents cannot start some tasks
    "quota",  # operators set and remove quotas
    "weights",  # operators set weights
    "draining",  # operators deactivate, drain and reactivate agents
    "gone",  # operators declare agents gone
    "maintenance",  # operators schedule the service of machines, take them down and bring them up
)
"""What schedulers and operators do beyond launching tasks."""

RATES = ("loss", "duplicate", "reset", "straggle", "tail")
"""Faults of the network that each message may meet; the strength is a probability. See libactor.testing.Conditions."""

EVENTS = (
    "partition",  # a host hears nobody, both ways
    "one-way partition",  # one direction only
    "agent crash",  # its host goes down, with all that runs there; it may have another disk when it is back
    "scheduler crash",  # its host goes down; it knows its tasks when it is back
    "master crash",  # its host goes down, with allocator and registrar
    "agent restarts",  # its host loses all that was there, and another agent is at its address before anybody notices
    "agent leaves",  # an agent is ended in order, and another one begins
    "registry fails",  # a store or read fails, done or not
    "registry is slow",  # stores and reads take 1 to 30 s; after 20 s a master gives up
    "two masters",  # the leader is cut off from the election, and believes that it leads on
    "agent is killed",  # its containers go on; the agent that begins anew has its id, and goes on with what is kept
)
"""Faults that strike once; the strength is how likely one is in a step, beside the others."""

_STRENGTHS = (0.0, 0.002, 0.01, 0.04)
_WEIGHTS = (0, 0, 1, 2, 4)


class Options(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a run is to be."""

    agents: int
    schedulers: int
    masters: int
    steps: int
    features: tuple[str, ...] = ()
    rates: tuple[tuple[str, float], ...] = ()
    events: tuple[tuple[str, int], ...] = ()
    removal_limit: tuple[float, float] | None = None  # how many agents may be given up in how many seconds

    @property
    def text(self) -> str:
        """For people, on one line."""
        rates = [f"{name} {rate:g}" for name, rate in self.rates]
        events = [f"{name} x{weight}" for name, weight in self.events]
        limit = f"; {self.removal_limit[0]:g} removals in {self.removal_limit[1]:g} s" if self.removal_limit else ""
        return (
            f"{self.agents} agents, {self.schedulers} schedulers, {self.masters} masters, {self.steps} steps; "
            f"features: {', '.join(self.features) or 'none'}; faults: {', '.join(rates + events) or 'none'}{limit}"
        )


def draw_options(stream: Stream) -> Options:
    """Draw a run."""
    return Options(
        agents=stream.between(3, 6),
        schedulers=stream.between(2, 4),
        masters=stream.between(1, 3),
        steps=stream.between(50, 100),
        features=tuple([name for name in FEATURES if stream.chance(0.3)]),
        rates=tuple([(name, rate) for name in RATES if (rate := stream.pick(_STRENGTHS))]),
        events=tuple([(name, weight) for name in EVENTS if (weight := stream.pick(_WEIGHTS))]),
        removal_limit=(1.0, 30.0) if stream.chance(0.25) else None,
    )
