"""Controllers of version 2 write and read what their kernel has, in a tree with its files and refusals."""

import math

import pytest

from mesoslite.containment.cgroups.hierarchies import Hierarchy
from mesoslite.containment.cgroups.tree import Tree
from mesoslite.containment.cgroups.watch import Watch
from mesoslite.containment.isolators.cgroups import memory
from mesoslite.containment.isolators.cgroups.cpu import CpuOptions, CpuV2
from mesoslite.containment.isolators.cgroups.io import IoV2
from mesoslite.containment.isolators.cgroups.isolator import CgroupsIsolator
from mesoslite.containment.isolators.cgroups.memory import MemoryV2
from mesoslite.containment.isolators.cgroups.pids import Pids
from mesoslite.containment.script import Script
from mesoslite.model import CommandInfo, ContainerConfig, ContainerID, Reason, Resources

from .fake_cgroups import FakeCgroups

C = ContainerID("c")
REVOCABLE = '[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 2}, "revocable": {}}]'


def config(resources="cpus:0.5;mem:64", limits=()):
    command = CommandInfo(value="x")
    given = Resources.parse(resources)
    return ContainerConfig(container_id=C, user="", command=command, sandbox="/s", resources=given, limits=limits)


class Bench:
    """An isolator of all controllers, one container, and what was told of its memory."""

    def __init__(self, monkeypatch, **options):
        self.files = FakeCgroups("/cg", "cpu io memory pids")
        self.tree = Tree(Hierarchy(2, "/cg", frozenset()), "mesos", self.files)
        monkeypatch.setattr(memory, "watch_oom_v2", self._watch)
        self.closed = 0
        controllers = (
            CpuV2([self.tree], CpuOptions(**options)),
            MemoryV2([self.tree], Watch()),
            Pids([self.tree], 100),
            IoV2([self.tree]),
        )
        self.isolator = CgroupsIsolator(controllers)
        self.exceeded = []
        self.isolator.watch(lambda *told: self.exceeded.append(told))

    def _watch(self, watch, tree, name, told):
        self.changed = told
        return self

    def close(self):
        self.closed += 1

    def prepare(self, *what, **given):
        self.isolator.prepare(config(*what, **given), Script())

    def value(self, file):
        return self.tree.read(C, file).decode().strip()


@pytest.fixture
def bench(monkeypatch):
    return Bench(monkeypatch)


# Source: Mesos CgroupsIsolator2Test, facts of controllers/cpu.cpp and memory.cpp
@pytest.mark.parametrize(
    ("resources", "weight"), [("cpus:0.5", "50"), ("cpus:0.001", "1"), ("cpus:200", "10000"), (REVOCABLE, "2")]
)
def test_weights_are_in_proportion_to_requests(bench, resources, weight):
    bench.prepare(resources)

    assert (bench.value("cpu.weight"), bench.value("cpu.max")) == (weight, "max 100000")


def test_a_limit_bounds_processors_and_an_infinite_one_lifts_the_bound(bench):
    bench.prepare(limits=(("cpus", 1.5),))
    assert bench.value("cpu.max") == "150000 100000"
    assert bench.isolator.usage([C])[C]["cpus_limit"] == 1.5

    bench.isolator.update(C, Resources.of(cpus=1), (("cpus", math.inf),))

    assert (bench.value("cpu.max"), bench.value("cpu.weight")) == ("max 100000", "100")
    assert "cpus_limit" not in bench.isolator.usage([C])[C]


def test_requests_bound_where_cfs_is_enabled_and_quotas_have_a_least(monkeypatch):
    bench = Bench(monkeypatch, enable_cfs=True)
    bench.prepare("cpus:0.001")

    assert bench.value("cpu.max") == "1000 100000"


# The kernel refuses a burst above the quota, so a smaller quota must not meet the old burst.
def test_a_burst_follows_the_quota_up_and_down(monkeypatch):
    bench = Bench(monkeypatch, burst=0.5)
    bench.prepare(limits=(("cpus", 4.0),))
    assert bench.value("cpu.max.burst") == "200000"

    bench.isolator.update(C, Resources.of(cpus=0.5), (("cpus", 1.0),))

    assert (bench.value("cpu.max"), bench.value("cpu.max.burst")) == ("100000 100000", "50000")


def test_memory_is_kept_as_requested_and_bounded_by_the_limit(bench):
    bench.prepare(limits=(("mem", 128.0),))

    assert (bench.value("memory.low"), bench.value("memory.max")) == (str(64 << 20), str(128 << 20))
    assert bench.value("memory.oom.group") == "1"


