"""The registrar: what waits is stored together, an answer means durable, and whatever fails ends it."""

# Goal: Mesos's registrar_tests.cpp, and what a batch promises. Method: storages that are held back or told to fail;
#   time is that of a paused clock.

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

import libactor as la
from libactor.testing import DeterministicRuntime
from mesoslite.model import (
    AgentID,
    Attribute,
    Fenced,
    InvalidRequest,
    RegistryFailed,
    RegistryRefused,
    Resources,
    Unavailability,
)
from mesoslite.model.registry import (
    AdmitAgent,
    MachineID,
    MarkAgentReachable,
    MarkAgentUnreachable,
    RegistryState,
    RemoveAgent,
    Schedule,
    StartMaintenance,
    StopMaintenance,
    UpdateAgent,
    UpdateSchedule,
    Window,
)
from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar, SqliteStorage
from mesoslite.registry.operations import MACHINES_IN_STEP

from .house import MASTER, SECOND, Bench, agent, applied, read, recovered


class Linked(la.Actor):
    """Hears why another one has ended."""

    def __init__(self) -> None:
        super().__init__("linked")
        self.heard: la.Promise[BaseException | None] = la.Promise()

    def follow(self, pid: la.PID) -> None:
        la.link(pid)

    def on_exited(self, pid: la.PID, reason: BaseException | None) -> None:
        self.heard.set(reason)


class House:
    """A registry in memory, a registrar that keeps it, and somebody who is linked to that."""

    def __init__(self, runtime: la.Runtime) -> None:
        self.runtime = runtime
        self.clock = runtime.clock
        self.clock.pause()
        self.clock.settle_within = 60
        self.registry = MemoryRegistry()
        self.registrar = runtime.spawn(Registrar(MemoryStorage(self.registry)))
        linked = Linked()
        la.dispatch(runtime.spawn(linked), Linked.follow, self.registrar).get(60)
        self.end = linked.heard.future

    def ask(self, *operations) -> list[la.Future[bool]]:
        """Ask for all of them, and let everything come to rest."""
        futures = [la.dispatch(self.registrar, Registrar.apply, operation) for operation in operations]
        self.clock.settle()
        return futures

    def stored(self) -> set[str]:
        """The ids of the agents that are stored as admitted."""
        return {key for kind, key in self.registry.rows if kind == "agent"}


@pytest.fixture
def house() -> Iterator[House]:
    with la.Runtime() as runtime:
        house = House(runtime)
        yield house
        house.registry.release()


def test_nothing_is_applied_before_recovery(house: House):
    [future] = house.ask(AdmitAgent(agent(1)))

    assert isinstance(future.exception(), InvalidRequest)
    assert "AdmitAgent before recover" in str(future.exception())


def test_recovery_tells_the_state_and_writes_who_leads(house: House):
    found = recovered(house.registrar)

    assert found.state == RegistryState()
    assert house.registry.master == MASTER
    assert recovered(house.registrar) == found
    assert house.registry.epoch == found.epoch


def test_a_registrar_tells_what_its_registry_holds(house: House):
    with pytest.raises(InvalidRequest, match="state before recover"):
        la.dispatch(house.registrar, Registrar.state).get(60)
    recovered(house.registrar)
    house.ask(AdmitAgent(agent(2)), AdmitAgent(agent(1)), MarkAgentUnreachable(agent(2).id, 5))
    house.ask(UpdateSchedule(Schedule((Window((MachineID("host", ""),), Unavailability(start=5)),))))

    state = la.dispatch(house.registrar, Registrar.state).get(60)

    other = house.runtime.spawn(Registrar(MemoryStorage(house.registry), id="other"))
    assert state == recovered(other).state
    assert ([one.info for one in state.agents], len(state.unreachable), state.master) == ([agent(1)], 1, MASTER)


def test_a_registry_that_begins_anew_begins_with_a_later_epoch(house: House):
    first = recovered(house.registrar).epoch
    house.runtime.clock.pause()
    house.runtime.clock.advance(0.001)
    anew = house.runtime.spawn(Registrar(MemoryStorage(MemoryRegistry()), id="anew"))

    assert recovered(anew).epoch > first


def test_what_is_asked_during_recovery_is_stored_after_it(house: House):
    house.registry.hold()
    found = la.dispatch(house.registrar, Registrar.recover, MASTER)
    [admitted] = house.ask(AdmitAgent(agent(1)))
    assert admitted.is_pending()

    house.registry.release()

    assert found.get(60).epoch == house.registry.epoch
    assert admitted.get(60)
    assert house.stored() == {"m-S1"}


