"""Reaper: starts programs and learns of their end without polling, in a thread of its own."""

# Who calls: whoever starts programs and has no runtime, or wants to look at what a program leaves behind before it is
#   reaped; from any thread, actors included. One Reaper serves any number of children. ``start`` is for the others.
# How: each child has a pidfd, which turns readable when the child ends; one thread waits for all of them by epoll. It
#   starts with the first child and ends in close().
# Invariants: 1. the reaper's thread alone reaps, and only by pidfd, so it never takes the status of a stranger's child.
#   2. a child stays a zombie until ``before_reap`` has returned: till then its pid, process group and session are its
#   own and can be signalled safely.    3. after close() no child, no thread and no file descriptor is left.
#   4. no lock is held while ``before_reap`` or a function given to ``call`` runs, and close() waits by a future, so an
#   actor's handler may use all of this.
# Rejected: SIGCHLD (belongs to the program we are embedded in, and to its main thread); a thread per child;
#   asyncio's child watchers (need a loop). Source: libprocess subprocess.hpp and reap.cpp, which polls.

from __future__ import annotations

import logging
import os
import select
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from libactor.future import Promise
from libactor.subprocess.process import Subprocess
from libactor.subprocess.starting import (
    DEVNULL,
    Identity,
    Order,
    Redirect,
    end_unwatched,
    open_pidfd,
    start_process,
)

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

log = logging.getLogger("libactor")

CLOSE_TIMEOUT_S = 60.0  # what close() grants killed children to vanish; only one stuck in the kernel needs more


