"""Table: the same numbers of each of many things, told together when somebody looks."""

# Who calls: users make them; the registry pulls (pulled.py), and has their rows put into a snapshot.
# A metric for each number of each thing would be half a million objects for 9,000 things of 60 numbers; here it is one,
#   and what is counted may be kept as whoever counts likes, a list of numbers a thing.

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, final

from libactor._core._impl import Moved, move
from libactor.future import Future
from libactor.metrics.pulled import Pulled
from libactor.metrics.rows import Row, Rows


@final
class Table(Pulled):
    """The rows that ``function`` returns, or the future of them, when somebody looks; called as that of a Gauge.

    All names that begin with ``name`` and a slash are the table's. Raises: TypeError, ValueError for a name or a
    function that will not do.
    """

    __slots__ = ()

    def __init__(self, name: str, function: Callable[[], Iterable[Row] | Future[Any]]) -> None:
        super().__init__(name, function, "rows or a future of them")
        self._function = partial(_read, function)  # where it is called, and once for all who look


def _read(function: Callable[[], Any]) -> Moved | Future[Moved] | Coroutine[Any, Any, Moved]:
    told = function()
    if isinstance(told, Future):
        return told.then(_moved)
    return _read_later(told) if isinstance(told, Coroutine) else _moved(told)


async def _read_later(told: Coroutine[Any, Any, Iterable[Row]]) -> Moved:
    return _moved(await told)


def _moved(told: Iterable[Row]) -> Moved:
    return move(Rows(told))
