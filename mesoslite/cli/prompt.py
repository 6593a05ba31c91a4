"""Prompt: what a program that is a whole cluster asks of its interpreter, so that nobody waits for long in it."""

# Who calls: `mesoslite dev`, `master` and `agent`; the benchmarks that measure such a program. Not Cluster: these are
#   settings of a process, and that is the business of whoever wrote its main program (docs/master.md says what to set).
# The collector: what a master keeps in quantity lives long, and a full pass over a million objects takes a tenth of a
#   second, in which nobody is served. So full passes are for when thirty thousand times as much as that has come as
#   gone; what is over goes without the collector, for hardly anything here is in a cycle. Every other pass looks at
#   what has come since the one before, COLLECT_AFTER[0] objects, in less than a millisecond, and at nothing twice: -1
#   has the middle-aged looked at along with the young. With three generations what stays is looked at two times, and
#   each third pass took 2 to 4 ms, and 20 where something large was new.
# The switch: a thread that has something to say (of the HTTP server, say) gets the interpreter's lock from a master
#   that is busy after this time; Python's default is 5 ms, twice a question.

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

COLLECT_AFTER = (2_000, -1, 30_000)  # objects more than before, passes over the young, passes over the middle-aged
SWITCH_SECONDS = 0.001


@contextmanager
def prompt() -> Iterator[None]:
    """Let nobody in this process wait for long; at the end all is as it was."""
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(*COLLECT_AFTER)
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval)
