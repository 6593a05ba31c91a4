"""Programs: fetchers are started, and heard of when they have ended."""

# Who calls: cache.py and fetch.py. Twin: containment/fetcher, which is what is started.
# A job goes by a file in memory, which takes any number of URIs and which nobody else sees; how it went comes by a
#   pipe, by which a fetcher also knows that its agent lives.

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from libactor.subprocess import DEVNULL, Reaper

from ..environment import inherited_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import libactor as la
    from libactor.subprocess import Identity, Subprocess

_BEGIN = "import sys; sys.path.append(sys.argv[1]); from fetcher.main import main; main()"
COMMAND = (sys.executable, "-I", "-S", "-c", _BEGIN, str(Path(__file__).parent.parent))
_OUTCOME_BYTES_MAX = 1 << 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went: well, if there is no ``problem``; ``is_too_large`` if there was no room for it."""

    problem: str | None = None
    is_too_large: bool = False


class Programs:
    """The fetchers of one agent; from any thread."""

    def __init__(self) -> None:
        self._reaper = Reaper("fetchers")

    def start(self, job: Mapping[str, Any], log: int | None, done: Callable[[Outcome], None]) -> Subprocess:
        """Start one with ``job`` (fetcher/main.py), that writes what it does to the descriptor ``log``.

        ``done`` is called when it has ended. Raises: OSError; RuntimeError after ``close``.
        """
        given = os.memfd_create("fetch", os.MFD_CLOEXEC)
        reads, writes = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            with open(given, "wb", closefd=False) as file:
                file.write(json.dumps(job).encode())
            os.lseek(given, 0, os.SEEK_SET)
            process = self._reaper.launch(
                COMMAND,
                environment=inherited_environment(),
                stdin=given,
                stdout=writes,
                stderr=log if log is not None else DEVNULL,
            )
        except BaseException:
            os.close(reads)
            raise
        finally:
            os.close(given)
            os.close(writes)
        process.status.on_any(lambda status: done(_outcome(reads, status)))
        return process

    def close(self) -> None:
        """Kill all that run, and wait until they have ended, and were told of."""
        self._reaper.close()


def job_of(
    items: list[dict[str, Any]],
    identity: Identity | None,
    *,
    directory: str = "",
    file: str = "",
    bytes_max: int,
    stall_seconds: float,
    frameworks_home: str,
) -> dict[str, Any]:
    """What a fetcher is told: to fetch ``items`` into a directory, or the one there is into a new file."""
    return {
        "items": items,
        "identity": (identity.user, identity.group, identity.groups) if identity is not None else None,
        "directory": directory,
        "file": file,
        "bytes_max": bytes_max,
        "stall_seconds": stall_seconds,
        "frameworks_home": frameworks_home,
    }


def _outcome(reads: int, status: la.Future[int]) -> Outcome:
    try:
        text = os.read(reads, _OUTCOME_BYTES_MAX)
    except BlockingIOError:
        text = b""
    finally:
        os.close(reads)
    try:
        return Outcome(**json.loads(text))
    except (ValueError, TypeError):  # it was ended by somebody
        lost = status.exception()
        how = str(lost) if lost is not None else f"it ended with status {status.get(0)}"
        return Outcome(f"Failed to fetch: the fetcher did not say how it went: {how}")
