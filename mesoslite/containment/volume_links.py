"""Links to persistent volumes in sandboxes, for containers that have no mounts of their own."""

# Who calls: the containerizers, before a container is started, and when what it holds has changed;
#   isolators/filesystem.py, which mounts volumes, for the owner.
# A link is no bound: that a volume is read only, or elsewhere than in the sandbox, takes filesystem/linux.
# Invariant: no step is made through a link that a task may have put in the sandbox, and only links of ours are removed.
# Source: Mesos src/slave/containerizer/mesos/isolators/filesystem/posix.cpp (update).

import logging
import os
from collections.abc import Iterable

from mesoslite.model import ContainerConfig, InvalidRequest, PersistentVolume

from .isolators.places import make_link, remove_link

log = logging.getLogger("mesoslite")


def link_volumes(config: ContainerConfig, before: Iterable[PersistentVolume] = ()) -> None:
    """Have links to the volumes of ``config`` in its sandbox, and none to others that were there ``before``.

    Raises: InvalidRequest, if something else is in the place of one, or it cannot be had by a link; OSError.
    """
    for volume in config.volumes:
        if volume.is_read_only or volume.container_path.startswith("/"):
            raise InvalidRequest(
                f"launch: the volume at {volume.container_path[:200]!r} is read only, or not in the sandbox; take one "
                "that is neither, or start the agent with --isolation=filesystem/linux"
            )
    for volume in set(before) - set(config.volumes):
        try:
            remove_link(config.sandbox, inner_path(volume), volume.source)
        except (OSError, InvalidRequest) as error:
            log.warning("container %s keeps its link to %s: %s", config.container_id, volume.source, error)
    for volume in config.volumes:
        give_volume(volume, config.sandbox)
        make_link(config.sandbox, inner_path(volume), volume.source)


def inner_path(volume: PersistentVolume) -> str:
    """Where in its sandbox a container sees a volume. Raises: InvalidRequest, if that is nowhere."""
    names = [name for name in volume.container_path.split("/") if name not in ("", ".")]
    path = "/".join(names)
    if not names or ".." in names or "\0" in path:
        raise InvalidRequest(
            f"launch: the volume at {volume.container_path[:80]!r}: expected a path in the sandbox, without '..' or NUL"
        )
    return path


def give_volume(volume: PersistentVolume, sandbox: str) -> None:
    """Have whoever owns the sandbox own a volume, but not what is in it; a shared one that was given to one stays so.

    Raises: OSError, if it is not there.
    """
    owner, now = os.stat(sandbox), os.stat(volume.source)
    if volume.is_shared and now.st_uid != os.geteuid():
        return
    if (now.st_uid, now.st_gid) != (owner.st_uid, owner.st_gid):
        os.chown(volume.source, owner.st_uid, owner.st_gid)
