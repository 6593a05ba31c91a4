"""Debug containers are in all that their parent is in, nested ones in what they share, and both leave nothing there."""

import os
import signal
import tempfile
from pathlib import Path

import pytest

from mesoslite.model import ContainerID, Reason, nested_id
from tests.containers.bench import has_ended

from .contained import Contained, living, make_root
from .machine import needs_root, own_root

pytestmark = [pytest.mark.real, needs_root]

ALL = "cgroups/all,filesystem/linux,namespaces/pid,namespaces/ipc,namespaces/uts,namespaces/net,linux/capabilities"
KINDS = ("mnt", "pid", "ipc", "uts", "net")
NAMESPACES = "; ".join([f"readlink /proc/self/ns/{kind}" for kind in KINDS])
IMAGE = {"mesos": {"image": {"type": "APPC", "appc": {"name": "small"}}}}


class Flat(Contained):
    """A containerizer whose containers may have a small root of their own; tasks have the sandbox ``of_task``."""

    def __init__(self, place: Path, root: str, isolation: str) -> None:
        make_root(place / "images/small", "sh", "sleep", "cat", "ls", "readlink", "setsid", "id", "touch", "mkfifo")
        super().__init__(place, isolation, cgroups_root=root, images=place / "images")
        self.of_task = place / "task"
        self.of_task.mkdir()

    def task(self, script: str, **config) -> ContainerID:
        """Start what goes on once it has done ``script``."""
        os.mkfifo(self.of_task / "done")
        (self.of_task / "done").chmod(0o666)
        container_id = self.start(f"{script}; echo > done; exec sleep 1000", sandbox=str(self.of_task), **config)
        assert (self.of_task / "done").read_text() == "\n"
        return container_id

    def look(self, script: str, parent: ContainerID, **config) -> str:
        """What a debug container prints."""
        (self.sandbox / "stdout").unlink(missing_ok=True)
        return self.run(script, parent=parent, is_debug=True, resources="", **config)


@pytest.fixture
def enter():
    """Makes a containerizer with isolators."""
    made = []
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place, own_root() as root:
        os.chmod(place, 0o711)

        def make(isolation=ALL):
            made.append(Flat(Path(place), root, isolation))
            return made[-1]

        yield make
        for each in made:
            each.close()


def test_it_is_in_the_namespaces_the_root_and_the_groups_of_what_it_enters(enter):
    bench = enter()
    script = f"({NAMESPACES}; cat /proc/self/cgroup) > seen; echo changed > /made"
    task = bench.task(script, container=IMAGE)

    processes = "for x in /proc/[0-9]*; do test -e $x/exe && echo $x; done"
    seen = bench.look(f"{NAMESPACES}; cat /proc/self/cgroup /made; {processes}", task)

    there = (bench.of_task / "seen").read_text()
    own = [os.readlink(f"/proc/self/ns/{kind}") for kind in KINDS]
    assert seen.startswith(f"{there}changed\n")
    assert not set(own) & set(there.splitlines())
    assert "\n/proc/2\n" in seen  # the task, behind its reaper


def test_it_has_the_user_and_the_rights_of_what_it_enters(enter):
    bench = enter("linux/capabilities,filesystem/linux,namespaces/pid")
    rights = {"effective_capabilities": {"capabilities": ["NET_RAW"]}}
    bench.of_task.chmod(0o777)
    bench.sandbox.chmod(0o777)
    script = "id -u; while read x; do case $x in Cap*) echo $x;; esac; done < /proc/self/status"
    task = bench.task(f"({script}) > seen", user="nobody", container={"linux_info": rights})

    assert bench.look(script, task) == (bench.of_task / "seen").read_text()
    assert bench.look("id -u", task, user="root") == "0\n"


