"""Redirects: where the streams of a program lead, opened just before it starts."""

# Who calls: start (child.py).
# Invariant: what is opened here for the program is closed here once it has started, or could not be; what the caller
#   gave stays open. Nothing of it is inherited by another program that is started meanwhile.
# A named pipe is opened only if somebody has it open at its other side: else the opening would wait, or the program
#   would find the end of its input before anybody has written.
# Our end of a pipe does not block; that of the program does, as programs expect. Each is an open file of its own.

from __future__ import annotations

import errno
import os
import reprlib
import select
import stat
from dataclasses import dataclass
from typing import Any

from libactor.io.operations import look
from libactor.io.stream import HasDescriptor, Stream, Streams, descriptor_of, own_descriptor
from libactor.subprocess.starting import PIPE, STDOUT, Redirect

NAMES = ("stdin", "stdout", "stderr")
_NOBODY = (
    "nobody has the other side of this named pipe open; let its other side be opened first, or give a descriptor of "
    "your own"
)


@dataclass(frozen=True, slots=True)
class Append:
    """A file that a program writes to behind what is there; a path alone means a file that is emptied first."""

    path: str | os.PathLike[str]


Target = Redirect | int | HasDescriptor | str | os.PathLike[str] | Append


class Opened:
    """The three streams of one program, as it gets them; ``ours`` are our ends of pipes, None for the others."""

    def __init__(self, operation: str, targets: tuple[Target, Target, Target], streams: Streams) -> None:
        self.streams: list[int | Redirect] = []
        self.ours: list[Stream | None] = []
        self._keeper = streams
        self._theirs: list[int] = []  # to be closed when the program has them
        try:
            for name, target in zip(NAMES, targets, strict=True):
                self._open(operation, name, target)
        except BaseException:
            self.abort()
            raise

    def started(self) -> None:
        """The program has them: close those that are its alone."""
        while self._theirs:
            os.close(self._theirs.pop())

    def abort(self) -> None:
        """There is no program: close everything."""
        self.started()
        for stream in self.ours:
            if stream is not None:
                stream.close()
        self.ours.clear()

    def _open(self, operation: str, name: str, target: Any) -> None:
        ours: Stream | None = None
        if target is PIPE:
            target, ours = self._open_pipe(operation, name)
        elif isinstance(target, (str, os.PathLike, Append)):
            target = self._open_file(operation, name, target)
        elif isinstance(target, int) or hasattr(target, "fileno"):
            target = descriptor_of(f"{operation}: {name}", target)
        elif not isinstance(target, Redirect):
            raise TypeError(
                f"{operation}: {name} got {reprlib.repr(target)}, expected a descriptor, an object with a fileno(), a "
                "path, Append(path), PIPE, DEVNULL or INHERIT; bytes for a program are written to a PIPE"
            )
        elif target is STDOUT and name != "stderr":
            raise ValueError(f"{operation}: {name} got STDOUT, which is for stderr alone")
        self.streams.append(target)
        self.ours.append(ours)

    def _open_pipe(self, operation: str, name: str) -> tuple[int, Stream]:
        try:
            reads, writes = os.pipe()
        except OSError as error:
            raise OSError(
                error.errno,
                f"{operation}: cannot make a pipe for {name}: {error.strerror}; close descriptors or allow more",
            ) from None
        theirs, ours = (reads, writes) if name == "stdin" else (writes, reads)
        self._theirs.append(theirs)
        stream = own_descriptor(ours, self._keeper, pipe=name)
        os.set_blocking(ours, False)
        return theirs, stream

    def _open_file(self, operation: str, name: str, target: str | os.PathLike[str] | Append) -> int:
        path = os.fspath(target.path if isinstance(target, Append) else target)
        if name != "stdin":
            flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if isinstance(target, Append) else os.O_TRUNC)
        elif isinstance(target, Append):
            raise ValueError(f"{operation}: stdin got {target!r}, expected a path to read from")
        else:
            flags = os.O_RDONLY
        try:
            descriptor = _open(path, flags | os.O_CLOEXEC)
        except OSError as error:
            reason = error.strerror if error.strerror == _NOBODY else f"{error.strerror}; correct the path or its mode"
            raise type(error)(error.errno, f"{operation}: cannot open {path!r} as {name}: {reason}") from None
        except ValueError as error:  # a zero byte
            raise ValueError(f"{operation}: cannot open {path!r} as {name}: {error}; correct the path") from None
        self._theirs.append(descriptor)
        return descriptor


def _open(path: str | bytes, flags: int) -> int:
    """As os.open, but never waits: for a named pipe that nobody has open at its other side it raises OSError."""
    try:
        waits = stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:  # it is to be made, or os.open says what is wrong
        waits = False
    if not waits:
        return os.open(path, flags, 0o666)
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK)
    except OSError as error:
        raise OSError(error.errno, _NOBODY if error.errno == errno.ENXIO else error.strerror) from None
    try:
        if flags & os.O_ACCMODE == os.O_RDONLY and not _has_writer(path, descriptor):
            raise OSError(errno.ENXIO, _NOBODY)
        os.set_blocking(descriptor, True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _has_writer(path: str | bytes, reader: int) -> bool:
    """Whether somebody has the named pipe open to write; True too if we may not, and so cannot find out."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))  # if it is the last, that is a hang-up
    except PermissionError:
        return True
    return not look(reader, select.POLLIN) & select.POLLHUP
