"""Watcher: a queue of what happens to files: written to, removed, renamed."""

# Who calls: users.
# Invariants: 1. after ``remove`` returned nothing that happens to the file from then on is told.    2. what is told of
#   a path is told of the file it led to when it was added: once that is removed or renamed, nothing more comes of the
#   path, and it may be added again.    3. the last event of a watcher is a failure, which says why it has ended.
# Changes that follow one another at once may be told as one, as the kernel has it.
# A file that is removed while somebody has it open is not gone for the kernel, only its link count changes: whoever
#   watches a path wants to hear of it, so the path is looked at then.
# Source: libprocess watcher.hpp; inotify(7).

from __future__ import annotations

import enum
import os
import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from libactor._core.values import register_immutable
from libactor.context import current_runtime
from libactor.io import inotify
from libactor.io.stream import Stream, Streams, own_descriptor
from libactor.iteration import Continue, loop
from libactor.sync import Queue

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from libactor.future import Future
    from libactor.runtime import Runtime

_File = tuple[int, int] | None
_MASK = inotify.MODIFY | inotify.ATTRIB | inotify.DELETE_SELF | inotify.MOVE_SELF


class Change(enum.Enum):
    """What has happened."""

    WRITE = "write"
    REMOVE = "remove"
    RENAME = "rename"
    FAILURE = "failure"  # of the watcher, or of the kernel, which has lost events


@dataclass(frozen=True, slots=True)
class Event:
    """One change of the file at ``path``, as it was given to ``add``; of a failure ``path`` is empty, ``text`` why."""

    change: Change
    path: str
    text: str = ""


class Watcher:
    """Watches files, each given by ``add``; what happens to them is put into the queue ``events()``.

    When it is closed, or nobody holds it, or its runtime ends, a FAILURE is put in as the last event.
    Raises: OSError if the system has none left; RuntimeError in a deterministic runtime; NoRuntime without one.
    """

    def __init__(self, *, runtime: Runtime | None = None) -> None:
        streams = (runtime or current_runtime("Watcher")).poller.keep(Streams)
        self._watches = _Watches(own_descriptor(inotify.open_inotify(), streams))

    def add(self, path: str | os.PathLike[str]) -> None:
        """Watch the file at ``path``, from now on.

        Raises: FileNotFoundError and the like; IsADirectoryError; ValueError for a path that is watched, or if the
        watcher is closed.
        """
        self._watches.add(_text(path))

    def remove(self, path: str | os.PathLike[str]) -> None:
        """Watch it no longer; nothing happens if it is not watched (any more)."""
        self._watches.remove(_text(path))

    def events(self) -> Queue[Event]:
        """What happened, in order."""
        return self._watches.events

    def close(self) -> None:
        """Watch nothing any more."""
        self._watches.stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if "_watches" in self.__dict__:
            self.close()


register_immutable(Watcher)  # threads may share it


class _Watches:
    """What a watcher watches. It lives as long as the loop that reads, so the watcher itself may go before."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.events: Queue[Event] = Queue()
        self._lock = threading.RLock()
        self._paths: dict[int, dict[str, _File]] = {}  # by watch; several that lead to one file have the same
        reading: Future[Any] = loop(partial(stream.read, inotify.BUFFER_BYTES), self._tell)
        reading.on_any(self._fail).on_abandoned(partial(self._fail, reading))

    def add(self, path: str) -> None:
        with self._lock:
            if self.stream.closed:
                raise ValueError("Watcher: it is closed; make a new one")
            if any(path in paths for paths in self._paths.values()):
                raise ValueError(f"Watcher: {path!r} is watched already; expected another path, or remove it first")
            if os.path.isdir(path):
                raise IsADirectoryError(f"Watcher: {path!r} is a directory, expected a file")
            watch, file = self._begin(path)
            self._paths.setdefault(watch, {})[path] = file

    def _begin(self, path: str) -> tuple[int, _File]:
        """Watch what ``path`` leads to: the watch, and which file that is. The lock is held."""
        while True:
            file = _file_at(path)
            watch = inotify.add_watch(self.stream.fileno(), path, _MASK)
            if _file_at(path) == file:
                return watch, file
            if watch not in self._paths:  # it may be that of a file which was replaced in between
                inotify.remove_watch(self.stream.fileno(), watch)

    def remove(self, path: str) -> None:
        with self._lock:
            for watch, paths in list(self._paths.items()):
                if path in paths:
                    self._forget(watch, path)

    def _forget(self, watch: int, path: str) -> None:
        """Take a path off the list. The lock is held."""
        paths = self._paths[watch]
        del paths[path]
        if not paths:
            del self._paths[watch]
            if not self.stream.closed:
                inotify.remove_watch(self.stream.fileno(), watch)

    def _tell(self, data: bytes) -> Continue:
        """What the loop does with what was read."""
        told: list[Event] = []
        with self._lock:
            for watch, mask in inotify.parse(data):
                if mask & inotify.OVERFLOW:
                    told.append(Event(Change.FAILURE, "", "more has happened than the kernel remembers; look yourself"))
                for path, file in list(self._paths.get(watch, {}).items()):
                    change = _change(mask, path, file)
                    if change is not None:
                        told.append(Event(change, path))
                    if change in (Change.REMOVE, Change.RENAME):
                        self._forget(watch, path)
        for event in told:
            self.events.put(event)
        return Continue()

    def _fail(self, reading: Future[Any]) -> None:
        error = reading.exception() if reading.is_failed() else None
        why = (
            "the runtime was closed"
            if error is None
            else "the watcher was closed"
            if self.stream.closed
            else str(error)
        )
        self.events.put(Event(Change.FAILURE, "", why))


def _file_at(path: str) -> _File:
    """Device and number of the file that ``path`` leads to; None if it leads nowhere."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _change(mask: int, path: str, file: _File) -> Change | None:
    """What an event means for whoever watches ``path``, which led to ``file``."""
    if mask & inotify.MOVE_SELF:
        return Change.RENAME
    if mask & (inotify.DELETE_SELF | inotify.IGNORED):
        return Change.REMOVE
    if mask & inotify.MODIFY:
        return Change.WRITE
    return None if _file_at(path) == file else Change.REMOVE


def _text(path: str | os.PathLike[str]) -> str:
    text: Any = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"Watcher: got the path {path!r}, expected text or a Path")
    if "\0" in text:
        raise ValueError(f"Watcher: got the path {path!r}, expected one without a zero byte")
    return text