@pytest.mark.parametrize("end", ["by itself", "killed"])
def test_what_it_leaves_in_a_pid_namespace_ends_with_it(enter, end: str):
    bench = enter("filesystem/linux,namespaces/pid")
    task = bench.task("true")
    marks = [f"{os.getpid()}{number}00" for number in (1, 2)]
    os.mkfifo(bench.sandbox / "left")
    daemons = "; ".join([f"(setsid sh -c 'sleep {mark} & exec sleep {mark}' > /dev/null &)" for mark in marks])
    bench.launch(
        f"{daemons}; echo > {bench.sandbox}/left; {'exit 4' if end == 'by itself' else 'exec sleep 1000'}",
        parent=task,
        is_debug=True,
        resources="",
        container_id=nested_id(task, "debug"),
    )
    assert (bench.sandbox / "left").read_text() == "\n"

    if end == "killed":
        bench.containerizer._containers[nested_id(task, "debug")].kill()

    assert bench.termination().exit_status == (4 if end == "by itself" else -signal.SIGKILL)
    assert [living(mark) for mark in marks] == [[], []]
    assert bench.containerizer._containers.keys() == {task}


def test_it_is_stopped_and_ends_however_it_is_asked(enter):
    bench = enter("filesystem/linux,namespaces/pid")
    task = bench.task("true")
    for signals, status in (((signal.SIGSTOP, signal.SIGTERM, signal.SIGCONT), -15), ((signal.SIGHUP,), -1)):
        name = nested_id(task, f"debug{status}")
        bench.start("exec sleep 1000", parent=task, is_debug=True, container_id=name)
        for number in signals:
            bench.containerizer._containers[name].signal(number)
        assert bench.termination().exit_status == status
    bench.start("trap '' TERM; echo > ready; while true; do sleep 1000; done", parent=task, is_debug=True)
    [stubborn] = bench.containerizer._containers.keys() - {task}
    bench.containerizer._containers[stubborn].terminate(0.05)
    assert bench.termination().exit_status in (-signal.SIGKILL, -signal.SIGTERM)  # it may not have come to its trap


def test_who_helps_it_there_shows_nothing_of_the_host(enter):
    bench = enter("filesystem/linux,namespaces/pid")
    (bench.directory / "secret").write_text("of the host")
    task = bench.task("true", container=IMAGE)
    bench.start("exec sleep 1000", parent=task, is_debug=True)

    seen = bench.look(f"for x in /proc/[0-9]*; do ls $x/root{bench.directory}/secret; done 2>/dev/null; ls /proc", task)

    assert "secret" not in seen
    assert len([line for line in seen.splitlines() if line.isdecimal()]) >= 5  # reaper, task, guardians, debug


def test_when_its_helper_is_killed_it_ends(enter):
    bench = enter("filesystem/linux,namespaces/pid")
    task = bench.task("true")
    name = bench.start("exec sleep 1000", parent=task, is_debug=True)
    command = bench.containerizer._containers[name].pid
    guardian = Path(f"/proc/{command}/stat").read_text().rpartition(")")[2].split()[1]

    os.kill(int(guardian), signal.SIGKILL)

    assert bench.termination().exit_status == -signal.SIGKILL
    assert has_ended(command)
    assert name not in bench.containerizer._containers


