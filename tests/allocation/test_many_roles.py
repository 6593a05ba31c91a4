"""A framework in very many roles: what its deltas cost."""

from mesoslite.allocator import DRFSorter, HierarchicalAllocator
from mesoslite.model import FrameworkAdded, FrameworkID, FrameworkUpdated

from .cluster import Cluster

A = FrameworkID("a")


class Counted(str):
    """A role's name that counts how often it is compared."""

    __slots__ = ()
    count = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Counted.count += 1
        return str.__eq__(self, other) is True


# Goal: an update costs so much a role, however many there are. Method: it compares each name a few times; a search
# through the roles for each of them would compare each with each.
def test_update_compares_no_role_with_all_others() -> None:
    roles = tuple([Counted(f"role{number}") for number in range(300)])
    allocator = HierarchicalAllocator()
    allocator.apply(FrameworkAdded(framework_id=A, roles=roles))

    Counted.count = 0
    allocator.apply(FrameworkUpdated(framework_id=A, roles=tuple([Counted(role) for role in roles])))

    assert Counted.count < 100 * len(roles)


def test_role_has_an_order_of_its_frameworks_once_there_are_two() -> None:
    made: list[DRFSorter] = []

    class Noted(DRFSorter):
        def __init__(self, *args: object) -> None:
            super().__init__(*args)  # type: ignore[arg-type]
            made.append(self)

    cluster = Cluster(agents=3, framework_sorter=Noted)
    made.clear()  # the one that was made to try it out
    cluster.add_framework("a", "ads", "web")
    cluster.add_framework("b", "shop")
    assert made == []

    cluster.add_framework("c", "ads")

    assert len(made) == 1
    assert len(cluster.served()) == 3
