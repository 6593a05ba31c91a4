"""Ids of containers: random UUIDs, as in Mesos; of standalone ones, what calls name them, and a part at random."""

# Who calls: running.py, executors/ and standalone.py, for each container.
# Rejected: str(random_uuid()); the object between takes three times as long as all else of it, for each launch.

import libactor as la
from mesoslite.model import ContainerID, InvalidRequest
from mesoslite.model.container_ids import BYTES_MAX


def new_container_id() -> ContainerID:
    """Return an id that no other container has."""
    digits = la.random_uuid_bytes().hex()
    return ContainerID(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")


def named_container_id(name: ContainerID) -> ContainerID:
    """Return an id that begins with ``name``, and that no other container has. Raises: InvalidRequest, if too long."""
    container_id = ContainerID(f"{name}-{la.random_uuid_bytes().hex()[:16]}")
    if len(container_id.encode()) > BYTES_MAX:
        most = BYTES_MAX - len(container_id.encode()) + len(name.encode())
        raise InvalidRequest(f"container id {name[:80]!r}... is longer than {most} bytes; shorten it")
    return container_id
