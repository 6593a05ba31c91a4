"""Container usage: how long an agent takes to tell what its containers use, each in control groups of its own.

Run it by ``python -m bench.container_usage``, as root; ``--count 1000``, ``--images DIRECTORY --image NAME`` for
containers with root file systems of their own.
"""

# Master, agent and framework are those of everybody, in one program, which is set up as the command line does it
#   (cli/prompt.py); commands are `sleep`, under supervisors. What is timed is a GET of /containers over HTTP, a second
#   after the one before, so that the agent's limit of two looks a second takes no part in it.

from __future__ import annotations

import argparse
import json
import statistics
import urllib.request
import uuid
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import perf_counter, sleep
from typing import Any

import msgspec

import libactor as la
from bench.benchmarks import expect
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.cli.prompt import prompt
from mesoslite.cluster import AgentNode, MasterNode
from mesoslite.cluster.containerizers import ContainmentOptions
from mesoslite.containment.isolation import IsolationOptions
from mesoslite.framework import Framework, submit
from mesoslite.framework.http import HttpConnection
from mesoslite.master import AgentOptions, MasterOptions
from mesoslite.model import FrozenDocument, Offer, TaskState, TaskStatus

LOOKS = 5
PATIENCE_SECONDS = 300.0
COMMAND = "exec sleep 100000"


class Sleepers(Framework):
    """Launches so many tasks on its first offer; ``run`` when all of them do."""

    def __init__(self, count: int, container: FrozenDocument | None) -> None:
        super().__init__("sleepers")
        self._count, self._container = count, container
        self.left = count
        self.start, self.run = 0.0, Event()

    def on_offers(self, offers: Sequence[Offer]) -> None:
        for offer in offers:
            count, self._count = self._count, 0
            self.start = self.start or perf_counter()
            fields: dict[str, Any] = {"container": self._container} if self._container is not None else {}
            tasks = [self.task(offer, COMMAND, cpus=0.01, mem=32) for _ in range(count)]
            self.launch(offer, [msgspec.structs.replace(task, **fields) for task in tasks] if fields else tasks)

    def on_update(self, status: TaskStatus) -> None:
        if not self.run.is_set():
            expect(status.state.is_terminal, False, f"a task has ended: {status.message}")
        if status.state is TaskState.TASK_RUNNING:
            self.left -= 1
            if not self.left:
                self.run.set()


def measure(count: int, isolation: str, images: Path | None, image: str) -> tuple[float, list[float]]:
    """The seconds until ``count`` tasks ran, and those that each look took."""
    place = Path("/var/tmp")
    root = f"mesoslite-bench-{uuid.uuid4().hex}"
    document = {"type": "MESOS", "mesos": {"image": {"type": "APPC", "appc": {"name": image}}}}
    with TemporaryDirectory(dir=place) as directory, prompt(), la.Runtime() as runtime:
        containment = ContainmentOptions(
            "supervisor", isolation, isolators=IsolationOptions(cgroups_root=root, images=images)
        )
        nowhere: dict[str, Any] = {"host": "127.0.0.1", "port": 0, "hostname": "", "flags": {}}
        master = MasterNode(
            la.Remote("127.0.0.1:0"),
            registry=None,
            options=MasterOptions(),
            agents=AgentOptions(),
            allocator=HierarchicalAllocator,
            allocation_interval=0.1,
            **nowhere,
        )
        master.start()
        try:
            agent = AgentNode(
                master.address,
                la.Remote("127.0.0.1:0"),
                resources="cpus:100;mem:1000000;disk:1000000",
                attributes=(),
                work_dir=Path(directory, "work"),
                containment=containment,
                **nowhere,
            )
            agent.start()
            try:
                framework = Sleepers(count, FrozenDocument.of(document) if images is not None else None)
                submit(runtime, framework, HttpConnection(master.url))
                expect(framework.run.wait(PATIENCE_SECONDS), True, "all tasks run")
                return perf_counter() - framework.start, [_look(f"{agent.url}/containers", count) for _ in range(LOOKS)]
            finally:
                agent.close()
        finally:
            master.close()
            for group in Path("/sys/fs/cgroup").glob(f"**/{root}"):
                group.rmdir()


def _look(url: str, count: int) -> float:
    sleep(1.0)
    start = perf_counter()
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
        body = answer.read()
    seconds = perf_counter() - start
    told = json.loads(body)
    expect(len(told), count, "containers that are told of")
    expect(all(one["statistics"]["mem_total_bytes"] > 0 for one in told), True, "each uses memory")
    return seconds


def main() -> None:
    """Print the time to start, and the median and the longest of the looks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--isolation", default="cgroups/all")
    parser.add_argument("--images", type=Path)
    parser.add_argument("--image", default="")
    asked = parser.parse_args()
    started, looks = measure(asked.count, asked.isolation, asked.images, asked.image)
    median, longest = statistics.median(looks) * 1e3, max(looks) * 1e3
    print(f"{asked.count} containers with {asked.isolation}: all run after {started:.2f} s")
    print(f"/containers: half of {len(looks)} looks within {median:.0f} ms, all within {longest:.0f} ms")


if __name__ == "__main__":
    main()
