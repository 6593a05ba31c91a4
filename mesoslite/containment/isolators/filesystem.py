"""filesystem/linux: mounts of its own for each container: a private /tmp, volumes, and a root if it asks for one."""

# A container with an image gets the directory of that name below the agent's directory of images as its root, with a
#   layer of its own on top, so that it may change all and no other container sees it. Its sandbox is there under the
#   path that it has outside, so that nothing it was told of it is wrong, and under /mnt/mesos/sandbox as in Mesos.
#   Directories that lead there are in memory from the first on that the image lacks: to make and remove each of a
#   dozen on a disk took more than all the mounts.
#   What it has of this machine is only read: its devices, files of /etc, and what in /proc is not of processes.
# Others see this machine's files, but for /tmp, which is a directory of their sandbox.
# Invariant: every mount is made in the container's own namespace, by its own process, and goes with it: the agent's
#   mount table does not grow with containers, and is never looked at.
# Source: Mesos src/slave/containerizer/mesos/isolators/filesystem/linux.cpp, src/linux/fs.cpp (chroot::enter),
#   mount_namespaces(7), Linux Documentation/filesystems/overlayfs.rst.

import logging
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from mesoslite.containment.asked import asked
from mesoslite.containment.script import MountFlag, Namespace, Place, Script
from mesoslite.model import ContainerConfig, ContainerID, InvalidRequest
from mesoslite.model.removal import remove_tree

from .places import make_directory, make_file
from .plain import PlainIsolator
from .removals import Removals
from .volumes import Volume, read_volumes

log = logging.getLogger("mesoslite")

SANDBOX = "/mnt/mesos/sandbox"
_QUIET = MountFlag.NO_SUID | MountFlag.NO_DEVICES | MountFlag.NO_EXECUTION
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
_HOST_FILES = ("/etc/resolv.conf", "/etc/hosts")
_OF_MACHINE = ("bus", "fs", "irq", "sys", "sysrq-trigger")  # in /proc: root may change them without any capability


