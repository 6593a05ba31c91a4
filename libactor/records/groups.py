"""Groups: items of an array by the text in one of their fields, as a value of a projection's table."""

# Who calls: as libactor/records/tables.py. The core sorts them: csrc/groups.c.

from __future__ import annotations

from dataclasses import dataclass

from libactor._core._projection import DO_GROUPS
from libactor.records.program import Block
from libactor.records.tables import LISTS, Value, text_field, write_value


@dataclass(frozen=True, slots=True)
class Groups(Value):
    """An object with an array for each text in the field ``group`` of the structs in an array; empty for nil.

    An array has ``value`` for each item of the group, as they stand in the record; groups come in the order of their
    bytes. ``but`` leaves out one group.
    """

    name: str
    group: str
    value: Value
    but: str | None = None

    def write(self, block: Block) -> None:
        """See Value."""
        field = block.scope.field(self.name).of(LISTS, "an array of structs")
        inner = block.nested(field.item())
        if not inner.scope.is_struct:
            field.refuse("an array of structs")
        group = text_field(inner.scope, self.group)
        inner.part()
        write_value(inner, self.value)
        but = [-1, 0] if self.but is None else block.program.constant(self.but.encode())
        block.run_groups(DO_GROUPS, field, group, but, inner)
