"""Archives that the fetcher unpacks into a sandbox, hostile ones above all."""

import bz2
import gzip
import lzma
import os
import stat
import subprocess
import tarfile
from types import SimpleNamespace

import pytest

from mesoslite.containment.fetcher import archives
from mesoslite.containment.fetcher import place as places
from mesoslite.containment.fetching.programs import COMMAND

from .desk import BOUND_SECONDS, Desk, tarred, zipped

LINK, HARD = {"type": tarfile.SYMTYPE}, {"type": tarfile.LNKTYPE}
SYMLINK = stat.S_IFLNK | 0o777

TREE = tarred(("./", {"type": tarfile.DIRTYPE, "mode": 0o700}, b""), ("d/f", {"mode": 0o755}, b"text"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tar", TREE),
        ("a.tar.gz", gzip.compress(TREE)),
        ("a.tgz", gzip.compress(TREE)),
        ("a.tar.bz2", bz2.compress(TREE)),
        ("a.tbz2", bz2.compress(TREE)),
        ("a.tar.xz", lzma.compress(TREE)),
        ("a.txz", lzma.compress(TREE)),
        ("a.zip", zipped(("d/", stat.S_IFDIR | 0o755, b""), ("d/f", stat.S_IFREG | 0o755, b"text"))),
    ],
)
def test_each_kind_of_archive_is_unpacked_beside_itself(desk: Desk, name: str, content: bytes):
    desk.fetch(desk.put(name, content))
    (desk.sandbox / name).unlink()

    assert desk.found() == {"d/f": "text"}
    assert (desk.sandbox / "d/f").stat().st_mode & 0o777 == 0o755


def test_a_compressed_file_is_unpacked_under_its_name_alone(desk: Desk):
    desk.fetch(desk.put("f.txt.gz", gzip.compress(b"text")))
    (desk.sandbox / "f.txt.gz").unlink()

    assert desk.found() == {"f.txt": "text"}


def test_an_archive_stays_as_it_is_unless_it_is_to_be_extracted(desk: Desk):
    desk.fetch({"uri": desk.put("a.tar", TREE), "extract": False})

    assert [path.name for path in desk.sandbox.iterdir()] == ["a.tar"]


def test_what_is_in_the_cache_is_unpacked_from_there(desk: Desk):
    kept = desk.put("c1", TREE)

    desk.fetch({"uri": "http://nowhere.invalid/a.tar", "kept": kept})

    assert desk.found() == {"d/f": "text"}


def test_links_within_an_archive_are_kept(desk: Desk):
    members = (
        ("d/f", {}, b"text"),
        ("d/up", {**LINK, "linkname": "../e/g"}, b""),
        ("to", {**LINK, "linkname": "d/f"}, b""),
        ("e/g", {**HARD, "linkname": "d/f"}, b""),
    )

    desk.fetch({"uri": desk.put("a.tar", tarred(*members))})
    (desk.sandbox / "a.tar").unlink()

    assert desk.found() == {"d/f": "text", "d/up": "-> ../e/g", "to": "-> d/f", "e/g": "text"}
    assert (desk.sandbox / "d/f").stat().st_nlink == 2