class Reaper:
    """Starts programs and collects them when they end. Use it as a context manager, or call ``close``.

    ``before_reap``, if given, is called in the reaper's thread with the pids of children that have just ended and are
    not reaped yet: the moment to end what they left behind. An exception from it is logged.
    """

    def __init__(self, name: str = "reaper", before_reap: Callable[[Sequence[int]], None] | None = None) -> None:
        self._name = name
        self._before_reap = before_reap
        self._lock = threading.Lock()
        self._children: dict[int, Subprocess] = {}  # by pidfd
        self._calls: list[Callable[[], object]] = []  # for the thread to make
        self._closed = False
        self._ended: Promise[None] = Promise()  # the thread's last act
        # Made with the first child or call, released by close():
        self._thread: threading.Thread | None = None
        self._epoll: select.epoll | None = None
        self._wake = -1  # an eventfd: there are calls to make

    def launch(
        self,
        argv: Sequence[str],
        *,
        executable: str | None = None,
        cwd: str | os.PathLike[str] | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: int | Redirect = DEVNULL,
        stdout: int | Redirect = DEVNULL,
        stderr: int | Redirect = DEVNULL,
        identity: Identity | None = None,
    ) -> Subprocess:
        """Start a program in a session of its own; return when it runs.

        ``argv[0]`` names it, unless ``executable`` does; a name without a slash is looked for on the PATH of its
        environment. ``environment`` None inherits the caller's. The streams are file descriptors, which stay open
        here; no other descriptor is inherited. ``identity`` None keeps the caller's; the directory is entered before
        it is taken on.
        Raises: OSError (FileNotFoundError, PermissionError, …) naming program or directory, if it cannot be started;
        RuntimeError after close(). Cost: about a millisecond.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError(f"launch: {self._name} is closed; make a new Reaper")
            epoll = self._start()
            streams = stdin, stdout, stderr
            try:
                pid = start_process(Order("launch", argv, executable, cwd, environment, streams, identity))
            except ValueError as error:
                raise OSError(str(error)) from error
            pidfd = open_pidfd(pid)
            child = Subprocess(pid, pidfd)
            if pidfd is not None:
                _watch(child, pidfd, epoll)
                self._children[pidfd] = child
        if pidfd is None:
            child.lose()
        return child

    def call(self, function: Callable[[], object]) -> None:
        """Have ``function`` called in the reaper's thread, after what was given before; returns at once.

        A child whose end ``before_reap`` has not been told of is not reaped meanwhile, so this is where to signal
        processes that take long to find. An exception from it is logged. After close() nothing is called any more.
        """
        with self._lock:
            if not self._closed:
                self._start()
                self._ask(function)

    def close(self, timeout: float = CLOSE_TIMEOUT_S) -> None:
        """Kill the children that still run (not what they started), reap them and end the thread; calls come first.

        Inside an actor's handler another worker runs meanwhile.
        Raises: RuntimeError naming the children that are not gone after ``timeout`` seconds, or if called by a
        callback in the reaper's own thread. A second call does nothing.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError(f"close: called in the thread of {self._name}, which it would wait for")
        with self._lock:
            self._closed = True
            thread = self._thread
            if thread is None:
                return
            self._ask(self._kill_children)
        if not self._wait_for(thread, timeout):
            left = ", ".join(str(child.pid) for child in list(self._children.values()))
            raise RuntimeError(f"close: {self._name} still waits after {timeout} s for the killed processes {left}")
        with self._lock:
            if self._epoll is not None:
                self._epoll.close()
                os.close(self._wake)
            self._thread = self._epoll = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> select.epoll:
        if self._epoll is None:
            epoll = select.epoll()
            self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            epoll.register(self._wake, select.EPOLLIN)
            self._thread = threading.Thread(target=self._run, args=(epoll,), name=self._name, daemon=True)
            self._thread.start()
            self._epoll = epoll
        return self._epoll

    def _ask(self, function: Callable[[], object]) -> None:
        """Hand a call to the thread, which runs. The lock is held."""
        self._calls.append(function)
        os.eventfd_write(self._wake, 1)

    def _run(self, epoll: select.epoll) -> None:
        while True:
            ready = [descriptor for descriptor, _ in epoll.poll()]
            if self._wake in ready:
                os.eventfd_read(self._wake)
                ready.remove(self._wake)
                self._make_calls()
            if ready:
                self._collect(epoll, ready)
            with self._lock:
                if self._closed and not self._children and not self._calls:
                    break
        self._ended.set(None)

    def _make_calls(self) -> None:
        with self._lock:
            calls, self._calls = self._calls, []
        for function in calls:
            try:
                function()
            except Exception:  # the thread goes on, for all the other children
                log.exception("%s: a call failed", self._name)

    def _kill_children(self) -> None:
        with self._lock:
            children = list(self._children.values())
        for child in children:
            child.send_signal(signal.SIGKILL)

    def _wait_for(self, thread: threading.Thread, timeout: float) -> bool:
        """Wait until the thread has ended; False after ``timeout`` seconds."""
        try:
            self._ended.future.get(timeout)
        except TimeoutError:
            return False
        except RuntimeError as error:  # inside a handler, and no worker can take over: too many wait, or at exit
            log.warning("%s: close holds up all other actors: %s", self._name, error)
        thread.join(timeout)  # after the future only a moment is left of it
        return not thread.is_alive()

    def _collect(self, epoll: select.epoll, ready: list[int]) -> None:
        with self._lock:
            children = [self._children[pidfd] for pidfd in ready]
        if self._before_reap is not None:
            try:
                self._before_reap([child.pid for child in children])
            except Exception:  # the children have ended all the same, and others wait for their statuses
                log.exception("%s: before_reap failed", self._name)
        for pidfd, child in zip(ready, children, strict=True):
            epoll.unregister(pidfd)
            with self._lock:
                del self._children[pidfd]
            child.reap()


def _watch(child: Subprocess, pidfd: int, epoll: select.epoll) -> None:
    """Wait for the end of a child; one that cannot be waited for is ended, for it must not run on unheard of."""
    try:
        epoll.register(pidfd, select.EPOLLIN)
    except OSError:
        child.let_go()
        end_unwatched(child.pid)
        raise
