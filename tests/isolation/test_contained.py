"""What isolators promise, seen from inside of containers and from outside, by the kernel of this machine."""

import os
import pwd
import socket
import tempfile
import threading
from pathlib import Path

import msgspec
import pytest

import libactor as la
from mesoslite.agent.checks import PortProber
from mesoslite.model import InvalidRequest, PersistentVolume, Reason, Resources
from mesoslite.model.checks import HttpCheck, TcpCheck

from .contained import BOUND_SECONDS, make_root, mounts
from .machine import needs_root

pytestmark = [pytest.mark.real, needs_root]

EAT = "python3 -S -c 'bytearray(200 << 20)'"
FOREVER = "sleep 1000"


def test_a_command_and_what_it_starts_are_in_the_groups_of_its_container(contain):
    bench = contain("cgroups/all")

    groups = bench.run("setsid cat /proc/self/cgroup")

    own = [line.rpartition("/")[2] for line in groups.splitlines() if "/mesoslite-test-" in line]
    assert len(set(own)) == 1
    assert len(own) == len(bench.isolators[0]._trees)


def test_what_checks_a_task_is_bounded_with_it_and_leaves_it_alone_at_its_end(contain):
    bench = contain("cgroups/all")
    task = bench.launch(FOREVER)
    [container] = bench.containerizer._containers.values()

    groups = bench.run("cat /proc/self/cgroup", resources="", parent=task)

    own = [line.rpartition("/")[2] for line in groups.splitlines() if "/mesoslite-test-" in line]
    assert own == [task] * len(bench.isolators[0]._trees)
    assert bench.containerizer._containers.keys() == {task}
    assert bench.containerizer.measure().keys() == {task}
    container.kill()
    assert bench.termination().exit_status == -9
    assert not [name for tree in bench.isolators[0]._trees for name in tree.names()]


def test_no_group_is_left_when_a_container_has_ended(contain):
    bench = contain("cgroups/all")
    bench.launch(f"setsid {FOREVER} & {FOREVER}")
    [container] = bench.containerizer._containers.values()

    container.kill()
    assert bench.termination().exit_status == -9

    [isolator] = bench.isolators
    for tree in isolator._trees:
        tree.remove("nothing")  # what was busy is tried again
        assert tree.names() == []


# Source: Mesos CgroupsIsolatorTest. Method: the command itself goes on, what it has started is killed.
def test_a_container_without_memory_is_ended_as_a_whole(contain):
    bench = contain("cgroups/mem,cgroups/freezer")
    bench.launch(f"{EAT}; {FOREVER}", resources="mem:32")

    termination = bench.termination()

    assert termination.reason is Reason.REASON_CONTAINER_LIMITATION_MEMORY
    assert termination.message.startswith("Memory limit exceeded: Requested: 32MB")
    assert termination.limited == Resources.of(mem=32)


def test_a_burst_is_what_the_limit_allows(contain):
    bench = contain("cgroups/mem")

    assert bench.run(f"{EAT}; echo well", resources="mem:32", limits=(("mem", 400.0),)) == "well\n"


def test_more_memory_can_be_given_to_what_runs(contain):
    bench = contain("cgroups/mem")
    os.mkfifo(bench.sandbox / "go")
    bench.launch(f"read x < go; {EAT}", resources="mem:32")

    bench.containerizer.update(msgspec.structs.replace(bench.launched, resources=Resources.parse("mem:400")))
    (bench.sandbox / "go").write_text("\n")

    assert bench.termination().exit_status == 0


def test_what_a_container_uses_is_measured(contain):
    bench = contain("cgroups/all,disk/du")
    os.mkfifo(bench.sandbox / "told")
    container_id = bench.launch(
        f"python3 -S -c 'sum(range(1000000))'; {FOREVER} & echo > told; wait", resources="cpus:1;mem:64;disk:9"
    )
    (bench.sandbox / "told").read_text()
    disk = bench.isolators[-1]
    disk.begin()
    while disk.go_on():
        pass

    used = bench.containerizer.measure()[container_id]

    assert (used.processes, used.threads) == (2, 2)
    assert used.cpus_user_time_secs + used.cpus_system_time_secs > 0
    assert 100_000 < used.mem_total_bytes < 64 << 20
    assert used.mem_limit_bytes == 64 << 20
    assert (used.disk_limit_bytes, used.blkio_statistics is not None) == (9 << 20, True)
    assert used.disk_used_bytes > 0