HOSTILE: list[tuple[str, bytes, str]] = [
    ("up.tar", tarred(("../secret", {}, b"bad")), "leads out"),
    ("deep.tar", tarred(("a/../../secret", {}, b"bad")), "leads out"),
    ("link.tar", tarred(("l", {**LINK, "linkname": "../secret"}, b"")), "may lead out"),
    ("whole.tar", tarred(("l", {**LINK, "linkname": "/etc/passwd"}, b"")), "may lead out"),
    ("empty.tar", tarred(("l", {**LINK, "linkname": ""}, b"")), "may lead out"),
    (
        "dance.tar",
        tarred(
            ("a/b/c", {"type": tarfile.DIRTYPE, "mode": 0o755}, b""),
            ("a/b/up", {**LINK, "linkname": "../.."}, b""),
            ("l", {**LINK, "linkname": "a/b/up/../secret"}, b""),
        ),
        "may lead out",
    ),
    ("through.tar", tarred(("l", {**LINK, "linkname": "."}, b""), ("l/f", {}, b"")), "leads through 'l'"),
    ("hard.tar", tarred(("l", {**HARD, "linkname": "../secret"}, b"")), "leads out"),
    (
        "hardlink.tar",
        tarred(("l", {**LINK, "linkname": "m"}, b""), ("h", {**HARD, "linkname": "l"}, b"")),
        "no plain file",
    ),
    ("node.tar", tarred(("n", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}, b"")), "no file, directory"),
    ("fifo.tar", tarred(("n", {"type": tarfile.FIFOTYPE}, b"")), "no file, directory"),
    ("long.tar", tarred(("d/" * 1_200 + "f", {}, b"")), "has more than 2048 bytes"),
    ("cut.tar", tarred(("f", {}, b"x" * 5_000))[:3_000], "unexpected end"),
    ("cut2.tar", tarred(("f", {}, b"x"), ("g", {}, b"y"))[:1_100], "damaged"),
    ("odd.tar", tarred(("f", {}, b"x"))[:1_024] + b"z" * 512, "damaged"),
    ("cut.tar.gz", gzip.compress(os.urandom(9_000))[:4_000], ""),
    ("none.tar", b"", "empty file"),
    ("none.zip", b"no archive", "not a zip file"),
    ("up.zip", zipped(("../secret", 0, b"bad")), "leads out"),
    ("link.zip", zipped(("l", SYMLINK, b"../secret")), "may lead out"),
    ("through.zip", zipped(("l", SYMLINK, b"."), ("l/f", 0, b"")), "leads through 'l'"),
    ("node.zip", zipped(("n", stat.S_IFCHR | 0o666, b"")), "no file, directory"),
    ("none.gz", b"no archive", "Not a gzipped file"),
]


# Goal: nothing is read, made or changed outside of the sandbox. Method: each trick by itself, with a secret to hit.
@pytest.mark.parametrize(("name", "content", "problem"), HOSTILE, ids=[name for name, _, _ in HOSTILE])
def test_a_hostile_or_broken_archive_is_refused(desk: Desk, name: str, content: bytes, problem: str):
    message = desk.refused(desk.put(name, content))

    assert problem in message
    assert desk.secret.read_text() == "kept"
    assert {path.name for path in desk.place.iterdir()} == {"sandbox", "sources", "secret"}
    assert not [path for path in desk.sandbox.rglob("*") if not path.resolve().is_relative_to(desk.sandbox)]


def test_whole_paths_are_taken_as_relative(desk: Desk):
    desk.fetch({"uri": desk.put("a.tar", tarred(("/d/f", {}, b"tar"))), "name": "a.tar"})
    desk.fetch({"uri": desk.put("b.zip", zipped(("/d/g", 0, b"zip")))})

    assert (desk.found()["d/f"], desk.found()["d/g"]) == ("tar", "zip")


def test_nothing_is_setuid_or_writable_for_others(desk: Desk):
    desk.fetch(desk.put("a.tar", tarred(("f", {"mode": 0o7777}, b""), ("g", {"mode": 0o000}, b""))))

    assert stat.S_IMODE((desk.sandbox / "f").stat().st_mode) == 0o755
    assert stat.S_IMODE((desk.sandbox / "g").stat().st_mode) == 0o600


# Goal: no link that is planted is followed. Method: each way to plant one, then a file of that name.
def test_a_link_that_is_in_the_way_is_replaced_and_not_followed(desk: Desk):
    (desk.sandbox / "f").symlink_to(desk.secret)
    (desk.sandbox / "d").symlink_to(desk.place)
    uri = desk.put("f", b"new")

    desk.fetch(uri)
    message = desk.refused({"uri": uri, "name": "d/secret"})

    assert desk.found()["f"] == "new"
    assert "leads through 'd', which is no directory" in message
    assert desk.secret.read_text() == "kept"


