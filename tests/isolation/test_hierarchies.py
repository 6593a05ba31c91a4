"""The mount table says which controllers there are, of which version, and where."""

import pytest

from mesoslite.containment.cgroups.hierarchies import find_hierarchies

REST = "22 27 0:21 / /proc rw,relatime - proc proc rw\n27 1 254:0 / / rw - ext4 /dev/vda rw\n"
HYBRID = REST + (
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory ro,relatime - cgroup cgroup rw,memory\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n"
    "99 31 0:32 / /elsewhere rw - cgroup cgroup rw,memory\n"
)
UNIFIED = REST + "41 31 0:38 / /sys/fs/a\\040cgroup rw - cgroup2 cgroup2 rw\n"


def test_controllers_mounted_together_are_in_one_hierarchy():
    found = find_hierarchies(HYBRID, lambda path: b"hugetlb\n")

    cpu = found.by_controller["cpu"]
    assert cpu is found.by_controller["cpuacct"]
    assert (cpu.version, cpu.path, cpu.controllers) == (1, "/sys/fs/cgroup/cpu,cpuacct", {"cpu", "cpuacct"})


def test_the_first_mount_counts_and_one_for_reading_only_is_told():
    memory = find_hierarchies(HYBRID, lambda path: b"").by_controller["memory"]

    assert (memory.path, memory.is_read_only) == ("/sys/fs/cgroup/memory", True)


def test_a_tree_of_version_2_has_what_its_file_says():
    found = find_hierarchies(HYBRID, lambda path: b"hugetlb\n")

    assert found.unified is not None
    assert found.by_controller["hugetlb"] is found.unified
    assert found.by_controller.keys() == {"cpu", "cpuacct", "memory", "hugetlb"}


def test_a_path_with_blanks_is_read_as_it_is():
    asked = []
    found = find_hierarchies(UNIFIED, lambda path: asked.append(path) or b"cpu memory pids\n")

    assert asked == ["/sys/fs/a cgroup/cgroup.controllers"]
    assert found.by_controller["memory"].path == "/sys/fs/a cgroup"


@pytest.mark.parametrize("text", ["", "\n", "41 31 0:38 - cgroup2\n", "cgroup - cgroup cgroup rw,cpu\n"])
def test_a_machine_without_control_groups_has_none(text):
    assert find_hierarchies(text, lambda path: b"").by_controller == {}