def test_memory_has_a_least_of_32_mebibytes(bench):
    bench.prepare("cpus:1;mem:1")

    assert (bench.value("memory.low"), bench.value("memory.max")) == (str(32 << 20), str(32 << 20))


def test_a_limit_of_memory_is_only_ever_raised(bench):
    bench.prepare()

    bench.isolator.update(C, Resources.of(cpus=1, mem=40), ())
    assert (bench.value("memory.low"), bench.value("memory.max")) == (str(40 << 20), str(64 << 20))

    bench.isolator.update(C, Resources.of(cpus=1, mem=40), (("mem", math.inf),))
    assert bench.value("memory.max") == "max"


def test_a_kill_for_memory_is_told_with_what_was_used(bench):
    bench.prepare()
    group = bench.files.group("/cg/mesos/c")
    group.files["memory.events"] = "low 0\nhigh 0\nmax 9\noom 1\noom_kill 0\n"
    bench.changed()
    assert (bench.exceeded, bench.isolator.limitation(C)) == ([], None)

    group.files["memory.events"] = "low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\n"
    group.files["memory.peak"] = f"{64 << 20}\n"
    bench.changed()

    [(container_id, limitation)] = bench.exceeded
    assert (container_id, limitation.reason) == (C, Reason.REASON_CONTAINER_LIMITATION_MEMORY)
    assert limitation.limited == Resources.of(mem=64)
    assert limitation.message.startswith("Memory limit exceeded: Requested: 64MB Maximum Used: 64MB\n")
    assert bench.isolator.limitation(C) == limitation


def test_processes_are_bounded_and_counted(bench):
    bench.prepare()
    bench.files.group("/cg/mesos/c").files["pids.current"] = "3\n"

    assert bench.value("pids.max") == "100"
    assert bench.isolator.usage([C])[C]["threads"] == 3


def test_usage_is_what_the_files_say(bench):
    bench.prepare()
    files = bench.files.group("/cg/mesos/c").files
    files["cpu.stat"] = "user_usec 2000000\nsystem_usec 1000000\nnr_periods 9\nnr_throttled 4\nthrottled_usec 500000\n"
    files["memory.current"] = "9000\n"
    files["memory.stat"] = "anon 4096\nfile 8192\nkernel 100\nsock 5\nfile_mapped 7\nunevictable 6\n"
    files["io.stat"] = "254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n"

    used = bench.isolator.usage([C, ContainerID("other")])

    assert used.keys() == {C}
    assert (
        used[C].items()
        >= {
            "cpus_user_time_secs": 2.0,
            "cpus_system_time_secs": 1.0,
            "cpus_nr_periods": 9,
            "cpus_nr_throttled": 4,
            "cpus_throttled_time_secs": 0.5,
            "mem_total_bytes": 9000,
            "mem_rss_bytes": 4096,
            "mem_cache_bytes": 8192,
            "mem_kmem_usage_bytes": 100,
            "mem_limit_bytes": 64 << 20,
            "processes": 0,
        }.items()
    )
    [device] = used[C]["blkio_statistics"].value["throttling"]
    assert device["device"] == {"major": 254, "minor": 0}
    assert {"op": "WRITE", "value": 8192} in device["io_service_bytes"]
    assert {"op": "READ", "value": 1} in device["io_serviced"]


def test_what_has_ended_is_removed_watched_no_more_and_not_measured(bench):
    bench.prepare()
    bench.isolator.cleanup(C)
    bench.isolator.cleanup(C)

    assert (bench.tree.names(), bench.closed) == ([], 1)
    assert bench.isolator.usage([C]) == {}
    assert bench.isolator.limitation(C) is None
    bench.isolator.update(C, Resources.of(cpus=1), ())  # nothing happens


def test_a_container_of_another_life_keeps_its_bounds(bench, monkeypatch):
    bench.prepare()
    again = Bench.__new__(Bench)
    again.closed, again.exceeded = 0, []
    monkeypatch.setattr(memory, "watch_oom_v2", again._watch)
    isolator = CgroupsIsolator((MemoryV2([bench.tree], Watch()),))
    bench.tree.create("orphan")
    isolator.watch(lambda *told: None)

    isolator.recover({C: 7})
    isolator.update(C, Resources.of(mem=40), ())

    assert bench.value("memory.max") == str(64 << 20)
    assert bench.tree.names() == ["c"]
    assert isolator.usage([C])[C]["mem_limit_bytes"] == 64 << 20
