"""Persistent volumes: the directories of an agent that outlive the tasks whose data is in them."""

# Who calls: operations.py, when one makes or destroys volumes; parts.py, when the agent begins; commands.py and
#   executors/ for what a container is to see; all inside the agent actor.
# Layout: <work directory>/volumes/roles/<role>/<persistence id>, as in Mesos; the slashes of a role are spaces there,
#   which roles have none of. On a disk of type PATH it is the same below its root, one of type MOUNT is the volume.
# What is destroyed is moved to <...>/volumes/removed/<any>/<role>/<id> before that is written down, and is removed
#   after it, in a thread: so what the books say is there also if the agent was killed in between, and a volume of the
#   same name can be made at once. What is on a disk of type MOUNT is removed in place, after it is written down.
# Invariant: no id, which a user may have chosen, leads out of ``volumes`` (validate_id), and nobody but the agent can
#   write to the directories above a volume.
# Source: Mesos src/slave/paths.cpp (getPersistentVolumePath), src/slave/slave.cpp (syncCheckpointedResources).

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mesoslite.model import InvalidRequest, PersistentVolume, validate_id
from mesoslite.model.kinds import DiskType, VolumeMode
from mesoslite.model.removal import clear_directory, remove_tree

from .sandbox import let_pass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mesoslite.model import Resources
    from mesoslite.model.kinds import Kind

log = logging.getLogger("mesoslite")

VOLUMES = "volumes"
REMOVED = "removed"


