"""FetchedContainer: a container from its launch on, first while its files are fetched, then as one that runs."""

# Who calls: an agent, as a Container; containerizer.py, when it runs, or never will.
# What it is asked for meanwhile: an end ends the fetching; a signal waits for the command.

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import Container, ContainerConfig, ContainerNotices, Termination

    from .fetch import Fetch


class Relay:
    """Passes the notices of a container on, once it is known to whom it belongs, and in their order."""

    def __init__(self, notices: ContainerNotices) -> None:
        self._notices = notices
        self._lock = threading.Lock()
        self._is_open = self._has_started = False
        self._termination: Termination | None = None

    def started(self) -> None:
        """See ContainerNotices; a second time nothing happens."""
        with self._lock:
            if self._has_started or self._termination is not None:
                return
            self._has_started = True
        self._notices.started()

    def ended(self, termination: Termination) -> None:
        """See ContainerNotices."""
        with self._lock:
            self._termination = termination
            is_open = self._is_open
        if is_open:
            self._notices.ended(termination)

    def open(self, has_started: bool) -> None:
        """The launch has returned; what has ended before is told now."""
        with self._lock:
            tells_start = has_started and not self._has_started
            self._has_started = self._has_started or has_started
        if tells_start:
            self._notices.started()
        with self._lock:
            self._is_open = True
            termination = self._termination
        if termination is not None:
            self._notices.ended(termination)


class FetchedContainer:
    """``fetch`` is None until there is one; see model.Container."""

    def __init__(self, config: ContainerConfig, notices: ContainerNotices) -> None:
        self.config = config
        self.notices = notices
        self.fetch: Fetch | None = None
        self.after: list[Callable[[], None]] = []  # to be called when it is not fetched any more
        self._lock = threading.Lock()
        self._container: Container | None = None
        self._orders: list[Callable[[Container], None]] = []
        self.is_asked_to_end = False

    @property
    def pid(self) -> int | None:
        """The process id of the command; None before that has started."""
        return self._container.pid if self._container is not None else None

    @property
    def has_started(self) -> bool:
        """Whether its command runs, or has run."""
        return self._container is not None and self._container.has_started

    @property
    def is_ending(self) -> bool:
        """Whether its command ends, or has ended, or never begins."""
        return self._container.is_ending if self._container is not None else self.is_asked_to_end

    def terminate(self, grace_seconds: float) -> None:
        """See model.Container."""
        self._order(lambda container: container.terminate(grace_seconds), ends=True)

    def kill(self) -> None:
        """See model.Container."""
        self._order(lambda container: container.kill(), ends=True)

    def signal(self, number: int) -> None:
        """See model.Container."""
        self._order(lambda container: container.signal(number), ends=False)

    def attach(self, container: Container) -> None:
        """It has been launched: what it was asked for meanwhile is asked of ``container``."""
        with self._lock:
            self._container = container
            orders, self._orders = self._orders, []
        for order in orders:
            order(container)

    def _order(self, order: Callable[[Container], None], *, ends: bool) -> None:
        with self._lock:
            container = self._container
            if container is None:
                self._orders.append(order)
                self.is_asked_to_end = self.is_asked_to_end or ends
        if container is not None:
            order(container)
        elif ends and self.fetch is not None:
            self.fetch.abort()