class FilesystemLinux(PlainIsolator):
    """``images`` has a root file system for each image, by its name; ``scratch`` keeps what containers change there."""

    name = "filesystem/linux"

    def __init__(self, scratch: Path, images: Path | None = None) -> None:
        self._scratch = scratch
        self._images = images
        self._removals = Removals(_remove)

    def recover(self, supervisors: Mapping[ContainerID, int]) -> None:
        """Remove what containers that have gone have changed."""
        if self._scratch.is_dir():
            for path in self._scratch.iterdir():
                if path.name not in supervisors:
                    _remove(str(path))

    def cleanup(self, container_id: ContainerID) -> None:
        """Have what it has changed of its root removed soon, at the latest when this is closed."""
        path = self.changes(container_id)
        if os.path.lexists(path):
            self._removals.add(path)

    def close(self) -> None:
        """Remove what is still to be removed."""
        self._removals.close()

    def changes(self, container_id: ContainerID) -> str:
        """The directory of what a container changes of its root, if it has one of its own."""
        return f"{self._scratch}/{container_id}"

    def root(self, config: ContainerConfig) -> str:
        """Where the root of a container is while its mounts are made; "" for this machine's."""
        return f"{self.changes(config.container_id)}/root" if _image_name(config) is not None else ""

    def prepare(self, config: ContainerConfig, script: Script) -> None:
        """State its mounts."""
        script.namespaces(Namespace.MOUNT)
        script.mount("", "/", "", MountFlag.RECURSIVE | MountFlag.SLAVE)
        volumes = read_volumes(config)
        name = _image_name(config)
        if name is None:
            self._share_root(config, script, volumes)
        else:
            self._change_root(config, script, volumes, self._image(name))

    def _image(self, name: str) -> Path:
        if self._images is None:
            raise InvalidRequest(f"launch: the image {name!r} is not here: the agent has no --images-dir")
        path = self._images / name
        if name.startswith("/") or ".." in name.split("/") or not path.is_dir():
            raise InvalidRequest(
                f"launch: there is no image {name!r} in {self._images}; put its root file system there"
            )
        return path

    def _share_root(self, config: ContainerConfig, script: Script, volumes: list[Volume]) -> None:
        """What is mounted below /tmp comes before what makes /tmp another directory: sources may be there as well."""
        temporary = make_directory(config.sandbox, "tmp", mode=0o1777)
        for volume in volumes:
            path = volume.path
            if not path.startswith("/"):
                target = _place_in(config.sandbox, path, volume)
            elif path.startswith("/tmp/"):
                target = _place_in(config.sandbox, path.strip("/"), volume)
            elif os.path.exists(path):
                target = Place(path)
            else:
                raise InvalidRequest(
                    f"launch: the volume {path[:200]!r} has no place, as this machine has no such path; make it, "
                    "name one that is relative to the sandbox, or give the container an image"
                )
            script.bind(volume.source, target, is_read_only=volume.is_read_only)
        if any(volume.path == "/tmp" for volume in volumes):
            return
        sandbox = os.path.realpath(config.sandbox)
        if sandbox.startswith("/tmp/"):
            script.bind(Place(config.sandbox), make_directory(config.sandbox, sandbox.strip("/")))
        script.bind(temporary, Place("/tmp"))

    def _change_root(self, config: ContainerConfig, script: Script, volumes: list[Volume], image: Path) -> None:
        self._scratch.mkdir(parents=True, exist_ok=True)
        self._scratch.chmod(0o700)  # or others could start what a container's root lets run as root
        base = self.changes(config.container_id)
        self._removals.await_gone(base)  # of one of the same name before it
        for path in (base, f"{base}/root", f"{base}/upper", f"{base}/work"):
            os.mkdir(path)
        layer = _Layer(f"{image}", f"{base}/upper", covers=("/dev",))
        layers = (("lowerdir", f"{image}"), ("upperdir", f"{base}/upper"), ("workdir", f"{base}/work"))
        root = f"{base}/root"
        script.mount("overlay", root, "overlay", data=",".join([f"{name}={_escaped(path)}" for name, path in layers]))
        _state_system(script, root, layer)
        for volume in volumes:
            if volume.path.startswith("/"):
                layer.place(volume.path, is_directory=volume.is_directory)
                target = Place(root, volume.path.strip("/"))
            else:
                target = _place_in(config.sandbox, volume.path, volume)
            script.bind(volume.source, target, is_read_only=volume.is_read_only)
        for path in (config.sandbox, SANDBOX):
            _state_way(script, root, layer, path)
            script.bind(Place(config.sandbox), Place(root, path.strip("/")))
        script.root(root)


class _Layer:
    """The changes ``upper`` that lie over ``image``: where places are made to mount at, without following its links.

    What the image has as it is to be is not made again: all that is made has to be removed. ``covers`` are directories
    on which another file system is mounted, so that nothing of the layer is seen below.
    """

    def __init__(self, image: str, upper: str, covers: Iterable[str]) -> None:
        self._image = image
        self._upper = upper
        self.covers = list(covers)

    def lacking(self, path: str) -> str:
        """The first of the directories on the way to ``path`` that there is not; "" if there are all."""
        way = self._way(path)
        return next((step for step, is_there in way if not is_there and not _is_directory(self._upper + step)), "")

    def make(self, path: str, mode: int = 0o755) -> None:
        """Have a directory at ``path``; one of the image keeps its mode."""
        if self.lacking(path):
            self._make(path, mode)

    def place(self, path: str, *, is_directory: bool) -> None:
        """Have what a directory, or a file, can be mounted over."""
        if is_directory:
            self.make(path)
            return
        above = path.rpartition("/")[0]
        is_there = all(is_there for _, is_there in self._way(above)) and _has(self._image + path, stat.S_ISREG)
        if not is_there:
            self._make(above, 0o755)
            Path(self._upper + path).touch()

    def _way(self, path: str) -> Iterator[tuple[str, bool]]:
        """The directories on the way to ``path``, the outermost first, and whether the image has them."""
        is_there = True
        for step in _steps(path):
            is_there = is_there and _is_directory(self._image + step)
            yield step, is_there

    def _make(self, path: str, mode: int) -> None:
        for step, is_there in self._way(path):
            made, below = self._upper + step, self._image + step
            if _is_directory(made):
                continue
            os.mkdir(made)
            if is_there:
                shutil.copystat(below, made)
                os.chown(made, os.stat(below).st_uid, os.stat(below).st_gid)
            else:
                os.chmod(made, mode)


