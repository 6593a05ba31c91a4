"""FetchingContainerizer: has the files of commands fetched before their containers are launched."""

# Who calls: an agent, in its handlers, as its Containerizer; a composition root puts one around each other kind.
# What has URIs is launched when these are there, in the thread that hears of fetchers; the agent is told then that it
#   runs, or how it failed, as of any container that takes its time to start.
# Invariants: 1. one launch or update is made at a time, in whatever thread.    2. the end of a container is told when
#   that of all in it has been whose files were still fetched.    3. what is fetched ends with the agent, however that
#   goes: no container of a fetch that was under way is ever launched.
# Source: Mesos src/slave/containerizer/mesos/containerizer.cpp (fetch, state FETCHING).

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import msgspec

from mesoslite.model import Conflict, InvalidRequest, Reason, Termination

from ..accounts import find_account, give_sandbox, open_output
from ..launch_failures import error_message
from ..relaying import RelayingContainerizer
from .cache import Cache
from .fetch import Fetch
from .fetched_container import FetchedContainer, Relay
from .options import FetcherOptions
from .programs import Outcome, Programs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mesoslite.model import (
        Container,
        ContainerConfig,
        ContainerID,
        Containerizer,
        ContainerNotices,
    )

DEFAULT_OPTIONS = FetcherOptions()
KILLED = Termination(None, Reason.REASON_TASK_KILLED_DURING_LAUNCH, "Killed while its files were fetched")


