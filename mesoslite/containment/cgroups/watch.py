"""Watch: a thread that waits for what the kernel tells about control groups, on any number of descriptors."""

# Who calls: oom.py, in any thread; what is called back runs in the thread of the watch.
# The thread is made with the first descriptor, sleeps in epoll, and takes nothing while nothing happens.

import logging
import os
import select
import threading
from collections.abc import Callable

log = logging.getLogger("mesoslite")


class Watch:
    """Calls back when a descriptor has news; ``close`` ends it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callable[[], None]] = {}  # by descriptor
        self._epoll: select.epoll | None = None
        self._wake = -1  # an eventfd: the watch is closed
        self._thread: threading.Thread | None = None

    def add(self, descriptor: int, events: int, callback: Callable[[], None]) -> None:
        """Call ``callback`` for each news on ``descriptor``, from now on. Raises: OSError for one that has none."""
        with self._lock:
            epoll = self._started()
            self._callbacks[descriptor] = callback
            try:
                epoll.register(descriptor, events | select.EPOLLET)
            except OSError:
                del self._callbacks[descriptor]
                raise

    def remove(self, descriptor: int) -> None:
        """No more of it; a call that is under way ends by itself."""
        with self._lock:
            if self._callbacks.pop(descriptor, None) is not None and self._epoll is not None:
                self._epoll.unregister(descriptor)

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                os.eventfd_write(self._wake, 1)
        if thread is None:
            return
        thread.join()
        with self._lock:
            assert self._epoll is not None
            self._epoll.close()
            os.close(self._wake)
            self._epoll = None
            self._callbacks.clear()

    def _started(self) -> select.epoll:
        if self._epoll is None:
            self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            self._epoll = select.epoll()
            self._epoll.register(self._wake, select.EPOLLIN)
            self._thread = threading.Thread(target=self._run, args=(self._epoll,), name="cgroups", daemon=True)
            self._thread.start()
        return self._epoll

    def _run(self, epoll: select.epoll) -> None:
        while True:
            for descriptor, _ in epoll.poll():
                if descriptor == self._wake:
                    return
                with self._lock:
                    callback = self._callbacks.get(descriptor)
                if callback is None:
                    continue
                try:
                    callback()
                except Exception:
                    log.exception("cgroups: what is to hear of a control group has failed")
