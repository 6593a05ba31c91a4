"""What tests use of this machine's control groups: groups below a root of their own, which is removed afterwards."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from mesoslite.containment.cgroups.files import KernelFiles
from mesoslite.containment.cgroups.hierarchies import Hierarchy, find_hierarchies
from mesoslite.containment.cgroups.tree import Tree

HIERARCHIES = find_hierarchies(Path("/proc/self/mountinfo").read_text(), KernelFiles().read)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make control groups here")


def hierarchy(controller: str) -> Hierarchy:
    """That of a controller, or ``unified``; the test is skipped where there is none."""
    found = HIERARCHIES.unified if controller == "unified" else HIERARCHIES.by_controller.get(controller)
    if found is None or found.is_read_only or not os.access(found.path, os.W_OK):
        pytest.skip(f"this machine has no control groups of {controller} that can be written")
    return found


@contextlib.contextmanager
def own_root() -> Iterator[str]:
    """The name of a root that no other test has; its groups, all of them empty by then, are removed at the end."""
    name = f"mesoslite-test-{uuid.uuid4().hex}"
    try:
        yield name
    finally:
        trees = {*HIERARCHIES.by_controller.values(), *([HIERARCHIES.unified] if HIERARCHIES.unified else [])}
        for path in [Path(each.path, name) for each in trees]:
            if path.is_dir():
                for below in [below for below in path.iterdir() if below.is_dir()]:
                    Tree(Hierarchy(1, str(path.parent), frozenset()), name).destroy([below.name])
                with contextlib.suppress(OSError):
                    path.rmdir()


@contextlib.contextmanager
def own_tree(controller: str) -> Iterator[Tree]:
    """The tree of a controller below a root of its own."""
    found = hierarchy(controller)
    with own_root() as root:
        tree = Tree(found, root)
        tree.make_root()
        yield tree
