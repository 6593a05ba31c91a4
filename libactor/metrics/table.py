"""Table: the same numbers of each of many things, told together when somebody looks."""

# Who calls: users make them; the registry pulls (pulled.py), and has their rows put into a snapshot.
# A metric for each number of each thing would be half a million objects for 9,000 things of 60 numbers; here it is one,
#   and what is counted may be kept as whoever counts likes, a list of numbers a thing.
# Annotations are not put off here: those of a NamedTuple's constructor could not be looked up later.

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, final

from libactor.future import Future
from libactor.metrics.pulled import Pulled


class Row(NamedTuple):
    """The numbers of one thing: ``<table>/<name>/<column>`` for each column, in order of their names.

    Who makes it sees to it that names and columns are made as those of metrics are: percent-encode what is not. Rows
    with the same columns had better share one tuple of them.
    """

    name: str
    columns: tuple[str, ...]
    values: Sequence[float]


@final
class Table(Pulled):
    """The rows that ``function`` returns, or the future of them, when somebody looks; called as that of a Gauge.

    All names that begin with ``name`` and a slash are the table's. Raises: TypeError, ValueError for a name or a
    function that will not do.
    """

    __slots__ = ()

    def __init__(self, name: str, function: Callable[[], Iterable[Row] | Future[Any]]) -> None:
        super().__init__(name, function, "rows or a future of them")
