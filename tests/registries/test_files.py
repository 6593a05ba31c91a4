"""Files that are no registry, or not what was stored: each is refused, with what was found and what to do."""

# Goal: never a guess. Method: a registry with some agents, damaged; either it is refused, and not touched, or all that
#   was stored is found.

import os
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mesoslite.model import (
    Fenced,
    RegistryCorrupt,
    RegistryFailed,
    RegistryLocked,
    RegistryTooNew,
)
from mesoslite.model.registry import (
    AdmitAgent,
    Recovered,
    UpdateWeights,
    Weight,
)
from mesoslite.registry import SqliteStorage

from .house import MASTER, SECOND, Bench, agent

AGENTS = 120  # several pages


def open_registry(path: Path) -> Recovered:
    """What a master finds that starts now."""
    storage = SqliteStorage(path, lock_wait_seconds=0.05)
    try:
        return storage.recover(SECOND)
    finally:
        storage.close()


@pytest.fixture(scope="module")
def whole() -> Iterator[bytes]:
    """The bytes of a registry that was closed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "registry.db"
        bench = Bench(SqliteStorage(path))
        bench.apply(*[AdmitAgent(agent(number)) for number in range(AGENTS)], UpdateWeights((Weight("ads", 2.0),)))
        bench.storage.close()
        yield path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, whole: bytes) -> Path:
    """A registry that may be damaged."""
    path = tmp_path / "registry.db"
    path.write_bytes(whole)
    return path


def refusal(path: Path, kind: type[RegistryFailed] = RegistryFailed) -> str:
    """The words with which a file is refused, which leaves it and its folder as they were."""
    before = {entry.name: entry.read_bytes() if entry.is_file() else b"" for entry in path.parent.iterdir()}
    with pytest.raises(kind) as caught:
        open_registry(path)
    after = {entry.name: entry.read_bytes() if entry.is_file() else b"" for entry in path.parent.iterdir()}
    assert after == before
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty, which a registry never is"),
        (b"SQLite", "it is cut off after 6 bytes"),
        (b"SQLite format 3\0" + bytes(40), "it is cut off after 56 bytes"),
        (b"#!/bin/sh\nexit 0\n", "it begins with b'#!/bin/sh"),
        (b"x" * 10_000, "and is no registry; move it away"),
    ],
)
def test_what_is_no_database_is_refused(tmp_path: Path, data: bytes, words: str):
    path = tmp_path / "registry.db"
    path.write_bytes(data)

    assert words in refusal(path, RegistryCorrupt)


def test_a_folder_is_refused(tmp_path: Path):
    (tmp_path / "registry.db").mkdir()

    assert "Is a directory; expected a file" in refusal(tmp_path / "registry.db")


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path):
    with pytest.raises(RegistryFailed, match=r"could not make it: .* expected a folder on a local disk"):
        open_registry(tmp_path / "nowhere" / "registry.db")

    assert not (tmp_path / "nowhere").exists()


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path):
    path = tmp_path / "registry.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()

    assert "a database of another program (application_id 0x0)" in refusal(path, RegistryCorrupt)


@pytest.mark.parametrize(("version", "kind"), [(2, RegistryTooNew), (2**31 - 1, RegistryTooNew), (0, RegistryCorrupt)])
def test_a_format_of_another_release_is_refused(path: Path, version: int, kind: type[RegistryFailed]):
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()

    assert f"it has the format {version}" in refusal(path, kind)


@pytest.mark.parametrize("part", range(20))
def test_a_file_that_is_cut_off_is_refused(path: Path, whole: bytes, part: int):
    path.write_bytes(whole[: len(whole) * part // 20])

    with pytest.raises(RegistryCorrupt, match="restore it from a copy"):
        open_registry(path)


# Goal: a page that the disk forgot to write, a bit that fell over, a table that lost a row: found out, or harmless.
@pytest.mark.parametrize("seed", range(40))
def test_a_file_with_flipped_bits_is_refused_or_whole(path: Path, whole: bytes, seed: int):
    rng = random.Random(seed)
    damaged = bytearray(whole)
    for _ in range(rng.choice((1, 1, 5))):
        place = rng.randrange(len(damaged)) if seed % 2 else rng.randrange(100)
        damaged[place] ^= 1 << rng.randrange(8)
    path.write_bytes(damaged)

    try:
        found = open_registry(path)
    except RegistryFailed:
        found = None  # and nothing else is raised

    if found is not None:
        assert {row.info for row in found.state.agents} == {agent(number) for number in range(AGENTS)}
        assert (found.epoch, found.state.master) == (2, MASTER)


def test_a_page_of_an_earlier_time_is_found_out(tmp_path: Path):
    path = tmp_path / "registry.db"
    bench = Bench(SqliteStorage(path))
    bench.apply(*[AdmitAgent(agent(number)) for number in range(AGENTS)])
    bench.storage.close()
    before = path.read_bytes()
    bench = Bench(SqliteStorage(path))
    bench.apply(UpdateWeights((Weight("ads", 1.0),)))
    bench.apply(UpdateWeights((Weight("ads", 2.0),)))
    bench.storage.close()
    after = path.read_bytes()
    bench = Bench(SqliteStorage(path))
    bench.apply(UpdateWeights((Weight("ads", 3.0),)))
    bench.storage.close()
    last = bytearray(path.read_bytes())
    pages = [
        place
        for place in range(4_096, len(last), 4_096)
        if last[place : place + 4_096] != after[place : place + 4_096] != before[place : place + 4_096]
    ]
    assert pages, "two pages differ at least: that of the weights, and who leads"

    for place in pages:
        path.write_bytes(last[:place] + after[place : place + 4_096] + last[place + 4_096 :])
        with pytest.raises(RegistryCorrupt):
            open_registry(path)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM entries WHERE key = 'm-S7'", "it has 120 entries"),
        ("UPDATE entries SET data = x'80' WHERE key = 'm-S7'", "its agent m-S7 is not what was stored"),
        ("UPDATE entries SET key = 'm-S700' WHERE key = 'm-S7'", "its agent m-S700 is not what was stored"),
        ("UPDATE entries SET data = 'text' WHERE key = 'm-S7'", "its agent m-S7 is not what was stored"),
        ("UPDATE leadership SET epoch = 9", "its entry about who leads is not what was stored"),
        ("UPDATE leadership SET master = NULL", "its entry about who leads is not what was stored"),
        ("DELETE FROM leadership", "it has 0 entries about who leads"),
        ("DROP TABLE leadership", "no such table"),
        ("DROP TABLE entries", "no such table"),
    ],
)
def test_a_registry_that_somebody_edited_is_refused(path: Path, statement: str, words: str):
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()

    with pytest.raises(RegistryFailed, match=words):
        open_registry(path)


def test_a_log_without_its_file_is_refused(tmp_path: Path):
    (tmp_path / "registry.db-wal").write_bytes(b"something")

    assert "the file is missing, and registry.db-wal is there" in refusal(tmp_path / "registry.db", RegistryCorrupt)


def test_a_log_that_is_torn_loses_only_what_was_not_stored(path: Path):
    bench = Bench(SqliteStorage(path))
    bench.apply(UpdateWeights((Weight("web", 1.0),)))
    log = path.with_name("registry.db-wal")
    length = log.stat().st_size
    copy = path.with_name("copy.db")
    bench.apply(UpdateWeights((Weight("web", 2.0),)))
    for size in (length, length + 1, length + 2_000, log.stat().st_size - 1):
        copy.write_bytes(path.read_bytes())
        copy.with_name("copy.db-wal").write_bytes(log.read_bytes()[:size])

        weights = open_registry(copy).state.weights

        assert Weight("web", 1.0) in weights
    bench.storage.close()


def test_a_file_that_another_program_keeps_locked_is_refused(path: Path):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    with pytest.raises(RegistryLocked, match=r"another program has kept it locked for 0\.05 s"):
        open_registry(path)

    other.execute("ROLLBACK")
    other.close()
    assert open_registry(path).epoch == 2


def test_a_store_that_finds_the_file_locked_fails_and_nothing_more_is_stored(path: Path):
    bench = Bench(SqliteStorage(path, lock_wait_seconds=0.05))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(RegistryLocked):
        bench.apply(UpdateWeights((Weight("web", 1.0),)))

    other.execute("ROLLBACK")
    other.close()
    with pytest.raises(RegistryFailed, match="nor after it failed"):
        bench.apply(UpdateWeights((Weight("web", 2.0),)))
    bench.storage.close()


def test_two_masters_of_one_file_fence_each_other(path: Path):
    first, second = Bench(SqliteStorage(path)), Bench(SqliteStorage(path), SECOND)

    with pytest.raises(Fenced, match=r"registry .*registry\.db: this master leads in epoch 2"):
        first.apply(UpdateWeights((Weight("web", 1.0),)))

    second.apply(UpdateWeights((Weight("web", 2.0),)))
    first.storage.close()
    second.storage.close()
    assert Weight("web", 2.0) in open_registry(path).state.weights


# Goal: what is acknowledged after a takeover inside of one program is not lost. Method: the second master reads the
#   registry while the first one still has it open; then another program looks at it and closes it. The system counts
#   locks by process and file: if this process has lost its own, that program deletes the log.
def test_a_takeover_in_one_program_leaves_its_locks(path: Path):
    first, second = Bench(SqliteStorage(path)), Bench(SqliteStorage(path), SECOND)
    first.storage.close()
    second.apply(UpdateWeights((Weight("web", 1.0),)))

    look = (
        f"import sqlite3; c = sqlite3.connect({str(path)!r}); c.execute('SELECT * FROM entries').fetchall(); c.close()"
    )
    subprocess.run([sys.executable, "-c", look], check=True, timeout=60)
    logged = path.with_name("registry.db-wal").exists()
    second.apply(UpdateWeights((Weight("web", 2.0),)))
    third = Bench(SqliteStorage(path))

    assert logged
    assert Weight("web", 2.0) in third.recovered.state.weights
    with pytest.raises(Fenced):
        second.apply(UpdateWeights((Weight("web", 3.0),)))
    second.storage.close()
    third.storage.close()


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond ``size`` bytes: a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_fails_the_store_and_leaves_what_was_stored(path: Path, whole: bytes):
    bench = Bench(SqliteStorage(path))
    bench.apply(UpdateWeights((Weight("web", 1.0),)))
    before = path.with_name("registry.db-wal").stat().st_size

    with at_most(before + 8_192), pytest.raises(RegistryFailed, match=r"registry .*could not store: .*(disk|full)"):
        bench.apply(*[AdmitAgent(agent(number)) for number in range(1_000, 3_000)])

    with pytest.raises(RegistryFailed, match="nor after it failed"):
        bench.storage.store([])
    bench.storage.close()
    state = open_registry(path).state
    assert len(state.agents) == AGENTS
    assert Weight("web", 1.0) in state.weights


def test_a_full_disk_makes_no_registry(tmp_path: Path):
    with at_most(5_000), pytest.raises(RegistryFailed, match="could not make it"):
        open_registry(tmp_path / "registry.db")

    assert list(tmp_path.iterdir()) == []


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user without rights to what others own, if this is root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o444, 0o755), (0o644, 0o555), (0o000, 0o755)])
def test_a_file_that_may_not_be_written_is_refused(whole: bytes, file_mode: int, folder_mode: int):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "registry.db"
        path.write_bytes(whole)
        path.chmod(file_mode)
        os.chmod(folder, folder_mode)

        with as_nobody(), pytest.raises(RegistryFailed, match="this user"):
            open_registry(path)

        os.chmod(folder, 0o755)
        assert path.exists()


def test_a_new_registry_is_whole_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen = []
    link = os.link

    def watch(source: str, target: Path) -> None:
        with closing(sqlite3.connect(source)) as connection:
            seen.append((target.exists(), connection.execute("SELECT epoch FROM leadership").fetchall()))
        link(source, target)

    monkeypatch.setattr(os, "link", watch)
    open_registry(tmp_path / "registry.db")

    assert seen == [(False, [(0,)])]


def test_of_two_masters_that_make_a_registry_both_use_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "registry.db"
    link = os.link

    def be_late(source: str, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        bench = Bench(SqliteStorage(target), SECOND)
        bench.apply(UpdateWeights((Weight("web", 1.0),)))
        bench.storage.close()
        link(source, target)

    monkeypatch.setattr(os, "link", be_late)
    found = open_registry(path)

    assert (found.epoch, found.state.weights) == (2, (Weight("web", 1.0),))
    assert [entry.name for entry in tmp_path.iterdir()] == ["registry.db"]
