"""View: what readers see of a master's books at one moment, numbered, and never changed."""

# Who calls: the master makes Views (MasterPort.view); api/ renders them; it holds one for as long as it likes, at the
#   cost of the records that have changed since.
# Invariants: 1. all of a View is of one moment.    2. of two Views of a master the one with the higher number is later,
#   and they differ; what has one number is one View.    3. of what has not changed between two Views the later one has
#   the very snapshots and records of the earlier one, so what was rendered of them is good for both.
# Beside the vocabulary (mesoslite.model does not import this): it needs libactor.

import msgspec

from libactor.records import Record, Snapshot

from .masters import MasterTenure
from .offers import InverseOffer
from .records import Agent, Executor, Framework, Offer, Operation, Task


class FrameworkView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A framework. ``tasks`` are those that live or whose end is not acknowledged; the unreachable may come back.

    ``completed_tasks`` is oldest first, over all the snapshots in their order; of other snapshots the order means
    nothing.
    """

    framework: Record[Framework]
    tasks: Snapshot[Task]
    unreachable_tasks: Snapshot[Task]
    completed_tasks: tuple[Snapshot[Task], ...]
    executors: Snapshot[Executor]
    offers: Snapshot[Offer]
    inverse_offers: tuple[InverseOffer, ...] = ()


class View(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The cluster, as its master knows it; ``number`` is above 0.

    ``recovered_agents`` are known to the registry and not back yet: of them only ``id``, ``hostname``, ``port``,
    ``attributes``, ``resources``, ``deactivated`` and ``drain`` say anything. ``active_agents`` of the registered ones
    are active; ``unreachable_agents`` are given up and may come back. ``operations`` are those under way, or not
    acknowledged, of all frameworks. ``completed_frameworks`` is oldest first.
    """

    number: int
    master: MasterTenure
    agents: Snapshot[Agent]
    recovered_agents: Snapshot[Agent]
    active_agents: int
    unreachable_agents: int
    frameworks: tuple[FrameworkView, ...]
    completed_frameworks: tuple[FrameworkView, ...]
    operations: Snapshot[Operation]


class NotModified(msgspec.Struct, frozen=True, gc=False):
    """The View with that number, which the reader has, is still what there is to see."""

    number: int
