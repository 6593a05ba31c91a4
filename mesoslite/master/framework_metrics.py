"""Framework metrics: what is told of each framework, under Mesos's names, when somebody looks."""

# Who calls: master.py makes it; readers of metrics have ``rows`` called, as the table master/frameworks.
# They are read in an actor of its own, beside the master, which would be busy for 30 ms with those of 9,000 frameworks:
#   numbers are read one by one, each is true of its moment. Nothing is changed here.
# A framework that was removed is told of as long as it is remembered, as in Mesos; its roles are not.
# Source: Mesos src/master/metrics.cpp (FrameworkMetrics), src/master/allocator/mesos/metrics.cpp (the same; roles).

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

import libactor as la
from mesoslite.model import TaskState

from .figures import COLUMNS, PLACES, TASKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mesoslite.model import FrameworkInfo

    from .framework_entry import FrameworkEntry
    from .history import History
    from .ledger import Ledger
    from .options import MasterOptions
    from .publication import Publication

SAFE = "_.*()@:+~=,-"  # in names of metrics, beside letters and digits
SUMS = [
    (PLACES[name], slice(PLACES[name] + 1, PLACES[name] + 1 + sum(other.startswith(f"{name}/") for other in COLUMNS)))
    for name in ("calls", "events", "operations")
]
SUBSCRIBED, UNREACHABLE = PLACES["subscribed"], TASKS[TaskState.TASK_UNREACHABLE]
COLUMNS_CACHED, ROLES_CACHED = 1_000, 16  # sets of roles, and how many of them a set has at most
_IS_PLAIN = re.compile(r"[\w.~-]*", re.ASCII).fullmatch  # as RFC 3986 has it: unreserved
NAME_LENGTH_MAX = 255  # characters that are told of a framework's name; its id follows


class FrameworkMetrics:
    """What is told of the frameworks in a master's books, and in its history which roles they have suppressed."""

    def __init__(self, ledger: Ledger, history: History, publication: Publication, options: MasterOptions) -> None:
        self._ledger = ledger
        self._suppressed = history.suppressed
        if options.publish_per_framework_metrics:
            publication.add(la.metrics.Table("master/frameworks", self.rows))

    def rows(self) -> Iterator[la.metrics.Row]:
        """A row for each framework, those that were removed included."""
        live, completed = list(self._ledger.frameworks.values()), self._ledger.completed  # each made in one step
        removed = {one.id: one for one in completed}  # of which one may have been live before
        for one in live:
            if one.id not in removed:
                yield self._row(one, one.info.roles)
        for one in removed.values():
            yield self._row(one, ())

    def _row(self, framework: FrameworkEntry, roles: tuple[str, ...]) -> la.metrics.Row:
        values = framework.figures.copy()
        for total, parts in SUMS:
            values[total] = sum(values[parts])
        values[SUBSCRIBED] = int(framework.connected)
        unreachable = framework.unreachable
        values[UNREACHABLE] = len(unreachable) if unreachable and framework.partition_aware else 0  # else they are lost
        if len(roles) > 1:
            roles = tuple(sorted(roles))
        suppressed = self._suppressed(framework.id)
        values[SUBSCRIBED:SUBSCRIBED] = [role in suppressed for role in roles]
        columns = _shared_columns(roles) if len(roles) <= ROLES_CACHED else _columns(roles)
        return la.metrics.Row(framework.metric_name, columns, values)


def row_name(info: FrameworkInfo) -> str:
    """What the metrics of a framework that has an id are called after the table."""
    return f"{_quoted(info.name[:NAME_LENGTH_MAX], safe='')}/{_quoted(info.id or '', safe=SAFE)}"


def _quoted(text: str, safe: str) -> str:
    """As ``quote``, which takes ten times as long to find that nothing is to be done."""
    return text if _IS_PLAIN(text) else quote(text, safe=safe)


@lru_cache(COLUMNS_CACHED)
def _shared_columns(roles: tuple[str, ...]) -> tuple[str, ...]:
    return _columns(roles)


def _columns(roles: tuple[str, ...]) -> tuple[str, ...]:
    of_roles = [f"roles/{quote(role, safe='/' + SAFE)}/suppressed" for role in roles]
    return (*COLUMNS[:SUBSCRIBED], *of_roles, *COLUMNS[SUBSCRIBED:])
