"""Groups are made and removed, what a dead agent left is ended, and errors say what was wrong."""

import errno
import os
import subprocess

import pytest

from mesoslite.containment.cgroups.hierarchies import Hierarchy
from mesoslite.containment.cgroups.tree import CgroupError, Tree

from .fake_cgroups import FakeCgroups
from .machine import needs_root, own_tree

V2 = Hierarchy(2, "/cg", frozenset(("cpu", "memory")))


@pytest.fixture
def files():
    return FakeCgroups("/cg", "cpu memory pids")


@pytest.fixture
def tree(files):
    made = Tree(V2, "mesos/one", files)
    made.make_root(("cpu", "memory"))
    return made


def test_controllers_are_enabled_down_to_the_containers(files, tree):
    tree.create("c")

    for path in ("/cg", "/cg/mesos", "/cg/mesos/one"):
        assert files.read(f"{path}/cgroup.subtree_control") == b"cpu memory"
    assert tree.read("c", "cpu.weight") == b"100\n"
    assert not tree.has("pids.max")


def test_making_the_root_again_changes_nothing(tree):
    tree.create("c")
    tree.make_root(("cpu", "memory"))

    assert tree.names() == ["c"]


def test_a_controller_that_the_kernel_lacks_is_named(files):
    with pytest.raises(CgroupError, match=r"could not write '\+rdma' to /cg/cgroup.subtree_control: No such file"):
        Tree(V2, "mesos", files).make_root(("rdma",))


def test_a_root_with_processes_cannot_hand_controllers_down_and_the_error_says_so(files):
    Tree(V2, "mesos", files).make_root()
    files.write("/cg/mesos/cgroup.procs", "7")

    with pytest.raises(CgroupError, match="resource busy; processes or groups are in it"):
        Tree(V2, "mesos", files).make_root(("cpu",))


def test_an_empty_group_that_was_left_makes_way_for_a_new_one(tree):
    tree.create("c")
    tree.write("c", "cpu.weight", 7)
    tree.create("c")

    assert tree.read("c", "cpu.weight") == b"100\n"


def test_a_group_with_processes_does_not(files, tree):
    tree.create("c")
    files.write(tree.path("c", "cgroup.procs"), "7")

    with pytest.raises(CgroupError, match=r"could not make anew /cg/mesos/one/c: .*busy") as caught:
        tree.create("c")
    assert caught.value.errno == errno.EBUSY


def test_a_refused_value_is_told_with_its_file(tree):
    tree.create("c")

    with pytest.raises(CgroupError, match=r"could not write '0' to /cg/mesos/one/c/cpu.weight: .*out of the range"):
        tree.write("c", "cpu.weight", 0)
    with pytest.raises(CgroupError, match=r"could not read /cg/mesos/one/c/pids.max: No such file"):
        tree.read("c", "pids.max")


# What ran in a group may be on its way out when its container is said to have ended.
def test_a_busy_group_is_tried_again_with_the_next_removal(files, tree):
    for name in ("a", "b"):
        tree.create(name)
    files.write(tree.path("a", "cgroup.procs"), "7")
    assert not tree.remove("a")
    files.group("/cg/mesos/one/a").files["cgroup.procs"] = ""

    assert tree.remove("b")

    assert tree.names() == []


def test_removing_what_is_not_there_is_nothing(tree):
    assert tree.remove("never")


def test_numbers_may_have_no_bound(tree):
    tree.create("c")

    assert tree.read_number("c", "memory.max") == 2**63 - 1
    assert tree.read_fields("c", "memory.events")[b"oom_kill"] == 0


# Method: two processes, one of them in another session and deaf to SIGTERM, in a group of version 1 or 2.
@needs_root
@pytest.mark.real
@pytest.mark.parametrize("controller", ["pids", "unified"])
def test_what_a_dead_agent_left_is_killed_and_removed(controller):
    with own_tree(controller) as tree:
        tree.create("orphan")
        enter = f"echo $$ > {tree.path('orphan', 'cgroup.procs')}"
        program = f"{enter}; trap '' TERM; echo ready; setsid sh -c 'sleep 1000' & sleep 1000"
        child = subprocess.Popen(["sh", "-c", program], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()

        tree.destroy(["orphan"])

        assert child.wait() == -9
        child.stdout.close()
        tree.remove("orphan")  # the other one was a child's child, and may be a zombie still
        assert tree.pids("orphan") == []


@needs_root
@pytest.mark.real
def test_a_root_is_one_agents_alone():
    with own_tree("pids") as tree:
        claim = tree.claim()
        with pytest.raises(CgroupError, match=r"is another agent's; .*--cgroups-root"):
            tree.claim()
        os.close(claim)

        os.close(tree.claim())