class Volumes:
    """The volumes of an agent at ``work_directory``.

    ``do(function, then)`` has a function called in a thread, and ``then`` in the actor, with what it returns.
    ``new_name`` makes a name that no other is like.
    """

    def __init__(
        self,
        work_directory: str,
        *,
        do: Callable[[Callable[[], object], Callable[[object], None]], None],
        new_name: Callable[[], str],
    ) -> None:
        self._directory = work_directory
        self._do = do
        self._new_name = new_name

    def path(self, kind: Kind) -> str:
        """Where a volume is. Raises: InvalidRequest, if it can have no place."""
        persistence = kind.persistence
        assert persistence is not None
        validate_id("persistence", persistence.id)
        if self._is_mount(kind):
            return self._top(kind)
        return f"{self._top(kind)}/{VOLUMES}/roles/{_role_name(kind)}/{persistence.id}"

    def recover(self, total: Resources, *, clears: bool) -> None:
        """Have those of ``total`` there; ``clears``: remove what was destroyed, by what the books say.

        Raises: OSError, InvalidRequest.
        """
        there = {self.path(kind): kind for kind in _volumes(total)}
        if clears:
            for top in sorted({self._directory, *[self._top(kind) for kind in there.values()]}):
                self._clear(top, there)
        for path, kind in there.items():
            if not os.path.isdir(path):
                log.warning("volumes: %s of the agent was not there, and is made anew", path)
                self._make(path, kind)

    def convert(self, before: Resources, after: Resources) -> Callable[[], None]:
        """Make the volumes that are in ``after`` only, and set aside those in ``before`` only, all or none.

        Call what is returned once that is written down. Raises: OSError, InvalidRequest.
        """
        old, new = ({self.path(kind): kind for kind in _volumes(each)} for each in (before, after))
        cleared: list[Callable[[], None]] = []
        with contextlib.ExitStack() as undo:
            for path in new.keys() - old.keys():
                self._make(path, new[path])
                if not self._is_mount(new[path]):
                    undo.callback(_remove_empty, path)
            for path in old.keys() - new.keys():
                cleared += [self._set_aside(path, old[path], undo)]
            undo.pop_all()

        def clear_all() -> None:
            for clear in cleared:
                clear()

        return clear_all

    def of(self, resources: Resources) -> tuple[PersistentVolume, ...]:
        """Those among ``resources``, as a container sees them. Raises: InvalidRequest."""
        if not resources.others:
            return ()
        return tuple([self._seen(kind) for kind in _volumes(resources)])

    def _seen(self, kind: Kind) -> PersistentVolume:
        volume = kind.disk.volume if kind.disk is not None else None
        if volume is None:
            raise InvalidRequest(f"volume {self.path(kind)} has no place in the container; set disk.volume")
        is_read_only = volume.mode is VolumeMode.RO
        return PersistentVolume(self.path(kind), volume.container_path, is_read_only, kind.shared)

    # ---- one volume ----

    def _make(self, path: str, kind: Kind) -> None:
        """Raises: OSError, also if there is something in it."""
        if self._is_mount(kind):
            if os.listdir(path):
                raise InvalidRequest(f"volume {path} is not empty; remove what is in it, or have the disk cleared")
            return
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:  # tasks of other users are to get there
            for directory in (Path(path).parent, *Path(path).parents[1:4]):  # to the top
                let_pass(str(directory))
        try:
            os.mkdir(path)
        except FileExistsError:
            if os.listdir(path):
                raise InvalidRequest(
                    f"volume {path} is there, and is not empty; move what is in it away, or take another id"
                ) from None

    def _set_aside(self, path: str, kind: Kind, undo: contextlib.ExitStack) -> Callable[[], None]:
        """Return what clears it for good."""
        if self._is_mount(kind):
            return lambda: _clear_mount(path)
        assert kind.persistence is not None
        aside = f"{self._top(kind)}/{VOLUMES}/{REMOVED}/{self._new_name()}"
        moved = f"{aside}/{_role_name(kind)}/{kind.persistence.id}"
        os.makedirs(os.path.dirname(moved), mode=0o700)
        undo.callback(remove_tree, aside)
        try:
            os.rename(path, moved)
        except FileNotFoundError:
            log.warning("volumes: %s was not there any more", path)
        else:
            undo.callback(os.rename, moved, path)  # first
        return lambda: self._remove_later(aside)

    def _clear(self, top: str, there: dict[str, Kind]) -> None:
        """Remove what was set aside; what is a volume yet, for that was not written down, gets its place again."""
        removed = Path(top, VOLUMES, REMOVED)
        for moved in sorted(removed.glob("*/*/*")):
            path = f"{top}/{VOLUMES}/roles/{moved.parent.name}/{moved.name}"
            if path in there and not os.path.lexists(path):
                os.makedirs(os.path.dirname(path), exist_ok=True)
                os.rename(moved, path)
        for aside in sorted(removed.glob("*")):
            self._remove_later(str(aside))

    def _remove_later(self, path: str) -> None:
        self._do(lambda: _remove(path), _tell)

    # ---- its place ----

    def _is_mount(self, kind: Kind) -> bool:
        source = kind.disk.source if kind.disk is not None else None
        return source is not None and source.type is DiskType.MOUNT

    def _top(self, kind: Kind) -> str:
        source = kind.disk.source if kind.disk is not None else None
        if source is None:
            return self._directory
        if source.type not in (DiskType.PATH, DiskType.MOUNT) or source.root is None:
            raise InvalidRequest(
                f"volume on a disk of type {source.type.name} without a directory; make it on one of type PATH or "
                "MOUNT with a root"
            )
        return os.path.join(self._directory, source.root)


def _volumes(resources: Resources) -> Iterator[Kind]:
    """The kind of each volume of this agent itself."""
    for portion in resources.others:
        if portion.kind.persistence is not None and portion.kind.provider_id is None:
            yield portion.kind


def _role_name(kind: Kind) -> str:
    return kind.role.replace("/", " ")


def _remove(path: str) -> str:
    """Remove a directory; what was wrong."""
    try:
        remove_tree(path)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{path} was not removed, and is tried again when the agent starts next: {error}"
    return ""


def _tell(problem: object) -> None:
    if problem:
        log.error("volumes: %s", problem)


def _clear_mount(path: str) -> None:
    try:
        clear_directory(path)
    except OSError as error:
        log.error("volumes: what is in %s was not removed: %s", path, error)


def _remove_empty(path: str) -> None:
    with contextlib.suppress(OSError):
        os.rmdir(path)
