"""Responsiveness: what a master takes over a trivial question while it does the largest of what it is asked for."""

# A thread of its own asks all the while (bench/asking.py), as a reader of the API would. Failovers are in
#   bench/failover.py. What half of the answers, and the longest, have taken is printed on standard error.

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import libactor as la
from bench.asking import asking, worst_of_most
from bench.benchmarks import expect
from bench.stand_ins import PATIENCE_SECONDS, ROLE, Counting, Stage, launch, stage_of
from mesoslite.master import Master
from mesoslite.model import Rescind, Unavailability
from mesoslite.model.happenings import FrameworkRemoved
from mesoslite.model.registry import MachineID, QuotaConfig, Schedule, Weight, Window

CPUS = 4  # of each agent whose offer is rescinded


class ResponsivenessWork:
    """Each method has the master do something with so many tasks or offers: what 99 of 100 answers take at most."""

    def ask_amid_accept(self, count: int) -> float:
        """One ACCEPT launches so many tasks."""
        with stage_of(1, count) as stage:
            return _ask(stage.master, f"an ACCEPT of {count:,} tasks", lambda: launch(stage, count), count)

    def ask_amid_teardown(self, count: int) -> float:
        """A framework with so many tasks is removed."""
        with stage_of(1, count) as stage:
            watcher = stage.framework._process.runtime.spawn(Counting(stage.master))
            kinds = frozenset({FrameworkRemoved})
            la.dispatch(stage.master, Master.follow, watcher, kinds).get(PATIENCE_SECONDS)
            launch(stage, count).get(PATIENCE_SECONDS)
            removed = la.dispatch(watcher, Counting.expect, FrameworkRemoved, 1)

            def begin() -> la.Future[list[Any]]:
                framework_id = stage.offers[0].framework_id
                la.dispatch(stage.master, Master.teardown_framework, framework_id).get(PATIENCE_SECONDS)
                return removed

            return _ask(stage.master, f"the end of a framework with {count:,} tasks", begin, 1)

    def ask_amid_schedule(self, count: int) -> float:
        """So many machines are to be serviced, and their offers are rescinded."""
        window = Unavailability(start=4_000_000_000_000_000_000)

        def begin(stage: Stage) -> la.Future[None]:
            machines = tuple([MachineID(offer.hostname, "") for offer in stage.offers])
            return la.dispatch(stage.master, Master.update_schedule, Schedule((Window(machines, window),)))

        return _ask_amid_rescissions(count, "a schedule", begin)

    def ask_amid_weights(self, count: int) -> float:
        """A role weighs more, and all offers are rescinded."""
        return _ask_amid_rescissions(
            count,
            "a weight",
            lambda stage: la.dispatch(stage.master, Master.update_weights, (Weight(ROLE, 2.0),)),
        )

    def ask_amid_quota(self, count: int) -> float:
        """A role is limited to nothing, and all its offers are rescinded."""
        quota = QuotaConfig(ROLE, limits=(("cpus", 0),))
        return _ask_amid_rescissions(
            count, "a quota", lambda stage: la.dispatch(stage.master, Master.update_quota, (quota,))
        )


def _ask_amid_rescissions(count: int, name: str, begin: Callable[[Stage], la.Future[None]]) -> float:
    with stage_of(count, CPUS) as stage:
        rescinded = la.dispatch(stage.framework, Counting.expect, Rescind, count)

        def change() -> la.Future[list[Any]]:
            begin(stage).get(PATIENCE_SECONDS)
            return rescinded

        return _ask(stage.master, f"{name} that rescinds {count:,} offers", change, count)


def _ask(master: la.PID[Master], name: str, begin: Callable[[], la.Future[list[Any]]], count: int) -> float:
    """Ask while what ``begin`` begins goes on, until its future has so many entries."""
    answers: list[float] = []
    gc.collect()
    with asking(master, answers):
        expect(len(begin().get(PATIENCE_SECONDS)), count, name)
    return worst_of_most(answers, name)
