"""Starting: a program is started, or an error says why not."""

# Who calls: the Reaper (reaper.py) and start (child.py).
# Popen does the start: it uses vfork and reports errors of exec. It must not reap, so it is told at once that the
#   child has ended; else it would also warn when it is collected.

from __future__ import annotations

import enum
import errno
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class Redirect(enum.Enum):
    """What a stream of a program may be, beside a descriptor and a path."""

    PIPE = subprocess.PIPE
    STDOUT = subprocess.STDOUT
    DEVNULL = subprocess.DEVNULL
    INHERIT = None


NOBODY = (1 << 32) - 1  # what the system calls take for "leave it as it is", and so no id
PIPE, STDOUT, DEVNULL, INHERIT = Redirect.PIPE, Redirect.STDOUT, Redirect.DEVNULL, Redirect.INHERIT


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a program runs as: ids of user and group, and of all supplementary groups. Only root can choose them."""

    user: int
    group: int
    groups: tuple[int, ...]

    def __post_init__(self) -> None:
        numbers: tuple[Any, ...] = (self.user, self.group, *self.groups)
        for number in numbers:
            if not isinstance(number, int) or isinstance(number, bool):
                raise TypeError(f"Identity: got {number!r}, expected the number of a user or a group")
            if not 0 <= number < NOBODY:
                raise ValueError(f"Identity: got {number}, expected the number of a user or a group, from 0 on")


@dataclass(frozen=True, slots=True)
class Order:
    """A program to start, and how. ``operation`` is for errors."""

    operation: str
    argv: Sequence[str | bytes | os.PathLike[str]]
    executable: str | None
    cwd: str | os.PathLike[str] | None
    environment: Mapping[str, str] | None
    streams: tuple[int | Redirect, int | Redirect, int | Redirect]
    identity: Identity | None
    session: bool = True
    pass_fds: tuple[int, ...] = ()


def start_process(order: Order) -> int:
    """Start a program; its process id.

    Raises: OSError naming program or directory, and what to do; ValueError for arguments that no program can have.
    """
    if not order.argv:
        program = "" if order.executable is None else f" for {order.executable!r}"
        raise ValueError(f"{order.operation}: got no arguments{program}; expected at least the program's name")
    identity = order.identity
    stdin, stdout, stderr = (entry.value if isinstance(entry, Redirect) else entry for entry in order.streams)
    try:
        process = subprocess.Popen(
            list(order.argv),
            executable=order.executable,
            cwd=order.cwd,
            env=order.environment,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=order.session,
            close_fds=True,
            pass_fds=order.pass_fds,
            user=identity.user if identity is not None else None,
            group=identity.group if identity is not None else None,
            extra_groups=identity.groups if identity is not None else None,
        )
    except OSError as error:
        raise _explained(error, order) from error
    except ValueError as error:  # a zero byte, or text that no file system encoding has
        raise ValueError(f"{_beginning(order)}: {error}; correct its arguments") from error
    process.returncode = 0  # see the note on Popen above
    return process.pid


def open_pidfd(pid: int) -> int | None:
    """The pidfd of a child just started; None if somebody has reaped it already.

    A child that cannot be watched, as when no descriptor is left, is ended, for it must not run on unheard of.
    """
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    except OSError as error:
        end_unwatched(pid)
        raise OSError(
            error.errno,
            f"cannot watch process {pid}, so it was ended: {error.strerror}; close descriptors or allow more",
        ) from None


def end_unwatched(pid: int) -> None:
    """Kill and reap a child that was just started and cannot be watched."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _beginning(order: Order) -> str:
    program = order.executable if order.executable is not None else order.argv[0]
    return f"{order.operation}: cannot start {os.fspath(program)[:200]!r}"


def _explained(error: OSError, order: Order) -> OSError:
    """The same error with a text that says what to do."""
    reason = error.strerror or str(error)
    if order.cwd is not None and error.filename == order.cwd:
        what = f"{order.operation}: cannot enter the directory {os.fspath(order.cwd)!r}"
        return type(error)(error.errno, f"{what}: {reason}; create it")
    if isinstance(error, FileNotFoundError):
        advice = "install the program, or correct its name or its PATH"
    elif error.errno == errno.EPERM:
        advice = "only root can start a program as another user"
    elif isinstance(error, PermissionError):
        advice = "make it an executable file that this user may run"
    else:
        advice = "see that arguments and environment are small enough and that the machine has processes and files free"
    return type(error)(error.errno, f"{_beginning(order)}: {reason}; {advice}")
