"""Any operations in any order, with masters that come and go, against a model that is a few dicts."""

# Goal: what the registrar's books, its rows and a storage come to together is what each operation says it does. Method:
#   hypothesis applies operations to both; every so often a new master recovers from what was stored. The model keeps an
#   agent as one row with the place where it is, and machines by window, unlike the books.

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mesoslite.model import AGENT_DRAINING, QUOTA_V2, AgentID, RegistryRefused, Unavailability
from mesoslite.model.registry import (
    AdmitAgent,
    DeactivateAgent,
    DrainAgent,
    Entry,
    MachineID,
    MarkAgentDrained,
    MarkAgentGone,
    MarkAgentReachable,
    MarkAgentUnreachable,
    Prune,
    QuotaConfig,
    ReactivateAgent,
    RegistryOperation,
    RegistryState,
    RemoveAgent,
    Schedule,
    StartMaintenance,
    StopMaintenance,
    UpdateAgent,
    UpdateQuota,
    UpdateSchedule,
    UpdateWeights,
    Weight,
    Window,
)
from mesoslite.registry import MemoryRegistry, MemoryStorage
from mesoslite.registry.books import Books, Change
from mesoslite.registry.rows import encode

from .house import MASTER, agent, decide

NUMBERS = st.integers(0, 4)
ROLES = st.sampled_from(["ads", "web", "dev"])
AMOUNTS = st.sampled_from([(), (("cpus", 1_000),), (("mem", 5),)])
MACHINES = st.lists(st.sampled_from([MachineID(name) for name in "abcd"]), max_size=4, unique=True).map(tuple)
ADMITTED, UNREACHABLE, GONE = "admitted", "unreachable", "gone"


def id_of(number: int) -> AgentID:
    return AgentID(f"m-S{number}")