def _state_system(script: Script, root: str, layer: _Layer) -> None:
    """/proc, /sys and /dev as programs expect them, and how names are looked up."""
    for name in ("proc", "sys", "dev"):
        layer.make(name)
    layer.make("tmp", 0o1777)
    mount_processes(script, root)
    script.mount("sysfs", f"{root}/sys", "sysfs", _QUIET | MountFlag.READ_ONLY)
    script.mount("tmpfs", f"{root}/dev", "tmpfs", MountFlag.NO_SUID | MountFlag.NO_EXECUTION, "mode=755,size=64k")
    for name in _DEVICES:
        script.make_file(f"{root}/dev/{name}", 0o666)
        script.bind(Place(f"/dev/{name}"), Place(root, f"dev/{name}"), is_read_only=True)
    for name in ("pts", "shm"):
        script.make_directory(f"{root}/dev/{name}")
    flags = MountFlag.NO_SUID | MountFlag.NO_EXECUTION
    script.mount("devpts", f"{root}/dev/pts", "devpts", flags, "newinstance,ptmxmode=0666,mode=620,gid=5")
    script.mount("shm", f"{root}/dev/shm", "tmpfs", MountFlag.NO_SUID | MountFlag.NO_DEVICES, "mode=1777")
    script.make_link("pts/ptmx", f"{root}/dev/ptmx")
    for name, target in _LINKS.items():
        script.make_link(target, f"{root}/dev/{name}")
    for path in _HOST_FILES:
        if os.path.isfile(path):
            layer.place(path, is_directory=False)
            script.bind(Place(path), Place(root, path.strip("/")), is_read_only=True)


def mount_processes(script: Script, root: str) -> None:
    """/proc, below a root of its own, or "" for this machine's: below its own it only reads what is the machine's."""
    script.mount("proc", f"{root}/proc", "proc", _QUIET)
    for name in _OF_MACHINE if root else ():
        if os.path.exists(f"/proc/{name}"):
            place = Place(f"{root}/proc/{name}")
            script.bind(place, place, is_read_only=True)


def _state_way(script: Script, root: str, layer: _Layer, path: str) -> None:
    """Have a directory at ``path``. What the image lacks of the way there is in memory, and goes without a removal."""
    cover = next((each for each in layer.covers if path.startswith(f"{each}/")), None)
    if cover is None:
        cover = layer.lacking(path)
        if cover in ("", path):
            layer.make(path)
            return
        layer.make(cover)
        layer.covers.append(cover)
        script.mount("tmpfs", root + cover, "tmpfs", _QUIET, "mode=755,size=64k")
    for step in _steps(path.removeprefix(cover)):
        script.make_directory(root + cover + step)


def _steps(path: str) -> Iterator[str]:
    """The directories on the way to ``path``, itself the last."""
    step = ""
    for name in filter(None, path.split("/")):
        step += f"/{name}"
        yield step


def _is_directory(path: str) -> bool:
    return _has(path, stat.S_ISDIR)


def _has(path: str, is_kind: Callable[[int], bool]) -> bool:
    """Whether there is something of that kind, which no link is."""
    try:
        return is_kind(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _place_in(directory: str, path: str, volume: Volume) -> Place:
    """What a volume can be mounted over, at ``path`` below a directory."""
    return make_directory(directory, path) if volume.is_directory else make_file(directory, path)


def _remove(path: str) -> None:
    try:
        remove_tree(path)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("filesystem/linux: %s was not removed: %s", path, error)


def _image_name(config: ContainerConfig) -> str | None:
    mesos = asked(config).message_or_empty("mesos")
    if not mesos.has("image"):
        return None
    image = mesos.message("image")
    kind = image.text("type", "")
    if kind not in ("APPC", "DOCKER"):
        raise image.invalid("type", f"got {kind[:80]!r}, expected APPC or DOCKER")
    return image.message(kind.lower()).text("name")


def _escaped(path: str) -> str:
    """A path in the options of an overlay, where colons and commas part others."""
    return "".join([f"\\{each}" if each in ":,\\" else each for each in path])
