"""The program: reads what to fetch from its input, fetches it, tells on its output how that went, and ends."""

# Who calls: fetching/programs.py has it started, by a Python without the rest of this project: it imports the standard
#   library alone, and of that no more than it needs, for each container with URIs starts one.
# It begins as its agent, opens the directory and what the cache has, and then becomes the user of the task for good:
#   what follows is done with that user's rights. A Python that only root can reach serves so as well.
# Invariants: 1. it ends with its agent, whose end of its output is then gone.    2. what is said of a URI holds no
#   password.    3. memory is bounded, disk by `bytes_max` or by what is free but for a hundredth.
# Source: Mesos src/launcher/fetcher.cpp (main), include/mesos/fetcher/fetcher.proto (FetcherInfo).

from __future__ import annotations

import json
import os
import resource
import select
import sys
import threading
from contextlib import ExitStack, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO

from .place import Place, Room, copy_bytes, parts_of
from .problem import Problem, TooLarge
from .sources import is_web, name_of, opened, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMORY_BYTES_MAX = 1 << 30
WORDS_MAX = 1_000  # characters of what a server or an archive has wrong


def main() -> None:
    """Do what the job on standard input says."""
    job = json.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_agent, daemon=True).start()
    os.umask(0o022)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    try:
        with ExitStack() as files:
            run(job, files)
        outcome: dict[str, object] = {"problem": None, "is_too_large": False}
    except Failure as failure:
        _say(str(failure))
        outcome = {"problem": str(failure), "is_too_large": isinstance(failure.__cause__, TooLarge)}
    os.write(1, json.dumps(outcome).encode())


class Failure(Exception):
    """Which URI could not be fetched, and why."""


def _end_with_agent() -> None:
    output = select.poll()
    output.register(1, 0)  # that nobody reads it any more is told always
    output.poll()
    os._exit(1)


def run(job: Mapping[str, Any], files: ExitStack) -> None:
    """Fetch what ``job`` names; ``files`` has what is to be closed after that. Raises: Failure, OSError."""
    kept = {path: _opened_early(path, files) for item in job["items"] if (path := item["kept"])}
    into = job["file"]
    flags = (os.O_WRONLY | os.O_CREAT | os.O_EXCL) if into else (os.O_RDONLY | os.O_DIRECTORY)
    target = os.open(into or job["directory"], flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    files.callback(os.close, target)
    _import(job["items"])
    if job["identity"] is not None:
        user, group, groups = job["identity"]
        os.setgroups(groups)
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
    room = Room(target, job["bytes_max"])
    for item in job["items"]:
        uri = shown(item["uri"])
        try:
            if into:
                _fetch_into(target, item, job, room)
            else:
                _fetch(Place(target, room), item, job, kept.get(item["kept"]))
        except Exception as error:  # archives and servers make nearly all there are
            words = " ".join(_words(error).split())[:WORDS_MAX]
            raise Failure(f"Failed to fetch {uri!r}: {words}") from error


def _opened_early(path: str, files: ExitStack) -> BinaryIO:
    return files.enter_context(open(path, "rb", buffering=0))


def _import(items: list[dict[str, Any]]) -> None:
    """Import what is needed, as long as it can be read; also what the standard library imports only when it uses it."""
    names = [f"{__package__}.archives", "encodings.cp437"]  # in which old archives have their names
    if any(is_web(item["uri"]) and not item["kept"] for item in items):
        names += ["encodings.idna", "encodings.punycode", "ftplib", "mimetypes", f"{__package__}.web"]
    for name in names:
        import_module(name)


def _fetch(place: Place, item: Mapping[str, Any], job: Mapping[str, Any], kept: BinaryIO | None) -> None:
    from .archives import is_archive, unpack

    uri, name = item["uri"], item["name"] or name_of(item["uri"])
    path, mode = parts_of(name), 0o755 if item["executable"] else 0o644
    unpacks = item["extract"] and not item["executable"] and is_archive(name)
    _say(f"Fetching {shown(uri)!r}")
    if kept is not None and unpacks:  # as in Mesos, the archive itself stays in the cache
        unpack(kept, name, place)
    elif kept is not None:
        place.copy(kept, path, mode)
    else:
        with opened(uri, job["frameworks_home"], job["stall_seconds"]) as (reader, length):
            _check_length(place.copy(reader, path, mode), length)
        if unpacks:
            with place.read(path) as file:
                unpack(file, name, place)
    _say(f"Fetched {shown(uri)!r} {'and extracted it' if unpacks else f'to {name!r}'}")


def _fetch_into(target: int, item: Mapping[str, Any], job: Mapping[str, Any], room: Room) -> None:
    with (
        opened(item["uri"], job["frameworks_home"], job["stall_seconds"]) as (reader, length),
        open(target, "wb", buffering=0, closefd=False) as file,
    ):
        if length is not None and not room.has(length):
            raise TooLarge("it is more than there is room for")
        _check_length(copy_bytes(reader, file, room), length)


def _check_length(count: int, length: int | None) -> None:
    if length is not None and count != length:
        raise Problem(f"{count} bytes came of {length}")


def _words(error: Exception) -> str:
    if isinstance(error, Problem):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, MemoryError):
        return f"it takes more than {MEMORY_BYTES_MAX >> 20} MiB of memory to read"
    return f"{type(error).__name__}: {error}"


def _say(text: str) -> None:
    with suppress(OSError):  # a full disk is told of by what did not fit there
        os.write(2, f"{text}\n".encode(errors="backslashreplace"))