class Registry(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.registry = MemoryRegistry()
        self.epoch = 0
        self.agents: dict[int, dict[str, Any]] = {}
        self.modes: dict[str, str] = {}
        self.windows: list[tuple[list[str], int]] = []
        self.quotas: dict[str, QuotaConfig] = {}
        self.weights: dict[str, float] = {}
        self.fail_over()

    @rule()
    def fail_over(self) -> None:
        self.storage = MemoryStorage(self.registry)
        recovered = self.storage.recover(MASTER)
        self.epoch += 1
        assert recovered.epoch == self.epoch
        self.books = Books(recovered.state)
        self.compare(recovered.state)

    def apply(self, operation: RegistryOperation, is_possible: bool = True) -> None:
        """Apply it, and store what it changes; it is refused exactly if it is not possible."""
        try:
            change = decide(self.books, operation)
        except RegistryRefused:
            assert not is_possible
            return
        assert is_possible
        self.books.commit(change)
        entries = [encode(place, row) for place, row in change.puts] + [Entry(*place, None) for place in change.deletes]
        self.storage.store(entries)
        assert decide_again(self.books, operation) in (None, Change()) or isinstance(operation, MarkAgentUnreachable)

    def where(self, number: int) -> str | None:
        return self.agents[number]["where"] if number in self.agents else None

    @rule(number=NUMBERS)
    def admit(self, number: int) -> None:
        self.apply(AdmitAgent(agent(number)), number not in self.agents)
        self.agents.setdefault(number, new_agent(agent(number)))

    @rule(number=NUMBERS, name=st.sampled_from(["host", "other"]))
    def update(self, number: int, name: str) -> None:
        self.apply(UpdateAgent(agent(number, name)), self.where(number) == ADMITTED)
        if self.where(number) == ADMITTED:
            self.agents[number]["info"] = agent(number, name)

    @rule(number=NUMBERS)
    def lose(self, number: int) -> None:
        self.apply(MarkAgentUnreachable(id_of(number), number), self.where(number) == ADMITTED)
        if self.where(number) == ADMITTED:
            self.agents[number]["where"] = UNREACHABLE

    @rule(number=NUMBERS)
    def come_back(self, number: int) -> None:
        self.apply(MarkAgentReachable(agent(number)), self.where(number) != GONE)
        if self.where(number) == UNREACHABLE:
            self.agents[number] |= {"where": ADMITTED, "info": agent(number)}
        self.agents.setdefault(number, new_agent(agent(number)))

    @rule(number=NUMBERS)
    def remove(self, number: int) -> None:
        self.apply(RemoveAgent(id_of(number)), self.where(number) == ADMITTED)
        if self.where(number) == ADMITTED:
            del self.agents[number]

    @rule(number=NUMBERS)
    def give_up(self, number: int) -> None:
        self.apply(MarkAgentGone(id_of(number), number), self.where(number) in (ADMITTED, UNREACHABLE))
        if number in self.agents:
            self.agents[number] = {"where": GONE, "drain": None, "deactivated": False}

    @rule(lost=st.lists(NUMBERS), gone=st.lists(NUMBERS))
    def prune(self, lost: list[int], gone: list[int]) -> None:
        self.apply(Prune(tuple(map(id_of, lost)), tuple(map(id_of, gone))))
        for numbers, where in ((lost, UNREACHABLE), (gone, GONE)):
            for number in numbers:
                if self.where(number) == where:
                    del self.agents[number]

    @rule(number=NUMBERS, grace=st.sampled_from([None, 0.0, 2.5]), mark_gone=st.booleans())
    def drain(self, number: int, grace: float | None, mark_gone: bool) -> None:
        self.apply(DrainAgent(id_of(number), grace, mark_gone))
        if self.where(number) in (ADMITTED, UNREACHABLE):
            row = self.agents[number]
            before = row["drain"][1] if row["drain"] else None
            kept = before if grace is None else grace
            row |= {"drain": ("DRAINING", kept, mark_gone), "deactivated": True}

    @rule(number=NUMBERS)
    def finish_draining(self, number: int) -> None:
        row = self.agents.get(number)
        is_known = row is not None and row["where"] != GONE
        is_draining = is_known and row["drain"] is not None and row["drain"][0] == "DRAINING"
        self.apply(MarkAgentDrained(id_of(number)), is_draining or not is_known)
        if is_draining:
            row["drain"] = ("DRAINED", *row["drain"][1:])

    @rule(number=NUMBERS, is_active=st.booleans())
    def set_active(self, number: int, is_active: bool) -> None:
        self.apply((ReactivateAgent if is_active else DeactivateAgent)(id_of(number)))
        if self.where(number) in (ADMITTED, UNREACHABLE):
            self.agents[number]["deactivated"] = not is_active
            if is_active:
                self.agents[number]["drain"] = None

    @rule(first=MACHINES, second=MACHINES, start=st.integers(1, 2))
    def schedule(self, first: tuple[MachineID, ...], second: tuple[MachineID, ...], start: int) -> None:
        rest = tuple([machine for machine in second if machine not in first])
        windows = [(names, start + number) for number, names in enumerate((first, rest)) if names]
        self.apply(UpdateSchedule(Schedule(tuple([Window(ids, Unavailability(at)) for ids, at in windows]))))
        self.windows = [([machine.hostname for machine in ids], at) for ids, at in windows]
        names = [name for ids, _ in self.windows for name in ids]
        self.modes = {name: self.modes.get(name, "DRAINING") for name in names}

    @rule(machines=MACHINES)
    def take_down(self, machines: tuple[MachineID, ...]) -> None:
        self.apply(StartMaintenance(machines))
        self.modes |= {machine.hostname: "DOWN" for machine in machines if machine.hostname in self.modes}

    @rule(machines=MACHINES)
    def bring_up(self, machines: tuple[MachineID, ...]) -> None:
        self.apply(StopMaintenance(machines))
        names = {machine.hostname for machine in machines}
        self.modes = {name: mode for name, mode in self.modes.items() if name not in names}
        left = [([name for name in ids if name not in names], at) for ids, at in self.windows]
        self.windows = [window for window in left if window[0]]

    @rule(role=ROLES, guarantees=AMOUNTS, limits=AMOUNTS)
    def set_quota(self, role: str, guarantees: Any, limits: Any) -> None:
        config = QuotaConfig(role, guarantees, limits)
        self.apply(UpdateQuota((config,)))
        self.quotas[role] = config
        if not guarantees and not limits:
            del self.quotas[role]

    @rule(role=ROLES, weight=st.sampled_from([0.5, 2.0]))
    def set_weight(self, role: str, weight: float) -> None:
        self.apply(UpdateWeights((Weight(role, weight),)))
        self.weights[role] = weight

    @invariant()
    def those_that_are_deactivated_are_counted(self) -> None:
        if hasattr(self, "books"):
            assert self.books.deactivated == sum([row["deactivated"] for row in self.agents.values()])

    def teardown(self) -> None:
        if hasattr(self, "books"):
            self.fail_over()

    def compare(self, state: RegistryState) -> None:
        by_place: dict[str, set[Any]] = {ADMITTED: set(), UNREACHABLE: set(), GONE: set()}
        for number, row in self.agents.items():
            flags = (row["drain"], row["deactivated"])
            by_place[row["where"]].add((row["info"], *flags) if row["where"] == ADMITTED else (id_of(number), *flags))
        assert {(row.info, told(row.drain), row.deactivated) for row in state.agents} == by_place[ADMITTED]
        assert {(row.id, told(row.drain), row.deactivated) for row in state.unreachable} == by_place[UNREACHABLE]
        assert {(row.id, None, False) for row in state.gone} == by_place[GONE]
        assert {row.id.hostname: row.mode.value for row in state.machines} == self.modes
        windows = [
            ([machine.hostname for machine in row.machines], row.unavailability.start) for row in state.schedule.windows
        ]
        assert windows == self.windows
        assert {row.role: row for row in state.quotas} == self.quotas
        assert {row.role: row.weight for row in state.weights} == self.weights
        needed = {AGENT_DRAINING} if any(row["deactivated"] for row in self.agents.values()) else set()
        assert set(state.minimum_capabilities) == needed | ({QUOTA_V2} if self.quotas else set())


def new_agent(info: Any) -> dict[str, Any]:
    return {"where": ADMITTED, "info": info, "drain": None, "deactivated": False}


def told(drain: Any) -> Any:
    return None if drain is None else (drain.state.value, drain.max_grace_seconds, drain.mark_gone)


def decide_again(books: Books, operation: RegistryOperation) -> Change | None:
    """What the operation would change once more: nothing, or it is refused now."""
    try:
        return decide(books, operation)
    except RegistryRefused:
        return None


TestRegistry = Registry.TestCase
TestRegistry.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
