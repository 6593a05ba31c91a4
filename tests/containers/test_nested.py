"""Containers in containers: none outlives what it is in, and the end of that waits for theirs."""

import signal
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from mesoslite.containment.nesting import Nesting
from mesoslite.model import (
    CommandInfo,
    Conflict,
    ContainerConfig,
    ContainerID,
    FrozenDocument,
    InvalidRequest,
    NotFound,
    Resources,
    Termination,
    nested_id,
    parent_of,
)

from .bench import Bench, is_gone

pytestmark = pytest.mark.real


class House:
    """Containers of a bench by name, `a.b` in `a`, whose ends are told in one list."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.tag = f"{uuid.uuid4()}"
        self.benches: dict[str, Bench] = {}
        self.ends: list[str] = []
        self.waits = f"read x < {bench.make_fifo('never')}"

    def container_id(self, name: str) -> ContainerID:
        root, point, inner = name.partition(".")
        return ContainerID(f"{root}-{self.tag}{point}{inner}")

    def launch(self, name: str, script: str | None = None, **config: Any) -> Any:
        sandbox = self.bench.sandbox / name
        sandbox.mkdir(exist_ok=True)
        hears = Bench(self.bench.containerizer, sandbox)
        told = hears.ended

        def ended(termination: Termination) -> None:
            self.ends.append(name)
            told(termination)

        hears.ended = ended  # type: ignore[method-assign]
        made = replace(hears.config(script or self.waits), container_id=self.container_id(name), **config)
        hears.container = hears.containerizer.launch(made, hears)
        self.benches[name] = hears
        return hears.container

    def leader(self, name: str) -> int:
        return self.benches[name].leader(self.benches[name].container)


@pytest.fixture
def house(bench: Bench) -> House:
    return House(bench)


def test_an_id_tells_what_it_is_nested_in():
    root = ContainerID("r")
    child = nested_id(root, "c")

    assert (child, parent_of(child), parent_of(root)) == ("r.c", root, None)
    for wrong in ("", "a.b", "a b", "a/b", "..", "\n", "x" * 200):
        with pytest.raises(InvalidRequest):
            nested_id(root, wrong)


def test_what_is_nested_runs_in_its_own_sandbox(house: House):
    house.launch("a")
    house.launch("a.b", "pwd; echo $MESOS_CONTAINER_ID")

    nested = house.benches["a.b"]
    assert nested.exit_status() == 0
    assert nested.output() == f"{nested.sandbox}\n{house.container_id('a.b')}\n"
    assert house.ends == ["a.b"]


@pytest.mark.parametrize("end", [lambda one: one.kill(), lambda one: one.terminate(0), lambda one: one.signal(9)])
def test_what_ends_takes_with_it_what_is_nested_and_is_told_of_last(house: House, end: Callable[[Any], None]):
    outer = house.launch("a")
    for name in ("a.b", "a.c", "a.b.d"):
        house.launch(name)
    pids = [house.leader(name) for name in ("a", "a.b", "a.c", "a.b.d")]

    end(outer)

    house.benches["a"].end()
    assert all(map(is_gone, pids))
    assert sorted(house.ends) == ["a", "a.b", "a.b.d", "a.c"]
    assert house.ends[-1] == "a"
    assert house.ends.index("a.b.d") < house.ends.index("a.b")


def test_what_ends_by_itself_takes_with_it_what_is_nested(house: House):
    leave = house.bench.make_fifo("leave")
    house.launch("a", f"read x < {leave}; exit 3")
    house.launch("a.b")
    house.leader("a.b")

    leave.write_text("now\n")

    assert house.benches["a"].exit_status() == 3
    assert house.benches["a.b"].ends.get_nowait().exit_status == -signal.SIGKILL


def test_what_is_nested_ends_alone(house: House):
    house.launch("a")
    inner, beside = house.launch("a.b"), house.launch("a.c")
    pid = house.leader("a.c")

    inner.kill()

    assert house.benches["a.b"].exit_status() == -signal.SIGKILL
    assert not is_gone(pid)
    beside.signal(signal.SIGUSR1)
    assert house.benches["a.c"].exit_status() == -signal.SIGUSR1


def test_a_signal_is_heard_however_soon_it_comes(house: House):
    house.launch("a", "exec sleep 1000").signal(signal.SIGHUP)

    assert house.benches["a"].exit_status() == -signal.SIGHUP


def test_nothing_is_nested_in_what_does_not_run(house: House):
    with pytest.raises(NotFound):
        house.launch("a.b")
    house.launch("a", "exit 0")
    house.benches["a"].end()
    with pytest.raises(NotFound):
        house.launch("a.b")
    house.launch("c")
    house.launch("c.d", "exit 0")
    house.benches["c.d"].end()
    with pytest.raises(NotFound):
        house.launch("c.d.e")


def test_an_id_is_taken_until_it_is_removed(house: House):
    containerizer = house.bench.containerizer
    leave = house.bench.make_fifo("leave")
    house.launch("a")
    house.launch("a.b", f"read x < {leave}")
    with pytest.raises(Conflict):
        house.launch("a.b")
    with pytest.raises(Conflict):
        containerizer.remove(house.container_id("a.b"))
    leave.write_text("now\n")
    assert house.benches["a.b"].exit_status() == 0
    with pytest.raises(Conflict):
        house.launch("a.b")

    containerizer.remove(house.container_id("a.b"))
    containerizer.remove(house.container_id("a.unknown"))

    house.launch("a.b", "exit 5")
    assert house.benches["a.b"].exit_status() == 5


def test_what_could_not_be_launched_leaves_its_id(house: House):
    house.launch("a")
    with pytest.raises(NotFound, match="no-such-user"):
        house.launch("a.b", user="no-such-user")

    house.launch("a.b", "exit 5")

    assert house.benches["a.b"].exit_status() == 5


def test_bounds_are_those_of_what_it_is_in(house: House):
    house.launch("a")

    alone = FrozenDocument.of({"type": "MESOS", "linux_info": {"share_cgroups": False}})
    with pytest.raises(InvalidRequest, match="share_cgroups"):
        house.launch("a.b", container=alone)
    with pytest.raises(InvalidRequest, match="limits"):
        house.launch("a.b", limits=(("cpus", 1.0),))


def test_a_debug_container_has_the_variables_of_what_it_enters_and_begins_where_that_did(house: House):
    of_task = CommandInfo(value=house.waits, environment=(("B", "command"), ("C", "command")))
    house.launch("a", environment=(("A", "task"), ("B", "task")), command=of_task)
    parent = house.container_id("a")
    house.leader("a")  # what runs can be entered
    command = CommandInfo(value="pwd; echo $A $B $C", environment=(("C", "own"),))

    house.launch("look", command=command, parent=parent, is_debug=True)

    assert house.benches["look"].exit_status() == 0
    assert house.benches["look"].output() == f"{house.benches['a'].sandbox}\ntask command own\n"
    with pytest.raises(NotFound):
        house.launch("again", parent=ContainerID("nobody"), is_debug=True)
    house.launch("a.debug", is_debug=True, parent=parent)
    with pytest.raises(Conflict, match="debug"):
        house.launch("a.debug.more")
    house.benches["a"].container.kill()
    house.benches["a"].end()
    assert house.ends == ["look", "a.debug", "a"]


def test_what_has_no_streams_cannot_be_attached_to(house: House):
    containerizer = house.bench.containerizer
    house.launch("a")

    with pytest.raises(Conflict, match="streams"):
        containerizer.attach(house.container_id("a"))
    with pytest.raises(NotFound):
        containerizer.attach(house.container_id("b"))


# ---- the books alone ----


def config(container_id: str, **fields: Any) -> ContainerConfig:
    return ContainerConfig(
        container_id=ContainerID(container_id), user="", command=CommandInfo(value=""), sandbox="/", **fields
    )


def test_what_is_launched_while_its_parent_ends_is_doomed_and_waited_for():
    nesting = Nesting()
    nesting.enter(config("a"))
    nesting.enter(config("a.b"))

    assert nesting.end(ContainerID("a")) == []
    assert nesting.is_doomed(ContainerID("a.b"))
    assert nesting.withdraw(ContainerID("a.b")) == ["a"]
    assert nesting.drop(ContainerID("a")) == []
    with pytest.raises(NotFound):
        nesting.enter(config("a.b"))


def test_thousands_are_forgotten_with_what_they_are_in():
    nesting, names = Nesting(), [f"a.{number}" for number in range(3_000)]
    nesting.enter(config("a", resources=Resources.of(cpus=1)))
    for name in names:
        nesting.enter(config(name))
    assert len(nesting.within(ContainerID("a"))) == 3_000
    for name in names[:-1]:
        assert nesting.end(ContainerID(name)) == [name]
    assert nesting.end(ContainerID("a")) == []
    assert nesting.end(ContainerID(names[-1])) == [names[-1], "a"]

    assert len(nesting.drop(ContainerID("a"))) == 3_000
    nesting.enter(config("a"))