class FetchingContainerizer(RelayingContainerizer):
    """Has ``containerizer`` do everything, when what a command names by URIs is there: see model.Containerizer.

    ``work_directory`` is that of its agent.
    """

    def __init__(
        self, containerizer: Containerizer, work_directory: str, options: FetcherOptions = DEFAULT_OPTIONS
    ) -> None:
        super().__init__(containerizer)
        self._options = options
        self._programs = Programs(options.fetchers_max)
        self._cache = Cache(options.cache_directory or f"{work_directory}/fetch", options, self._programs)
        self._acting = threading.Lock()  # while the other one launches or changes something
        self._lock = threading.Lock()  # of what follows
        self._fetching: dict[ContainerID, FetchedContainer] = {}
        self._is_closed = False
        self._succeeded = self._failed = 0  # fetches, of which each is of all URIs of a command

    @property
    def figures(self) -> Mapping[str, Callable[[], float]]:
        """What there is to count, by Mesos's names; from any thread."""
        return {
            "task_fetches_succeeded": lambda: self._succeeded,
            "task_fetches_failed": lambda: self._failed,
            "cache_size_total_bytes": lambda: self._options.cache_bytes,
            "cache_size_used_bytes": lambda: self._cache.used_bytes,
        }

    def recover(
        self, known: Sequence[ContainerConfig], notices: Callable[[ContainerID], ContainerNotices]
    ) -> Mapping[ContainerID, Container]:
        """See model.Containerizer.recover: what was being fetched has left no trace."""
        found = super().recover(
            [_fetched(config) for config in known],
            lambda container_id: _Outer(self, container_id, notices(container_id)),
        )
        self._cache.clear()
        return found

    def launch(self, config: ContainerConfig, notices: ContainerNotices) -> Container:
        """See model.Containerizer.launch; what that would raise of a command with URIs may be told as its end."""
        outer = _Outer(self, config.container_id, notices)
        if not config.command.uris:
            with self._acting:
                return super().launch(config, outer)
        if config.is_debug:
            raise InvalidRequest("launch: a debug container has no URIs, for it begins in the sandbox of another one")
        account = find_account(config.user)
        if account is not None:
            give_sandbox(config.sandbox, account)
        container = FetchedContainer(config, outer)
        log = open_output(f"{config.sandbox}/stderr", account)
        container.fetch = Fetch(
            config,
            account.identity if account is not None else None,
            log,
            options=self._options,
            programs=self._programs,
            cache=self._cache,
            done=lambda outcome: self._done(container, outcome),
        )
        with self._lock:  # from here on others may end it
            self._fetching[config.container_id] = container
        container.fetch.begin()
        return container

    def remove(self, container_id: ContainerID) -> None:
        """See model.Containerizer.remove."""
        with self._lock:
            if container_id in self._fetching:
                raise Conflict(f"remove: files of container {container_id!r} are fetched; kill it first")
        super().remove(container_id)

    def update(self, config: ContainerConfig) -> None:
        """See model.Containerizer.update: what is fetched is launched with what holds then."""
        with self._acting:
            with self._lock:
                waiting = self._fetching.get(config.container_id)
                if waiting is not None:
                    waiting.config = msgspec.structs.replace(
                        waiting.config, resources=config.resources, limits=config.limits, volumes=config.volumes
                    )
                    return
            super().update(_fetched(config))

    def detach(self) -> None:
        """See model.Containerizer.detach; what is fetched ends."""
        self._end_fetches()
        super().detach()

    def close(self) -> None:
        """See model.Containerizer.close."""
        self._end_fetches()
        super().close()

    def outer_ended(self, container_id: ContainerID, tell: Callable[[], None]) -> None:
        """The end of a container is to be told by ``tell``, when what was fetched for others in it is given up."""
        inside = f"{container_id}."
        with self._lock:
            inner = [each for key, each in self._fetching.items() if key.startswith(inside)]
            left = len(inner)

            def after() -> None:
                nonlocal left
                with self._lock:
                    left -= 1
                    is_last = not left
                if is_last:
                    tell()

            for each in inner:
                each.after.append(after)
        for each in inner:
            each.kill()
        if not inner:
            tell()

    def _end_fetches(self) -> None:
        with self._lock:
            self._is_closed = True
            fetching = list(self._fetching.values())
        for each in fetching:
            each.kill()
        self._programs.close()

    def _done(self, container: FetchedContainer, outcome: Outcome) -> None:
        """All is fetched, or cannot be, or is not wanted any more: launch it, or say that it has ended."""
        if container.is_asked_to_end or self._is_closed:
            termination: Termination | None = KILLED
        elif outcome.problem is not None:
            with self._lock:
                self._failed += 1
            termination = Termination(None, Reason.REASON_CONTAINER_LAUNCH_FAILED, outcome.problem)
        else:
            with self._lock:
                self._succeeded += 1
            termination = self._launch(container)
        with self._lock:
            after = container.after
            self._fetching.pop(container.config.container_id, None)
        if termination is not None:
            container.notices.ended(termination)
        for call in after:
            call()

    def _launch(self, container: FetchedContainer) -> Termination | None:
        """How it has ended, if it could not be launched."""
        relay = Relay(container.notices)
        with self._acting:
            try:
                launched = super().launch(_fetched(container.config), relay)
            except Exception as error:  # whoever asked for it waits to be told
                return Termination(None, Reason.REASON_CONTAINER_LAUNCH_FAILED, error_message(error))
            with self._lock:
                del self._fetching[container.config.container_id]
        container.attach(launched)
        relay.open(launched.has_started)
        return None


class _Outer:
    """The notices of one container, in which others may be whose files are fetched."""

    def __init__(
        self, containerizer: FetchingContainerizer, container_id: ContainerID, notices: ContainerNotices
    ) -> None:
        self._containerizer = containerizer
        self._container_id = container_id
        self._notices = notices

    def started(self) -> None:
        """See ContainerNotices."""
        self._notices.started()

    def ended(self, termination: Termination) -> None:
        """See ContainerNotices."""
        self._containerizer.outer_ended(self._container_id, lambda: self._notices.ended(termination))


def _fetched(config: ContainerConfig) -> ContainerConfig:
    """As ``config``, with nothing to fetch."""
    if not config.command.uris:
        return config
    return msgspec.structs.replace(config, command=msgspec.structs.replace(config.command, uris=()))
