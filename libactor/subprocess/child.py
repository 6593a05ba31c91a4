"""Child: a program started by ``start``, with its pipes and its status, that ends with its runtime at the latest."""

# Who calls: users; Program (program.py).
# Invariant: nobody but the Child holds our ends of its pipes, so a program whose Child was forgotten, and whose pipes
#   nobody waits for, finds them closed.
# Source: libprocess subprocess.hpp.

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from libactor._core.values import register_immutable
from libactor.context import current_runtime
from libactor.future import Future
from libactor.io.stream import HasDescriptor, Stream, descriptor_of
from libactor.subprocess.children import Children, ManagedProcess, sweep_left
from libactor.subprocess.redirects import Opened, Target
from libactor.subprocess.starting import INHERIT, Identity, Order, end_unwatched, open_pidfd, start_process

if TYPE_CHECKING:
    from libactor.runtime import Runtime

SHELL = "/bin/sh"


@dataclass(frozen=True, slots=True, eq=False)
class Child:
    """A program that was started.

    ``stdin``, ``stdout``, ``stderr`` are our ends of its pipes, None for what is no pipe. ``status`` becomes ready when
    it has ended, with its exit code, or -n if signal n ended it; it fails with ChildProcessError if other code of this
    program took the status. The end of a pipe and that of the program are apart: what it has started may hold the pipe.
    """

    stdin: Stream | None
    stdout: Stream | None
    stderr: Stream | None
    _process: ManagedProcess

    @property
    def pid(self) -> int:
        """Its process id; with a session of its own that of its session and process group too."""
        return self._process.pid

    @property
    def status(self) -> Future[int]:
        """How it ended."""
        return self._process.status

    def send_signal(self, number: int) -> bool:
        """Send signal ``number`` to it alone; False if it has ended. Never reaches another process."""
        return self._process.send_signal(number)

    def signal_group(self, number: int) -> bool:
        """As send_signal, to all processes of its group. Raises: RuntimeError without a session of its own."""
        if not self._process.session:
            raise RuntimeError(f"signal_group: process {self.pid} is in our own group; start it with session=True")
        return self._process.signal_group(number)

    def close(self) -> None:
        """Close our ends of its pipes."""
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()

    def __repr__(self) -> str:
        return f"<Child {self.pid}, {self.status!r}>"


register_immutable(Child)  # it and what it holds may be shared by threads


def start(
    argv: str | Sequence[str | bytes | os.PathLike[str]],
    *,
    stdin: Target = INHERIT,
    stdout: Target = INHERIT,
    stderr: Target = INHERIT,
    environment: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    pass_fds: Iterable[int | HasDescriptor] = (),
    executable: str | None = None,
    identity: Identity | None = None,
    session: bool = True,
    end_group: bool = False,
    detached: bool = False,
    runtime: Runtime | None = None,
) -> Child:
    """Start a program and return when it runs. A text instead of a list is a command line for the shell.

    ``argv[0]`` names it, unless ``executable`` does; a name without a slash is looked for on the PATH of its
    environment. ``environment`` None inherits that of this process, a mapping is all of it. Each stream is INHERIT,
    DEVNULL, PIPE, a path (which is emptied), Append(path), or a descriptor, which stays the caller's; stderr may also
    be STDOUT. Of other descriptors the program has those in ``pass_fds``, under their numbers, and no others.
    ``identity`` None keeps the caller's; files are opened, and the directory ``cwd`` is entered, before it is taken on.

    ``session``: it leads a session and a process group of its own, so a terminal's Ctrl-C does not reach it.
    ``end_group``: what is left of that group when it ends is killed then. With its runtime it is killed, and its group,
    unless it is ``detached``.

    Raises: OSError (FileNotFoundError, PermissionError, …) that says what cannot be started or opened; TypeError and
    ValueError for wrong arguments; RuntimeError in a deterministic runtime; NoRuntime. Cost: about a millisecond.
    """
    children = (runtime or current_runtime("start")).poller.keep(Children)
    sweep_left()
    words = [SHELL, "-c", argv] if isinstance(argv, str) else _check_words(argv)
    if end_group and not session:
        raise ValueError("start: end_group=True is for a group of its own; expected session=True with it")
    passed = _check_passed(pass_fds)
    _check_place("cwd", cwd)
    _check_place("executable", executable)
    if identity is not None and not isinstance(identity, Identity):
        raise TypeError(f"start: identity got {identity!r}, expected an Identity(user, group, groups), or None")
    opened = Opened("start", (stdin, stdout, stderr), children.streams)
    try:
        streams: Any = tuple(opened.streams)
        order = Order(
            "start", words, executable, cwd, _check_environment(environment), streams, identity, bool(session), passed
        )
        pid = start_process(order)
        pidfd = open_pidfd(pid)
        process = ManagedProcess(pid, pidfd, session=session, sweeps=end_group, detached=detached)
        _add(children, process, pidfd)
        opened.started()
    except BaseException:
        opened.abort()
        raise
    return Child(opened.ours[0], opened.ours[1], opened.ours[2], process)


def _add(children: Children, process: ManagedProcess, pidfd: int | None) -> None:
    """Have the process reaped; one that cannot be is ended."""
    if pidfd is None:
        process.lose()
        return
    try:
        children.add(process, pidfd)
    except BaseException:
        process.let_go()
        end_unwatched(process.pid)
        raise


def _check_words(argv: Any) -> list[str | bytes | os.PathLike[str]]:
    if not isinstance(argv, Sequence) or isinstance(argv, (bytes, bytearray)):
        raise TypeError(f"start: got {argv!r}, expected a list of words, or text for the shell")
    for word in argv:
        if not isinstance(word, (str, bytes, os.PathLike)):
            raise TypeError(f"start: got {word!r} among the arguments, expected text, bytes or paths")
    return list(argv)


def _check_environment(environment: Any) -> Mapping[str, str] | None:
    if environment is None:
        return None
    if not isinstance(environment, Mapping):
        raise TypeError(f"start: environment got {environment!r}, expected a mapping of text to text, or None")
    for name, value in environment.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"start: environment got {name!r}: {value!r}, expected text for both")
    return dict(environment)


def _check_place(name: str, path: Any) -> None:
    if path is not None and not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(f"start: {name} got {path!r}, expected a path, or None")


def _check_passed(pass_fds: Any) -> tuple[int, ...]:
    """The numbers, each once. Raises: OSError for a closed one, which would only fail in the child."""
    if not isinstance(pass_fds, Iterable):
        raise TypeError(f"start: pass_fds got {pass_fds!r}, expected several descriptors, as in (7, 8)")
    numbers = sorted({descriptor_of("start: pass_fds", file) for file in pass_fds})
    for number in numbers:
        if number <= 2:
            raise ValueError(
                f"start: pass_fds got {number}, expected 3 or more; say stdin=, stdout= or stderr= instead"
            )
        try:
            fcntl.fcntl(number, fcntl.F_GETFD)
        except OSError as error:
            raise OSError(error.errno, f"start: pass_fds got the descriptor {number}, which is closed") from None
    return tuple(numbers)
