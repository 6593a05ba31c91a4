"""Containerizers: which one an agent has, and what it keeps its containers apart with."""

# Who calls: nodes.py.
# Invariant: what is asked for is checked when the options are made, against this machine as it is then; nothing of the
#   machine is changed before ``make_containerizer``.

from __future__ import annotations

import errno
import os
import resource
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mesoslite.containment import FetcherOptions, PosixContainerizer, SupervisedContainerizer
from mesoslite.containment.isolation import (
    DEFAULT,
    IsolationOptions,
    isolation_attributes,
    make_isolators,
    parse_isolation,
)
from mesoslite.containment.machine import Machine, look_at_machine
from mesoslite.containment.supervisors import supervisor_problem
from mesoslite.model import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesoslite.containment.log_rotation import LogRotation
    from mesoslite.model import Attribute

LAUNCHERS = ("supervisor", "posix")


@dataclass(frozen=True, slots=True)
class ContainmentOptions:
    """As the flags of those names: ``launcher`` None is the supervisor where it was built, else posix.

    ``runtime_dir`` None is ``runtime`` in the work directory, ``rotation`` None is no bound for output,
    ``environment`` None is the agent's own.
    Raises: InvalidRequest, for what this machine has not.
    """

    launcher: str | None = None
    isolation: str = ",".join(DEFAULT)
    runtime_dir: str | None = None
    isolators: IsolationOptions = field(default_factory=IsolationOptions)
    rotation: LogRotation | None = None
    fetcher: FetcherOptions = field(default_factory=FetcherOptions)
    environment: Mapping[str, str] | None = None
    names: tuple[str, ...] = field(init=False)  # of the isolators, in their order
    machine: Machine = field(init=False)

    def __post_init__(self) -> None:
        """Look at the machine, and check what is asked for."""
        object.__setattr__(self, "machine", look_at_machine())
        object.__setattr__(self, "names", parse_isolation(self.isolation, self.machine))
        if self.launcher not in (None, *LAUNCHERS):
            raise InvalidRequest(f"--launcher: got {self.launcher!r}, expected one of {', '.join(LAUNCHERS)}")
        problem = supervisor_problem()
        if self.launcher == "supervisor" and problem is not None:
            raise InvalidRequest(f"--launcher: {problem}")
        if not self.has_supervisors and set(self.names) - set(DEFAULT):
            needy = sorted(set(self.names) - set(DEFAULT))
            need, them = ("needs", "it") if len(needy) == 1 else ("need", "them")
            raise InvalidRequest(
                f"--isolation: {', '.join(needy)} {need} --launcher=supervisor, which this agent has not; "
                f"leave {them} out"
            )

        if not self.has_supervisors and self.rotation is not None:
            raise InvalidRequest(
                "--container-logger: logrotate needs --launcher=supervisor, which this agent has not; leave it out"
            )

    @property
    def has_supervisors(self) -> bool:
        """Whether containers have supervisors."""
        return self.launcher == "supervisor" or (self.launcher is None and supervisor_problem() is None)

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """What an agent says of it, if any isolation was asked for."""
        return isolation_attributes(self.names, self.machine) if set(self.names) - set(DEFAULT) else ()


def make_containerizer(options: ContainmentOptions, work_dir: Path) -> PosixContainerizer | SupervisedContainerizer:
    """The containerizer of an agent whose sandboxes are below ``work_dir``. Raises: OSError, InvalidRequest."""
    if not options.has_supervisors:
        return PosixContainerizer(options.environment)
    runtime = Path(options.runtime_dir or work_dir / "runtime").absolute()
    if options.runtime_dir is None:
        make_directory(work_dir, "--work-dir")
    make_directory(runtime, "--runtime-dir" if options.runtime_dir is not None else "")
    isolators = make_isolators(options.names, options.machine, str(runtime), options.isolators)
    return SupervisedContainerizer(
        str(runtime),
        isolators,
        open_files=_allow_open_files(),
        rotation=options.rotation,
        environment=options.environment,
    )


def make_directory(path: Path, option: str) -> None:
    """Make a directory that the agent can use, unless there is one. Raises: OSError, which names the option of it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{option} {path}".strip()) from error


def _allow_open_files() -> tuple[int, int]:
    """Have this program open as many files as it may, for it needs one for each container; the limits until then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft, hard
