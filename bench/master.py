"""The master: how long it takes over what a framework asks for at once."""

# No peer that could run beside it; the work of the registrar, which is part of the master, is in bench/registrar.py,
#   what it does when all agents come back at once in bench/failover.py, whole launches in bench/launches.py, with
#   real containers in bench/containers.py, how long it keeps others waiting in bench/responsiveness.py, its metrics in
#   bench/metrics.py,
#   what polls of /state cost everybody in bench/pollers.py and bench/responsive.py, subscriptions in
#   bench/subscriptions.py, what all of a large cluster takes in bench/state.py.

from __future__ import annotations

import gc
from time import perf_counter

import libactor as la
from bench.benchmarks import expect
from bench.containers import ContainerWork
from bench.failover import FailoverWork
from bench.launches import LaunchWork
from bench.metrics import MetricsWork
from bench.pollers import PollersWork
from bench.registrar import RegistrarWork
from bench.responsive import ResponsiveWork
from bench.responsiveness import ResponsivenessWork
from bench.stand_ins import PATIENCE_SECONDS, Counting, launch, stage_of
from bench.state import StateWork
from bench.subscriptions import SubscriptionsWork
from mesoslite.model import Reconcile, TaskReference, Update


class MasterWork(
    RegistrarWork,
    FailoverWork,
    LaunchWork,
    ContainerWork,
    ResponsivenessWork,
    MetricsWork,
    PollersWork,
    ResponsiveWork,
    SubscriptionsWork,
    StateWork,
):
    """Each method does something with so many agents or tasks (``count``)."""

    def reconcile(self, count: int) -> float:
        """One framework asks for the state of each of its tasks by name, and hears of the last one."""
        with stage_of(1, count) as stage:
            tasks = [message.task for message in launch(stage, count).get(PATIENCE_SECONDS)]
            references = tuple([TaskReference(each.task_id, each.agent_id) for each in tasks])
            call = Reconcile(stage.offers[0].framework_id, references)
            gc.collect()
            start = perf_counter()
            answers = la.dispatch(stage.framework, Counting.say, call, Update, count).get(PATIENCE_SECONDS)
            seconds = perf_counter() - start
            expect(len(answers), count, "answers")
            return seconds
