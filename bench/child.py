"""The process that measures one peer: reads requests from standard input, writes measurements to standard output."""

# Who calls: the session starts `python -m bench.child <peer>` (bench/session.py). One JSON object a line, each way.
# First line out: what this process is (Description). Then for each line in, {"benchmark", "quick"}, one line out,
#   {"amount", "count"}. An error ends the process with a traceback.
# Every measurement starts after a garbage collection and one small repetition to warm up; the collector stays on.

from __future__ import annotations

import gc
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

from bench.benchmarks import (
    ALLOCATOR,
    ASYNCIO,
    CORES,
    ERLANG,
    JSON,
    LIBACTOR,
    MASTER,
    MSGSPEC,
    PYKKA,
    RAPIDJSON,
    SOCKETS,
    THREADS,
    UVICORN,
    UVLOOP,
    XOSCAR,
)
from bench.peers import make_peer, work_of
from bench.table import BENCHMARKS

WARM_UP_SHARE = 20  # the warming repetition does one part in so many


@dataclass(frozen=True)
class Description:
    """What a child is and where it runs."""

    peer: str
    version: str
    python: str
    cpus: list[int]
    garbage_collector: str


def describe(peer: str) -> Description:
    """Return the description of this process. Raises: RuntimeError if it runs another core than ``peer`` names."""
    return Description(
        peer=peer,
        version=_version(peer),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        cpus=sorted(os.sched_getaffinity(0)),
        garbage_collector=f"{'on' if gc.isenabled() else 'off'}, thresholds {gc.get_threshold()}",
    )


def measure(work: Callable[[int], float], count: int, seconds_least: float) -> tuple[float, int]:
    """Repeat ``work`` until it took ``seconds_least``, at least once; its amounts and counts, summed.

    With 0 it is done once and without warming up: for what is weighed, or cannot be repeated.
    """
    if seconds_least:
        work(max(1, count // WARM_UP_SHARE))
    amount, done = 0.0, 0
    while not done or amount < seconds_least:
        gc.collect()
        amount += work(count)
        done += count
    return amount, done


def main() -> None:
    """Serve until standard input ends."""
    name = sys.argv[1]
    known = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    peer = make_peer(name)
    print(json.dumps(asdict(describe(name))), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        benchmark, quick = known[request["benchmark"]], request["quick"]
        work = work_of(peer, benchmark, quick)
        amount, count = measure(work, benchmark.size(name, quick), 0.0 if quick else benchmark.repeat_seconds)
        print(json.dumps({"amount": amount, "count": count}), flush=True)


def _version(peer: str) -> str:
    if peer in CORES:
        return _libactor_version(peer)
    if peer in (ALLOCATOR, MASTER):
        return f"mesoslite {_installed('mesoslite')}"
    if peer in (PYKKA, UVLOOP, XOSCAR, RAPIDJSON, MSGSPEC):
        return f"{peer} {_installed(peer)}"
    if peer == UVICORN:
        return ", ".join([f"{name} {_installed(name)}" for name in (UVICORN, "httptools", UVLOOP)])
    if peer == ERLANG:
        from bench.peers.erlang_processes import release

        return f"Erlang/OTP {release()}"
    return {
        ASYNCIO: "asyncio's own loop",
        THREADS: "threading, queue, concurrent.futures, subprocess",
        SOCKETS: "socket",
        JSON: "json",
    }[peer]


def _libactor_version(peer: str) -> str:
    import libactor

    wanted = "c" if peer == LIBACTOR else "python"
    core: str = libactor.CORE
    if core != wanted:
        raise RuntimeError(f"{peer}: runs on the {core} core, expected {wanted}; build the C core with `make`")
    return f"libactor {_installed('mesoslite')}, {core} core"


def _installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed, from the tree"


if __name__ == "__main__":
    main()
