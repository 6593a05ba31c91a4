"""Ids of nested containers: ``root.child.grandchild``, as Mesos writes them in one text; and where they are."""

# Who calls: containment/, to which an id tells what a container is nested in, and whose bounds on disk hold for the
#   sandboxes of all that was; whoever launches nested ones.
# Source: Mesos include/mesos/v1/mesos.proto (ContainerID), src/common/validation.cpp (validateContainerId).

from .errors import InvalidRequest
from .ids import ContainerID, validate_id

PART = "."  # parts an id from that of its parent
BYTES_MAX = 200  # of a whole id, which is the name of a directory


def nested_id(parent: ContainerID, value: str) -> ContainerID:
    """Return the id of what is called ``value`` in ``parent``.

    Raises: InvalidRequest, if that is no name of a file, has a point or white space in it, or is too long.
    """
    validate_id("container", value)
    if PART in value or any(map(str.isspace, value)):
        raise InvalidRequest(f"container id {value[:80]!r} holds a point or white space; leave it out")
    whole = f"{parent}{PART}{value}"
    if len(whole.encode()) > BYTES_MAX:
        raise InvalidRequest(
            f"container id {whole[:80]!r}... is longer than {BYTES_MAX} bytes with those it is nested in; shorten it"
        )
    return ContainerID(whole)


def parent_of(container_id: ContainerID) -> ContainerID | None:
    """Return what a container is nested in, by its id; None, for one that is nested in nothing."""
    parent, _, _ = container_id.rpartition(PART)
    return ContainerID(parent) if parent else None


def nested_directory(outermost: str) -> str:
    """Return where the sandboxes of all containers are that are nested in the one with the sandbox ``outermost``."""
    return f"{outermost}.containers"
