"""What isolators without files of their own have a supervisor do, and what they refuse."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from mesoslite.containment.asked import refuse_unhonoured
from mesoslite.containment.isolators.capabilities import Capabilities, parse_capabilities
from mesoslite.containment.isolators.filesystem import FilesystemLinux
from mesoslite.containment.isolators.namespaces import IpcNamespace, NetNamespace, PidNamespace, UtsNamespace
from mesoslite.containment.isolators.nnp import NoNewPrivileges
from mesoslite.containment.isolators.rlimits import Rlimits
from mesoslite.containment.script import MountFlag, Namespace, Script
from mesoslite.model import CommandInfo, ContainerConfig, ContainerID, FrozenDocument, InvalidRequest

C = ContainerID("c")
QUIET = MountFlag.NO_SUID | MountFlag.NO_DEVICES | MountFlag.NO_EXECUTION


def config(sandbox="/s", limits=(), parent=None, **container):
    document = FrozenDocument.of({"type": "MESOS", **container})
    return ContainerConfig(
        container_id=C,
        user="",
        command=CommandInfo(value="x"),
        sandbox=str(sandbox),
        container=document,
        limits=limits,
        parent=parent,
    )


def told(isolator, **container):
    script = Script()
    isolator.prepare(config(**container), script)
    return instructions(script)


def instructions(script):
    """Each instruction as a tuple of its name and arguments."""
    texts = script.render().decode().split("\0")[1:]
    found = []
    while texts[0] != "end":
        count = int(texts[1])
        found.append((texts[0], *texts[2 : 2 + count]))
        texts = texts[2 + count :]
    return found


def rlimits(*entries):
    return told(Rlimits(), rlimit_info={"rlimits": list(entries)})


def test_rlimits_are_set_and_lifted():
    assert rlimits({"type": "RLMT_NOFILE", "soft": 10, "hard": "20"}, {"type": "RLMT_CORE"}) == [
        ("limit", "7", "10", "20"),
        ("limit", "4", "unlimited", "unlimited"),
    ]


# Source: Mesos PosixRLimitsIsolatorTest
@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"type": "RLMT_X"}, r"rlimits\[0\].type: got 'RLMT_X', expected one of RLMT_AS"),
        ({"type": "RLMT_CPU", "soft": 1}, "one of soft and hard"),
        ({"type": "RLMT_CPU", "soft": 2, "hard": 1}, "soft limit of 2 above the hard one of 1"),
        ({"type": "RLMT_CPU", "soft": -1, "hard": 1}, "zero or more"),
    ],
)
def test_rlimits_that_cannot_be_are_refused(entry, words):
    with pytest.raises(InvalidRequest, match=words):
        rlimits(entry)


def test_a_container_that_asks_for_nothing_gets_nothing():
    for isolator in (Rlimits(), Capabilities()):
        assert told(isolator) == []


def test_no_program_gets_more_rights():
    assert told(NoNewPrivileges()) == [("no_new_privileges",)]


# Source: Mesos LinuxCapabilitiesIsolatorTest; 13 is NET_RAW, 0 CHOWN.
def test_capabilities_are_those_that_a_container_asks_for():
    asked = {"effective_capabilities": {"capabilities": ["NET_RAW"]}}
    bounding = {"bounding_capabilities": {"capabilities": ["NET_RAW", "CHOWN"]}}
    only = [("bound", "2000"), ("keep",), ("capabilities", "2000", "2000", "2000", "2000")]

    assert told(Capabilities(), linux_info=asked) == only
    assert told(Capabilities(), linux_info={"capability_info": asked["effective_capabilities"]}) == only
    assert told(Capabilities(), linux_info=asked | bounding) == [("bound", "2001"), *only[1:]]
    assert told(Capabilities(), linux_info=bounding)[0] == ("bound", "2001")


def test_capabilities_are_else_those_of_the_agent_and_never_beyond():
    agent = Capabilities(frozenset({13}), frozenset({13, 0}))

    assert told(agent) == [("bound", "2001"), ("keep",), ("capabilities", "2000", "2000", "2000", "2000")]
    with pytest.raises(InvalidRequest, match="asks for KILL, which this agent gives to nobody"):
        told(agent, linux_info={"effective_capabilities": {"capabilities": ["KILL"]}})
    narrow = {"effective_capabilities": {"capabilities": ["KILL"]}, "bounding_capabilities": {"capabilities": []}}
    with pytest.raises(InvalidRequest, match="effective_capabilities has KILL, which are not bounding"):
        told(Capabilities(), linux_info=narrow)
    with pytest.raises(InvalidRequest, match="--effective-capabilities: CHOWN not among --bounding-capabilities"):
        Capabilities(frozenset({0}), frozenset())


def test_an_unknown_capability_is_named():
    with pytest.raises(InvalidRequest, match="x: got 'CAP_CHOWN', expected names such as NET_RAW"):
        parse_capabilities(["CAP_CHOWN"], "x")


def test_namespaces_are_made_with_what_belongs_to_them():
    filesystem = FilesystemLinux(Path("/scratch"))

    assert told(PidNamespace(filesystem)) == [
        ("pid_namespace",),
        ("mount", "proc", "/proc", "proc", f"{int(QUIET)}", ""),
        ("reaper",),
    ]
    assert told(IpcNamespace(filesystem), linux_info={"shm_size": 8})[0] == ("unshare", f"{int(Namespace.IPC)}")
    assert told(IpcNamespace(filesystem), linux_info={"shm_size": 8})[1][-1] == "mode=1777,size=8m"
    assert told(UtsNamespace(), hostname="h") == [("unshare", f"{int(Namespace.UTS)}"), ("hostname", "h")]
    assert told(NetNamespace()) == [("unshare", f"{int(Namespace.NETWORK)}"), ("loopback",)]


def test_namespaces_may_be_shared_with_the_agent():
    filesystem = FilesystemLinux(Path("/scratch"))

    assert told(PidNamespace(filesystem), linux_info={"share_pid_namespace": True}) == []
    assert told(IpcNamespace(filesystem), linux_info={"ipc_mode": "SHARE_PARENT"}) == []
    with pytest.raises(InvalidRequest, match="shm_size: goes with an ipc_mode of PRIVATE"):
        told(IpcNamespace(filesystem), linux_info={"ipc_mode": "SHARE_PARENT", "shm_size": 1})
    with pytest.raises(InvalidRequest, match="ipc_mode: got 'X'"):
        told(IpcNamespace(filesystem), linux_info={"ipc_mode": "X"})


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        ({"container_path": "v", "host_path": "/no/such"}, "this machine has no '/no/such'"),
        ({"container_path": "../v", "host_path": "/"}, "expected a path without"),
        ({"container_path": "/no/such", "host_path": "/"}, "has no place"),
        ({"container_path": "v", "host_path": "../x"}, "expected a path in the sandbox"),
        ({"container_path": "v\0", "host_path": "/"}, "expected a path without"),
        ({"container_path": "v", "host_path": "/\0"}, "this machine has no"),
        ({"container_path": "v", "host_path": "x\0"}, "expected a path in the sandbox"),
        (
            {"container_path": "v", "source": {"type": "SANDBOX_PATH", "sandbox_path": {"path": "x\0"}}},
            "expected a path in the sandbox",
        ),
        ({"container_path": "v", "image": {"type": "DOCKER"}}, "images as volumes"),
        ({"container_path": "v", "source": {"type": "SECRET"}}, "have HOST_PATH and SANDBOX_PATH only"),
        (
            {
                "container_path": "v",
                "source": {"type": "SANDBOX_PATH", "sandbox_path": {"type": "PARENT", "path": "x"}},
            },
            "expected SELF, or PARENT in a task of a group",
        ),
    ],
)
def test_volumes_that_cannot_be_are_refused(tmp_path, volume, words):
    with pytest.raises(InvalidRequest, match=words):
        told(FilesystemLinux(tmp_path / "roots"), sandbox=tmp_path, volumes=[{"mode": "RW", **volume}])


# A task could put links in the place of its siblings' sandboxes.
@pytest.mark.parametrize("path", ["containers", "./containers//x", ".", "/"])
def test_a_volume_of_the_parent_has_no_sandboxes_of_tasks(tmp_path, path):
    sandbox = tmp_path / "containers" / "task"
    sandbox.mkdir(parents=True)
    source = {"type": "SANDBOX_PATH", "sandbox_path": {"type": "PARENT", "path": path}}
    volume = {"mode": "RW", "container_path": "v", "source": source}
    script = Script()

    with pytest.raises(InvalidRequest, match="path: got"):
        FilesystemLinux(tmp_path / "roots").prepare(config(sandbox, parent="executor", volumes=[volume]), script)


# Its sandbox is not in that of its parent, but beside those of others.
def test_what_is_nested_has_no_volume_of_the_parent(tmp_path):
    sandbox = tmp_path / "task.containers" / "inner"
    sandbox.mkdir(parents=True)
    source = {"type": "SANDBOX_PATH", "sandbox_path": {"type": "PARENT", "path": "another"}}
    made = config(sandbox, parent="task", volumes=[{"mode": "RW", "container_path": "v", "source": source}])
    made = msgspec.structs.replace(made, container_id=ContainerID("task.inner"))

    with pytest.raises(InvalidRequest, match="PARENT in a task of a group"):
        FilesystemLinux(tmp_path / "roots").prepare(made, Script())
    assert os.listdir(tmp_path) == ["task.containers"]


def test_a_volume_of_the_parent_is_found_without_a_link(tmp_path):
    sandbox = tmp_path / "containers" / "task"
    sandbox.mkdir(parents=True)
    source = {"type": "SANDBOX_PATH", "sandbox_path": {"type": "PARENT", "path": "shared/data"}}
    volume = {"mode": "RO", "container_path": "v", "source": source}
    script = Script()

    FilesystemLinux(tmp_path / "roots").prepare(config(sandbox, parent="executor", volumes=[volume]), script)

    assert ("bind", str(tmp_path), "shared/data", str(sandbox), "v", "ro") in instructions(script)
    assert (tmp_path / "shared" / "data").is_dir()


# A task may have put a link there, before another one of its group: the agent is root and must not follow it.
def test_a_volume_does_not_follow_a_link_out_of_the_sandbox(tmp_path):
    (tmp_path / "v").symlink_to("/etc")

    with pytest.raises(InvalidRequest, match="is there, and no directory"):
        told(FilesystemLinux(tmp_path / "roots"), sandbox=tmp_path, volumes=[{"mode": "RW", "container_path": "v/x"}])


# A check of a task is made ready in the sandbox of one that runs already, and may have put links there meanwhile.
@pytest.mark.parametrize("source", ["/etc", "/etc/hostname"])
@pytest.mark.parametrize("link", ["v", "tmp"])
def test_no_place_for_a_volume_is_made_behind_a_link(tmp_path, source, link):
    outside, sandbox = tmp_path / "outside", tmp_path / "sandbox"
    outside.mkdir(mode=0o700)
    sandbox.mkdir()
    (sandbox / link).symlink_to(outside)
    path = "v/x" if link == "v" else "/tmp/x"

    with pytest.raises(InvalidRequest, match="is there, and no directory"):
        told(
            FilesystemLinux(tmp_path / "roots"),
            sandbox=sandbox,
            volumes=[{"host_path": source, "container_path": path}],
        )

    assert not list(outside.iterdir())
    assert outside.stat().st_mode & 0o777 == 0o700


# Goal: no container can keep its agent from beginning anew by how deep the directories are that it has made.
def test_what_a_container_has_changed_is_removed_however_deep_it_is(tmp_path):
    (tmp_path / "gone").mkdir()
    (tmp_path / "here").mkdir()
    directory = os.open(tmp_path / "gone", os.O_RDONLY)
    for _ in range(sys.getrecursionlimit() + 100):
        os.mkdir("d", dir_fd=directory)
        above, directory = directory, os.open("d", os.O_RDONLY, dir_fd=directory)
        os.close(above)
    os.close(directory)

    try:
        FilesystemLinux(tmp_path).recover({ContainerID("here"): 1})
        assert os.listdir(tmp_path) == ["here"]
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / "gone")], check=True)  # or it would stay for ever


def test_images_are_directories_of_the_agents(tmp_path):
    (tmp_path / "images" / "debian").mkdir(parents=True)

    def asked(name, images=tmp_path / "images"):
        image = {"type": "DOCKER", "docker": {"name": name}}
        return told(FilesystemLinux(tmp_path / "roots", images), sandbox=tmp_path, mesos={"image": image})

    for name in ("alpine", "../images/debian", "/etc"):
        with pytest.raises(InvalidRequest, match="there is no image"):
            asked(name)
    with pytest.raises(InvalidRequest, match="no --images-dir"):
        asked("debian", None)
    assert asked("debian")[-1] == ("pivot", f"{tmp_path}/roots/c/root")


# Goal: nothing is made on the disk, where it would have to be removed again, that the image has, or that can be in
#   memory; and what is a link in the image is never a step of a way.
def test_of_the_way_to_a_sandbox_only_what_leads_to_the_first_gap_of_the_image_is_made(tmp_path):
    image = tmp_path / "images" / "debian"
    for path in ("proc", "sys", "dev", "tmp", "etc", "mnt", "var/lib"):
        (image / path).mkdir(parents=True)
    (image / "var").chmod(0o750)
    (image / "etc/hosts").touch()
    (image / "etc/resolv.conf").symlink_to("/etc/passwd")
    (image / "srv").symlink_to("/etc")
    asked_for = {"image": {"type": "DOCKER", "docker": {"name": "debian"}}}
    changes, root = tmp_path / "roots/c/upper", f"{tmp_path}/roots/c/root"

    def made_for(sandbox):
        script = Script()
        filesystem = FilesystemLinux(tmp_path / "roots", tmp_path / "images")
        filesystem.prepare(config(sandbox, mesos=asked_for), script)
        made = {str(path.relative_to(changes)) for path in changes.rglob("*")}
        mode = (changes / "var").stat().st_mode & 0o777 if "var" in made else None
        filesystem.cleanup(C)
        filesystem.close()
        return made, mode, instructions(script)

    made, mode, told = made_for("/var/lib/mesos/run/box")
    linked, _, _ = made_for("/srv/box")

    always = {"mnt", "mnt/mesos"} | ({"etc", "etc/resolv.conf"} if os.path.isfile("/etc/resolv.conf") else set())
    assert (made, mode) == (always | {"var", "var/lib", "var/lib/mesos"}, 0o750)
    assert linked == always | {"srv"}
    at = told.index(("mount", "tmpfs", f"{root}/var/lib/mesos", "tmpfs", f"{int(QUIET)}", "mode=755,size=64k"))
    assert told[at + 1 : at + 4] == [
        ("directory", f"{root}/var/lib/mesos/run", "755"),
        ("directory", f"{root}/var/lib/mesos/run/box", "755"),
        ("bind", "/var/lib/mesos/run/box", "", root, "var/lib/mesos/run/box", "rw"),
    ]


def test_what_no_isolator_honours_is_refused():
    refuse_unhonoured(config(), ())
    refuse_unhonoured(config(volumes=[], linux_info={}), ())
    refuse_unhonoured(config(limits=(("mem", 64.0),), hostname="h"), ("cgroups/mem", "namespaces/uts"))
    refuse_unhonoured(config(limits=(("mem", float("inf")),)), ())
    refuse_unhonoured(config(network_infos=[{}, {"labels": {"labels": []}}]), ())

    for isolation, given, words in (
        (("cgroups/mem",), {"limits": (("cpus", 2.0),)}, "a limit of cpus is not enforced .*--isolation=cgroups/cpu"),
        ((), {"hostname": "h"}, "container.hostname is not honoured .*--isolation=namespaces/uts"),
        ((), {"mesos": {"image": {}}}, "container.mesos.image is not honoured"),
        ((), {"network_infos": [{}, {"name": "n"}]}, "container.network_infos is honoured by no agent yet"),
        ((), {"network_infos": [{"port_mappings": [{}]}]}, "container.network_infos is honoured by no agent yet"),
        ((), {"type": "DOCKER"}, "containers of type MESOS only"),
    ):
        with pytest.raises(InvalidRequest, match=words):
            refuse_unhonoured(config(**given), isolation)
