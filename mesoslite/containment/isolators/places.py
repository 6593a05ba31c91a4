"""Places in a directory that somebody else may write to: made without a step through a link that was put in the way."""

# Who calls: filesystem.py, volumes.py and ../volume_links.py, for sandboxes: a task may run in one that a check of it
#   is made ready in.
# Each directory is opened in the one above it, and nothing is done by a path, so nothing can be exchanged in between.
# Source: openat(2), O_NOFOLLOW.

import errno
import os
from collections.abc import Sequence

from mesoslite.containment.script import Place
from mesoslite.model import InvalidRequest

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def make_directory(top: str, path: str, *, owner: tuple[int, int] | None = None, mode: int | None = None) -> Place:
    """Have a directory at ``path`` below ``top``, which is there; return where that is.

    What is new on the way is given to ``owner`` (user, group). ``mode`` is what the last one has then, new or not.
    Raises: InvalidRequest, if something else is there; OSError.
    """
    descriptor = _open(top, path.split("/"), owner)
    try:
        if mode is not None:
            os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)
    return Place(top, path)


def make_file(top: str, path: str) -> Place:
    """Have a file at ``path`` below ``top``, an empty one unless something is there; return where that is."""
    *above, name = path.split("/")
    descriptor = _open(top, above, None)
    try:
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=descriptor))
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)
    return Place(top, path)


def make_link(top: str, path: str, target: str) -> None:
    """Have a link to ``target`` at ``path`` below ``top``.

    What is new on the way is given to the owner of ``top``.
    Raises: InvalidRequest, if something else is there; OSError.
    """
    *above, name = path.split("/")
    owner = os.stat(top)
    descriptor = _open(top, above, (owner.st_uid, owner.st_gid))
    try:
        if _link_target(name, descriptor) == target:
            return
        os.symlink(target, name, dir_fd=descriptor)
    except FileExistsError:
        raise InvalidRequest(f"launch: {path[:200]!r} is in the sandbox already, and no link to {target!r}") from None
    finally:
        os.close(descriptor)


def remove_link(top: str, path: str, target: str) -> None:
    """Remove the link to ``target`` that was made there; nothing happens if it is another, or has gone.

    Raises: as ``make_link``.
    """
    *above, name = path.split("/")
    descriptor = _open(top, above, None)
    try:
        if _link_target(name, descriptor) == target:
            os.unlink(name, dir_fd=descriptor)
    finally:
        os.close(descriptor)


def _link_target(name: str, directory: int) -> str | None:
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError:
        return None  # it is no link, or not there


def _open(top: str, names: Sequence[str], owner: tuple[int, int] | None) -> int:
    descriptor = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in filter(None, names):
            below = _step(descriptor, name, owner, f"{top}/{'/'.join(names)}")
            os.close(descriptor)
            descriptor = below
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _step(descriptor: int, name: str, owner: tuple[int, int] | None, path: str) -> int:
    is_new = True
    try:
        os.mkdir(name, dir_fd=descriptor)
    except FileExistsError:
        is_new = False
    try:
        below = os.open(name, _DIRECTORY, dir_fd=descriptor)
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        raise InvalidRequest(f"launch: {path!r} cannot be made: {name!r} is there, and no directory") from None
    if is_new and owner is not None:
        os.fchown(below, *owner)
    return below