def test_a_container_that_fills_its_disk_is_ended(contain):
    bench = contain("disk/du", enforces_disk_quota=True, disk_watch_seconds=0.05)
    bench.launch(f"head -c 3000000 /dev/urandom > file; {FOREVER}", resources="disk:1")

    termination = bench.termination()

    assert termination.reason is Reason.REASON_CONTAINER_LIMITATION_DISK
    assert "exceeds quota (1MB)" in termination.message


def test_a_quota_of_disk_holds_on_when_an_agent_begins_anew(contain):
    options = {"enforces_disk_quota": True, "disk_watch_seconds": 0.05}
    first = contain("disk/du", **options)
    os.mkfifo(first.sandbox / "go")
    first.launch(f"read x < go; head -c 3000000 /dev/urandom > file; {FOREVER}", "disk:1", is_checkpointed=True)
    first.containerizer.detach()
    second = contain("disk/du", **options)
    second.containerizer.recover([first.config], lambda container_id: second)

    (first.sandbox / "go").write_text("\n")

    assert second.termination().reason is Reason.REASON_CONTAINER_LIMITATION_DISK


def test_a_container_that_fills_its_root_is_ended(contain, tmp_path):
    make_root(tmp_path / "small", "sh", "head", "sleep")
    options = {"enforces_disk_quota": True, "disk_watch_seconds": 0.05, "images": tmp_path}
    bench = contain("disk/du,filesystem/linux", **options)
    image = {"type": "APPC", "appc": {"name": "small"}}
    bench.launch(f"head -c 3000000 /dev/urandom > /file; {FOREVER}", "disk:1", container={"mesos": {"image": image}})

    assert bench.termination().reason is Reason.REASON_CONTAINER_LIMITATION_DISK


def test_limits_of_processes_are_set(contain):
    bench = contain("posix/rlimits")
    limit = {"type": "RLMT_NOFILE", "soft": 50, "hard": 60}

    assert bench.run("ulimit -Sn; ulimit -Hn", container={"rlimit_info": {"rlimits": [limit]}}) == "50\n60\n"


def test_no_program_gets_more_rights(contain):
    assert "NoNewPrivs:\t1" in contain("linux/nnp").run("cat /proc/self/status")


@pytest.mark.parametrize("user", ["", "nobody"])
def test_rights_of_root_are_those_that_were_given(contain, user):
    bench = contain("linux/capabilities")
    linux = {"effective_capabilities": {"capabilities": ["NET_RAW"]}}

    status = bench.run("cat /proc/self/status", container={"linux_info": linux}, user=user)

    held = dict(line.split(":\t") for line in status.splitlines() if line.startswith("Cap"))
    assert {held[name] for name in ("CapEff", "CapPrm", "CapBnd")} == {f"{1 << 13:016x}"}


def test_namespaces_are_a_containers_own(contain):
    bench = contain("filesystem/linux,namespaces/pid,namespaces/ipc,namespaces/uts,namespaces/net")
    kinds = ("mnt", "pid", "ipc", "uts", "net")
    script = f"readlink {' '.join(f'/proc/self/ns/{kind}' for kind in kinds)}; hostname; cat /proc/net/dev; ls /dev/shm"

    lines = bench.run(f"{script}; ps -e -o comm= || ls /proc", container={"hostname": "inside"}).splitlines()

    outside = [os.readlink(f"/proc/self/ns/{kind}") for kind in kinds]
    assert all(own != theirs for own, theirs in zip(lines, outside, strict=False))
    assert lines[5] == "inside"
    devices = [line.strip().partition(":")[0] for line in lines if ":" in line and "|" not in line and "ns" not in line]
    assert [name for name in devices if not name.startswith(("mnt", "pid", "ipc", "uts", "net"))] == ["lo"]
    assert os.uname().nodename != "inside"


