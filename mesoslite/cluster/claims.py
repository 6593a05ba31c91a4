"""Claims: a work directory is one agent's at a time."""

# Who calls: nodes.py; agents of one program (cluster.py) have directories below its own.
# A lock on a file, not a file: the system takes it back when the program ends, in whichever way. Tasks that outlive
#   their agent do not have it.
# Source: Mesos has no such lock; two of its agents at one directory recover each other's tasks.

from __future__ import annotations

import errno
import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_NAME = ".agent-lock"


@contextmanager
def claimed(work_dir: Path) -> Iterator[None]:
    """Have ``work_dir``, which is there, to oneself meanwhile.

    Raises: OSError, BlockingIOError if another agent has it.
    """
    with (work_dir / LOCK_NAME).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            problem = "another agent has this work directory; give each one of its own"
            raise BlockingIOError(errno.EAGAIN, problem, str(work_dir)) from None
        yield
