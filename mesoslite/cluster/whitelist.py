"""Whitelist: the hosts whose agents are offered, as they stand in a file that may be changed at any time."""

# Who calls: seat.py, for an allocator that is to have one; nodes.py gives it the file.
# A list that cannot be read, or not any more, changes nothing: rather what was meant once than everybody, or nobody.
# An empty file lists nobody. Offers that stand are left alone, as in Mesos.
# Source: Mesos src/watcher/whitelist_watcher.cpp; there a list that cannot be read at first lists everybody.

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import libactor as la
from mesoslite.master import Allocator
from mesoslite.model import AgentsWhitelisted, InvalidRequest, constants

log = logging.getLogger("mesoslite")

_KEPT = "%s; the hosts stay those that it had (%d)"


def read_whitelist(path: Path) -> tuple[str, ...]:
    """The hosts in the file, one a line, sorted. Raises: OSError, InvalidRequest."""
    try:
        return tuple(sorted({line.strip() for line in path.read_text("utf-8").splitlines()} - {""}))
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"--whitelist {path}: is no text in UTF-8; give names of hosts, one a line") from error
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"--whitelist {path}") from error


class Whitelist:
    """The file ``path``; ``listed`` are the hosts that it had when it could last be read, None before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listed: tuple[str, ...] | None = None

    def for_next(self) -> tuple[str, ...]:
        """The hosts for a master that is about to stand. Raises: OSError, InvalidRequest, if none were ever read."""
        try:
            self.listed = read_whitelist(self.path)
        except (OSError, InvalidRequest) as error:
            if self.listed is None:
                raise
            log.error(_KEPT, error, len(self.listed))
        return self.listed


class WhitelistWatch(la.Actor):
    """Reads the file again and again, and tells ``allocator`` of each change since it was last read."""

    def __init__(self, whitelist: Whitelist, allocator: la.PID[Allocator]) -> None:
        super().__init__(la.generate_id("whitelist-watch"))
        self._whitelist = whitelist
        self._allocator = allocator
        self._problem = ""  # why it could not be read the last time
        self._timer: la.Timer | None = None

    def on_start(self) -> None:
        """End with the allocator; have a thread to read in, since a file may be far away."""
        la.link(self._allocator)
        self._pool = la.Pool(1, name=self.pid.id)
        self._wait()

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """Nobody is to be told any more."""
        la.terminate(self.pid)

    def on_stop(self) -> None:
        """Leave no timer behind, and no thread."""
        if self._timer is not None:
            self._timer.cancel()
        self._pool.close()

    async def look(self) -> None:
        """Read it once more."""
        try:
            listed = await self._pool.submit(read_whitelist, self._whitelist.path)
            if listed != self._whitelist.listed:
                log.info("%s lists %d hosts now", self._whitelist.path, len(listed))
                self._whitelist.listed = listed
                la.tell(self._allocator, Allocator.apply, AgentsWhitelisted(listed))
            self._problem = ""
        except (OSError, InvalidRequest) as error:
            if str(error) != self._problem:
                log.error(_KEPT, error, len(self._whitelist.listed or ()))
            self._problem = str(error)
        self._wait()

    def _wait(self) -> None:
        self._timer = la.delay(constants.WHITELIST_SECONDS, self.pid, WhitelistWatch.look)
