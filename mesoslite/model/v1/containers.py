"""Containers as v1 JSON documents: their ids, what is asked about them, and how they have ended."""

# Who calls: api/ and cli/.
# An id is a text here, those of its parents before it with a dot between; in JSON each is in the next one as `parent`.
# Source: Mesos include/mesos/v1/agent/agent.proto, src/slave/validation.cpp (validateContainerId).

import signal
from collections.abc import Sequence

from ..commands import command_problem
from ..container_calls import LaunchContainer, SignalContainer
from ..container_config import Termination
from ..containers import container_problem
from ..errors import InvalidRequest
from ..fields import Fields
from ..ids import ContainerID, validate_id
from ..resources import NOTHING, Resources
from ..validation_resources import limits_problem, resources_problem
from .commands import decode_command
from .parts import Document, decode_document, decode_limits, encode_resources, encode_wait_status

DEPTH_MAX = 32


def encode_container_id(parts: Sequence[str]) -> Document:
    """Return a ContainerID, of one or more, the outermost first."""
    document: Document = {"value": parts[0]}
    for part in parts[1:]:
        document = {"value": part, "parent": document}
    return document


def encode_container_status(parts: Sequence[str], ip: str) -> Document:
    """Return a ContainerStatus of the container with that id, which is reached at ``ip``, unless that is empty."""
    document: Document = {"container_id": encode_container_id(parts)}
    if ip:
        addresses = [{"protocol": "IPv6" if ":" in ip else "IPv4", "ip_address": ip}]
        document["network_infos"] = [{"ip_addresses": addresses}]
    return document


def decode_container_id(fields: Fields) -> ContainerID:
    """Return a ContainerID. Raises: InvalidRequest."""
    parts: list[str] = []
    level = fields
    while True:
        value = level.text("value")
        try:
            validate_id("container", value)
        except InvalidRequest as error:
            raise level.invalid("value", str(error)) from error
        if "." in value or any(map(str.isspace, value)):
            raise level.invalid("value", f"got {value[:80]!r}; an id of a container holds no dot and no space")
        parts.append(value)
        if not level.has("parent"):
            return ContainerID(".".join(reversed(parts)))
        if len(parts) == DEPTH_MAX:
            raise fields.invalid("parent", f"is nested more than {DEPTH_MAX} deep")
        level = level.message("parent")


def decode_called_id(fields: Fields, *, is_nested: bool) -> ContainerID:
    """Return the id in a call about a container. Raises: InvalidRequest; if it ``is_nested``, also without a parent."""
    body = fields.message("container_id")
    container_id = decode_container_id(body)
    if is_nested and "." not in container_id:
        raise body.invalid("parent", "is missing; it is required")
    return container_id


def decode_launch(fields: Fields, *, is_nested: bool, is_session: bool = False) -> LaunchContainer:
    """Return what the body of a call asks to be launched; ``is_nested`` as above. Raises: InvalidRequest."""
    container_id = decode_called_id(fields, is_nested=is_nested)
    command = decode_command(fields.message("command"))
    problem = command_problem(command)
    if problem is None and is_session and command.uris:
        problem = "has URIs, and begins in the sandbox of its parent; have the command fetch its files"
    if problem is not None:
        raise fields.invalid("command", problem)
    container = decode_document(fields, "container")
    problem = container_problem(container)
    if problem is not None:
        raise fields.invalid("container", problem)
    limits = decode_limits(fields)
    return LaunchContainer(
        container_id=container_id,
        command=command,
        container=container,
        resources=_decode_bounds(fields, limits) if "." not in container_id else NOTHING,
        limits=limits,
        is_session=is_session,
    )


def _decode_bounds(fields: Fields, limits: tuple[tuple[str, float], ...]) -> Resources:
    """The resources of a standalone container. Raises: InvalidRequest, if they, or its limits, can never be."""
    resources = Resources.decode(fields.messages("resources"))
    problem = resources_problem(resources) or limits_problem(limits, resources)
    if problem is None and any(one.kind.persistence for one in resources.others):
        problem = "wants a volume, and only tasks and executors have those; leave it out"
    if problem is not None:
        raise fields.invalid("resources", problem)
    return resources


def decode_kill(fields: Fields, *, is_nested: bool) -> SignalContainer:
    """Return which container is to be sent which signal; ``is_nested`` as above. Raises: InvalidRequest."""
    container_id = decode_called_id(fields, is_nested=is_nested)
    number = fields.whole("signal", int(signal.SIGKILL))
    if not 1 <= number < signal.NSIG:
        raise fields.invalid("signal", f"got {number}, expected the number of a signal")
    return SignalContainer(container_id, number)


def encode_termination(termination: Termination) -> Document:
    """Return how a container has ended, as WAIT_CONTAINER tells it, with its status in the form of wait(2)."""
    document: Document = {}
    if termination.exit_status is not None:
        document["exit_status"] = encode_wait_status(termination.exit_status)
    if termination.reason is not None:
        document |= {"state": "TASK_FAILED", "reason": termination.reason.name}
    if not termination.limited.is_empty:
        document["limitation"] = {"resources": encode_resources(termination.limited)}
    if termination.message:
        document["message"] = termination.message
    return document
