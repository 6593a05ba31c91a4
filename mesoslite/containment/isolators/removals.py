"""Removals: directories that nobody needs any more, removed beside what goes on, in a thread of its own."""

# Who calls: an isolator, in any thread.
# Why: each of a dozen removals may wait for the disk, and whoever hears of one end has others to hear of.
# Invariants: 1. what was added is removed once, the first first.    2. after ``await_gone`` of a path, or ``close``,
#   nothing of it is removed any more, so that it can be made anew.    3. after ``close`` there is no thread.
# Rejected: to rename it first, so that its name is free at once: that may need a block of a disk that is full.

import threading
from collections.abc import Callable


class Removals:
    """Each directory is removed by ``remove``, which raises nothing."""

    def __init__(self, remove: Callable[[str], None]) -> None:
        self._remove = remove
        self._changed = threading.Condition()  # of what follows
        self._waiting: dict[str, None] = {}
        self._under_way = ""
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def add(self, path: str) -> None:
        """Have a directory removed soon; after ``close``, at once."""
        with self._changed:
            is_closed = self._is_closed
            if not is_closed:
                if self._thread is None:
                    thread = threading.Thread(target=self._run, name="removals", daemon=True)
                    thread.start()
                    self._thread = thread
                self._waiting[path] = None
                self._changed.notify_all()
        if is_closed:
            self._remove(path)

    def await_gone(self, path: str) -> None:
        """Return when a directory that was added is removed; it is not made to wait for others."""
        with self._changed:
            is_waiting = path in self._waiting
            if is_waiting:
                del self._waiting[path]
            else:
                self._changed.wait_for(lambda: self._under_way != path)
        if is_waiting:
            self._remove(path)

    def close(self) -> None:
        """Remove the rest, and end the thread."""
        with self._changed:
            self._is_closed = True
            thread, self._thread = self._thread, None
            self._changed.notify_all()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._under_way = ""
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                if not self._waiting:
                    return
                self._under_way = path = next(iter(self._waiting))
                del self._waiting[path]
            self._remove(path)
