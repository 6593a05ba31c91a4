"""State cache: how much memory a master's program keeps rendered records in."""

# Who calls: master.py. It is a setting of the process, as those of prompt.py are, so not Cluster's.
# 400,000 tasks with ten labels are 290 MB as /state shows them, twice that as GET_STATE does; what there is no room for
#   is rendered each time. Memory is taken as texts come.

from __future__ import annotations

import os
from typing import Annotated, TypeAlias

import typer

from libactor.records import fragments_bound

MEBIBYTE = 1024 * 1024
DEFAULT_BYTES = 1024 * MEBIBYTE
PART = 4  # of the machine's memory, at most, unless told

StateCache: TypeAlias = Annotated[
    int | None,
    typer.Option(
        help="MiB to keep what was rendered for /state and its like; a quarter of the memory by default, at most 1024.",
        min=0,
        max=2**20,
        show_default=False,
    ),
]


def set_state_cache(mebibytes: int | None) -> int:
    """Allow that much, the default if None; the bytes."""
    if mebibytes is not None:
        allowed = mebibytes * MEBIBYTE
    else:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        allowed = min(DEFAULT_BYTES, memory // PART)
    fragments_bound(allowed)
    return allowed
