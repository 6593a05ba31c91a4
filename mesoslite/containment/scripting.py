"""Scripting: what the supervisor of a container is told, from what that is to be."""

# Who calls: supervised.py, for each launch. What every container needs is stated here; each isolator adds its part, in
#   the order of the list; what is nested in another one is told which of its namespaces to be in.

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

from mesoslite.model import Conflict

from .accounts import give_sandbox
from .asked import terminal_size, wants_streams
from .container_directory import ContainerDirectory
from .program import program_of
from .script import Namespace, Script
from .volume_links import link_volumes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mesoslite.model import ContainerConfig, ContainerID

    from .isolators.isolator import Isolator
    from .log_rotation import LogRotation

_NO_BOUND = 2**63  # bytes of a file


class Scripting:
    """For one containerizer; ``has_mounts``: volumes are mounted, by an isolator."""

    def __init__(
        self,
        runtime_directory: str,
        isolators: Sequence[Isolator],
        *,
        has_mounts: bool,
        open_files: tuple[int, int] | None,
        rotation: LogRotation | None,
        environment: Mapping[str, str] | None,
    ) -> None:
        self._directory = runtime_directory
        self._isolators = isolators
        self._has_mounts = has_mounts
        self._open_files = open_files
        self._rotation = rotation
        self._environment = environment

    def script(self, config: ContainerConfig, outer: ContainerConfig | None) -> bytes:
        """What the supervisor of a container is told, which is nested in ``outer``.

        Raises: OSError, NotFound, InvalidRequest; Conflict, if that has not started yet.
        """
        program, script = program_of(config, self._environment), Script()
        account = program.account
        identity = account.identity if account is not None else None
        owner = (identity.user, identity.group) if identity is not None else None
        if account is not None:
            give_sandbox(config.sandbox, account)
        if self._open_files is not None:
            script.limit(resource.RLIMIT_NOFILE, *self._open_files)
        if not self._has_mounts:
            link_volumes(config)
        for isolator in self._isolators:
            if isolator.is_for_debug or not config.is_debug:
                isolator.prepare(config, script)
        if outer is not None:
            self._join(outer.container_id, config, script)
        script.read(0, "/dev/null")
        self._state_output(config, script, owner)
        if wants_streams(config):
            script.attach(terminal_size(config), owner)
        script.enter(outer.sandbox if outer is not None and config.is_debug else config.sandbox)
        if identity is not None:
            script.user(identity.user, identity.group, identity.groups)
        try:
            script.environment(program.variables)
            script.command(program.file, program.arguments)
            return script.render()
        except ValueError as error:
            raise OSError(f"launch: cannot start {program.file[:200]!r}: {error}; correct its arguments") from error

    def _state_output(self, config: ContainerConfig, script: Script, owner: tuple[int, int] | None) -> None:
        """Raises: InvalidRequest."""
        if self._rotation is None and wants_streams(config):
            for descriptor in (1, 2):
                script.rotate(descriptor, config.sandbox, owner, _NO_BOUND, 0)
        elif self._rotation is None:
            script.append(1, f"{config.sandbox}/stdout", owner)
            script.append(2, f"{config.sandbox}/stderr", owner)
        else:
            rotation = self._rotation.of(config.command.environment)
            for descriptor, each in enumerate((rotation.stdout, rotation.stderr), start=1):
                script.rotate(descriptor, config.sandbox, owner, each.bytes_max, each.files)

    def _join(self, outer_id: ContainerID, config: ContainerConfig, script: Script) -> None:
        """Have it be in the namespaces of its parent that it is to share: all, for a debug one."""
        if config.is_debug:
            script.share(Namespace(sum(Namespace)))
        if not script.shared:
            return
        pids = ContainerDirectory(self._directory, outer_id).read_pid()
        if pids is None or pids[1] is None:
            raise Conflict(f"launch: container {outer_id!r} has not started yet, so nothing can enter it; ask again")
        script.join_namespaces(pids[1])