def test_an_answer_comes_when_the_change_is_stored_and_not_before(house: House):
    recovered(house.registrar)
    house.registry.hold()
    [admitted] = house.ask(AdmitAgent(agent(1)))

    assert (admitted.is_pending(), house.stored()) == (True, set())
    house.registry.release()
    house.clock.settle()
    assert (admitted.get(0), house.stored()) == (True, {"m-S1"})


def test_all_that_waits_during_a_store_goes_into_the_next_one(house: House):
    recovered(house.registrar)
    house.registry.hold()
    first = house.ask(AdmitAgent(agent(0)))
    rest = house.ask(*[AdmitAgent(agent(number)) for number in range(1, 100)])
    assert house.registry.stores == 1
    assert house.runtime.metrics.snapshot().get(60)["registrar/queued_operations"] == 99

    house.registry.release()
    house.clock.settle()

    assert [future.get(0) for future in first + rest] == [True] * 100
    assert house.registry.stores == 2
    assert house.runtime.metrics.snapshot().get(60)["registrar/queued_operations"] == 0


def test_operations_of_a_batch_see_those_before_them(house: House):
    recovered(house.registrar)
    house.registry.hold()
    house.ask(AdmitAgent(agent(0)))

    futures = house.ask(
        AdmitAgent(agent(1)),
        AdmitAgent(agent(1)),
        MarkAgentReachable(agent(1)),
        UpdateAgent(agent(1, "other")),
        RemoveAgent(AgentID("m-S1")),
        AdmitAgent(agent(1)),
    )
    house.registry.release()
    house.clock.settle()

    assert isinstance(futures[1].exception(), RegistryRefused)
    assert [future.get(0) for future in futures[:1] + futures[2:]] == [True, False, True, True, True]
    assert (house.registry.stores, house.stored()) == (2, {"m-S0", "m-S1"})


# Goal: a schedule of thousands of machines keeps nobody waiting, and what comes behind it is decided by it. Method:
#   note what the books say whenever others are served.
def test_a_schedule_of_many_machines_is_decided_in_steps(house: House, monkeypatch: pytest.MonkeyPatch):
    recovered(house.registrar)
    machines = tuple([MachineID(f"host-{number}", "") for number in range(3_000)])
    schedule = Schedule((Window(machines, Unavailability(start=1)),))
    served: list[int] = []

    def _nothing(self: Registrar) -> None:
        served.append(len(self._books.machines))

    monkeypatch.setattr(Registrar, "_nothing", _nothing)

    futures = house.ask(
        UpdateSchedule(schedule),
        StartMaintenance(machines[:2_000]),
        UpdateSchedule(schedule),
        StopMaintenance(machines),
    )

    assert [future.get(0) for future in futures] == [True, True, False, True]
    assert len(served) > 4 * 3_000 // MACHINES_IN_STEP
    assert set(served) == {0, 3_000}
    assert {kind for kind, _ in house.registry.rows} <= {"leader"}


def test_what_is_asked_together_is_answered_together_each_by_what_it_comes_to(house: House):
    recovered(house.registrar)

    asked = (AdmitAgent(agent(1)), AdmitAgent(agent(1)), MarkAgentReachable(agent(1)), AdmitAgent(agent(2)))
    several = la.dispatch(house.registrar, Registrar.apply_all, asked)
    [alone] = house.ask(MarkAgentReachable(agent(2)))

    first, refused, *others = several.get(0)
    assert isinstance(refused, RegistryRefused)
    assert (first, others, alone.get(0)) == (True, [False, True], False)
    assert (house.registry.stores, house.stored()) == (1, {"m-S1", "m-S2"})


def test_nothing_is_asked_and_answered_at_once(house: House):
    recovered(house.registrar)

    nothing = la.dispatch(house.registrar, Registrar.apply_all, ())
    house.clock.settle()

    assert nothing.get(0) == ()


def test_what_is_asked_together_fails_together_if_it_cannot_be_stored(house: House):
    recovered(house.registrar)
    house.registry.fail_next(OSError("the disk is gone"))

    several = la.dispatch(house.registrar, Registrar.apply_all, (AdmitAgent(agent(1)), AdmitAgent(agent(2))))
    house.clock.settle()

    assert isinstance(several.exception(), RegistryFailed)


