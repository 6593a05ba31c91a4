"""Checkpoint files: one struct each, as msgpack behind a head that tells a whole file of ours from any other."""

# Who calls: checkpoints.py writes, reading.py reads; task_log.py has the same head.
# A file: MAGIC, one byte VERSION, the CRC-32 of the rest (4 bytes, big-endian), the rest: msgpack of the struct, by the
#   names of its fields. So a field that is new, or gone, is no new version: what an older one does not name has its
#   default, and what a later one names is passed over.
# Invariant: at its name there is a whole file or none: it is written beside it, and renamed. It is not forced to the
#   disk: an agent that was killed finds what it wrote, and on a machine that has crashed its containers are gone.
# Rejected: protobuf as in Mesos (a schema more); fsync (milliseconds for each task on a disk).
# Source: Mesos src/slave/state.cpp (checkpoint).

from __future__ import annotations

import os
import zlib
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

import libactor as la
from mesoslite.model import MesosliteError

MAGIC = b"mesoslite"
VERSION = 1
_HEAD = len(MAGIC) + 1
_BODY = _HEAD + 4

T = TypeVar("T")

_encode = msgspec.msgpack.Encoder().encode


@la.foreseen
class BadCheckpoint(MesosliteError):
    """A file that an earlier life has left cannot be used; the text says which, what is wrong and what to do."""


def write(path: str, value: msgspec.Struct) -> None:
    """Put a struct into the file ``path``, whose directory is there. Raises: OSError."""
    body = _encode(value)
    replace(path, head() + zlib.crc32(body).to_bytes(4, "big") + body)


def replace(path: str, data: bytes) -> None:
    """Put bytes into a file, in one step for whoever reads. Raises: OSError."""
    beside = f"{path}.new"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_all(descriptor, data, beside)
    finally:
        os.close(descriptor)
    os.replace(beside, path)


def write_all(descriptor: int, data: bytes, path: str) -> None:
    """Write to the end of a file, all or, but for a crash, nothing. Raises: OSError that names ``path``."""
    start = os.lseek(descriptor, 0, os.SEEK_END)
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError as error:  # the disk is full, say
        os.ftruncate(descriptor, start)
        raise OSError(error.errno, error.strerror, path) from None


def head() -> bytes:
    """What each file begins with."""
    return MAGIC + bytes([VERSION])


def read(path: str, kind: type[T]) -> T:
    """Return the struct in a file. Raises: FileNotFoundError; BadCheckpoint, for anything but a whole one of ours."""
    data = read_bytes(path)
    check_head(path, data)
    body = data[_BODY:]
    if len(data) < _BODY or zlib.crc32(body) != int.from_bytes(data[_HEAD:_BODY], "big"):
        raise BadCheckpoint(f"{path} is damaged: its checksum is another one")
    try:
        decoder: msgspec.msgpack.Decoder[T] = _decoder(kind)  # type: ignore[arg-type]
        found = decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BadCheckpoint(f"{path} does not say what it should: {str(error)[:200]}") from error
    return found


def read_bytes(path: str) -> bytes:
    """Return what is in a file. Raises: FileNotFoundError; BadCheckpoint, if it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError as error:
        raise BadCheckpoint(f"{path} cannot be read: {error.strerror}") from error


def check_head(path: str, data: bytes) -> None:
    """Raises: BadCheckpoint, unless ``data`` begins as a file of ours that can be read here."""
    if not data:
        raise BadCheckpoint(f"{path} is empty")
    if not data.startswith(MAGIC):
        raise BadCheckpoint(f"{path} is no checkpoint of this program")
    version = data[len(MAGIC)] if len(data) >= _HEAD else 0
    if version > VERSION:
        raise BadCheckpoint(
            f"{path} was written by a later release, in form {version}, and this one reads {VERSION}; start that one"
        )
    if version < 1:
        raise BadCheckpoint(f"{path} is damaged: it has no form {version}")


@lru_cache(16)
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)