def test_a_container_without_network_reaches_itself(contain):
    bench = contain("namespaces/net")
    program = "import socket; s = socket.create_server(('', 0)); socket.create_connection(s.getsockname()); s.accept()"

    bench.run(f'python3 -S -c "{program}"')


SERVER = """
import http.server, socket
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/silent":
            open("up", "w").close()
            pair = socket.socketpair()
            pair[0].recv(1)
        self.send_response(204)
        self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", 8080), Page)
open("up", "w").close()
server.serve_forever()
"""


# Method: a port that something of the machine has is another one there.
def test_a_port_of_a_container_without_network_is_asked_in_it(contain):
    bench = contain("namespaces/net")
    (bench.sandbox / "server.py").write_text(SERVER)
    os.mkfifo(bench.sandbox / "up")
    bench.start("exec python3 -S server.py")
    (bench.sandbox / "up").read_text()
    [container] = bench.containerizer._containers.values()
    ask, http, tcp = PortProber(), HttpCheck(port=8080, path="/"), TcpCheck(port=8080)

    with la.Runtime(), socket.create_server(("127.0.0.1", 0)) as own:
        assert ask.http(http, container.pid).get(BOUND_SECONDS) == 204
        assert ask.tcp(tcp, container.pid).get(BOUND_SECONDS) is True
        of_machine = TcpCheck(port=own.getsockname()[1])
        assert ask.tcp(of_machine, container.pid).get(BOUND_SECONDS) is False
        assert ask.tcp(of_machine, os.getpid()).get(BOUND_SECONDS) is True
        silent = ask.http(HttpCheck(port=8080, path="/silent"), container.pid)
        (bench.sandbox / "up").read_text()
        silent.discard()
        with pytest.raises(la.Discarded):
            silent.get(BOUND_SECONDS)
        container.kill()
        assert bench.termination().exit_status == -9
        with pytest.raises(OSError, match="No such"):
            ask.tcp(tcp, container.pid)
    for thread in [each for each in threading.enumerate() if each.name == "check"]:
        thread.join(BOUND_SECONDS)
        assert not thread.is_alive()


