"""Row, the numbers of one thing of a table; Rows, those of all as they are kept for a snapshot: checked and packed."""

# Who calls: users make each Row; a table (table.py) Rows, once for all who look; snapshot.py, json_text.py read them.
# Packed, they are nothing that the garbage collector has to look at: a list of numbers for each of 9,000 things would
#   bring about a full collection every few snapshots, which takes longer than all the rest.
# Annotations are not put off here: those of a NamedTuple's constructor could not be looked up later.

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, final

from libactor._core._impl import pack_numbers

NUMBER_BYTES = 8


class Row(NamedTuple):
    """The numbers of one thing: ``<table>/<name>/<column>`` for each column, in order of their names.

    Who makes it sees to it that names and columns are made as those of metrics are: percent-encode what is not. Rows
    with the same columns had better share one tuple of them.
    """

    name: str
    columns: tuple[str, ...]
    values: Sequence[float]


@final
class Rows:
    """The rows that ``told`` are, in order of their names; those without numbers are left out.

    Raises: any error, if some are no rows of finite numbers whose names are text.
    """

    __slots__ = ("_columns", "_names", "_numbers")

    def __init__(self, told: Iterable[Row]) -> None:
        self._names: list[str] = []
        self._columns: list[tuple[str, ...]] = []
        self._numbers: list[bytes] = []
        known: set[int] = set()  # identities of columns, which the rows keep alive
        for row in told:
            if not isinstance(row, Row):
                raise TypeError(f"{type(row).__qualname__} is no row")
            name, columns, numbers = row.name, tuple(row.columns), pack_numbers(row.values)
            if len(numbers) != NUMBER_BYTES * len(columns):
                raise ValueError(f"{name} has not as many numbers as columns")
            if id(columns) not in known:
                "".join(columns).encode()
            name.encode()
            if numbers:
                known.add(id(columns))
                self._names.append(name)
                self._columns.append(columns)
                self._numbers.append(numbers)

    def __iter__(self) -> Iterator[tuple[str, tuple[str, ...], bytes]]:
        """Of each its name, its columns, and its numbers, as doubles behind one another."""
        names = self._names
        for place in sorted(range(len(names)), key=names.__getitem__):
            yield names[place], self._columns[place], self._numbers[place]
