"""The whitelist of a master: only agents of hosts in the file are offered, and the file may change."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

import libactor as la
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.cluster import MasterNode
from mesoslite.cluster.whitelist import Whitelist, WhitelistWatch
from mesoslite.master import AgentOptions, MasterOptions
from mesoslite.model import AgentsWhitelisted, Delta, InvalidRequest, constants

from .stage import Stage


def whitelisted(stage: Stage, path: Path) -> Whitelist:
    """Have the allocator of the stage watch over the file, as a seat does."""
    whitelist = Whitelist(path)
    stage.book(AgentsWhitelisted(whitelist.for_next()))
    la.spawn(WhitelistWatch(whitelist, stage.allocator))
    stage.settle()
    return whitelist


# Source: WhitelistWatcher of Mesos, which reads every 5 seconds; HierarchicalAllocatorTest.Whitelist
def test_agents_are_offered_as_soon_as_their_host_is_in_the_file(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("elsewhere\n")
    whitelisted(stage, path)
    stage.agent()  # of `host`
    framework = stage.framework()
    before = stage.offers(framework)

    path.write_text("elsewhere\n\n host \r\n")
    stage.advance(constants.WHITELIST_SECONDS + 1)

    assert (before, len(stage.offers(framework))) == ([], 1)


def test_a_file_that_cannot_be_read_any_more_changes_nothing_and_is_told_once(
    stage: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "hosts"
    path.write_text("host")
    whitelisted(stage, path)
    path.unlink()
    stage.advance(3 * constants.WHITELIST_SECONDS)
    path.write_bytes(b"\xff")
    stage.advance(3 * constants.WHITELIST_SECONDS)
    stage.agent()

    offers = stage.offers(stage.framework())
    told = [line.getMessage() for line in caplog.records if line.levelno >= logging.ERROR]

    assert len(offers) == 1
    assert [line.partition(str(path))[2] for line in told] == [
        "'; the hosts stay those that it had (1)",
        ": is no text in UTF-8; give names of hosts, one a line; the hosts stay those that it had (1)",
    ]


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"\xff")])
def test_the_next_master_has_the_list_of_the_last_one_if_its_file_cannot_be_read(
    stage: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], object]
) -> None:
    path = tmp_path / "hosts"
    path.write_text("a")
    whitelist = whitelisted(stage, path)
    path.write_text("a\nb")
    stage.advance(constants.WHITELIST_SECONDS + 1)
    damage(path)

    assert whitelist.for_next() == ("a", "b")
    assert [line.getMessage().endswith("; the hosts stay those that it had (2)") for line in caplog.records] == [True]


def test_an_empty_file_lists_nobody(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "hosts").touch()
    whitelisted(stage, tmp_path / "hosts")
    stage.agent()

    assert stage.offers(stage.framework()) == []


class Told(HierarchicalAllocator):
    """Notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.deltas: list[Delta] = []

    def apply(self, delta: Delta) -> tuple[int, ...]:
        self.deltas.append(delta)
        return super().apply(delta)


def node(whitelist: Path, policy: Told) -> MasterNode:
    return MasterNode(
        la.Remote("127.0.0.1:0", forwards=False),
        host="127.0.0.1",
        port=0,
        hostname="",
        registry=None,
        options=MasterOptions(),
        agents=AgentOptions(),
        allocator=policy,
        allocation_interval=1.0,
        flags={},
        whitelist=whitelist,
    )


@pytest.mark.real
def test_a_master_begins_with_the_list_and_refuses_to_without(tmp_path: Path) -> None:
    path, policy = tmp_path / "hosts", Told()
    with pytest.raises(OSError, match="No such file or directory: '--whitelist "):
        node(path, policy).start()
    path.write_bytes(b"\xff")
    with pytest.raises(InvalidRequest, match="is no text in UTF-8"):
        node(path, policy).start()
    path.write_text("b\na\n")

    running = node(path, policy)
    running.start()
    running.close()

    assert policy.deltas[0] == AgentsWhitelisted(("a", "b"))