def test_what_comes_and_goes_in_one_batch_is_stored_as_gone(house: House):
    recovered(house.registrar)
    house.registry.hold()
    house.ask(AdmitAgent(agent(0)))
    asked = house.ask(RemoveAgent(AgentID("m-S0")), AdmitAgent(agent(1)), RemoveAgent(AgentID("m-S1")))
    house.registry.release()
    house.clock.settle()

    assert [future.get(0) for future in asked] == [True] * 3
    assert house.stored() == set()


def test_what_changes_nothing_is_answered_once_the_storage_was_asked(house: House):
    recovered(house.registrar)
    assert applied(house.registrar, AdmitAgent(agent(1)))

    assert not applied(house.registrar, MarkAgentReachable(agent(1)))
    assert house.registry.stores == 2


@pytest.mark.parametrize(
    "hostile",
    [
        AdmitAgent(replace(agent(1), hostname="\ud800")),
        AdmitAgent(replace(agent(1), hostname=5)),
        AdmitAgent(replace(agent(1), port=2**70)),
        AdmitAgent(replace(agent(1), id=AgentID("\ud800"))),
        AdmitAgent(replace(agent(1), id=None)),
        AdmitAgent(replace(agent(1), resources=None)),
        AdmitAgent(replace(agent(1), resources=Resources((("cpus", 1.5),)))),
        AdmitAgent(replace(agent(1), resources=Resources((("\ud800", 1),)))),
        AdmitAgent(replace(agent(1), attributes=(Attribute("rack", None),))),
        AdmitAgent(None),
        RemoveAgent(()),
    ],
)
def test_what_cannot_be_stored_is_refused_alone(house: House, hostile):
    recovered(house.registrar)
    before, refused, after = house.ask(AdmitAgent(agent(2)), hostile, AdmitAgent(agent(3)))

    assert refused.exception() is not None
    assert (before.get(0), after.get(0), house.stored()) == (True, True, {"m-S2", "m-S3"})
    assert applied(house.registrar, AdmitAgent(agent(1)))


def test_a_number_that_is_none_is_stored_and_found_again(tmp_path: Path):
    info = replace(agent(1), attributes=(Attribute("load", float("nan")),))
    bench = Bench(SqliteStorage(tmp_path / "registry.db"))
    bench.apply(AdmitAgent(info))
    bench.storage.close()

    [row] = read(lambda: SqliteStorage(tmp_path / "registry.db")).agents

    assert str(row.info.attributes[0].value) == "nan"


def test_a_store_that_fails_ends_the_registrar_and_tells_whoever_waits(house: House):
    recovered(house.registrar)
    house.registry.hold()
    first = house.ask(AdmitAgent(agent(1)))
    rest = house.ask(AdmitAgent(agent(2)))
    house.registry.fail_next(OSError("the disk is on fire"))
    house.registry.release()
    house.clock.settle()

    for future in first + rest:
        assert isinstance(future.exception(), RegistryFailed)
        assert "could not store: OSError: the disk is on fire" in str(future.exception())
    assert "on fire" in str(house.end.get(60))
    assert la.wait(house.registrar, 60)


def test_a_recovery_that_fails_ends_the_registrar(house: House):
    house.registry.fail_next(RegistryFailed("nobody is at home"))
    found = la.dispatch(house.registrar, Registrar.recover, MASTER)
    [admitted] = house.ask(AdmitAgent(agent(1)))

    assert "nobody is at home" in str(found.exception())
    assert admitted.exception() is not None or admitted.is_abandoned()
    assert isinstance(house.end.get(60), RegistryFailed)


def test_the_registrar_of_an_earlier_master_ends_when_a_later_one_has_recovered(house: House):
    earlier = recovered(house.registrar)
    later = house.runtime.spawn(Registrar(MemoryStorage(house.registry), id="later"))
    assert recovered(later, SECOND).epoch > earlier.epoch

    [admitted] = house.ask(AdmitAgent(agent(1)))

    assert isinstance(admitted.exception(), Fenced)
    assert isinstance(house.end.get(60), Fenced)
    assert applied(later, AdmitAgent(agent(2)))
    assert house.stored() == {"m-S2"}


# Goal: nobody is told that something is so when it is not any more. Method: what is asked for was so, until a later
# master changed it.
def test_an_earlier_master_is_not_told_that_nothing_has_to_change(house: House):
    recovered(house.registrar)
    assert applied(house.registrar, AdmitAgent(agent(1)))
    later = house.runtime.spawn(Registrar(MemoryStorage(house.registry), id="later"))
    recovered(later, SECOND)
    assert applied(later, RemoveAgent(AgentID("m-S1")))

    [reachable] = house.ask(MarkAgentReachable(agent(1)))

    assert isinstance(reachable.exception(), Fenced)


