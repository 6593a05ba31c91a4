"""Controllers of version 1, and what every machine has of version 2, by the kernel of this machine."""

import queue
import subprocess
import sys

import pytest

from mesoslite.containment.cgroups.oom import watch_file
from mesoslite.containment.cgroups.tree import Tree
from mesoslite.containment.cgroups.watch import Watch
from mesoslite.containment.isolators.cgroups.cpu import CpuOptions, CpuV1
from mesoslite.containment.isolators.cgroups.cpuset import CpusetV1
from mesoslite.containment.isolators.cgroups.freezer import Freezer, FreezerV1
from mesoslite.containment.isolators.cgroups.io import BlkioV1
from mesoslite.containment.isolators.cgroups.isolator import CgroupsIsolator
from mesoslite.containment.isolators.cgroups.memory import MemoryV1
from mesoslite.containment.isolators.cgroups.pids import Pids
from mesoslite.containment.isolators.cgroups.pressure import Pressure, parse_pressure
from mesoslite.containment.script import Script
from mesoslite.model import CommandInfo, ContainerConfig, ContainerID, Reason, Resources

from .machine import hierarchy, needs_root, own_root

pytestmark = [pytest.mark.real, needs_root]

BOUND_SECONDS = 60  # a bound on failure: no test waits this long
C = ContainerID("c")
FORK_BOMB = """
import os, signal
pids = []
try:
    while len(pids) < 100:
        pids.append(os.fork() or signal.pause())
except OSError:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
raise SystemExit(len(pids))
"""
BUSY = """
import sys, time
while time.process_time() < 0.1 or "throttled_time 0\\n" in open(sys.argv[1]).read():
    pass
"""
MAKERS = {
    "cpu": lambda tree, watch, root: CpuV1([tree, Tree(hierarchy("cpuacct"), root)], CpuOptions(burst=0.5)),
    "cpuset": lambda tree, watch, root: CpusetV1([tree]),
    "memory": lambda tree, watch, root: MemoryV1([tree], watch),
    "pids": lambda tree, watch, root: Pids([tree], 20),
    "blkio": lambda tree, watch, root: BlkioV1([tree]),
    "freezer": lambda tree, watch, root: FreezerV1([tree]),
    "unified": lambda tree, watch, root: Freezer([tree]),
    "pressure": lambda tree, watch, root: Pressure([tree]),
}


class Bench:
    """An isolator, one container below a root of its own, and what was told of it."""

    def __init__(self, root, names):
        self.watch = Watch()
        self.trees = {name: Tree(hierarchy("unified" if name == "pressure" else name), root) for name in names}
        controllers = [MAKERS[name](tree, self.watch, root) for name, tree in self.trees.items()]
        self.isolator = CgroupsIsolator(controllers)
        self.exceeded = queue.Queue()
        self.isolator.watch(lambda container_id, limitation: self.exceeded.put(limitation))
        self.script = Script()

    def prepare(self, resources="cpus:0.5;mem:32", limits=()):
        given = Resources.parse(resources)
        command = CommandInfo(value="x")
        config = ContainerConfig(container_id=C, user="", command=command, sandbox="/s", resources=given, limits=limits)
        self.isolator.prepare(config, self.script)

    def run(self, *argv):
        """The exit status of a program in the groups of the container."""
        enter = " && ".join([f"echo $$ > {tree.path(C, 'cgroup.procs')}" for tree in self.isolator._trees])
        return subprocess.run(["sh", "-c", f'{enter} && exec "$0" "$@"', *argv], check=False).returncode

    def number(self, name, file):
        return self.trees[name].read_number(C, file)


@pytest.fixture
def make():
    """Makes a bench of some controllers; skips where this machine lacks one."""
    made = []
    with own_root() as root:

        def bench(*names):
            made.append(Bench(root, names))
            return made[-1]

        yield bench
        for each in made:
            each.isolator.cleanup(C)
            each.watch.close()


def test_processors_are_shared_and_bounded(make):
    bench = make("cpu")
    bench.prepare(limits=(("cpus", 0.75),))

    files = ("cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.cfs_burst_us")
    assert [bench.number("cpu", file) for file in files] == [512, 75_000, 100_000, 37_500]

    bench.isolator.update(C, Resources.of(cpus=0.25), ())

    assert [bench.number("cpu", file) for file in files] == [256, -1, 100_000, 0]


# Method: the program goes on until it has been, for on a busy machine it may take long to use up anything.
def test_a_program_beyond_its_quota_is_stopped_again_and_again(make):
    bench = make("cpu")
    bench.prepare("cpus:0.1", limits=(("cpus", 0.1),))
    assert bench.run(sys.executable, "-S", "-c", BUSY, bench.trees["cpu"].path(C, "cpu.stat")) == 0

    used = bench.isolator.usage([C])[C]

    assert used["cpus_nr_throttled"] > 0
    assert used["cpus_throttled_time_secs"] > 0
    assert used["cpus_user_time_secs"] + used["cpus_system_time_secs"] > 0.05


def test_a_container_has_all_processors_until_it_is_told_otherwise(make):
    bench = make("cpuset")
    bench.prepare()

    tree = bench.trees["cpuset"]
    assert tree.read(C, "cpuset.cpus") == tree.read("", "cpuset.cpus") != b"\n"
    assert bench.run("true") == 0


