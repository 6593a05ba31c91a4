"""How the processors of a machine are laid out is read from what its kernel tells."""

import pytest

from mesoslite.containment.topology import Topology, look_at_topology


def write(system, files):
    for path, text in files.items():
        (system / path).parent.mkdir(parents=True, exist_ok=True)
        (system / path).write_text(f"{text}\n")


def two_sockets(system, siblings="core_cpus_list"):
    """Two sockets of two nodes each, of two cores each, of two threads each: 0 and 8 are threads of one core."""
    write(system, {"cpu/online": "0-15", "node/online": "0-4", "node/node4/cpulist": ""})
    for number in range(16):
        core = number % 8
        topology = f"cpu/cpu{number}/topology"
        write(system, {f"{topology}/physical_package_id": core // 4, f"{topology}/{siblings}": f"{core},{core + 8}"})
    for node in range(4):
        write(system, {f"node/node{node}/cpulist": f"{2 * node}-{2 * node + 1},{2 * node + 8}-{2 * node + 9}"})


@pytest.mark.parametrize("siblings", ["core_cpus_list", "thread_siblings_list"])
def test_sockets_nodes_cores_and_threads_are_counted(tmp_path, siblings):
    two_sockets(tmp_path, siblings)

    assert look_at_topology(str(tmp_path)) == Topology(sockets=2, nodes=4, cores=8, threads=16)


# Method: of the processors all threads of the second socket are switched off, and the second threads of the first.
def test_what_is_switched_off_does_not_count(tmp_path):
    two_sockets(tmp_path)
    write(tmp_path, {"cpu/online": "0-3", "node/node2/cpulist": "", "node/node3/cpulist": ""})
    for number in range(4):
        write(tmp_path, {f"cpu/cpu{number}/topology/core_cpus_list": number})

    assert look_at_topology(str(tmp_path)) == Topology(sockets=1, nodes=2, cores=4, threads=4)


def test_a_machine_that_tells_little_has_one_of_each(tmp_path):
    assert look_at_topology(str(tmp_path)) == Topology(sockets=1, nodes=1, cores=1, threads=1)
    write(tmp_path, {"cpu/online": "0,2"})
    assert look_at_topology(str(tmp_path)) == Topology(sockets=1, nodes=1, cores=2, threads=2)


def test_this_machine_has_a_topology():
    here = look_at_topology()

    assert 1 <= here.sockets <= here.cores <= here.threads
    assert here.nodes >= 1
