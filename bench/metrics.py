"""Metrics: how long a master takes to tell all its numbers, with those of very many frameworks."""

# Who calls: MasterWork (bench/master.py). The client of GET_METRICS is another process (bench/metrics_client.py).
# The process is set up as `mesoslite master` sets itself up: with Python's own settings of the collector a full pass,
#   of a quarter of a second, falls into one snapshot of four.

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import libactor as la
from bench.benchmarks import expect
from bench.stand_ins import PATIENCE_SECONDS, ROLE, Counting, Stage, stage_of
from libactor.http import HttpServer
from mesoslite.api import master_app
from mesoslite.cli.prompt import prompt
from mesoslite.master import Master
from mesoslite.model import FrameworkInfo, Offers, Subscribe, Subscribed, Suppress

CLIENT = Path(__file__).with_name("metrics_client.py")
ONE = {"snapshot": b'/calls/subscribe":1.0', "get_metrics": b'/calls/subscribe","value":1.0'}  # of each framework


class MetricsWork:
    """Each method asks for all metrics as JSON, with those of so many frameworks, each of which has called twice."""

    def snapshot(self, count: int) -> float:
        """As one object, inside the program."""
        with _frameworks(count) as stage:
            start = perf_counter()
            text = stage.runtime.metrics.snapshot_json().get(PATIENCE_SECONDS)
            seconds = perf_counter() - start
            expect(text.count(ONE["snapshot"]), count, "frameworks")
            return seconds

    def get_metrics(self, count: int) -> float:
        """As the answer to GET_METRICS, until another process has read it all."""
        with _frameworks(count) as stage, HttpServer() as server:
            url = server.listen(master_app(stage.master, runtime=stage.runtime))
            client = [sys.executable, CLIENT, url.partition("//")[2], ONE["get_metrics"]]
            seconds, frameworks = subprocess.run(client, stdout=subprocess.PIPE, check=True).stdout.split()
            expect(int(frameworks), count, "frameworks")
            return float(seconds)


@contextmanager
def _frameworks(count: int) -> Iterator[Stage]:
    with prompt(), stage_of(1, 1) as stage:
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
        yield stage
