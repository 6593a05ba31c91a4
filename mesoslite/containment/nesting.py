"""Nesting: which containers are nested in which, so that none ends before what is in it."""

# Who calls: the containerizers; each container that runs is entered, and those nested ones that have ended and were
#   not removed.
# Invariants: 1. the end of a container is told when that of all that was nested in it has been.    2. nothing is nested
#   in what has ended, or in a debug container.
# Source: Mesos src/slave/containerizer/mesos/containerizer.cpp (launch, destroy).

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mesoslite.model import Conflict, NotFound, parent_of

if TYPE_CHECKING:
    from mesoslite.model import ContainerConfig, ContainerID


@dataclass(slots=True, eq=False)
class _Node:
    """One container; ``config`` is None of one that nobody knows.

    ``inner`` are the nested ones whose end was not told, ``over`` those whose was, and that were not removed.
    """

    container_id: ContainerID
    config: ContainerConfig | None
    parent: _Node | None
    inner: dict[ContainerID, _Node] = field(default_factory=dict)
    over: set[ContainerID] = field(default_factory=set)
    has_ended: bool = False
    is_told: bool = False


class Nesting:
    """The containers of one containerizer; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nodes: dict[ContainerID, _Node] = {}

    def enter(self, config: ContainerConfig) -> ContainerConfig | None:
        """Enter what is to be launched; what it is nested in, None for nothing. Raises: NotFound, Conflict."""
        container_id, wanted = config.container_id, parent_of(config.container_id)
        if wanted is None:
            wanted = config.parent if config.is_debug else None
        with self._lock:
            if container_id in self._nodes:
                raise Conflict(f"launch: there is a container {container_id!r} already; give each an id of its own")
            parent = self._nodes.get(wanted) if wanted is not None else None
            if wanted is not None and (parent is None or parent.has_ended):
                raise NotFound(f"launch: container {container_id!r} was to be nested in {wanted!r}, which does not run")
            if parent is not None and (parent.config is None or parent.config.is_debug):
                raise Conflict(f"launch: nothing can be nested in {wanted!r}, a debug container; name what that is in")
            self._add(container_id, config, parent)
            return parent.config if parent is not None else None

    def restore(self, container_id: ContainerID, config: ContainerConfig | None) -> None:
        """Enter what an earlier life has launched, behind what it is nested in; nobody knows one of no ``config``."""
        outer = parent_of(container_id)
        with self._lock:
            self._add(container_id, config, self._nodes.get(outer) if outer is not None else None)

    def _add(self, container_id: ContainerID, config: ContainerConfig | None, parent: _Node | None) -> None:
        node = self._nodes[container_id] = _Node(container_id, config, parent)
        if parent is not None:
            parent.inner[container_id] = node

    def withdraw(self, container_id: ContainerID) -> list[ContainerID]:
        """It was not launched: whose end may be told therefore, in that order."""
        with self._lock:
            node = self._nodes.pop(container_id)
            if node.parent is None:
                return []
            del node.parent.inner[container_id]
            return self._tell(node.parent)

    def is_doomed(self, container_id: ContainerID) -> bool:
        """Whether what it is nested in has ended, and waits for it."""
        with self._lock:
            node = self._nodes.get(container_id)
            return node is not None and node.parent is not None and node.parent.has_ended

    def living(self, container_id: ContainerID) -> ContainerConfig | None:
        """What a container that runs was to be. Raises: NotFound, if there is none of that id."""
        with self._lock:
            node = self._nodes.get(container_id)
            if node is None or node.has_ended:
                raise NotFound(f"attach: no container {container_id!r} runs here; look up its id")
            return node.config

    def within(self, container_id: ContainerID) -> list[ContainerID]:
        """What is nested in a container, at whatever depth, and has not ended; the innermost first."""
        with self._lock:
            node = self._nodes.get(container_id)
            return [each.container_id for each in reversed(_descendants(node)) if not each.has_ended] if node else []

    def end(self, container_id: ContainerID) -> list[ContainerID]:
        """None of its own processes is left: whose end is to be told now, in that order; none, if it has to wait."""
        with self._lock:
            node = self._nodes[container_id]
            node.has_ended = True
            return self._tell(node)

    def _tell(self, node: _Node | None) -> list[ContainerID]:
        """The end of ``node`` is told, if it has ended and nothing is left in it, and then that of what it was in."""
        told = []
        while node is not None and node.has_ended and not node.inner:
            node.is_told = True
            told.append(node.container_id)
            if node.parent is not None:
                del node.parent.inner[node.container_id]
                if parent_of(node.container_id) is not None:
                    node.parent.over.add(node.container_id)
            node = node.parent
        return told

    def drop(self, container_id: ContainerID) -> list[ContainerID]:
        """Forget all that was nested in a container whose end is told, and itself unless it is nested: what it was."""
        with self._lock:
            node = self._nodes[container_id]
            dropped = sorted(node.over)
            for each in dropped:
                del self._nodes[each]
            node.over.clear()
            if node.parent is None or parent_of(container_id) is None:
                del self._nodes[container_id]
            return dropped

    def forget(self, container_id: ContainerID) -> bool:
        """The id of a nested container is free again; whether it was taken. Raises: Conflict, if it runs still."""
        with self._lock:
            node = self._nodes.get(container_id)
            if node is None:
                return False
            if not node.is_told:
                raise Conflict(f"remove: container {container_id!r} runs, or one that is nested in it; kill it first")
            if node.parent is not None:
                node.parent.over.discard(container_id)
            del self._nodes[container_id]
            return True


def _descendants(node: _Node) -> list[_Node]:
    """``node`` is not among them; who is further out comes first."""
    found = list(node.inner.values())
    for each in found:
        found += each.inner.values()
    return found
