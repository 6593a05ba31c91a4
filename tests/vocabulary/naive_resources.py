"""Resources written for clarity: a multiset of single units, the model that the arithmetic is checked against."""

# Who calls: test_resource_arithmetic.py. A unit is a thousandth of a scalar, a number of a range, an item of a set, or
#   one whole volume. So that there are few units, tests keep amounts small.

from collections import Counter

from hypothesis import strategies as st

from mesoslite.model import (
    Disk,
    DiskSource,
    DiskType,
    Kind,
    Label,
    Persistence,
    Portion,
    Reservation,
    ReservationType,
    Resources,
    ValueType,
)
from mesoslite.model.ranges import coalesced

Unit = tuple[Kind, object]


def static(role: str) -> Reservation:
    """A reservation of an agent's configuration."""
    return Reservation(ReservationType.STATIC, role)


def dynamic(role: str, principal: str | None = None, **labels: str) -> Reservation:
    """A reservation by a call."""
    pairs = tuple([Label(key, value) for key, value in labels.items()])
    return Reservation(ReservationType.DYNAMIC, role, principal, pairs)


STACKS = [
    (),
    (static("a"),),
    (dynamic("a", "me"),),
    (dynamic("a", rack="1"),),
    (static("a"), dynamic("a/b")),
    (dynamic("a/b"),),
    (dynamic("b"),),
]
DISKS = [
    None,
    Disk(DiskSource(DiskType.PATH, "/p")),
    Disk(DiskSource(DiskType.MOUNT, "/m")),
    Disk(persistence=Persistence("v")),
]
SHARED_VOLUME = Kind("disk", reservations=(dynamic("a"),), disk=Disk(persistence=Persistence("s")), shared=True)


def _kinds(name: str, kind: ValueType) -> st.SearchStrategy[Kind]:
    return st.builds(
        Kind, st.just(name), st.just(kind), st.sampled_from(STACKS), st.none(), st.booleans(), st.just(False)
    )


def _disks() -> st.SearchStrategy[Kind]:
    plain = st.builds(Kind, st.just("disk"), st.just(ValueType.SCALAR), st.sampled_from(STACKS), st.sampled_from(DISKS))
    return plain | st.just(SHARED_VOLUME)


def _portions() -> st.SearchStrategy[Portion]:
    pairs = st.tuples(st.integers(0, 30), st.integers(0, 6)).map(lambda pair: (pair[0], pair[0] + pair[1]))
    ranges = st.lists(pairs, min_size=1, max_size=4).map(coalesced)
    items = st.sets(st.sampled_from("abcd"), min_size=1).map(lambda letters: tuple(sorted(letters)))
    return st.one_of(
        st.builds(Portion, _kinds("cpus", ValueType.SCALAR), st.integers(1, 20)),
        st.builds(Portion, _kinds("mem", ValueType.SCALAR), st.integers(1, 20)),
        st.builds(Portion, _disks(), st.integers(1, 4)),
        st.builds(Portion, _kinds("ports", ValueType.RANGES), st.just(0), ranges),
        st.builds(Portion, _kinds("zones", ValueType.SET), st.just(0), st.just(()), items),
    )


resources = st.lists(_portions(), max_size=8).map(Resources.from_portions)


def units(some: Resources) -> Counter[Unit]:
    """All units there are."""
    count: Counter[Unit] = Counter()
    for portion in some.portions:
        if portion.is_whole:
            count[portion.kind, ("whole", portion.scalar)] += portion.copies
        elif portion.scalar:
            count[portion.kind, "thousandth"] += portion.scalar
        for first, last in portion.ranges:
            for number in range(first, last + 1):
                count[portion.kind, number] += portion.copies
        for item in portion.items:
            count[portion.kind, item] += portion.copies
    return count
