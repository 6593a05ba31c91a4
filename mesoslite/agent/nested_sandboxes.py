"""Sandboxes of nested containers: beside that of the outermost one, and linked to from that of each one's parent."""

# Who calls: nested.py, inside the agent actor.
# Layout: the sandbox of `root.child.grandchild` is <sandbox of root>.containers/child.grandchild; where Mesos has it,
#   at containers/grandchild in the sandbox of `root.child`, is a link.
# Invariant: no path of a sandbox leads through a directory that is another user's. Who runs in the container around it
#   owns that one's sandbox, and could put a link in the place of any directory there: to have the agent, which is root,
#   make files or remove them elsewhere.
# Source: Mesos src/slave/containerizer/mesos/paths.cpp (getSandboxPath).

import contextlib
import os
from collections.abc import Iterator

from mesoslite.model import ContainerID
from mesoslite.model.container_ids import nested_directory
from mesoslite.model.removal import remove_tree

_SEARCHED = 0o711  # others pass on to their own sandbox
_OPENED = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CONTAINERS = "containers"


def nested_sandbox_path(outermost: str, container_id: ContainerID) -> str:
    """Return where the sandbox of a container is, or will be."""
    return f"{nested_directory(outermost)}/{container_id.partition('.')[2]}"


def make_nested_sandbox(sandbox: str, parent: str) -> None:
    """Make the directory ``sandbox``, and the link to it in that of its parent. Raises: OSError."""
    directory = os.path.dirname(sandbox)
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory)
        os.chmod(directory, _SEARCHED)
    os.mkdir(sandbox)
    target = os.path.relpath(sandbox, f"{parent}/{_CONTAINERS}")
    with contextlib.suppress(OSError), _linked(sandbox, parent, makes=True) as (links, name):
        os.symlink(target, name, dir_fd=links)  # unless something is there, which is that user's business


def remove_nested_sandbox(sandbox: str, parent: str) -> None:
    """Remove the sandbox and what leads there, if there is any. Raises: OSError."""
    with contextlib.suppress(OSError), _linked(sandbox, parent, makes=False) as (links, name):
        os.unlink(name, dir_fd=links)
    with contextlib.suppress(FileNotFoundError):
        remove_tree(sandbox)


@contextlib.contextmanager
def _linked(sandbox: str, parent: str, *, makes: bool) -> Iterator[tuple[int, str]]:
    """The open directory of links in the sandbox ``parent``, and the name of the one to ``sandbox``."""
    above = os.open(parent, _OPENED)
    try:
        if makes:
            with contextlib.suppress(FileExistsError):
                os.mkdir(_CONTAINERS, dir_fd=above)
        links = os.open(_CONTAINERS, _OPENED, dir_fd=above)
    finally:
        os.close(above)
    try:
        yield links, os.path.basename(sandbox).rpartition(".")[2]
    finally:
        os.close(links)
