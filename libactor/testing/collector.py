"""The garbage collector during deterministic runs: off, and run at fixed steps."""

# Who calls: deterministic runtimes while they are open, shrink and the seeds of a test around many of them.
# Why: a future whose promise went away is abandoned, and that is an event of the run. A collection that comes when the
#   interpreter likes would bring it at another step each time.
# What was there before is frozen: it is not the run's, so no collection looks at it. Unless that is little, because the
#   rest was frozen already, as the conftest of a large suite may: freezing is of no use then, and unfreezing afterwards
#   would have each run that follows begin with a collection of all that the suite holds.
# Not gc.get_freeze_count: it counts one by one, which takes as long.

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

COLLECT_STEPS = 1_000  # from one collection to the next
FEW = 10_000  # objects: a collection goes through them in a fraction of a millisecond

_lock = threading.Lock()
_holders = 0
_was_enabled = False
_has_frozen = False


def hold() -> None:
    """Switch it off, until as many calls of ``release``."""
    global _holders, _was_enabled, _has_frozen
    with _lock:
        _holders += 1
        gc.collect()  # what an earlier run has left is not to be found by this one
        if _holders == 1:
            _was_enabled = gc.isenabled()
            gc.disable()
            _has_frozen = len(gc.get_objects()) > FEW
            if _has_frozen:
                gc.freeze()


def release() -> None:
    """See ``hold``."""
    global _holders
    with _lock:
        _holders -= 1
        if _holders == 0:
            if _has_frozen:
                gc.unfreeze()
            if _was_enabled:
                gc.enable()


@contextmanager
def held() -> Iterator[None]:
    """Around many runs: each of them has less to go through."""
    hold()
    try:
        yield
    finally:
        release()


def collect_at(step: int) -> None:
    """Collect what is due at this step: the young often, all of it seldom."""
    thousands = step // COLLECT_STEPS
    gc.collect(2 if thousands % 100 == 0 else 1 if thousands % 10 == 0 else 0)
