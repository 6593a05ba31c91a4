"""Checkpoint files: whole or not there, and what cannot be used is refused by name, or left out and counted."""

from pathlib import Path

import pytest
from msgspec import structs

from mesoslite.agent import RecoveryOptions
from mesoslite.agent.checkpoints import BadCheckpoint, Reader, TaskLog, files
from mesoslite.agent.checkpoints.contents import Acknowledged, AskedToEnd, Reported
from mesoslite.agent.checkpoints.files import head
from mesoslite.agent.checkpoints.task_log import read_log, resumed_log
from mesoslite.model import (
    AgentInfo,
    Attribute,
    CommandInfo,
    CommandURI,
    Drain,
    FrozenDocument,
    InvalidRequest,
    Label,
    RegisterAgent,
    Resources,
    Source,
    TaskID,
    TaskInfo,
    TaskState,
    TaskStatus,
)

from .house import AGENT, House, make_framework, make_task

KEPT = structs.replace(make_framework(), checkpoint=True)
RUNNING = TaskStatus(
    task_id=TaskID("t1"),
    state=TaskState.TASK_RUNNING,
    source=Source.SOURCE_EXECUTOR,
    timestamp=7.5,
    uuid=b"u" * 16,
    container_status=FrozenDocument.of({"executor_pid": 7}),
)


# ---- one file ----


def test_what_is_written_is_read(tmp_path):
    task = make_task(
        labels=(Label("a", "b"),),
        limits=(("mem", float("inf")),),
        container=FrozenDocument.of({"type": "MESOS"}),
        resources="cpus:1;ports:[1-3];mem(web):5",
        command=CommandInfo(value="x", environment=(("A", "ä\n"),), uris=(CommandURI(value="file:///a"),)),
    )
    info = AgentInfo(
        hostname="h", port=1, resources=task.resources, attributes=(Attribute("a", 1.5), Attribute("b", "x"))
    )

    files.write(f"{tmp_path}/task", task)
    files.write(f"{tmp_path}/agent", info)

    assert files.read(f"{tmp_path}/task", TaskInfo) == task
    assert files.read(f"{tmp_path}/agent", AgentInfo) == info
    assert sorted(path.name for path in tmp_path.iterdir()) == ["agent", "task"]


def damaged(data: bytes) -> dict[str, bytes]:
    """What a file may have become, by words of what is said of it."""
    return {
        "empty": b"",
        "damaged": data[:-1] + bytes([data[-1] ^ 1]),
        "checksum": data[: len(data) // 2],
        "later release": data[:9] + b"\x63" + data[10:],
        "no checkpoint": b"\x0a\x05hello" + data,
        "does not say": files.head() + files.zlib.crc32(b"\x01").to_bytes(4, "big") + b"\x01",
    }


@pytest.mark.parametrize("words", damaged(b"0" * 40))
def test_a_file_that_cannot_be_used_is_named_with_the_reason(tmp_path, words):
    path = tmp_path / "slave.info"
    files.write(str(path), AgentInfo(hostname="h", port=1, resources=Resources()))
    path.write_bytes(damaged(path.read_bytes())[words])

    with pytest.raises(BadCheckpoint, match=words) as caught:
        files.read(str(path), AgentInfo)
    assert str(path) in str(caught.value)


def test_a_directory_in_the_place_of_a_file_cannot_be_read(tmp_path):
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        files.read(str(tmp_path), AgentInfo)


# ---- a log ----

EVENTS = (Reported(RUNNING), AskedToEnd(8.0, 3.0, Drain(mark_gone=True)), Acknowledged(b"u" * 16))


def written(path: Path) -> bytes:
    log = TaskLog(str(path))
    for event in EVENTS:
        log.append(event)
    return path.read_bytes()


def test_a_log_says_what_was_appended(tmp_path):
    written(tmp_path / "log")

    assert read_log(str(tmp_path / "log")).events == EVENTS


def test_an_end_that_is_not_whole_is_cut_off_wherever_it_is_torn(tmp_path):
    path = tmp_path / "log"
    whole = written(path)
    sizes = []
    for size in range(len(whole)):
        path.write_bytes(whole[:size])

        contents = read_log(str(path))
        resumed_log(str(path), contents).append(EVENTS[0])

        assert contents.problem is None, size
        assert contents.events == EVENTS[: len(contents.events)]
        assert read_log(str(path)).events == (*contents.events, EVENTS[0])
        sizes.append(len(contents.events))
    assert sizes == sorted(sizes)
    assert set(sizes) == {0, 1, 2}


def test_a_record_that_is_damaged_is_a_problem_and_those_before_it_count(tmp_path):
    path = tmp_path / "log"
    whole = bytearray(written(path))
    whole[-3] ^= 1
    path.write_bytes(whole)

    contents = read_log(str(path))

    assert contents.events == EVENTS[:2]
    assert "behind its first 2 records" in str(contents.problem)


# Method: the length of each record in turn is another one, so that it leads beyond the end, or elsewhere.
@pytest.mark.parametrize("bit", [31, 20, 10])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_length_that_is_damaged_is_a_problem_and_no_torn_end(tmp_path, number, bit):
    path = tmp_path / "log"
    whole = bytearray(written(path))
    at = len(head())
    for _ in range(number):
        at += 8 + int.from_bytes(whole[at : at + 4], "big")
    length = int.from_bytes(whole[at : at + 4], "big") ^ (1 << bit)
    whole[at : at + 4] = length.to_bytes(4, "big")
    path.write_bytes(whole)

    contents = read_log(str(path))

    assert contents.events == EVENTS[:number]
    assert f"behind its first {number} records: a length" in str(contents.problem)


# ---- all of an agent ----


@pytest.fixture
def house(closed_house: House) -> House:
    """A house whose agent was killed while the task t1 ran."""
    closed_house.open(recovery=RecoveryOptions(), id="slave(1)")
    closed_house.run(framework=KEPT)
    closed_house.acknowledge_all()
    closed_house.fall()
    return closed_house


def checkpoint(house: House, name: str) -> Path:
    return next(Path(house.work_directory, "meta/slaves", AGENT).rglob(name))


def flip_last(path: Path) -> None:
    """Damage the last byte, whatever it is."""
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 0xFF]))


