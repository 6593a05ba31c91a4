"""What every storage promises: all that was stored is found, by whoever comes next, and only the last master stores."""

import pytest

from mesoslite.model import (
    AgentID,
    Fenced,
    MasterInfo,
    RegistryCorrupt,
    RegistryFailed,
    RegistryTooNew,
    Unavailability,
)
from mesoslite.model.registry import (
    AdmitAgent,
    DrainAgent,
    DrainInfo,
    DrainState,
    Entry,
    GoneAgent,
    MachineID,
    MachineMode,
    MinimumCapability,
    QuotaConfig,
    RegistryState,
    Schedule,
    StartMaintenance,
    UpdateQuota,
    UpdateSchedule,
    UpdateWeights,
    Weight,
    Window,
)
from mesoslite.registry.rows import encode, place_of

from .house import MASTER, SECOND, Bench, Storages, agent, read

WEAK = MasterInfo(id="weak", capabilities=())


def test_a_new_registry_is_empty_and_begins_with_the_first_epoch(storages: Storages):
    storage = storages()

    recovered = storage.recover(MASTER)

    assert (recovered.state, recovered.epoch) == (RegistryState(), 1)
    storage.close()


def test_what_was_stored_is_found_by_the_next_master(storages: Storages):
    bench = Bench(storages())
    schedule = Schedule((Window((MachineID("Host-1"), MachineID(ip="10.0.0.9")), Unavailability(10**18)),))
    bench.apply(AdmitAgent(agent(1)), AdmitAgent(agent(2)), DrainAgent(AgentID("m-S2"), 2.5, True))
    bench.apply(UpdateSchedule(schedule), StartMaintenance((MachineID("host-1"),)))
    bench.apply(UpdateQuota((QuotaConfig("ads", (("cpus", 1),)),)), UpdateWeights((Weight("ads", 0.1),)))
    bench.storage.close()

    state = read(storages, SECOND)

    assert state.master == MASTER
    assert {(row.info.id, row.drain) for row in state.agents} == {
        ("m-S1", None),
        ("m-S2", DrainInfo(DrainState.DRAINING, 2.5, True)),
    }
    assert {machine.mode for machine in state.machines} == {MachineMode.DOWN, MachineMode.DRAINING}
    assert (state.schedule, state.quotas) == (schedule, (QuotaConfig("ads", (("cpus", 1),)),))
    assert state.weights == (Weight("ads", 0.1),)
    assert set(state.minimum_capabilities) == {"AGENT_DRAINING", "QUOTA_V2"}


def test_entries_are_replaced_and_taken_out(storages: Storages):
    bench = Bench(storages())
    bench.apply(AdmitAgent(agent(1)), AdmitAgent(agent(2)))
    other = agent(1, "other")

    bench.storage.store([Entry("agent", "m-S2", None)])
    row = type(bench.books.agents["m-S1"])(other)
    bench.storage.store([encode(place_of(row), row)])
    bench.storage.close()

    assert [row.info for row in read(storages).agents] == [other]


def test_what_is_taken_out_need_not_be_there(storages: Storages):
    bench = Bench(storages())
    bench.apply(AdmitAgent(agent(1)))

    bench.storage.store([Entry("agent", "m-S2", None), Entry("agent", "m-S1", None)])
    bench.storage.close()

    assert read(storages).agents == ()


def test_epochs_only_grow(storages: Storages):
    epochs = []
    for master in (MASTER, SECOND, MASTER):
        storage = storages()
        epochs.append(storage.recover(master).epoch)
        storage.close()

    assert epochs == [1, 2, 3]


def test_an_epoch_may_be_asked_to_be_late(storages: Storages):
    epochs = []
    for least in (7, 3, 9, 12):
        storage = storages()
        epochs.append(storage.recover(MASTER, least).epoch)
        storage.close()

    assert epochs == [7, 8, 9, 12]


def test_an_earlier_master_stores_nothing_once_a_later_one_has_recovered(storages: Storages):
    earlier, later = Bench(storages()), Bench(storages(), SECOND)

    with pytest.raises(Fenced, match=r"leads in epoch 1, and the master second at two\.example\.com .* epoch 2"):
        earlier.apply(AdmitAgent(agent(1)))

    later.apply(AdmitAgent(agent(2)))
    later.storage.close()
    earlier.storage.close()
    assert [row.info.id for row in read(storages).agents] == ["m-S2"]


def test_a_fenced_storage_stays_so(storages: Storages):
    earlier = Bench(storages())
    later = storages()
    later.recover(SECOND)

    for _ in range(2):
        with pytest.raises(RegistryFailed):
            earlier.storage.store([])
    earlier.storage.close()
    later.close()


def test_a_storage_that_recovers_again_leads_again(storages: Storages):
    storage, other = storages(), storages()
    storage.recover(MASTER)
    other.recover(SECOND)

    assert storage.recover(MASTER).epoch == 3
    storage.store([])
    with pytest.raises(Fenced):
        other.store([])
    storage.close()
    other.close()


def test_nothing_is_stored_before_recovery_nor_after_the_end(storages: Storages):
    storage = storages()

    with pytest.raises(RegistryFailed, match="before it was recovered"):
        storage.store([])
    storage.recover(MASTER)
    storage.close()
    storage.close()
    with pytest.raises(RegistryFailed, match="nor after it failed or was closed"):
        storage.store([])


def test_a_master_that_lacks_a_capability_is_refused_and_fences_nobody(storages: Storages):
    bench = Bench(storages())
    bench.apply(UpdateQuota((QuotaConfig("ads", (("cpus", 1),)),)))

    with pytest.raises(RegistryTooNew, match="takes a master that knows QUOTA_V2, this one knows"):
        storages().recover(WEAK)

    assert bench.apply(AdmitAgent(agent(1))) == [True]
    bench.storage.close()
    assert read(storages).master == MASTER


def test_a_capability_of_later_releases_is_refused(storages: Storages):
    bench = Bench(storages())
    row = MinimumCapability("TELEPATHY")
    bench.storage.store([encode(place_of(row), row)])
    bench.storage.close()

    with pytest.raises(RegistryTooNew, match="TELEPATHY"):
        storages().recover(MASTER)


def test_a_kind_of_row_of_later_releases_is_refused(storages: Storages):
    bench = Bench(storages())
    bench.storage.store([Entry("resource_provider", "p1", b"\x80")])
    bench.storage.close()

    with pytest.raises(RegistryTooNew, match="'p1' of the kind 'resource_provider'"):
        storages().recover(MASTER)


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x80", b"\x81\xa4info\x80", b"\x00" * 1000])
def test_a_row_that_is_none_is_refused(storages: Storages, data: bytes):
    bench = Bench(storages())
    bench.storage.store([Entry("agent", "m-S1", data)])
    bench.storage.close()

    with pytest.raises(RegistryCorrupt, match="the agent 'm-S1' is stored as what is none"):
        storages().recover(MASTER)


def test_a_row_under_the_key_of_another_is_refused(storages: Storages):
    bench = Bench(storages())
    bench.storage.store([encode(("gone", "m-S1"), GoneAgent(AgentID("m-S2"), 5))])
    bench.storage.close()

    with pytest.raises(RegistryCorrupt, match="under 'm-S1' the gone 'm-S2' is stored"):
        storages().recover(MASTER)


def test_the_size_grows_with_what_is_stored(storages: Storages):
    bench = Bench(storages())
    before = bench.storage.size_bytes()

    bench.apply(*[AdmitAgent(agent(number)) for number in range(200)])

    assert bench.storage.size_bytes() > before + 200 * 50
    bench.storage.close()
