"""Ids of containers: random UUIDs, as in Mesos."""

# Who calls: running.py and executors/, for each container.
# Rejected: str(random_uuid()); the object between takes three times as long as all else of it, for each launch.

import libactor as la
from mesoslite.model import ContainerID


def new_container_id() -> ContainerID:
    """Return an id that no other container has."""
    digits = la.random_uuid_bytes().hex()
    return ContainerID(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")
