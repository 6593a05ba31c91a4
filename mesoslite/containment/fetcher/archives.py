"""Archives: what is in a file is unpacked beside it."""

# Who calls: main.py.
# The name says whether a file is an archive, as in Mesos, and its first bytes how it was compressed, as with GNU tar.
# What an archive says of owners and times is passed over: all belongs to the user of the task.
# Source: Mesos src/launcher/fetcher.cpp (extract).

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, cast

from .place import CHUNK_BYTES, ENTRIES_MAX, parts_of
from .problem import Problem, TooLarge

if TYPE_CHECKING:
    from .place import Place

_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_GZ, _ZIP = ".gz", ".zip"
SUFFIXES = (*_TAR, _GZ, _ZIP)
_COMPRESSED: dict[bytes, Callable[[BinaryIO], object]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
LINK_BYTES_MAX = 4_096
PADDING_BYTES_MAX = 64 << 20  # of zeros at the end, which take time and no room


def is_archive(name: str) -> bool:
    """Whether a file of that name is unpacked."""
    return name.endswith(SUFFIXES)


def unpack(file: BinaryIO, name: str, place: Place) -> None:
    """Unpack ``file``, an archive by its ``name``, which can be sought in. Raises: Problem, and what modules raise."""
    if name.endswith(_TAR):
        _unpack_tar(file, place)
    elif name.endswith(_ZIP):
        _unpack_zip(file, place)
    else:
        with gzip.open(file) as plain:
            place.copy(cast(BinaryIO, plain), parts_of(name.rpartition("/")[2].removesuffix(_GZ)), 0o644)


class _Plain:
    """The bytes of an archive behind its compression, and where the last one of them is that is not zero."""

    def __init__(self, file: BinaryIO) -> None:
        first = file.read(6)
        file.seek(0)
        opened = next((make(file) for magic, make in _COMPRESSED.items() if first.startswith(magic)), file)
        self._file = cast(BinaryIO, opened)
        self.count = self.full = 0

    def read(self, size: int) -> bytes:
        """As of a file."""
        chunk = self._file.read(size)
        content = len(chunk.rstrip(b"\0"))
        if content:
            self.full = self.count + content
        self.count += len(chunk)
        return chunk


def _unpack_tar(file: BinaryIO, place: Place) -> None:
    plain = _Plain(file)
    with tarfile.open(fileobj=plain, mode="r|") as archive:  # type: ignore[call-overload]
        for count, member in enumerate(archive):
            if count >= ENTRIES_MAX:  # some take no room, such as a directory again and again
                raise TooLarge(f"it has more than {ENTRIES_MAX} files")
            archive.members = []  # which would keep all of them
            _make_member(archive, member, place)
        is_more = True
        while is_more:
            if plain.full > archive.offset:  # tarfile ends at what it cannot read as at the end of an archive
                raise Problem("the archive is damaged, or was cut off")
            if plain.count - archive.offset > PADDING_BYTES_MAX:
                raise Problem(f"the archive ends in more than {PADDING_BYTES_MAX >> 20} MiB of zeros")
            is_more = bool(plain.read(CHUNK_BYTES))


def _make_member(archive: tarfile.TarFile, member: tarfile.TarInfo, place: Place) -> None:
    path = parts_of(member.name)
    if member.isdir():
        place.make_directory(path, member.mode)
    elif member.issym():
        place.link(path, member.linkname)
    elif member.islnk():
        place.hard_link(path, parts_of(member.linkname))
    elif member.isreg():
        content = archive.extractfile(member)
        assert content is not None
        place.copy(cast(BinaryIO, content), path, member.mode)
    else:
        raise Problem(f"{member.name[:200]!r} in the archive is no file, directory or link")


def _unpack_zip(file: BinaryIO, place: Place) -> None:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            path, mode = parts_of(info.filename), info.external_attr >> 16
            if info.flag_bits & 1:
                raise Problem(f"{info.filename[:200]!r} in the archive is encrypted")
            if info.is_dir():
                place.make_directory(path, mode or 0o755)
                continue
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFLNK):
                raise Problem(f"{info.filename[:200]!r} in the archive is no file, directory or link")
            with archive.open(info) as content:
                if stat.S_ISLNK(mode):
                    place.link(path, content.read(LINK_BYTES_MAX).decode("utf-8", "surrogateescape"))
                else:
                    place.copy(cast(BinaryIO, content), path, mode or 0o644)
