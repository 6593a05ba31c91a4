"""Asking: how long a master takes to answer somebody who asks for nothing, while it has much else to do."""

# Who calls: bench/failover.py, bench/responsiveness.py. A thread of its own asks, a millisecond after each answer,
#   in a process that is set as those of `mesoslite dev` are.

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import perf_counter, sleep

import libactor as la
from mesoslite.cli.prompt import prompt
from mesoslite.master import Master

PATIENCE_SECONDS = 110.0
PAUSE_SECONDS = 0.001


@contextmanager
def asking(master: la.PID[Master], answers: list[float]) -> Iterator[None]:
    """Ask for nothing all the time, and note the seconds that each answer took."""
    over = Event()

    def ask() -> None:
        while not over.is_set():
            start = perf_counter()
            la.dispatch(master, Master.ping).get(PATIENCE_SECONDS)
            answers.append(perf_counter() - start)
            sleep(PAUSE_SECONDS)

    thread = Thread(target=ask)
    with prompt():
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def worst_of_most(answers: list[float], amid: str) -> float:
    """Print how long answers took, and return what 99 of 100 took at most."""
    ordered = sorted(answers)
    median, most, worst = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100], ordered[-1]
    print(
        f"answers amid {amid}: {len(ordered):,}, half of them within {median * 1e3:.2f} ms, 99 of 100 within "
        f"{most * 1e3:.2f} ms, all within {worst * 1e3:.2f} ms",
        file=sys.stderr,
    )
    return most
