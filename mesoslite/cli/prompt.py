"""Prompt: what a program that is a whole cluster asks of its interpreter, so that nobody waits for long in it."""

# Who calls: `mesoslite dev` and `mesoslite master`; the benchmarks that measure such a program. Not Cluster: these are
#   settings of a process, and that is the business of whoever wrote its main program (docs/master.md says what to set).
# The collector: what a master keeps in quantity lives long, and a full pass over a million objects takes a tenth of a
#   second, in which nobody is served. So full passes are for when ten thousand times as much as that has come as gone;
#   what is over goes without the collector, for hardly anything here is in a cycle. A pass over the middle-aged looks
#   at what has stayed since the last: three times COLLECT_AFTER[0] objects, so that it takes 2 to 4 ms (with 50,000 of
#   them, 10 to 18 ms); each is looked at as often, however many go together.
# The switch: a thread that has something to say (of the HTTP server, say) gets the interpreter's lock from a master
#   that is busy after this time; Python's default is 5 ms, twice a question.

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

COLLECT_AFTER = (2_000, 2, 10_000)  # objects more than before, passes over the young, passes over the middle-aged
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