# Source: Mesos MemoryIsolatorTest, CgroupsIsolatorTest
def test_memory_beyond_the_limit_is_a_limitation(make):
    bench = make("memory")
    bench.prepare()
    assert bench.isolator.limitation(C) is None

    status = bench.run(sys.executable, "-S", "-c", "bytearray(200 << 20)")

    assert status == -9
    told, known = bench.exceeded.get(timeout=BOUND_SECONDS), bench.isolator.limitation(C)
    assert known is not None
    assert told.reason is known.reason is Reason.REASON_CONTAINER_LIMITATION_MEMORY
    assert known.message.startswith("Memory limit exceeded: Requested: 32MB Maximum Used: 32MB\n")
    assert known.limited == Resources.of(mem=32)


# Method: the kernel tells of a group that goes as of one without memory, some time later; here the test does.
def test_a_group_that_goes_is_no_lack_of_memory(make, monkeypatch):
    bench, told = make("memory"), []
    monkeypatch.setattr(bench.watch, "add", lambda descriptor, events, callback: told.append(callback))
    bench.prepare()

    bench.isolator.end_rest(C)
    told[0]()

    assert bench.exceeded.empty()


def test_memory_within_the_limit_is_counted(make):
    bench = make("memory")
    bench.prepare("mem:64", limits=(("mem", 400.0),))

    assert bench.run(sys.executable, "-S", "-c", "bytearray(200 << 20)") == 0
    assert bench.exceeded.empty()
    used = bench.isolator.usage([C])[C]
    assert used["mem_limit_bytes"] == 400 << 20
    assert bench.number("memory", "memory.soft_limit_in_bytes") == 64 << 20
    assert used.keys() >= {"mem_total_bytes", "mem_rss_bytes", "mem_cache_bytes", "mem_unevictable_bytes"}


def test_a_limit_is_raised_and_never_lowered(make):
    bench = make("memory")
    bench.prepare("mem:64")

    bench.isolator.update(C, Resources.of(mem=40), ())
    assert bench.number("memory", "memory.limit_in_bytes") == 64 << 20

    bench.isolator.update(C, Resources.of(mem=100), ())
    assert bench.number("memory", "memory.limit_in_bytes") == 100 << 20


def test_a_fork_bomb_meets_its_bound(make):
    bench = make("pids")
    bench.prepare()

    assert bench.run(sys.executable, "-S", "-c", FORK_BOMB) == 19


def test_reads_and_writes_are_counted_by_operation(make):
    bench = make("blkio")
    bench.prepare()

    [total] = bench.isolator.usage([C])[C]["blkio_statistics"].value["throttling"]

    assert total["io_serviced"] == [{"op": "TOTAL", "value": 0}]


def test_the_supervisor_is_told_how_to_kill_all_of_it(make):
    bench = make("cpu", "unified")
    bench.prepare()

    path = bench.trees["unified"].path(C, "")
    script = bench.script.render().decode().split("\0")
    assert script[script.index("members") + 2] == f"{path}cgroup.procs"
    assert script[script.index("kill_switch") + 2] == f"{path}cgroup.kill"


def test_without_version_2_the_freezer_holds_it_meanwhile(make):
    bench = make("freezer")
    bench.prepare()

    script = bench.script.render().decode().split("\0")
    at = script.index("freezer")
    assert script[at + 2 : at + 5] == [bench.trees["freezer"].path(C, "freezer.state"), "FROZEN", "THAWED"]


def test_pressure_is_told_of_each_container(make):
    bench = make("pressure")
    bench.prepare()

    pressure = bench.isolator.usage([C])[C]["pressure"].value

    assert pressure.keys() == {"cpu", "memory", "io"}
    assert pressure["memory"]["full"].keys() == {"avg10", "avg60", "avg300", "total"}


def test_pressure_is_read_as_the_kernel_writes_it():
    text = b"some avg10=1.50 avg60=0.00 avg300=0.25 total=4711\n"

    assert parse_pressure(text) == {"some": {"avg10": 1.5, "avg60": 0.0, "avg300": 0.25, "total": 4711.0}}


# Goal: a change of a file that tells of changes is heard. Method: cgroup.events, which any kernel has; memory.events
# works alike.
def test_a_changed_file_of_version_2_is_heard(make):
    bench = make("unified")
    bench.prepare()
    told = queue.Queue()
    path = bench.trees["unified"].path(C, "cgroup.events")
    registration = watch_file(bench.watch, path, lambda: told.put(None))

    assert bench.run("true") == 0
    told.get(timeout=BOUND_SECONDS)

    registration.close()


def test_another_life_ends_what_nobody_knows_and_keeps_the_rest(make):
    first = make("memory", "pids")
    first.prepare("mem:64")
    first.trees["memory"].create("orphan")
    first.isolator.close()

    second = make("memory", "pids")
    second.isolator.recover({C: 1})

    assert second.trees["memory"].names() == ["c"]
    assert second.isolator.usage([C])[C]["mem_limit_bytes"] == 64 << 20
    assert second.run(sys.executable, "-S", "-c", "bytearray(200 << 20)") == -9
    assert second.exceeded.get(timeout=BOUND_SECONDS).reason is Reason.REASON_CONTAINER_LIMITATION_MEMORY
