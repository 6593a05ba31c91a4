"""Nested containers: what the config of one comes to, with what it has of the container that it is in."""

# Who calls: the containerizers, for each launch.
# Source: Mesos src/slave/containerizer/mesos/containerizer.cpp (prepare, launch: ContainerClass::DEBUG).

import msgspec

from mesoslite.model import Conflict, ContainerConfig, ContainerID, FrozenDocument, InvalidRequest

from .asked import asked

_TTY = "tty_info"


def nested_config(config: ContainerConfig, parent: ContainerConfig) -> ContainerConfig:
    """What is launched in ``parent``. Raises: InvalidRequest, if it asks for bounds of its own."""
    if config.limits:
        raise InvalidRequest("launch: a nested container is bounded with what it is in; leave its limits out")
    if not asked(config).message_or_empty("linux_info").boolean("share_cgroups", True):
        raise InvalidRequest(
            "launch: a nested container shares the control groups of what it is in; leave share_cgroups out"
        )
    return msgspec.structs.replace(
        _entering(config, parent) if config.is_debug else config,
        is_checkpointed=config.is_checkpointed and parent.is_checkpointed,
    )


def without_streams(container_id: ContainerID) -> Conflict:
    """What is raised for a container that cannot be attached to."""
    return Conflict(
        f"attach: container {container_id!r} was started without streams; launch it with them, or a tty_info"
    )


def _entering(config: ContainerConfig, parent: ContainerConfig) -> ContainerConfig:
    """Its user, variables and rights are those of what it enters; its terminal is its own."""
    of_parent = {name: value for name, value in asked(parent).values().items() if name != _TTY}
    own = {name: value for name, value in asked(config).values().items() if name == _TTY}
    container = {**of_parent, **own}
    return msgspec.structs.replace(
        config,
        user=config.user or parent.user,
        volumes=(),
        environment=(*parent.environment, *parent.command.environment, *config.environment),
        container=FrozenDocument.of(container) if container else None,
    )
