"""Label: a free-form pair of texts."""

# Who calls: kinds.py (a reservation has labels), records.py.

import msgspec


class Label(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A free-form pair; ``value`` is None if none was given, which is not the same as an empty one."""

    key: str
    value: str | None = None
