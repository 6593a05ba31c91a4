"""Containers that do what they can to stay: nothing of them is left, whoever ends them, and however."""

import os
import subprocess
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from mesoslite.containment.cgroups.hierarchies import Hierarchies
from mesoslite.containment.machine import Machine
from mesoslite.model import ContainerID
from tests.ready import Program

from . import contained
from .contained import ALONE, Contained, living, make_root, mounts
from .machine import HIERARCHIES, needs_root, own_root

pytestmark = [pytest.mark.real, needs_root]

SMALL = {"mesos": {"image": {"type": "APPC", "appc": {"name": "small"}}}}
# A bomb that is bounded, a process that has left parent, session and environment behind, and all of them ignore that
# they are asked to end, and have closed their streams.
HOSTILE = """
trap : TERM
(setsid env -i /bin/bash -c 'trap : TERM HUP; echo > told; exec <&- >&- 2>&-; while :; do sleep 1000; done' &)
bomb() { bomb | bomb & }; bomb 2> /dev/null
while :; do sleep 1000; done
"""
# As processes each of which has had a child, and has gone, before anybody can look at it, each in a session of its own.
FLEETING = """
import os, signal
for number in range(10):
    if os.fork() == 0:
        while True:
            if os.fork():
                os._exit(0)
            os.setsid()
open("told", "w").close()
while True:
    signal.pause()
"""
LIFE = """
import sys
from pathlib import Path
from tests.isolation.contained import ALONE, Contained

place, root, container_id = Path(sys.argv[1]), *sys.argv[2:]
bench = Contained(place, ALONE, cgroups_root=root, pids_max=30, images=place)
image = {"mesos": {"image": {"type": "APPC", "appc": {"name": "small"}}}}
bench.start("exec /bin/bash hostile", container=image, container_id=container_id, is_checkpointed=True)
print("runs", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def place():
    """Where any user can reach a small root, and the sandbox of what is hostile, which tells of itself there."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        os.chmod(directory, 0o711)
        made = Path(directory)
        make_root(made / "small", "bash", "env", "setsid", "sleep", "sh")
        (made / "sandbox").mkdir()
        (made / "sandbox/hostile").write_text(HOSTILE)
        os.mkfifo(made / "sandbox/told")
        yield made


def trees_of(bench: Contained):
    return next(each for each in bench.isolators if each.name.startswith("cgroups"))._trees


def test_a_fork_bomb_is_bounded_and_ended(contain):
    bench = contain("cgroups/pids,cgroups/freezer", pids_max=30)
    os.mkfifo(bench.sandbox / "full")
    bomb = "import os\ntry:\n while True: os.fork()\nexcept OSError: open('full', 'w').close()\nwhile True: pass"
    bench.launch(f'exec python3 -S -c "{bomb}"')
    (bench.sandbox / "full").read_text()
    [container] = bench.containerizer._containers.values()
    [used] = bench.containerizer.measure().values()
    assert used.threads == 30

    container.kill()

    assert bench.termination().exit_status == -9


KILLS = {
    "cgroup.kill of version 2": Hierarchies({}, HIERARCHIES.unified),
    "the freezer of version 1": Hierarchies({n: h for n, h in HIERARCHIES.by_controller.items() if n == "freezer"}),
    "no group": Hierarchies(),
}


@pytest.mark.parametrize("by", KILLS)
def test_processes_that_are_never_there_for_long_are_ended(contain, monkeypatch, by):
    found = KILLS[by]
    if by != "no group" and not found.unified and not found.by_controller:
        pytest.skip(f"this machine has not {by}")
    look = contained.look_at_machine

    def only() -> Machine:
        return replace(look(), hierarchies=found)

    monkeypatch.setattr(contained, "look_at_machine", only)
    mark = uuid.uuid4().hex
    bench = contain("posix/rlimits" if by == "no group" else "cgroups/freezer")
    (bench.sandbox / "fleeting.py").write_text(FLEETING)
    os.mkfifo(bench.sandbox / "told")
    bench.launch(f"exec python3 -S fleeting.py {mark}")
    (bench.sandbox / "told").read_text()
    [container] = bench.containerizer._containers.values()

    container.kill()

    assert bench.termination().exit_status == -9
    assert living(mark) == []


def test_nothing_is_left_of_a_hostile_container(contain, place):
    bench = contain(ALONE, place, pids_max=30, images=place)
    bench.launch("exec /bin/bash hostile", container=SMALL)
    (bench.sandbox / "told").read_text()
    before, trees = mounts(), trees_of(bench)
    [container] = bench.containerizer._containers.values()
    inside = {pid for tree in trees for pid in tree.pids(container.container_id)}

    container.terminate(0.05)

    assert bench.termination().exit_status == -9
    assert len(inside) >= 2
    assert not [pid for pid in inside if Path(f"/proc/{pid}").exists()]
    assert not [name for tree in trees for name in tree.names()]
    assert mounts() == before
    bench.close()
    assert not list((bench.directory / "run" / "roots").iterdir())


# Goal: nothing of a dead agent's is left in control groups, mounts, processes or files once the next one has begun.
def test_nothing_is_left_of_a_hostile_container_whose_agent_was_killed(place):
    container_id, before = ContainerID(f"{uuid.uuid4()}"), mounts()
    with own_root() as root:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with Program("mesoslite.containment", ["-c", LIFE, place, root, container_id], **pipes) as program:
            assert program.stdout.readline() == "runs\n"
            (place / "sandbox/told").read_text()
            program.kill()
        bench = Contained(place, ALONE, cgroups_root=root, images=place)
        trees = trees_of(bench)
        inside = {pid for tree in trees for pid in tree.pids(container_id)}
        assert len(inside) >= 2
        assert list((place / "run" / "roots").iterdir())

        assert bench.containerizer.recover([], lambda _: bench) == {}
        bench.close()  # waits until they have gone

        assert not [pid for pid in inside if Path(f"/proc/{pid}").exists()]
        assert not [name for tree in trees for name in tree.names()]
        assert not list((place / "run" / "roots").iterdir())
        assert not list((place / "run" / "containers").iterdir())
        assert mounts() == before