def test_what_a_task_of_root_takes_from_its_helper_stays_in_the_task_and_ends_with_it(enter):
    bench = enter("cgroups/all,filesystem/linux,namespaces/pid")
    os.mkfifo(bench.of_task / "go")
    (bench.of_task / "go").chmod(0o666)
    killing = "read helper < go; kill -9 $helper; exec sleep 1000"
    task = bench.start(f"sh -c '{killing}' & exec sleep 1000", sandbox=str(bench.of_task))
    mark = f"{os.getpid()}300"
    os.mkfifo(bench.sandbox / "left")
    os.mkfifo(bench.sandbox / "never")
    waiting = f"echo > {bench.sandbox}/left; read x < {bench.sandbox}/never"
    daemon = f"(setsid sh -c '{waiting}' {mark} > /dev/null &); exec sleep 1000"
    name = bench.start(daemon, parent=task, is_debug=True, resources="")
    assert (bench.sandbox / "left").read_text() == "\n"
    command = bench.containerizer._containers[name].pid
    guardian = Path(f"/proc/{command}/stat").read_text().rpartition(")")[2].split()[1]
    there = Path(f"/proc/{guardian}/status").read_text().partition("NSpid:")[2].split("\n")[0].split()[-1]

    (bench.of_task / "go").write_text(f"{there}\n")

    assert bench.termination().exit_status == -signal.SIGKILL
    assert has_ended(command)
    [left] = living(mark)
    own = [line for line in Path(f"/proc/{left}/cgroup").read_text().splitlines() if "/mesoslite-test-" in line]
    assert own
    assert {line.rpartition("/")[2] for line in own} == {task}
    bench.containerizer._containers[task].kill()
    assert bench.termination().exit_status == -signal.SIGKILL
    assert living(mark) == []


def test_what_cannot_be_started_there_says_why(enter):
    bench = enter("filesystem/linux,namespaces/pid")
    task = bench.task("true", container=IMAGE)
    config = {"parent": task, "is_debug": True, "resources": ""}

    assert bench.run("test ! -e /usr/bin/python3 && echo not there", **config) == "not there\n"
    os.rename(bench.of_task, bench.directory / "moved")
    (bench.directory / "moved/x").write_text("")
    bench.launch("exec /no-such", **config)

    termination = bench.termination()
    assert termination.exit_status == 127 or termination.reason is Reason.REASON_CONTAINER_LAUNCH_FAILED


def test_it_does_not_enter_what_its_task_has_forged(enter):
    """In its user namespace anybody may mount an /etc of his own, which su would believe, with the rights of root."""
    bench = enter("posix/cpu")
    bench.of_task.chmod(0o777)
    forged = "mount --bind forged /etc && echo > done; exec sleep 1000"
    task = bench.task(f"mkdir forged; exec unshare --user --map-root-user --mount sh -c '{forged}'", user="nobody")

    bench.launch("ls /etc", parent=task, is_debug=True, resources="")

    termination = bench.termination()
    assert termination.reason is Reason.REASON_CONTAINER_LAUNCH_FAILED
    assert "user namespace" in termination.message


def test_what_is_nested_shares_what_mesos_shares(enter):
    bench = enter(ALL)
    task = bench.task(f"({NAMESPACES}) > seen", container=IMAGE)
    there = dict(zip(KINDS, (bench.of_task / "seen").read_text().splitlines(), strict=True))

    def nested(value, container=None):
        (bench.sandbox / "stdout").unlink(missing_ok=True)
        name = nested_id(task, value)
        text = bench.run(NAMESPACES, container_id=name, parent=task, resources="", container=container or {})
        return {kind for kind, name in zip(KINDS, text.splitlines(), strict=True) if name == there[kind]}

    assert nested("plain") == {"ipc", "uts", "net"}
    assert nested("named", {"hostname": "other"}) == {"ipc", "net"}
    assert nested("alone", {"linux_info": {"ipc_mode": "PRIVATE"}}) == {"uts", "net"}
    assert nested("seeing", {"linux_info": {"share_pid_namespace": True}}) == {"pid", "ipc", "uts", "net"}


def test_a_debug_container_enters_what_is_nested(enter):
    bench = enter("filesystem/linux,namespaces/pid")
    task = bench.task("true")
    inner = nested_id(task, "inner")
    os.mkfifo(bench.sandbox / "made")
    sees_parent = {"linux_info": {"share_pid_namespace": True}, **IMAGE}
    script = "echo > /own; echo > made; exec sleep 1000"
    bench.start(script, container_id=inner, parent=task, container=sees_parent, resources="")
    assert (bench.sandbox / "made").read_text() == "\n"

    assert bench.look("test -e /own && echo there", inner) == "there\n"
