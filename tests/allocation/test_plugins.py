"""Sorters and policies by name: ours, and those that installed packages offer as entry points."""

from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest

from mesoslite.allocator import DRFSorter, HierarchicalAllocator, LotterySorter, named_policy, named_sorter, plugins
from mesoslite.model import InvalidRequest

from .cluster import Cluster


class Reversed(DRFSorter):
    """Serves first who has most."""

    def ranked(self, rng: Any) -> Any:
        return iter(list(super().ranked(rng))[::-1])


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that offers a sorter and a policy."""
    offered = EntryPoints(
        [
            EntryPoint("reversed", f"{__name__}:Reversed", "mesoslite.sorters"),
            EntryPoint("mine", "mesoslite.allocator:HierarchicalAllocator", "mesoslite.allocators"),
        ]
    )
    monkeypatch.setattr(plugins, "entry_points", lambda group: offered.select(group=group))
    monkeypatch.setattr(EntryPoint, "load", load)


def load(entry: EntryPoint) -> Any:
    """As importlib does, for a test module that has no name of its own to be imported by."""
    return Reversed if entry.name == "reversed" else HierarchicalAllocator


def test_our_own_have_names() -> None:
    assert (named_sorter("drf"), named_sorter("random")) == (DRFSorter, LotterySorter)
    assert named_policy("hierarchical") is HierarchicalAllocator


@pytest.mark.usefixtures("installed")
def test_sorter_of_an_installed_package_decides_the_order() -> None:
    cluster = Cluster(agents=3, framework_sorter="reversed")
    for framework in "ab":
        cluster.add_framework(framework)

    assert cluster.served() == ["b", "b", "b"]


@pytest.mark.usefixtures("installed")
def test_policy_of_an_installed_package_is_found() -> None:
    assert named_policy("mine") is HierarchicalAllocator


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("find", "known"), [(named_sorter, "drf, random, reversed"), (named_policy, "hierarchical, mine")]
)
def test_name_that_nobody_has_is_refused_with_those_there_are(find: Any, known: str) -> None:
    with pytest.raises(InvalidRequest, match=f"nothing named 'nobody'; there are {known}"):
        find("nobody")


def test_sorter_may_be_what_makes_one() -> None:
    cluster = Cluster(agents=2, framework_sorter=Reversed, role_sorter=LotterySorter)
    for framework in "ab":
        cluster.add_framework(framework)

    assert cluster.served() == ["b", "b"]
