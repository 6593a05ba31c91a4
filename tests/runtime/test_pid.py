"""PIDs are values: equal by what they name, typed for the reader, good for ever."""

import copy
import dataclasses
import typing
import weakref

import pytest

import libactor as la


class Base(la.Actor):
    def name(self):
        return "base"


class Derived(Base):
    def name(self):
        return "derived"


# LP ProcessTest.Pid
def test_a_pid_reads_as_id_at_address(runtime):
    pid = la.spawn(Base("one"))

    assert str(pid) == f"one@{runtime.address}"
    assert repr(pid) == f"<PID one@{runtime.address}>"


def test_pids_are_equal_by_id_and_address(runtime):
    first = la.spawn(Base("one"))
    la.terminate(first)
    la.wait(first)
    again = la.spawn(Base("one"))

    assert first == again
    assert len({first, again}) == 1
    assert first is not again


def test_pids_of_different_runtimes_differ(runtime):
    pid = la.spawn(Base("one"))

    with la.Runtime():
        other = la.spawn(Base("one"))
        assert pid != other


def test_a_pid_equals_nothing_else(runtime):
    pid = la.spawn(Base("one"))

    assert pid != str(pid)
    assert pid is not None


# LP ProcessTest.Inheritance
@pytest.mark.parametrize("method", [Base.name, Derived.name])
def test_the_method_of_the_actor_is_called_whichever_class_names_it(runtime, method):
    pid: la.PID[Base] = la.spawn(Derived())

    assert la.dispatch(pid, method).get(30) == "derived"


def test_a_runtime_finds_its_live_actors_by_id(runtime):
    pid = la.spawn(Base("one"))

    assert runtime.find("one") == pid
    assert runtime.find("two") is None


def test_pids_are_listed_in_order_of_spawning(runtime):
    spawned = [la.spawn(Base()) for _ in range(20)]

    assert runtime.pids() == tuple(spawned)


@pytest.mark.parametrize("name", ["id", "address", "_process", "new"])
def test_a_pid_cannot_be_changed(runtime, name):
    pid = la.spawn(Base("one"))

    with pytest.raises(AttributeError):
        setattr(pid, name, "other")
    with pytest.raises(AttributeError):
        delattr(pid, name)
    assert str(pid) == f"one@{runtime.address}"


def test_a_pid_names_the_class_of_its_actor_for_the_reader():
    assert typing.get_origin(la.PID[Base]) is la.PID
    assert typing.get_args(la.PID[Base]) == (Base,)


def test_a_pid_can_be_referred_to_weakly(runtime):
    pid = la.spawn(Base("one"))

    assert weakref.ref(pid)() is pid


def test_a_copy_of_a_pid_is_the_pid(runtime):
    pid = la.spawn(Base("one"))
    ask = dataclasses.make_dataclass("Ask", ["sender"])(pid)

    assert copy.copy(pid) is pid
    assert copy.deepcopy([pid])[0] is pid
    assert dataclasses.asdict(ask)["sender"] is pid