def test_a_link_of_one_archive_is_not_followed_by_the_next(desk: Desk):
    (desk.sandbox / "d").symlink_to(desk.place)
    zip_uri = desk.put("a.zip", zipped(("l", SYMLINK, b"inner"), ("inner/", stat.S_IFDIR | 0o755, b"")))
    tar_uri = desk.put("a.tar", tarred(("l/f", {}, b"bad")))

    message = desk.refused(zip_uri, tar_uri)

    assert "leads through 'l'" in message
    assert "inner/f" not in desk.found()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bomb.tar.gz", gzip.compress(tarred(("f", {}, bytes(300_000))))),
        ("bomb.zip", zipped(("f", 0, bytes(300_000)))),
        ("bomb.gz", gzip.compress(bytes(300_000))),
    ],
)
def test_what_swells_ends_at_the_bound(desk: Desk, name: str, content: bytes):
    message = desk.refused(desk.put(name, content), bytes_max=100_000)

    assert "more than there is room for" in message
    assert sum(path.stat().st_size for path in desk.sandbox.iterdir()) <= 100_000


def test_what_others_leave_free_is_all_there_is_room_for(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    uri, blocks = desk.put("f.gz", gzip.compress(bytes(4 << 20))), 100_000
    free = iter([blocks, blocks, blocks // 100 + 300, blocks // 100 + 100, 0])  # as somebody else fills the disk

    def look(descriptor: int) -> SimpleNamespace:
        return SimpleNamespace(f_bavail=next(free), f_blocks=blocks, f_frsize=4096)

    monkeypatch.setattr(os, "fstatvfs", look)

    assert "more than there is room for" in desk.refused(uri)
    assert (desk.sandbox / "f").stat().st_size == 2 << 20


def test_files_without_number_end_at_the_bound(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(places.Room.__init__, "__defaults__", (10,))

    assert "it has more than" in desk.refused(
        desk.put("many.tar", tarred(*[(f"d{number}/f", {}, b"") for number in range(9)]))
    )


def test_what_takes_time_and_no_room_ends_at_a_bound(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archives, "ENTRIES_MAX", 10)
    monkeypatch.setattr(archives, "PADDING_BYTES_MAX", 3 << 20)
    again = [("d", {"type": tarfile.DIRTYPE}, b"")]
    padded = bz2.compress(tarred(("f", {}, b"text")) + bytes(2 << 20))

    desk.fetch(desk.put("ten.tar", tarred(*again * 10)), desk.put("padded.tar.bz2", padded))
    members = desk.refused(desk.put("many.tar", tarred(*again * 11)))
    zeros = desk.refused(desk.put("zeros.tar.bz2", padded + bz2.compress(bytes(2 << 20))))

    assert "it has more than 10 files" in members
    assert "ends in more than 3 MiB of zeros" in zeros


WITHOUT_LIBRARY = """
import os, sys
sys.path.append(sys.argv[1])
from fetcher import main
from fetcher.archives import unpack
from fetcher.place import Place, Room
main._import([{"uri": "ftp://host/a.zip", "kept": None}])
sys.meta_path.clear()  # the library is where only root can read
with open(sys.argv[2], "rb") as archive:
    place = os.open(sys.argv[3], os.O_DIRECTORY)
    unpack(archive, "a.zip", Place(place, Room(place, 1 << 20)))
"\u00e4.invalid".encode("idna")
import ftplib, mimetypes
"""


@pytest.mark.real
def test_a_user_who_cannot_read_the_library_has_archives_and_servers_nevertheless(desk: Desk):
    archive = desk.put("a.zip", zipped(("inner", 0o644, b"text")))

    *python, _, place = COMMAND
    job = [*python, WITHOUT_LIBRARY, place, archive, str(desk.sandbox)]
    subprocess.run(job, check=True, timeout=BOUND_SECONDS)

    assert desk.found() == {"inner": "text"}