@pytest.mark.parametrize("name", ["slave.info", "framework.info", "task.info", "task.updates"])
def test_a_strict_agent_does_not_begin_and_leaves_everything_as_it_is(house, name):
    path = checkpoint(house, name)
    flip_last(path)
    before = path.read_bytes()

    house.come_back()
    house.wait()

    assert house.master.heard == []
    assert not house.boxes.is_closed
    assert not house.boxes.is_detached
    assert path.read_bytes() == before
    with pytest.raises(BadCheckpoint, match=rf"{name}.*--no-strict"):
        list(Reader(str(house.work_directory), strict=True).frameworks(AGENT)) if name != "slave.info" else Reader(
            str(house.work_directory), strict=True
        ).agent()


@pytest.mark.parametrize("name", ["framework.info", "task.info"])
def test_one_that_is_not_strict_leaves_out_what_it_cannot_read(house, name):
    checkpoint(house, name).write_bytes(b"mesoslite")

    house.come_back(RecoveryOptions(strict=False))

    assert house.snapshot().info.id == AGENT
    assert house.snapshot().frameworks == ()
    assert len(house.boxes.orphans) == 1


def test_one_that_is_not_strict_goes_on_from_what_it_can_read_of_a_log(house):
    path = checkpoint(house, "task.updates")
    flip_last(path)

    house.come_back(RecoveryOptions(strict=False))

    assert house.states() == ["RUNNING"]


def test_one_that_is_not_strict_begins_anew_if_it_cannot_tell_who_it_was(house):
    checkpoint(house, "slave.info").write_bytes(b"")

    house.come_back(RecoveryOptions(strict=False))

    assert isinstance(house.master.heard[0], RegisterAgent)
    assert len(house.boxes.orphans) == 1


def test_a_task_in_the_directory_of_another_is_refused(house):
    task = checkpoint(house, "task.info").parent
    task.rename(task.with_name("t2"))

    with pytest.raises(BadCheckpoint, match="is of task t1"):
        list(Reader(str(house.work_directory), strict=True).frameworks(AGENT))


@pytest.mark.parametrize(
    "options",
    [
        {"recover": "perhaps"},
        {"reconfiguration_policy": "any"},
        {"executor_reregistration_seconds": 16},
        {"executor_reregistration_seconds": float("nan")},
        {"executor_recovery_seconds": -1},
    ],
)
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(InvalidRequest):
        RecoveryOptions(**options)
