"""Which isolators an agent may have is told by its machine, and what cannot be had is refused with what there is."""

import dataclasses
import threading

import pytest

from mesoslite.containment.cgroups.hierarchies import Hierarchies, Hierarchy
from mesoslite.containment.isolation import (
    CGROUPS,
    ISOLATION,
    IsolationOptions,
    isolation_attributes,
    make_isolators,
    parse_isolation,
)
from mesoslite.containment.machine import Machine, look_at_machine
from mesoslite.containment.topology import Topology
from mesoslite.model import AttributeItems, InvalidRequest

from .machine import needs_root, own_root

UNIFIED = Hierarchy(2, "/cg2", frozenset({"cpu", "memory", "pids", "io", "cpuset"}))
V1 = {name: Hierarchy(1, f"/cg/{name}", frozenset({name})) for name in ("cpu", "cpuacct", "memory", "freezer")}
SPACES = frozenset({"mnt", "pid", "ipc", "uts", "net"})


def machine(by_controller=None, unified=None, **changes):
    made = Machine(
        hierarchies=Hierarchies(by_controller or {}, unified),
        is_root=True,
        kernel=(6, 1),
        namespaces=SPACES,
        filesystems=frozenset({"overlay"}),
        has_pressure=True,
        topology=Topology(sockets=1, nodes=2, cores=4, threads=8),
    )
    return dataclasses.replace(made, **changes)


ALL_V2 = machine(dict.fromkeys(UNIFIED.controllers, UNIFIED), UNIFIED)


def test_isolators_go_in_one_order_whatever_was_said_first():
    assert parse_isolation(" linux/nnp,cgroups/mem , cgroups/cpu", ALL_V2) == (
        "cgroups/cpu",
        "cgroups/mem",
        "linux/nnp",
    )
    assert parse_isolation(",".join(reversed(ISOLATION)), ALL_V2) == ISOLATION


def test_all_of_cgroups_is_what_the_machine_has():
    assert parse_isolation("cgroups/all", ALL_V2) == CGROUPS
    assert parse_isolation("cgroups/all,posix/cpu", machine(V1)) == (
        "posix/cpu",
        "cgroups/cpu",
        "cgroups/mem",
        "cgroups/freezer",
    )


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        (" ", ALL_V2, "is empty"),
        ("cgroups/gpu", ALL_V2, "got 'cgroups/gpu', expected some of posix/cpu, "),
        ("linux/nnp,linux/nnp", ALL_V2, "has linux/nnp twice"),
        (
            "cgroups/pids",
            machine(V1),
            "cgroups/pids: .* that there are: cpu, cpuacct, freezer, memory; .*version 2: none",
        ),
        ("cgroups/cpu", machine({"cpu": V1["cpu"]}), "cgroups/cpu: .* that there are: cpu;"),
        ("cgroups/all", machine(), "cgroups/cpu: .* that there are: none;"),
        ("cgroups/pressure", dataclasses.replace(ALL_V2, has_pressure=False), "cgroups/pressure"),
        ("filesystem/linux", dataclasses.replace(ALL_V2, is_root=False), "filesystem/linux needs the rights of root"),
        ("namespaces/uts", dataclasses.replace(ALL_V2, namespaces=frozenset({"mnt"})), "has the namespaces mnt only"),
        ("namespaces/pid", ALL_V2, "namespaces/pid needs filesystem/linux"),
        ("filesystem/linux", dataclasses.replace(ALL_V2, kernel=(5, 5)), "filesystem/linux needs Linux 5.6 or later"),
    ],
)
def test_what_cannot_be_had_is_refused_with_what_there_is(text, where, words):
    with pytest.raises(InvalidRequest, match=f"--isolation: .*{words}"):
        parse_isolation(text, where)


def test_groups_are_killed_by_the_freezer_where_the_kernel_is_old():
    old = machine({**V1}, UNIFIED, kernel=(5, 10))

    assert not old.can_kill_groups
    assert "cgroups/freezer" in parse_isolation("cgroups/all", old)
    with pytest.raises(InvalidRequest, match="cgroups/freezer"):
        parse_isolation("cgroups/freezer", machine(unified=UNIFIED, kernel=(5, 10)))


@pytest.mark.parametrize(
    ("where", "kind"),
    [(machine(), "none"), (machine(V1), "v1"), (machine(V1, UNIFIED), "hybrid"), (ALL_V2, "v2")],
)
def test_attributes_say_what_frameworks_can_count_on(where, kind):
    cgroups, isolation, *topology = isolation_attributes(("cgroups/cpu", "linux/nnp"), where)

    assert (cgroups.name, cgroups.value) == ("cgroups", kind)
    assert (isolation.name, isolation.value) == ("isolation", AttributeItems(("cgroups/cpu", "linux/nnp")))
    assert [str(each.value) for each in topology] == ["1.0", "2.0", "4.0", "8.0"]
    assert [each.name for each in topology] == ["sockets", "numa_nodes", "cores", "threads"]


def test_this_machine_is_looked_at_without_a_change():
    here = look_at_machine()

    assert here.kernel >= (3, 0)
    assert here.namespaces >= {"pid", "mnt"}
    assert look_at_machine() == here


def test_a_machine_without_cgroups_still_has_the_rest(tmp_path):
    (tmp_path / "self" / "ns").mkdir(parents=True)
    (tmp_path / "self" / "mountinfo").write_text("1 0 0:1 / / rw - ext4 x rw\n")
    (tmp_path / "filesystems").write_text("nodev\toverlay\n")

    there = look_at_machine(str(tmp_path))

    assert (there.cgroups, there.has_pressure, there.namespaces) == ("none", False, frozenset())
    assert "overlay" in there.filesystems
    assert parse_isolation("posix/rlimits", there) == ("posix/rlimits",)


@needs_root
@pytest.mark.real
def test_controllers_are_one_isolator_and_the_rest_follow(tmp_path):
    here = look_at_machine()
    names = parse_isolation("cgroups/all,posix/cpu,posix/rlimits,linux/nnp,disk/du", here)
    with own_root() as root:
        isolators = make_isolators(names, here, str(tmp_path), IsolationOptions(cgroups_root=root))
        for isolator in isolators:
            isolator.close()
        assert not [thread for thread in threading.enumerate() if thread.name in ("cgroups", "disk-usage")]

    first, cgroups, *rest = [isolator.name for isolator in isolators]
    assert first == "posix/cpu,posix/mem"
    assert cgroups.split(",") == [name for name in names if name in CGROUPS]
    assert rest == ["disk/du", "posix/rlimits", "linux/nnp"]
