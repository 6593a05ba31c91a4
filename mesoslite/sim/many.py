"""Many: one seed after the other, on several processes."""

# Who calls: the command line.
# Processes are started anew, not forked: a fork would take along whatever the caller has open. Ctrl-C is the caller's
#   business alone; as soon as it leaves the iterator they are ended, whatever they are doing. So what they keep in
#   files is in a folder of the caller's, which goes with them.

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from typing import TYPE_CHECKING

from .runs import Outcome, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SEEDS_AT_ONCE = 4  # that a process is given


def run_many(seeds: Sequence[int], jobs: int | None = None) -> Iterator[Outcome]:
    """The outcomes of seeds, as they come; on so many processes, None: one a CPU.

    Close the iterator, or leave it to the end: then no process is left.
    """
    jobs = min(jobs or os.cpu_count() or 1, len(seeds))
    if jobs <= 1:
        yield from map(run, seeds)
        return
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="mesoslite-sim-") as folder, spawn.Pool(jobs, _begin, (folder,)) as pool:
        yield from pool.imap_unordered(run, seeds, min(SEEDS_AT_ONCE, len(seeds) // jobs or 1))


def _begin(folder: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = folder
