"""The master: how long it takes over what a framework asks for at once."""

# No peer that could run beside it; the work of the registrar, which is part of the master, is in bench/registrar.py,
#   what it does when all agents come back at once in bench/failover.py, whole launches in bench/launches.py, how long
#   it keeps others waiting in bench/responsiveness.py.

from __future__ import annotations

import gc
from time import perf_counter

import libactor as la
from bench.benchmarks import expect
from bench.failover import FailoverWork
from bench.launches import LaunchWork
from bench.registrar import RegistrarWork
from bench.responsiveness import ResponsivenessWork
from bench.stand_ins import PATIENCE_SECONDS, ROLE, Counting, launch, stage_of
from mesoslite.master import Master
from mesoslite.model import FrameworkInfo, Offers, Reconcile, Subscribe, Subscribed, Suppress, TaskReference, Update


class MasterWork(RegistrarWork, FailoverWork, LaunchWork, ResponsivenessWork):
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

    def snapshot(self, count: int) -> float:
        """Somebody asks for all metrics as JSON, with those of so many frameworks, each of which has called twice."""
        with stage_of(1, 1) as stage:
            others = [la.spawn(Counting(stage.master)) for _ in range(count - 1)]
            infos = [FrameworkInfo(name=f"bench-{number}", roles=(ROLE,)) for number in range(count - 1)]
            asked = [
                la.dispatch(pid, Counting.say, Subscribe(info), Subscribed, 1)
                for pid, info in zip(others, infos, strict=True)
            ]
            subscribed = la.collect(asked).get(PATIENCE_SECONDS)
            said = [
                la.dispatch(pid, Counting.say, Suppress(event.framework_id), Offers, 0)
                for pid, [event] in zip(others, subscribed, strict=True)
            ]
            la.collect(said).get(PATIENCE_SECONDS)
            la.dispatch(stage.master, Master.ping).get(PATIENCE_SECONDS)  # it has served all of that
            gc.collect()
            start = perf_counter()
            text = stage.runtime.metrics.snapshot_json().get(PATIENCE_SECONDS)
            seconds = perf_counter() - start
            expect(text.count(b'/calls/subscribe":1.0'), count, "frameworks")
            return seconds