@pytest.mark.parametrize(("seconds", "ends"), [(19.9, False), (20.0, True)])
def test_a_store_may_take_twenty_seconds(house: House, seconds: float, ends: bool):
    recovered(house.registrar)
    house.registry.hold()
    [admitted] = house.ask(AdmitAgent(agent(1)))

    house.clock.advance(seconds)
    house.clock.settle()

    assert admitted.is_pending() is not ends
    if ends:
        assert "could not store within 20 s" in str(admitted.exception())
        assert "within 20 s" in str(house.end.get(60))


@pytest.mark.parametrize(("seconds", "ends"), [(59.9, False), (60.0, True)])
def test_recovery_may_take_a_minute(house: House, seconds: float, ends: bool):
    house.registry.hold()
    found = la.dispatch(house.registrar, Registrar.recover, MASTER)
    house.clock.settle()

    house.clock.advance(seconds)
    house.clock.settle()

    assert found.is_pending() is not ends
    if ends:
        assert "could not recover within 60 s" in str(found.exception())
        assert "within 60 s" in str(house.end.get(60))


def test_metrics_tell_what_it_takes_and_go_with_the_registrar(house: House):
    recovered(house.registrar)
    applied(house.registrar, AdmitAgent(agent(1)))
    told = house.runtime.metrics.snapshot().get(60)

    assert {name for name in told if name.startswith("registrar/")} >= {
        "registrar/queued_operations",
        "registrar/registry_size_bytes",
        "registrar/state_fetch_ms",
        "registrar/state_store_ms",
    }
    assert told["registrar/registry_size_bytes"] > 50
    la.terminate(house.registrar)
    assert la.wait(house.registrar, 60)
    left = house.runtime.metrics.snapshot().get(60)
    assert not [name for name in left if name.startswith("registrar/")]


def test_who_waits_when_the_registrar_is_terminated_is_told(house: House):
    recovered(house.registrar)
    house.registry.hold()
    first = house.ask(AdmitAgent(agent(1)))
    rest = house.ask(AdmitAgent(agent(2)))

    la.terminate(house.registrar)
    house.clock.settle()

    assert [future.is_abandoned() for future in first + rest] == [True, True]
    house.registry.release()
    assert la.wait(house.registrar, 60)


# Goal: a disk that hangs does not keep the registrar's master, and whoever waits for its end, from going.
@pytest.mark.parametrize("seconds", [4.9, 5.0])
def test_a_registrar_that_is_terminated_waits_for_its_storage_so_long(house: House, seconds: float):
    recovered(house.registrar)
    house.registry.hold()
    house.ask(AdmitAgent(agent(1)))
    la.terminate(house.registrar)
    house.clock.settle()

    house.clock.advance(seconds)
    house.clock.settle()

    assert la.wait(house.registrar, 0) is (seconds == 5.0)


def test_a_registrar_that_is_terminated_waits_for_its_storage_to_be_closed_so_long(house: House):
    class Hanging(MemoryStorage):
        def close(self) -> None:
            house.registry.pass_gate()

    registrar = house.runtime.spawn(Registrar(Hanging(house.registry), id="hanging"))
    recovered(registrar)
    house.registry.hold()
    la.terminate(registrar)
    house.clock.settle()

    house.clock.advance(4.9)
    house.clock.settle()
    early = la.wait(registrar, 0)
    house.clock.advance(0.1)
    house.clock.settle()

    assert (early, la.wait(registrar, 0)) == (False, True)


def test_a_registrar_that_ends_leaves_no_log_beside_its_file(tmp_path: Path):
    path = tmp_path / "registry.db"
    with la.Runtime() as runtime:
        registrar = runtime.spawn(Registrar(SqliteStorage(path)))
        recovered(registrar)
        applied(registrar, AdmitAgent(agent(1)))
        assert {entry.name for entry in tmp_path.iterdir()} > {"registry.db", "registry.db-wal"}

    assert [entry.name for entry in tmp_path.iterdir()] == ["registry.db"]


def test_a_deterministic_run_stores_in_a_file_too(tmp_path: Path):
    path = tmp_path / "registry.db"
    with DeterministicRuntime(7):
        registrar = la.spawn(Registrar(SqliteStorage(path)))
        recovered(registrar)
        futures = [la.dispatch(registrar, Registrar.apply, AdmitAgent(agent(number))) for number in range(10)]
        assert la.collect(futures).get() == [True] * 10

    assert len(read(lambda: SqliteStorage(path)).agents) == 10