# Goal: /proc leads nobody out of a container, not even root: neither to another root, nor to namespaces, descriptors,
#   or rights that it has not itself.
def test_the_reaper_of_a_container_has_nothing_of_the_host(contain, tmp_path):
    make_root(tmp_path / "small", "sh", "cat", "readlink", "ls")
    bench = contain("filesystem/linux,namespaces/pid,namespaces/ipc,namespaces/uts,namespaces/net", images=tmp_path)
    image = {"type": "DOCKER", "docker": {"name": "small"}}
    kinds = ("mnt", "ipc", "uts", "net", "cgroup")
    script = (
        "for of in '' /proc/1/root /proc/1/cwd; do echo $(ls $of/); done;"
        f"for kind in {' '.join(kinds)}; do readlink /proc/1/ns/$kind /proc/self/ns/$kind; done;"
        "cat /proc/1/status; echo; ls /proc/1/fd"
    )

    lines = bench.run(script, container={"mesos": {"image": image}}).splitlines()

    assert len(set(lines[:3])) == 1
    named = lines[3 : 3 + 2 * len(kinds)]
    assert named[::2] == named[1::2]
    held = dict(line.split(":\t") for line in lines if line.startswith("Cap"))
    assert {held[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")} == {f"{0:016x}"}
    assert lines[-1] == ""


# Without rights root may look at processes of its own user, so at a reaper without rights, unless that forbids it.
def test_root_without_rights_may_not_touch_the_reaper(contain):
    bench = contain("filesystem/linux,namespaces/pid,linux/capabilities")
    linux = {"effective_capabilities": {"capabilities": []}}

    told = bench.run("readlink /proc/1/root || echo closed", container={"linux_info": linux})

    assert told == "closed\n"


def test_processes_of_a_container_see_one_another_only(contain):
    bench = contain("filesystem/linux,namespaces/pid")

    pids = bench.run("for each in /proc/[0-9]*; do echo ${each#/proc/}; done").split()

    assert 1 <= len(pids) <= 4
    assert all(int(pid) < 10 for pid in pids)


@pytest.mark.parametrize("is_below_tmp", [False, True])
def test_tmp_is_a_containers_own(contain, is_below_tmp):
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        bench = contain("filesystem/linux", Path(place)) if is_below_tmp else contain("filesystem/linux")
        name = f"only-inside-{os.getpid()}"

        told = bench.run(
            f"touch /tmp/{name} made; ls /tmp; pwd; stat -c %a /tmp", user="nobody" if not is_below_tmp else ""
        )

        assert name in told.split()
        assert told.split()[-2:] == [str(bench.sandbox), "1777"]
        assert not Path("/tmp", name).exists()
        assert (bench.sandbox / "made").exists()
        bench.close()


def test_volumes_are_where_they_are_wanted(contain, tmp_path):
    bench = contain("filesystem/linux")
    (tmp_path / "word").write_text("from outside\n")
    place = bench.directory / "place"
    place.mkdir()
    volumes = [
        {"mode": "RO", "container_path": str(place), "host_path": str(tmp_path)},
        {
            "mode": "RW",
            "container_path": "inner/data",
            "source": {"type": "HOST_PATH", "host_path": {"path": str(tmp_path)}},
        },
        {"mode": "RO", "container_path": "word", "host_path": str(tmp_path / "word")},
        {
            "mode": "RW",
            "container_path": "/tmp/own",
            "source": {"type": "SANDBOX_PATH", "sandbox_path": {"type": "SELF", "path": "mine"}},
        },
    ]

    told = bench.run(
        f"cat {place}/word inner/data/word word; touch {place}/x 2> /dev/null || echo closed;"
        "touch inner/data/made; touch /tmp/own/too",
        container={"volumes": volumes},
    )

    assert told == "from outside\n" * 3 + "closed\n"
    assert (tmp_path / "made").exists()
    assert (bench.sandbox / "mine" / "too").exists()
    assert list(place.iterdir()) == []


def test_a_root_of_its_own_is_all_that_a_container_sees(contain, tmp_path):
    make_root(tmp_path / "small", "sh", "ls", "cat", "touch", "readlink")
    before = mounts()
    bench = contain("cgroups/all,filesystem/linux,namespaces/pid,namespaces/ipc", images=tmp_path)
    image = {"type": "DOCKER", "docker": {"name": "small"}}
    script = (
        "ls /; ls /usr/bin; echo word > /new; cat /new > made; echo x > /dev/null; cat /mnt/mesos/sandbox/made;"
        "touch /sys/x 2> /dev/null || echo closed; test -e /var/tmp/outside || echo nothing"
    )

    told = bench.run(script, container={"mesos": {"image": image}}, user="").split()

    assert {"bin", "dev", "etc", "mnt", "proc", "sys", "tmp", "usr"} <= set(told)
    assert not {"root", "home", "boot"} & set(told)
    assert told[-3:] == ["word", "closed", "nothing"]
    assert (bench.sandbox / "made").read_text() == "word\n"
    assert not (tmp_path / "small" / "new").exists()
    assert mounts() == before
    bench.close()
    assert list((bench.directory / "run" / "roots").iterdir()) == []


# Method: /dev is another file system than /dev/shm, which is mounted below it.
def test_a_volume_that_is_only_read_is_so_with_what_is_mounted_below_it(contain):
    bench = contain("filesystem/linux")
    volume = {"mode": "RO", "container_path": "devices", "host_path": "/dev"}
    name = f"mesoslite-{os.getpid()}"

    told = bench.run(
        f"touch devices/shm/{name} 2> /dev/null && rm devices/shm/{name} || echo closed;"
        f"touch /dev/shm/{name} && rm /dev/shm/{name}",
        container={"volumes": [volume]},
    )

    assert told == "closed\n"


def test_a_sandbox_may_be_in_memory(contain, tmp_path):
    make_root(tmp_path / "small", "sh", "touch")
    container = {"mesos": {"image": {"type": "APPC", "appc": {"name": "small"}}}}
    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        bench = contain("filesystem/linux", Path(place), images=tmp_path)

        bench.run("touch made", container=container)

        assert (bench.sandbox / "made").exists()
        bench.close()


def test_two_containers_of_one_image_do_not_see_each_others_changes(contain, tmp_path):
    make_root(tmp_path / "small", "sh", "cat")
    bench = contain("filesystem/linux", images=tmp_path)
    container = {"mesos": {"image": {"type": "APPC", "appc": {"name": "small"}}}}
    nobody = pwd.getpwnam("nobody").pw_name

    assert bench.run("echo changed > /tmp/x; cat /tmp/x", container=container, user=nobody) == "changed\n"
    assert (bench.directory / "run/roots").stat().st_mode & 0o777 == 0o700
    (bench.sandbox / "stdout").unlink()
    assert bench.run("test -e /tmp/x || echo none", container=container, user=nobody) == "none\n"


def test_a_volume_of_an_image_needs_no_place_in_it(contain, tmp_path):
    make_root(tmp_path / "images" / "small", "sh", "cat")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "word").write_text("from outside\n")
    bench = contain("filesystem/linux", images=tmp_path / "images")
    container = {
        "mesos": {"image": {"type": "DOCKER", "docker": {"name": "small"}}},
        "volumes": [{"mode": "RO", "container_path": "/srv/data", "host_path": str(tmp_path / "data")}],
    }

    assert bench.run("cat /srv/data/word", container=container) == "from outside\n"


@pytest.fixture
def volume(contain):
    """Makes a persistent volume, which has a file in it."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
        os.chmod(place, 0o711)

        def make(path="data", **fields):
            source = Path(place, "v")
            source.mkdir()
            (source / "old").write_text("old\n")
            return PersistentVolume(str(source), path, **fields)

        yield make


def test_a_persistent_volume_is_mounted_in_the_sandbox_or_elsewhere(contain, volume):
    inside = volume()
    bench = contain("filesystem/linux")

    seen = bench.run(
        "cat data/old /mnt/old; echo new > data/new", volumes=(inside, PersistentVolume(inside.source, "/mnt"))
    )

    assert seen == "old\nold\n"
    assert (Path(inside.source) / "new").read_text() == "new\n"
    assert not (bench.sandbox / "data").is_symlink()


def test_a_persistent_volume_is_in_a_changed_root(contain, volume, tmp_path):
    make_root(tmp_path / "images" / "small", "sh", "cat")
    bench = contain("filesystem/linux", images=tmp_path / "images")
    image = {"mesos": {"image": {"type": "APPC", "appc": {"name": "small"}}}}

    assert bench.run("cat /srv/data/old", container=image, volumes=(volume("/srv/data"),)) == "old\n"


def test_a_read_only_volume_is_read_only(contain, volume):
    bench = contain("filesystem/linux")

    bench.launch("cat data/old; echo new > data/old", volumes=(volume(is_read_only=True),))

    assert bench.termination().exit_status not in (0, None)
    assert (bench.sandbox / "stdout").read_text() == "old\n"


def test_what_has_mounts_of_its_own_is_given_no_volume_later(contain, volume):
    bench = contain("filesystem/linux")
    bench.launch(FOREVER)

    with pytest.raises(InvalidRequest, match="mounts of its own"):
        bench.containerizer.update(msgspec.structs.replace(bench.launched, volumes=(volume(),)))


def test_a_persistent_volume_is_its_users(contain, volume):
    given = volume()
    bench = contain("filesystem/linux")

    bench.run("echo mine > data/new", user="nobody", volumes=(given,))

    assert os.stat(given.source).st_uid == pwd.getpwnam("nobody").pw_uid
