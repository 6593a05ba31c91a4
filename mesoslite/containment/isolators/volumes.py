"""Volumes of a container: directories or files of this machine, of its own sandbox, or persistent ones."""

# Who calls: filesystem.py.
# Source: Mesos src/slave/containerizer/mesos/isolators/volume/host_path.cpp, sandbox_path.cpp, include/mesos/v1/
#   mesos.proto (Volume).

import os
from dataclasses import dataclass

from mesoslite.containment.asked import asked
from mesoslite.containment.script import Place
from mesoslite.containment.volume_links import give_volume, inner_path
from mesoslite.model import ContainerConfig, PersistentVolume, parent_of
from mesoslite.model.fields import Fields

from .places import make_directory


@dataclass(frozen=True, slots=True)
class Volume:
    """``source`` is found at ``path`` in the container; a relative path is in the sandbox."""

    source: Place
    is_directory: bool
    path: str
    is_read_only: bool


def read_volumes(config: ContainerConfig) -> list[Volume]:
    """The volumes that a container asks for; those of its own sandbox are made, persistent ones become its own.

    Raises: InvalidRequest, if there is no such directory or file, or if it is of a kind that agents do not have.
    """
    return [
        *[_read(volume, config) for volume in asked(config).messages("volumes")],
        *[_persistent(volume, config) for volume in config.volumes],
    ]


def _persistent(volume: PersistentVolume, config: ContainerConfig) -> Volume:
    path = inner_path(volume)
    give_volume(volume, config.sandbox)
    is_absolute = volume.container_path.startswith("/")
    return Volume(Place(volume.source), True, f"/{path}" if is_absolute else path, volume.is_read_only)


def _read(volume: Fields, config: ContainerConfig) -> Volume:
    path = volume.text("container_path")
    if not path or ".." in path.split("/") or "\0" in path:
        raise volume.invalid("container_path", f"got {path[:80]!r}, expected a path without '..' or NUL")
    source = _source(volume, config)
    is_directory = bool(source.path) or os.path.isdir(source.top)
    return Volume(source, is_directory, path, volume.text("mode", "RW") == "RO")


def _source(volume: Fields, config: ContainerConfig) -> Place:
    if volume.has("host_path"):
        return _host_path(volume, "host_path", config)
    if volume.has("image"):
        raise volume.invalid("image", "images as volumes are honoured by no agent yet; leave it out")
    source = volume.message_or_empty("source")
    kind = source.text("type", "")
    if kind == "HOST_PATH":
        return _host_path(source.message("host_path"), "path", config)
    if kind == "SANDBOX_PATH":
        return _sandbox_path(source.message("sandbox_path"), config)
    if kind:
        raise source.invalid("type", f"got {kind[:80]!r}, and agents have HOST_PATH and SANDBOX_PATH only")
    return _made(config.sandbox, _inner(volume, "container_path"))  # as in Mesos: a directory of the sandbox


def _host_path(fields: Fields, name: str, config: ContainerConfig) -> Place:
    path = fields.text(name)
    if not path.startswith("/"):
        return _made(config.sandbox, _inner(fields, name))
    if not os.path.exists(path):
        raise fields.invalid(name, f"this machine has no {path[:200]!r}; make it, or name another")
    return Place(path)


def _sandbox_path(fields: Fields, config: ContainerConfig) -> Place:
    kind, path = fields.text("type", "SELF"), _inner(fields, "path")
    if kind == "SELF":
        return _made(config.sandbox, path)
    if kind != "PARENT" or config.parent is None or parent_of(config.container_id) is not None:
        raise fields.invalid("type", f"got {kind[:80]!r}, expected SELF, or PARENT in a task of a group")
    above, below = os.path.split(os.path.dirname(config.sandbox))  # <sandbox of the parent>/containers/<this>
    if path.split("/")[0] == below:
        raise fields.invalid("path", f"got {path[:80]!r}, where the sandboxes of other tasks are; name another")
    return _made(above, path)


def _inner(fields: Fields, name: str) -> str:
    path = fields.text(name)
    names = [each for each in path.split("/") if each not in ("", ".")]
    if not names or ".." in names or "\0" in path:
        raise fields.invalid(name, f"got {path[:80]!r}, expected a path in the sandbox, without '..' or NUL")
    return "/".join(names)


def _made(sandbox: str, path: str) -> Place:
    """The directory ``path`` of a sandbox, owned as that is."""
    owner = os.stat(sandbox)
    return make_directory(sandbox, path, owner=(owner.st_uid, owner.st_gid))
